// What a drag does to a pose. A joint goes where the pointer goes, and what hangs on it comes along.
// Every function takes the pose from before the drag, so that dragging back undoes it.

import type { Box, Point, Pose, Skeleton } from "./types.ts";

/** The joints that hang on a joint, itself included. */
export function subtree(skeleton: Skeleton, joint: number): Set<number> {
  const found = new Set([joint]);
  for (let before = -1; before !== found.size; ) {
    before = found.size;
    skeleton.parents.forEach((parent, child) => {
      if (found.has(parent)) found.add(child);
    });
  }
  return found;
}

/** A joint dragged to a point. With `limbs`, hands and feet bend their limb and other joints carry what hangs on them. */
export function dragJoint(pose: Pose, skeleton: Skeleton, joint: number, to: Point, limbs: boolean): Pose {
  if (!limbs) return pose.map((old, index) => (index === joint ? { ...old, ...to } : old));
  const middle = skeleton.parents[joint]!;
  const start = skeleton.parents[middle] ?? -1;
  const ends = !skeleton.parents.includes(joint);
  if (ends && skeleton.torso.includes(start) && pose[middle]!.visible && pose[start]!.visible) {
    return bend(pose, start, middle, joint, to);
  }
  const carried = subtree(skeleton, joint);
  if (skeleton.parents[joint] === -1) {
    for (const hip of skeleton.torso.slice(0, 2)) for (const leg of subtree(skeleton, hip)) carried.delete(leg);
  }
  return move(pose, to.x - pose[joint]!.x, to.y - pose[joint]!.y, carried);
}

/** The pose shifted; `carried`: only these joints. */
export function move(pose: Pose, dx: number, dy: number, carried?: ReadonlySet<number>): Pose {
  return pose.map((old, index) => (!carried || carried.has(index) ? { ...old, x: old.x + dx, y: old.y + dy } : old));
}

/** The limb from a joint onwards, turned by an angle about the joint that it hangs on. */
export function turnLimb(pose: Pose, skeleton: Skeleton, joint: number, angle: number): Pose {
  const about = pose[skeleton.parents[joint]!]!;
  const [cosine, sine] = [Math.cos(angle), Math.sin(angle)];
  const carried = subtree(skeleton, joint);
  return pose.map((old, index) => {
    if (!carried.has(index)) return old;
    const [dx, dy] = [old.x - about.x, old.y - about.y];
    return { ...old, x: about.x + dx * cosine - dy * sine, y: about.y + dx * sine + dy * cosine };
  });
}

/** The pose stretched from one box to another. */
export function stretch(pose: Pose, from: Box, to: Box): Pose {
  const [sx, sy] = [to.width / (from.width || 1), to.height / (from.height || 1)];
  return pose.map((old) => ({
    ...old,
    x: to.left + (old.x - from.left) * sx,
    y: to.top + (old.y - from.top) * sy,
  }));
}

/** Two bones of a limb so that its end is at `to`; the middle joint stays on its side. Out of reach they stretch. */
function bend(pose: Pose, start: number, middle: number, end: number, to: Point): Pose {
  const [a, b, c] = [pose[start]!, pose[middle]!, pose[end]!];
  let upper = Math.hypot(b.x - a.x, b.y - a.y);
  let lower = Math.hypot(c.x - b.x, c.y - b.y);
  const reach = Math.hypot(to.x - a.x, to.y - a.y);
  if (reach < 1e-6 || upper + lower < 1e-6) return pose.map((old, i) => (i === end ? { ...old, ...to } : old));
  if (reach > upper + lower) {
    const longer = reach / (upper + lower);
    [upper, lower] = [upper * longer, lower * longer];
  } else if (reach < Math.abs(upper - lower)) {
    if (upper > lower) upper = reach + lower;
    else lower = reach + upper;
  }
  const cosine = upper < 1e-6 ? 1 : (upper ** 2 + reach ** 2 - lower ** 2) / (2 * upper * reach);
  const side = (b.x - a.x) * (c.y - a.y) - (b.y - a.y) * (c.x - a.x) > 0 ? -1 : 1;
  const along = upper * Math.min(1, Math.max(-1, cosine));
  const across = side * Math.sqrt(Math.max(0, upper ** 2 - along ** 2));
  const [ux, uy] = [(to.x - a.x) / reach, (to.y - a.y) / reach];
  const bent = { x: a.x + along * ux - across * uy, y: a.y + along * uy + across * ux };
  return pose.map((old, i) => (i === middle ? { ...old, ...bent } : i === end ? { ...old, ...to } : old));
}
