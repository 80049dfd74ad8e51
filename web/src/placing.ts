// Another person's pose for the photo's person, where that person stands: what posegan does on the server
// (posegan/pose/retarget.py, inference/targets.py, app/placing.py), for the page without one. Its numbers are told.

import type { Box, Joint, Point, Pose } from "./types.ts";

/** What the server's code says of bodies; the six limbs are torso, head, upper arm, forearm, thigh, shin. */
export interface BodyRules {
  readonly share: readonly number[]; // length of each limb in those of `upright`, of the average body
  readonly spread: readonly number[];
  readonly noise: readonly number[];
  readonly foreshortening: readonly number[];
  readonly upright: readonly number[]; // the limbs that a standing person's height is made of
  readonly hips: readonly number[];
  readonly neck: readonly number[];
  readonly ankles: readonly number[];
  readonly face: readonly number[];
  readonly pairs: readonly (readonly (readonly [number, number])[])[]; // joints of the last four limbs, both sides
  readonly tree: readonly (readonly [number, readonly number[], number | null])[];
  readonly crown: number; // of a body's height, from the highest joint of the face to the top of the head
  readonly smallest: number; // of the height, at most so much smaller is made whose head would leave the photo
  readonly edge: number; // of the picture's height, kept free between the outermost joints and its edge
}

interface Build {
  readonly lengths: readonly number[];
  readonly height: number;
}

interface Sum extends Point {
  readonly seen: boolean;
}

/** The poses of one person put where the person of `source` stands; what does not fit into the box is made smaller. */
export function placeIn(box: Box, poses: readonly Pose[], source: Pose, rules: BodyRules): Pose[] {
  const placed = placeOn(poses, source, rules);
  const seen = placed.flat().filter((joint) => joint.visible);
  if (seen.length === 0) return placed;
  const [xs, ys] = [seen.map((joint) => joint.x), seen.map((joint) => joint.y)];
  const [left, right, top, bottom] = [Math.min(...xs), Math.max(...xs), Math.min(...ys), Math.max(...ys)];
  const edge = rules.edge * box.height;
  const first = { x: box.left + edge, y: box.top + edge };
  const last = { x: box.left + box.width - 1 - edge, y: box.top + box.height - 1 - edge };
  const scale = Math.min(1, (last.x - first.x) / Math.max(right - left, 1), (last.y - first.y) / Math.max(bottom - top, 1));
  const foot = { x: (left + right) / 2, y: bottom };
  const move = (from: number, low: number, high: number, start: number, end: number) => {
    const [a, b] = [from + (low - from) * scale, from + (high - from) * scale];
    return Math.max(start - a, 0) - Math.max(b - end, 0);
  };
  const [dx, dy] = [move(foot.x, left, right, first.x, last.x), move(foot.y, top, bottom, first.y, last.y)];
  const moved = (joint: Pose[number]) => ({
    x: foot.x + (joint.x - foot.x) * scale + dx,
    y: foot.y + (joint.y - foot.y) * scale + dy,
    visible: joint.visible,
  });
  return placed.map((pose) => pose.map((joint) => (joint.visible ? moved(joint) : joint)));
}

/** The same, as tall as the photo's person, on whose feet they stand. */
export function placeOn(poses: readonly Pose[], source: Pose, rules: BodyRules): Pose[] {
  const own = estimateBuild(poses, rules);
  const wanted = estimateBuild([source], rules);
  const known = own.height > 0 && wanted.height > 0;
  const scale = known ? wanted.height / own.height : 1;
  const scaled = poses.map((pose) => {
    const made = known ? retarget(pose, own, wanted, rules) : pose;
    return made.map((joint) => ({ ...joint, x: joint.x * scale, y: joint.y * scale }));
  });
  const dx = gap(scaled, source, [rules.hips, rules.neck], "x", rules);
  const dy = gap(scaled, source, [rules.ankles, rules.hips, rules.neck], "y", rules);
  const there = scaled.map((pose) =>
    pose.map((joint) => (joint.visible ? { ...joint, x: joint.x + dx, y: joint.y + dy } : joint)),
  );
  return belowTheTop(there, source, rules.crown * wanted.height, rules);
}

/** Poses made smaller above their feet, if their heads rise above a photo that shows the source's. */
function belowTheTop(poses: readonly Pose[], source: Pose, crown: number, rules: BodyRules): Pose[] {
  const [foot] = shown(source, rules.ankles).sort((a, b) => b.y - a.y);
  const faces = [source, ...poses].map((pose) => Math.min(...shown(pose, rules.face).map((joint) => joint.y)));
  const [own, face] = [faces[0]!, Math.min(...faces.slice(1))];
  if (!foot || !Number.isFinite(own) || !Number.isFinite(face)) return [...poses];
  const highest = Math.max(Math.min(own, crown), 0);
  const fits = (foot.y - highest) / Math.max(foot.y - face, 1);
  const factor = Math.min(Math.max(fits, rules.smallest), 1);
  const near = ({ x, y, visible }: Joint) => ({ x: foot.x + (x - foot.x) * factor, y: foot.y + (y - foot.y) * factor, visible });
  return poses.map((pose) => pose.map((joint) => (joint.visible ? near(joint) : joint)));
}

function shown(pose: Pose, joints: readonly number[]): Joint[] {
  return joints.map((joint) => pose[joint]!).filter((joint) => joint.visible);
}

/**
 * How far to move along an axis for the first anchor that both have to coincide. Of the ankles the lowest of each pose
 * counts, of several poses the median of these.
 */
function gap(moving: readonly Pose[], fixed: Pose, anchors: (readonly number[])[], axis: "x" | "y", rules: BodyRules): number {
  for (const joints of [...anchors, fixed.map((_, joint) => joint)]) {
    const [goal, start] = [[fixed], moving].map((poses) => {
      const places = poses.map((pose) => shown(pose, joints).map((joint) => joint[axis])).filter(({ length }) => length > 0);
      if (places.length === 0) return null;
      const lowest = places.map((values) => Math.max(...values)).sort((a, b) => a - b);
      const values = places.flat();
      return joints === rules.ankles ? lowest[(lowest.length - 1) >> 1]! : total(values) / values.length;
    });
    if (goal != null && start != null) return goal - start;
  }
  return 0;
}

/** The one person's build that is seen in all poses; see estimate_build of the server's code for the reasoning. */
function estimateBuild(poses: readonly Pose[], rules: BodyRules): Build {
  const found = poses.map((pose) => deviations(pose, rules)).filter(({ scale }) => scale > 0);
  const mean = (values: number[]) => total(values) / Math.max(values.length, 1);
  const scale = mean(found.map((one) => one.scale));
  const lengths = rules.share.map((share, limb) => scale * share * Math.exp(mean(found.map((one) => one.own[limb]!))));
  return { lengths, height: total(rules.upright.map((limb) => lengths[limb]!)) };
}

function deviations(pose: Pose, rules: BodyRules): { scale: number; own: number[] } {
  const seen = seenLengths(pose, rules);
  const all = seen.map((_, limb) => limb).filter((limb) => seen[limb]! > 0);
  const standing = all.filter((limb) => rules.upright.includes(limb));
  const counted = standing.length > 0 ? standing : all;
  const share = total(counted.map((limb) => rules.share[limb]!));
  const scale = total(counted.map((limb) => seen[limb]!)) / Math.max(share, 1e-6);
  const own = seen.map((length, limb) => {
    if (!(length > 0)) return 0;
    const surprise = Math.log(Math.max(length / Math.max(scale * rules.share[limb]!, 1e-6), 1e-6));
    const [spread, noise] = [rules.spread[limb]! ** 2, rules.noise[limb]! ** 2];
    const mean = -surprise - (spread + noise) / rules.foreshortening[limb]!;
    const deviation = Math.sqrt(spread + noise);
    return (spread / (spread + noise)) * (surprise + mean + deviation * mills(mean / deviation));
  });
  return { scale, own };
}

/** The normal density over the normal distribution function. */
function mills(z: number): number {
  return Math.sqrt(2 / Math.PI) / erfcx(-z / Math.SQRT2);
}

/** exp(x^2) erfc(x), by erfc's continued fraction for large x and by its Maclaurin series for small. */
function erfcx(x: number): number {
  if (x < 0) return 2 * Math.exp(x * x) - erfcx(-x);
  if (x < 2) {
    let [term, sum] = [x, x];
    for (let n = 1; n < 60; n += 1) {
      term *= (-x * x) / n;
      sum += term / (2 * n + 1);
    }
    return Math.exp(x * x) * (1 - (2 / Math.sqrt(Math.PI)) * sum);
  }
  let fraction = x;
  for (let n = 60; n > 0; n -= 1) fraction = x + n / 2 / fraction;
  return 1 / (Math.sqrt(Math.PI) * fraction);
}

function seenLengths(pose: Pose, rules: BodyRules): number[] {
  const [hips, face, neck] = [middle(pose, rules.hips), middle(pose, rules.face), middle(pose, rules.neck)];
  const between = (a: Sum, b: Sum) => (a.seen && b.seen ? Math.hypot(a.x - b.x, a.y - b.y) : 0);
  const limbs = rules.pairs.map((sides) =>
    Math.max(...sides.map(([a, b]) => between(middle(pose, [a]), middle(pose, [b])))),
  );
  return [between(neck, hips), between(face, neck), ...limbs];
}

function middle(pose: Pose, joints: readonly number[]): Sum {
  const there = joints.map((joint) => pose[joint]!).filter((joint) => joint.visible);
  const count = Math.max(there.length, 1);
  const [x, y] = [total(there.map((joint) => joint.x)) / count, total(there.map((joint) => joint.y)) / count];
  return { x, y, seen: there.length > 0 };
}

/** A pose of one build as another holds it: limbs keep their directions and take the other's share of the height. */
function retarget(pose: Pose, own: Build, wanted: Build, rules: BodyRules): Pose {
  const ratio = wanted.lengths.map((length, limb) => ((length / own.lengths[limb]!) * own.height) / wanted.height);
  const old: Sum[] = [...pose.map(({ x, y, visible }) => ({ x, y, seen: visible })), middle(pose, rules.hips)];
  const made: Sum[] = [...old];
  for (const [joint, anchors, limb] of rules.tree) {
    const factor = limb === null ? 1 : ratio[limb]!;
    const anchor = anchors.find((candidate) => old[candidate]!.seen);
    if (anchor === undefined) continue;
    const [from, to, at] = [old[anchor]!, old[joint]!, made[anchor]!];
    made[joint] = { x: at.x + factor * (to.x - from.x), y: at.y + factor * (to.y - from.y), seen: to.seen };
  }
  return pose.map((joint, index) => ({ x: made[index]!.x, y: made[index]!.y, visible: joint.visible }));
}

function total(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0);
}
