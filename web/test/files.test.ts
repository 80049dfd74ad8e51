import assert from "node:assert/strict";
import { test } from "node:test";
import { inside, personBox, toFrame } from "../src/crop.ts";
import { readOpenPose, withTexts, writeOpenPose } from "../src/files.ts";
import type { Pose } from "../src/types.ts";
import { body, standing } from "./skeleton.ts";

const order = Array.from({ length: standing.length }, (_, joint) => joint + 1); // as if BODY_25 had one more in front

function person(pose: Pose, shift = 0): Record<string, number[]> {
  return { pose_keypoints_2d: pose.flatMap(({ x, y, visible }) => [x + shift, y, visible ? 0.9 : 0]) };
}

test("an OpenPose file gives back the pose it was written from", () => {
  const pose = standing.map((joint, i) => (i === 3 ? { x: 0, y: 0, visible: false } : joint));
  assert.deepEqual(readOpenPose(writeOpenPose(pose), pose.length, order), pose);
});

test("of several people the one with the most joints is taken, of BODY_25 the joints we know", () => {
  const few = standing.map((joint, i) => ({ ...joint, visible: i < 4 }));
  const text = JSON.stringify({ people: [person(few), person(standing, 100)] });
  assert.equal(readOpenPose(text, standing.length, order)[0]!.x, standing[0]!.x + 100);
  const wide = { pose_keypoints_2d: Array.from({ length: 75 }, (_, i) => (i % 3 === 2 ? 1 : i + 2)) };
  assert.deepEqual(readOpenPose(JSON.stringify({ people: [wide] }), standing.length, order)[0], { x: 5, y: 6, visible: true });
});

test("what is no such file is told in a sentence", () => {
  const short = JSON.stringify({ people: [{ pose_keypoints_2d: [1, 2, 3] }] });
  const nobody = JSON.stringify({ people: [person(standing.map((joint) => ({ ...joint, visible: false })))] });
  const shares = JSON.stringify({ people: [person(standing.map((joint) => ({ ...joint, x: 0.5, y: 0.25 })))] });
  for (const [text, sentence] of [["{", /no OpenPose/], ["[]", /no OpenPose/], [short, /75/], [nobody, /no person/], [shares, /keypoint_scale/]] as const) {
    assert.throws(() => readOpenPose(text, standing.length, order), sentence);
  }
});

test("texts of a PNG stand in chunks after the first one, with their checksums", async () => {
  const png = new Uint8Array(60).map((_, i) => i);
  const made = new Uint8Array(await (await withTexts(new Blob([png]), { a: "ü" })).arrayBuffer());
  assert.deepEqual(made.slice(0, 33), png.slice(0, 33));
  assert.deepEqual(made.slice(-27), png.slice(33));
  const chunk = made.slice(33, -27);
  assert.equal(new DataView(chunk.buffer).getUint32(0), chunk.length - 12);
  assert.equal(new TextDecoder().decode(chunk.slice(4, -4)), "iTXta\0\0\0\0\0ü");
  assert.equal(new DataView(chunk.buffer).getUint32(chunk.length - 4), 0x3f84b13a); // zlib.crc32 of Python
});

test("a photo of the model's size is its own box, another is cut to the model's aspect", () => {
  const size = { width: 64, height: 128 };
  assert.deepEqual(personBox(standing, size, size, body, 0.3), { left: 0, top: 0, ...size });
  const box = personBox(standing, { width: 400, height: 300 }, size, body, 0.3)!;
  assert.ok(Math.abs(box.height / box.width - 2) < 0.05);
  const placed = toFrame(standing, box, size);
  assert.ok(inside(placed, size).every((joint) => joint.visible));
  assert.equal(personBox(standing.map((joint) => ({ ...joint, visible: false })), { width: 9, height: 9 }, size, body, 0.3), null);
});
