// One background for all frames of a motion, as posegan makes it on the server (posegan/inference/animate.py and
// matte.py, pose/mask.py), for the page without one. Its numbers are told.

import type { Frame } from "./gif.ts";
import type { Joints } from "./worker.ts";

export interface MatteRules {
  readonly limbs: readonly (readonly [number, number])[]; // joints between which a body is
  readonly sides: readonly (readonly [number, number])[]; // hip and shoulder
  readonly growth: number; // of the torso's length around bones
  readonly feather: number; // of the torso's length: standard deviation of the soft edge
  readonly closing: number; // pixels by which gaps are closed from each side
  readonly clearest: number; // one frame in so many, those in which a pixel shows least of the person
}

const ROUNDING = 1e-4; // pixels: edges belong to a rectangle

/** Frames of a person in poses, all before what is behind the person; size: height and width. */
export function steady(frames: readonly Frame[], poses: readonly Joints[], [height, width]: readonly [number, number], rules: MatteRules): Frame[] {
  const shares = matte(poses, height, width, rules);
  const plate = behind(frames, shares, rules.clearest);
  return frames.map((frame, number) => {
    const share = shares[number]!;
    return frame.map((value, i) => plate[i]! + share[i >> 2]! * (value - plate[i]!));
  });
}

/** The share of each pixel that belongs to the person: 1 inside, 0 far outside. */
export function matte(poses: readonly Joints[], height: number, width: number, rules: MatteRules): Float32Array[] {
  const scales = poses.map((pose) => torso(pose, rules)).filter((scale) => scale > 0);
  const length = scales.length > 0 ? scales.reduce((a, b) => a + b) / scales.length : 0.25 * height;
  const radius = (rules.growth + rules.feather) * length; // the edge is blurred outwards: the body is grown by the blur
  const taps = gaussian(Math.max(rules.feather * length, 0.5));
  return poses.map((pose) => blur(closed(body(pose, height, width, radius, rules), height, width, rules.closing), height, width, taps));
}

function torso({ xy, visible }: Joints, { sides }: MatteRules): number {
  const squares = sides.flatMap(([hip, shoulder]) =>
    visible[hip] && visible[shoulder] ? [(xy[2 * hip]! - xy[2 * shoulder]!) ** 2 + (xy[2 * hip + 1]! - xy[2 * shoulder + 1]!) ** 2] : [],
  );
  return squares.length > 0 ? Math.sqrt(squares.reduce((a, b) => a + b) / squares.length) : 0;
}

/** 1 in rectangles between joints and discs around them. */
function body({ xy, visible }: Joints, height: number, width: number, radius: number, { limbs }: MatteRules): Uint8Array {
  const made = new Uint8Array(height * width);
  const fill = (x: number, y: number, reach: number, within: (dx: number, dy: number) => boolean) => {
    for (let row = Math.max(0, Math.floor(y - reach)); row <= Math.min(height - 1, y + reach); row += 1) {
      for (let column = Math.max(0, Math.floor(x - reach)); column <= Math.min(width - 1, x + reach); column += 1) {
        if (within(column - x, row - y)) made[row * width + column] = 1;
      }
    }
  };
  for (const [a, b] of limbs) {
    if (!visible[a] || !visible[b]) continue;
    const [vx, vy] = [xy[2 * b]! - xy[2 * a]!, xy[2 * b + 1]! - xy[2 * a + 1]!];
    const length = Math.hypot(vx, vy);
    if (length <= ROUNDING) continue;
    const [ux, uy] = [vx / length, vy / length];
    const within = (dx: number, dy: number) =>
      Math.abs(dx * ux + dy * uy) <= length / 2 + ROUNDING && Math.abs(dx * uy - dy * ux) <= radius + ROUNDING;
    fill(xy[2 * a]! + vx / 2, xy[2 * a + 1]! + vy / 2, length / 2 + radius + 1, within);
  }
  visible.forEach((seen, joint) => {
    if (seen) fill(xy[2 * joint]!, xy[2 * joint + 1]!, radius + 1, (dx, dy) => dx * dx + dy * dy < radius * radius);
  });
  return made;
}

/** Gaps closed: grown and shrunk again by a square; beyond the frame nothing counts. */
function closed(mask: Uint8Array, height: number, width: number, reach: number): Uint8Array {
  const flip = (given: Uint8Array) => given.map((value) => 1 - value);
  const grow = (given: Uint8Array) => {
    const along = (from: Uint8Array, step: number, place: (i: number) => number, size: number) =>
      from.map((value, i) => {
        for (let shift = -reach; shift <= reach && !value; shift += 1) {
          const at = place(i) + shift;
          if (at >= 0 && at < size) value = from[i + shift * step]!;
        }
        return value;
      });
    return along(along(given, 1, (i) => i % width, width), width, (i) => Math.floor(i / width), height);
  };
  return flip(grow(flip(grow(mask))));
}

function gaussian(sigma: number): number[] {
  const reach = Math.round(3 * sigma + 0.5);
  const taps = Array.from({ length: 2 * reach + 1 }, (_, i) => Math.exp(-0.5 * ((i - reach) / sigma) ** 2));
  const sum = taps.reduce((a, b) => a + b);
  return taps.map((tap) => tap / sum);
}

/** Under a Gaussian, edges repeated. */
function blur(mask: Uint8Array, height: number, width: number, taps: readonly number[]): Float32Array {
  const reach = (taps.length - 1) / 2;
  const along = (from: ArrayLike<number>, step: number, place: (i: number) => number, size: number) =>
    Float32Array.from(from, (_, i) => {
      const at = place(i);
      let sum = 0;
      for (let tap = 0; tap < taps.length; tap += 1) {
        const near = Math.min(Math.max(at + tap - reach, 0), size - 1);
        sum += taps[tap]! * from[i + (near - at) * step]!;
      }
      return sum;
    });
  return along(along(mask, 1, (i) => i % width, width), width, (i) => Math.floor(i / width), height);
}

/** What is behind the person: at every pixel the lower median of the frames that have least of the person there. */
function behind(frames: readonly Frame[], shares: readonly Float32Array[], clearest: number): Frame {
  const made = new Uint8ClampedArray(frames[0]!.length);
  const count = Math.max(1, Math.floor(frames.length / clearest));
  const order = frames.map((_, number) => number);
  for (let pixel = 0; pixel < made.length / 4; pixel += 1) {
    order.sort((a, b) => shares[a]![pixel]! - shares[b]![pixel]! || a - b);
    for (let channel = 0; channel < 4; channel += 1) {
      const values = order.slice(0, count).map((number) => frames[number]![4 * pixel + channel]!);
      values.sort((a, b) => a - b);
      made[4 * pixel + channel] = values[Math.floor((count - 1) / 2)]!;
    }
  }
  return made;
}
