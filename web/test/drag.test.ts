import assert from "node:assert/strict";
import { test } from "node:test";
import { dragJoint, move, stretch, subtree, turnLimb } from "../src/drag.ts";
import type { Pose } from "../src/types.ts";
import { body, standing } from "./skeleton.ts";

const ALL = { left: -1000, top: -1000, width: 2000, height: 2000 };
const [NECK, SHOULDER, ELBOW, WRIST, HIP, KNEE, NOSE] = [0, 1, 2, 3, 5, 6, 8];

function length(pose: Pose, a: number, b: number): number {
  return Math.hypot(pose[a]!.x - pose[b]!.x, pose[a]!.y - pose[b]!.y);
}

function changed(pose: Pose): number[] {
  return pose.flatMap((joint, i) => (Math.hypot(joint.x - standing[i]!.x, joint.y - standing[i]!.y) > 1e-9 ? [i] : []));
}

test("a subtree is the joint and all that hangs on it", () => {
  assert.deepEqual([...subtree(body, SHOULDER)].sort(), [1, 2, 3]);
  assert.deepEqual([...subtree(body, WRIST)], [3]);
  assert.equal(subtree(body, NECK).size, 10);
});

test("a joint alone goes to the pointer and nothing else moves", () => {
  const pose = dragJoint(standing, body, ELBOW, { x: 1, y: 2 }, false, ALL);
  assert.deepEqual(pose[ELBOW], { x: 1, y: 2, visible: true });
  assert.deepEqual(changed(pose), [ELBOW]);
});

test("a hand within reach bends its arm and keeps both lengths", () => {
  for (const to of [{ x: 20, y: 30 }, { x: 45, y: 40 }, { x: 38, y: 59 }, { x: 40, y: 0 }]) {
    const pose = dragJoint(standing, body, WRIST, to, true, ALL);
    assert.ok(Math.hypot(pose[WRIST]!.x - to.x, pose[WRIST]!.y - to.y) < 1e-9);
    assert.ok(Math.abs(length(pose, SHOULDER, ELBOW) - length(standing, SHOULDER, ELBOW)) < 1e-6);
    assert.ok(Math.abs(length(pose, ELBOW, WRIST) - length(standing, ELBOW, WRIST)) < 1e-6);
    assert.ok(changed(pose).every((joint) => joint === ELBOW || joint === WRIST));
  }
});

test("the elbow stays on its side, and a drag of no distance changes nothing", () => {
  const still = dragJoint(standing, body, WRIST, standing[WRIST]!, true, ALL);
  assert.ok(Math.hypot(still[ELBOW]!.x - standing[ELBOW]!.x, still[ELBOW]!.y - standing[ELBOW]!.y) < 1e-6);
});

test("a hand out of reach, or in the shoulder, is still where the pointer is", () => {
  for (const to of [{ x: -80, y: -40 }, { x: 40, y: 20 }, { x: 40.5, y: 20.2 }]) {
    const pose = dragJoint(standing, body, WRIST, to, true, ALL);
    assert.ok(Math.hypot(pose[WRIST]!.x - to.x, pose[WRIST]!.y - to.y) < 1e-9);
    assert.ok(pose.every((joint) => Number.isFinite(joint.x) && Number.isFinite(joint.y)));
  }
});

test("an elbow carries its forearm, a hip its leg, the neck all but the legs", () => {
  assert.deepEqual(changed(dragJoint(standing, body, ELBOW, { x: 30, y: 30 }, true, ALL)), [ELBOW, WRIST]);
  assert.deepEqual(changed(dragJoint(standing, body, HIP, { x: 30, y: 70 }, true, ALL)), [HIP, KNEE]);
  assert.deepEqual(changed(dragJoint(standing, body, NECK, { x: 55, y: 25 }, true, ALL)), [0, 1, 2, 3, 4, 8, 9]);
  assert.deepEqual(changed(dragJoint(standing, body, NOSE, { x: 55, y: 5 }, true, ALL)), [NOSE]);
});

test("a limb with a hidden middle joint moves at its end only", () => {
  const pose = standing.map((joint, i) => (i === ELBOW ? { ...joint, visible: false } : joint));
  assert.deepEqual(changed(dragJoint(pose, body, WRIST, { x: 20, y: 30 }, true, ALL)), [WRIST]);
});

test("a turned limb keeps its lengths and its root", () => {
  const pose = turnLimb(standing, body, ELBOW, Math.PI / 2, ALL);
  assert.deepEqual(changed(pose), [ELBOW, WRIST]);
  assert.ok(Math.abs(length(pose, SHOULDER, ELBOW) - length(standing, SHOULDER, ELBOW)) < 1e-9);
  assert.ok(Math.abs(length(pose, SHOULDER, WRIST) - length(standing, SHOULDER, WRIST)) < 1e-9);
});

test("moving and stretching go back the way they came", () => {
  assert.deepEqual(move(move(standing, 3, 4), -3, -4), standing);
  const [from, to] = [{ left: 0, top: 0, width: 10, height: 20 }, { left: 5, top: 5, width: 30, height: 10 }];
  const back = stretch(stretch(standing, from, to), to, from);
  assert.ok(changed(back).length === 0);
});

test("what a drag turns or carries stays in the picture", () => {
  const view = { left: 20, top: 0, width: 60, height: 100 };
  const seen = (pose: Pose) => pose.every(({ x, y }) => x > 19.9 && x < 79.1 && y > -0.1 && y < 99.1);
  for (let angle = -Math.PI; angle < Math.PI; angle += 0.1) {
    const pose = turnLimb(standing, body, SHOULDER, angle, view);
    assert.ok(seen(pose), `${angle}`);
    assert.ok(Math.abs(length(pose, SHOULDER, WRIST) - length(standing, SHOULDER, WRIST)) < 1e-6);
  }
  const free = turnLimb(standing, body, ELBOW, 0.4, ALL); // the hand is still inside: it is turned as asked
  assert.deepEqual(turnLimb(standing, body, ELBOW, 0.4, view), free);
  const stopped = turnLimb(standing, body, ELBOW, 1.6, view); // as far as it goes
  assert.ok(stopped[WRIST]!.x < 20.2 && stopped[WRIST]!.y < 60);
  for (const [joint, to] of [[ELBOW, { x: 50, y: 95 }], [NECK, { x: 70, y: 5 }], [WRIST, { x: 22, y: 22 }]] as const) {
    assert.ok(seen(dragJoint(standing, body, joint, to, true, view)), `${joint}`);
  }
  const carried = dragJoint(standing, body, ELBOW, { x: 50, y: 95 }, true, view);
  assert.ok(Math.abs(carried[WRIST]!.y - 99) < 1e-9 && Math.abs(carried[ELBOW]!.x - 50) < 1e-9);
});

test("a joint that is outside already holds nothing up", () => {
  const view = { left: 39, top: 0, width: 40, height: 100 }; // elbow and wrist are outside
  const turned = turnLimb(standing, body, SHOULDER, 0.1, view);
  assert.deepEqual(turned[ELBOW], turnLimb(standing, body, SHOULDER, 0.1, ALL)[ELBOW]);
});
