// Files that the page without a server reads and writes itself: OpenPose JSON, and what a PNG says of its picture.

import { Sentence } from "./backend.ts";
import type { Pose } from "./types.ts";

const CERTAIN = 0.05; // joints with a lower confidence are missing

/** The person of an OpenPose JSON file with the most joints; order25: where BODY_25 has each of the skeleton's joints. */
export function readOpenPose(text: string, joints: number, order25: readonly number[]): Pose {
  const people = peopleOf(text).map((person) => personOf(person, joints, order25));
  const seen = people.filter((pose) => pose.some((joint) => joint.visible));
  if (seen.length === 0) throw new Sentence("This file holds no person: give a file in which OpenPose found one.");
  if (seen.every((pose) => pose.every(({ x, y, visible }) => !visible || (Math.abs(x) <= 1 && Math.abs(y) <= 1)))) {
    throw new Sentence("This file holds no pixels but shares of the photo: write it with OpenPose's --keypoint_scale 0.");
  }
  const rank = (pose: Pose) => {
    const rows = pose.filter((joint) => joint.visible).map((joint) => joint.y);
    return rows.length * 1e6 + (Math.max(...rows) - Math.min(...rows)); // of several the tallest
  };
  return seen.reduce((best, pose) => (rank(pose) > rank(best) ? pose : best));
}

function peopleOf(text: string): unknown[] {
  try {
    const { people } = JSON.parse(text.replace(/^\uFEFF/, "")) as { people?: unknown };
    if (Array.isArray(people)) return people as unknown[];
  } catch {
    // told below
  }
  throw new Sentence("This file is no OpenPose JSON file: it should hold an object with a list 'people'.");
}

function personOf(person: unknown, joints: number, order25: readonly number[]): Pose {
  const said = (typeof person === "object" && person !== null ? person : {}) as Record<string, unknown>;
  const values = said["pose_keypoints_2d"] ?? said["pose_keypoints"];
  const whole = Array.isArray(values) && values.every((value) => typeof value === "number" && Number.isFinite(value));
  if (!whole || (values.length !== 3 * joints && values.length !== 75)) {
    throw new Sentence("'pose_keypoints_2d' should be 75 (BODY_25) or 54 (COCO) numbers: write the file with OpenPose's --write_json.");
  }
  const numbers = values as number[];
  const order = numbers.length === 75 ? order25 : Array.from({ length: joints }, (_, joint) => joint);
  return order.map((from) => {
    const [x, y, certain] = numbers.slice(3 * from, 3 * from + 3) as [number, number, number];
    return certain >= CERTAIN ? { x, y, visible: true } : { x: 0, y: 0, visible: false };
  });
}

export function writeOpenPose(pose: Pose): string {
  const numbers = pose.flatMap(({ x, y, visible }) => (visible ? [x, y, 1] : [0, 0, 0]));
  return JSON.stringify({ version: 1.1, people: [{ pose_keypoints_2d: numbers }] }) + "\n";
}

const HEADER = 8 + 25; // bytes of a PNG up to the end of its first chunk, IHDR

/** A PNG with texts about its picture (iTXt chunks after the first chunk). */
export async function withTexts(png: Blob, texts: Readonly<Record<string, string>>): Promise<Blob> {
  const bytes = new Uint8Array(await png.arrayBuffer());
  const chunks = Object.entries(texts).map(([key, text]) => textChunk(key, text));
  return new Blob([bytes.slice(0, HEADER), ...chunks, bytes.slice(HEADER)], { type: "image/png" });
}

function textChunk(key: string, text: string): Uint8Array<ArrayBuffer> {
  const body = new TextEncoder().encode(`iTXt${key}\0\0\0\0\0${text}`);
  const chunk = new Uint8Array(body.length + 8);
  const view = new DataView(chunk.buffer);
  view.setUint32(0, body.length - 4);
  chunk.set(body, 4);
  view.setUint32(body.length + 4, crc32(body));
  return chunk;
}

/** The checksum of PNG (ISO 3309). */
function crc32(bytes: Uint8Array): number {
  let sum = 0xffffffff;
  for (const byte of bytes) {
    sum ^= byte;
    for (let bit = 0; bit < 8; bit += 1) sum = (sum >>> 1) ^ (sum & 1 ? 0xedb88320 : 0);
  }
  return ~sum >>> 0;
}
