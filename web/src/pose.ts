// What can be done with a whole pose: moving it between frames, mirroring, blending. Dragging is in drag.ts.

import type { Box, Joint, Point, Pose, Size, Skeleton } from "./types.ts";

const NOTHING = 1e-3; // pixels; less is rounding

/** Whether two poses show the same, with hidden joints in the same places. */
export function equal(a: Pose, b: Pose): boolean {
  const near = (one: Joint, other: Joint) => Math.hypot(one.x - other.x, one.y - other.y) < NOTHING;
  return a.length === b.length && a.every((joint, i) => joint.visible === b[i]!.visible && near(joint, b[i]!));
}

/** The box around the joints that count, null if none does. */
export function bounds(pose: Pose): Box | null {
  const seen = pose.filter((joint) => joint.visible);
  if (seen.length === 0) return null;
  const [xs, ys] = [seen.map((joint) => joint.x), seen.map((joint) => joint.y)];
  const [left, top] = [Math.min(...xs), Math.min(...ys)];
  return { left, top, width: Math.max(...xs) - left, height: Math.max(...ys) - top };
}

/** A pose in pixels of a frame of `size`, in pixels of the photo whose `box` the frame shows. */
export function fromFrame(pose: Pose, size: Size, box: Box): Pose {
  const [sx, sy] = [box.width / size.width, box.height / size.height];
  return pose.map((joint) => ({
    ...joint,
    x: box.left + (joint.x + 0.5) * sx - 0.5,
    y: box.top + (joint.y + 0.5) * sy - 0.5,
  }));
}

/** A pose of a photo of `old` size in the pixels of the same photo at a `wanted` size. */
export function rescale(pose: Pose, old: Size, wanted: Size): Pose {
  return fromFrame(pose, old, { ...wanted, left: 0, top: 0 });
}

/** The mirrored person, in the same place: left joints become right ones. */
export function mirror(pose: Pose, skeleton: Skeleton): Pose {
  const axis = centre(pose, skeleton).x;
  return swapSides(pose, skeleton).map((joint) => ({ ...joint, x: 2 * axis - joint.x }));
}

/** Left joints become right ones where they are: mends a person who was taken to face the other way. */
export function swapSides(pose: Pose, skeleton: Skeleton): Pose {
  return skeleton.flip.map((joint) => pose[joint]!);
}

/** The middle of the torso, or of the whole person without one. */
export function centre(pose: Pose, skeleton: Skeleton): Point {
  const torso = skeleton.torso.map((joint) => pose[joint]!).filter((joint) => joint.visible);
  const used = torso.length > 0 ? torso : pose.filter((joint) => joint.visible);
  const sum = used.reduce((total, joint) => ({ x: total.x + joint.x, y: total.y + joint.y }), { x: 0, y: 0 });
  return { x: sum.x / (used.length || 1), y: sum.y / (used.length || 1) };
}

/** The pose on the way from one to another, share 0 to 1. */
export function blend(from: Pose, to: Pose, share: number): Pose {
  return from.map((a, index) => {
    const b = to[index]!;
    if (!a.visible || !b.visible) return share < 0.5 ? a : b;
    return { x: a.x + (b.x - a.x) * share, y: a.y + (b.y - a.y) * share, visible: true };
  });
}

/** The same pose with one joint shown or hidden. */
export function withVisible(pose: Pose, joint: number, visible: boolean): Pose {
  return pose.map((old, index) => (index === joint ? { ...old, visible } : old));
}

/** Give hidden joints a place beside the joint they hang on; files say nothing of where they are. */
export function placeHidden(pose: Pose, skeleton: Skeleton): Pose {
  const aside = 0.05 * (bounds(pose)?.height ?? 0);
  const placed = new Map<number, Joint>();
  const place = (joint: number): Joint => {
    const known = placed.get(joint);
    if (known) return known;
    const old = pose[joint]!;
    const parent = skeleton.parents[joint]!;
    const left = skeleton.flip[joint]! < joint; // of a pair, the right joint comes first
    const at = old.visible || parent < 0 ? old : place(parent);
    const made = old.visible || parent < 0 ? old : { x: at.x + (left ? aside : -aside), y: at.y, visible: false };
    placed.set(joint, made);
    return made;
  };
  return pose.map((_, joint) => place(joint));
}

const FILLED = 0.94; // of the photo, by a person of whom nothing is known

/** A pose of a frame of `frame` size, made the same on both sides, in the middle of a photo of `size`. */
export function standingIn(size: Size, pose: Pose, frame: Size, skeleton: Skeleton): Pose {
  const whole = placeHidden(pose, skeleton);
  const height = FILLED * Math.min(size.height, (size.width * frame.height) / frame.width);
  const width = (height * frame.width) / frame.height;
  const box = { left: (size.width - width) / 2, top: (size.height - height) / 2, width, height };
  return fromFrame(blend(whole, mirror(whole, skeleton), 0.5), frame, box);
}
