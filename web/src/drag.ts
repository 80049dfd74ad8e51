// What a drag does to a pose. A joint goes where the pointer goes, and what hangs on it comes along.
// Every function takes the pose from before the drag, so that dragging back undoes it.

import { bounds } from "./pose.ts";
import type { Box, Joint, Point, Pose, Skeleton } from "./types.ts";

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

const TURN = Math.PI / 720; // how finely a turn is looked for that leaves no joint outside

/** A joint dragged to a point of `view`. With `limbs`, hands and feet bend their limb and other joints carry what hangs on
 * them; what is carried stops at the edge of `view`. */
export function dragJoint(pose: Pose, skeleton: Skeleton, joint: number, to: Point, limbs: boolean, view: Box): Pose {
  if (!limbs) return pose.map((old, index) => (index === joint ? { ...old, ...to } : old));
  const middle = skeleton.parents[joint]!;
  const start = skeleton.parents[middle] ?? -1;
  const ends = !skeleton.parents.includes(joint);
  if (ends && skeleton.torso.includes(start) && pose[middle]!.visible && pose[start]!.visible) {
    return bend(pose, start, middle, joint, to).map((one, i) =>
      i === middle && isIn(pose[i]!, view) ? { ...one, ...nearestIn(one, view) } : one,
    );
  }
  const carried = subtree(skeleton, joint);
  if (skeleton.parents[joint] === -1) {
    for (const hip of skeleton.torso.slice(0, 2)) for (const leg of subtree(skeleton, hip)) carried.delete(leg);
  }
  const inside = bounds(pose.filter((one, index) => carried.has(index) && isIn(one, view)));
  const { x, y } = pose[joint]!;
  if (!inside) return move(pose, to.x - x, to.y - y, carried);
  const [right, bottom] = [view.left + view.width - 1 - inside.width, view.top + view.height - 1 - inside.height];
  const dx = Math.min(right - inside.left, Math.max(view.left - inside.left, to.x - x));
  const dy = Math.min(bottom - inside.top, Math.max(view.top - inside.top, to.y - y));
  return move(pose, dx, dy, carried);
}

/** The nearest point inside a part of the photo. */
function nearestIn({ x, y }: Point, { left, top, width, height }: Box): Point {
  return { x: Math.min(left + width - 1, Math.max(left, x)), y: Math.min(top + height - 1, Math.max(top, y)) };
}

/** Whether a joint is seen in that part of the photo, to a hundredth of a pixel. */
function isIn(joint: Joint, view: Box): boolean {
  const near = nearestIn(joint, view);
  return joint.visible && Math.hypot(near.x - joint.x, near.y - joint.y) < 0.01;
}

/** The pose shifted; `carried`: only these joints. */
export function move(pose: Pose, dx: number, dy: number, carried?: ReadonlySet<number>): Pose {
  return pose.map((old, index) => (!carried || carried.has(index) ? { ...old, x: old.x + dx, y: old.y + dy } : old));
}

/** The limb from a joint onwards, turned about the joint that it hangs on by the angle, or by the nearest one that takes
 * none of its joints out of `view`. */
export function turnLimb(pose: Pose, skeleton: Skeleton, joint: number, angle: number, view: Box): Pose {
  const stays = (turned: Pose) => turned.every((to, index) => !isIn(pose[index]!, view) || isIn(to, view));
  for (let off = 0; off <= Math.PI; off += TURN) {
    for (const near of [angle - off, angle + off]) {
      const turned = turn(pose, skeleton, joint, near);
      if (stays(turned)) return turned;
    }
  }
  return pose;
}

function turn(pose: Pose, skeleton: Skeleton, joint: number, angle: number): Pose {
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
