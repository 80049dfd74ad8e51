// The part of a photo that a model sees, cut out and resized as posegan does it on the server
// (posegan/data/folder.py, inference/framing.py), for the page without one.

import { bounds } from "./pose.ts";
import type { Box, Pose, Size, Skeleton } from "./types.ts";

/** The pose with every joint outside the frame hidden. */
export function inside(pose: Pose, { width, height }: Size): Pose {
  const within = (value: number, size: number) => value > -0.5 && value < size - 0.5;
  return pose.map((joint) => ({ ...joint, visible: joint.visible && within(joint.x, width) && within(joint.y, height) }));
}

/** The box around a person that is cut to a model's size; null if no joint is visible. margin: of the torso's length. */
export function personBox(pose: Pose, photo: Size, size: Size, skeleton: Skeleton, margin: number): Box | null {
  if (photo.width === size.width && photo.height === size.height) return { left: 0, top: 0, ...size };
  const joints = bounds(pose);
  if (!joints) return null;
  const free = margin * Math.max(torsoLength(pose, skeleton), 0.3 * Math.max(joints.width, joints.height));
  const [width, height] = [joints.width + 1 + 2 * free, joints.height + 1 + 2 * free];
  const high = Math.max(height, width * (size.height / size.width));
  const extent = [high * (size.width / size.height), high].map((length) => Math.max(roundEven(length), 1));
  const along = (low: number, length: number, wanted: number, frame: number) => {
    const corner = roundEven((low + low + length + 1 - wanted) / 2);
    return wanted <= frame ? Math.min(Math.max(corner, 0), frame - wanted) : corner;
  };
  return {
    left: along(joints.left, joints.width, extent[0]!, photo.width),
    top: along(joints.top, joints.height, extent[1]!, photo.height),
    width: extent[0]!,
    height: extent[1]!,
  };
}

function torsoLength(pose: Pose, skeleton: Skeleton): number {
  const [a, b, c, d] = skeleton.torso.map((joint) => pose[joint]!);
  if (![a, b, c, d].every((joint) => joint!.visible)) return 0;
  return Math.hypot((a!.x + b!.x - c!.x - d!.x) / 2, (a!.y + b!.y - c!.y - d!.y) / 2);
}

/** The whole pixels of a photo that a box touches. */
export function touched(box: Box, photo: Size): Box {
  const [left, top] = [box.left, box.top].map((value) => Math.max(Math.floor(value), 0)) as [number, number];
  const right = Math.min(Math.ceil(box.left + box.width), photo.width);
  const bottom = Math.min(Math.ceil(box.top + box.height), photo.height);
  return { left, top, width: right - left, height: bottom - top };
}

/** A pose of the photo in the frame that its box is cut to. */
export function toFrame(pose: Pose, box: Box, size: Size): Pose {
  return pose.map((joint) => ({
    ...joint,
    x: ((joint.x - box.left + 0.5) * size.width) / box.width - 0.5,
    y: ((joint.y - box.top + 0.5) * size.height) / box.height - 0.5,
  }));
}

/** The photo's box at a model's size, as the model takes it: (3, H, W) in [-1, 1]. Parts outside the photo are filled
 * with the median colour of its edge. */
export function cut(photo: ImageData, box: Box, size: Size): Float32Array {
  return Float32Array.from(shrink(photo, box, size), (value) => (value * 2) / 255 - 1);
}

/** The same as bytes. */
export function shrink(photo: ImageData, box: Box, size: Size): Uint8ClampedArray<ArrayBuffer> {
  const made = new Uint8ClampedArray(3 * size.height * size.width);
  const [columns, rows] = [weights(box.width, size.width), weights(box.height, size.height)];
  for (let channel = 0; channel < 3; channel += 1) {
    const plane = planeOf(photo, box, channel);
    const narrow = resizeRows(plane, box.width, box.height, columns);
    const small = transpose(resizeRows(transpose(narrow, box.height), box.height, size.width, rows), size.width);
    made.set(small, channel * size.height * size.width); // it clips and rounds, halves to the even neighbour
  }
  return made;
}

function planeOf(photo: ImageData, box: Box, channel: number): Float32Array {
  const { width, height, data } = photo;
  const plane = new Float32Array(box.width * box.height).fill(edgeColour(photo, channel));
  for (let y = Math.max(box.top, 0); y < Math.min(box.top + box.height, height); y += 1) {
    for (let x = Math.max(box.left, 0); x < Math.min(box.left + box.width, width); x += 1) {
      plane[(y - box.top) * box.width + x - box.left] = data[4 * (y * width + x) + channel]!;
    }
  }
  return plane;
}

/** The lower median of one channel of the photo's outermost pixels, its corners counted twice. */
function edgeColour({ width, height, data }: ImageData, channel: number): number {
  const at = (x: number, y: number) => data[4 * (y * width + x) + channel]!;
  const edge: number[] = [];
  for (let x = 0; x < width; x += 1) edge.push(at(x, 0), at(x, height - 1));
  for (let y = 0; y < height; y += 1) edge.push(at(0, y), at(width - 1, y));
  edge.sort((a, b) => a - b);
  return edge[Math.floor((edge.length - 1) / 2)]!;
}

interface Tap {
  readonly first: number;
  readonly weights: readonly number[];
}

/** Weights of a resize with a triangle filter, as wide as a new pixel when it gets smaller: bilinear, antialiased. */
function weights(old: number, wanted: number): Tap[] {
  const scale = old / wanted;
  const reach = Math.max(scale, 1);
  return Array.from({ length: wanted }, (_, i) => {
    const centre = scale * (i + 0.5);
    const first = Math.max(Math.floor(centre - reach + 0.5), 0);
    const end = Math.min(Math.floor(centre + reach + 0.5), old);
    const taps = Array.from({ length: end - first }, (_, j) => Math.max(0, 1 - Math.abs((j + first - centre + 0.5) / reach)));
    const sum = taps.reduce((a, b) => a + b, 0);
    return { first, weights: taps.map((weight) => weight / sum) };
  });
}

function resizeRows(plane: Float32Array, width: number, height: number, taps: readonly Tap[]): Float32Array {
  const made = new Float32Array(taps.length * height);
  for (let y = 0; y < height; y += 1) {
    taps.forEach(({ first, weights }, x) => {
      let sum = 0;
      weights.forEach((weight, j) => (sum += weight * plane[y * width + first + j]!));
      made[y * taps.length + x] = sum;
    });
  }
  return made;
}

/** A plane of that many rows with rows and columns exchanged. */
function transpose(plane: Float32Array, rows: number): Float32Array {
  const columns = plane.length / rows;
  const made = new Float32Array(plane.length);
  for (let y = 0; y < rows; y += 1) for (let x = 0; x < columns; x += 1) made[x * rows + y] = plane[y * columns + x]!;
  return made;
}

/** Halves to the even neighbour, as torch rounds. */
export function roundEven(value: number): number {
  const down = Math.floor(value);
  if (value - down !== 0.5) return Math.round(value);
  return down % 2 === 0 ? down : down + 1;
}
