import assert from "node:assert/strict";
import { test } from "node:test";
import { History } from "../src/history.ts";
import { blend, bounds, centre, fromFrame, mirror, placeHidden, rescale, standingIn, swapSides, withVisible } from "../src/pose.ts";
import { thereAndBack } from "../src/player.ts";
import { body, standing } from "./skeleton.ts";

test("mirroring or swapping twice gives the pose back, and neither moves the person", () => {
  for (const change of [mirror, swapSides]) {
    const twice = change(change(standing, body), body);
    twice.forEach((joint, i) => assert.ok(Math.hypot(joint.x - standing[i]!.x, joint.y - standing[i]!.y) < 1e-9));
    assert.deepEqual(centre(change(standing, body), body), centre(standing, body));
  }
  assert.deepEqual(swapSides(standing, body)[1], standing[4]);
  assert.deepEqual(mirror(standing, body)[1]!.x, standing[1]!.x); // a symmetric body stays put, sides and all
});

test("a frame's pixel areas, not its centres, are laid on the box", () => {
  const corner = [{ x: -0.5, y: 127.5, visible: true }];
  assert.deepEqual(fromFrame(corner, { width: 64, height: 128 }, { left: 10, top: 20, width: 128, height: 256 }), [
    { x: 9.5, y: 275.5, visible: true },
  ]);
  assert.deepEqual(rescale(corner, { width: 64, height: 128 }, { width: 32, height: 64 }), [
    { x: -0.5, y: 63.5, visible: true },
  ]);
});

test("a blend begins and ends at its poses", () => {
  const other = mirror(standing, body).map((joint) => ({ ...joint, y: joint.y + 9 }));
  assert.deepEqual(blend(standing, other, 0), standing);
  assert.deepEqual(blend(standing, other, 1), other);
  assert.equal(blend(standing, other, 0.5)[0]!.y, standing[0]!.y + 4.5);
});

test("hidden joints do not count for the box, and get a place beside their parent", () => {
  const hidden = withVisible(standing, 6, false);
  assert.equal(bounds(hidden)!.height, 52);
  const placed = placeHidden(hidden.map((joint) => (joint.visible ? joint : { ...joint, x: 0, y: 0 })), body);
  assert.equal(placed[6]!.visible, false);
  assert.ok(Math.hypot(placed[6]!.x - placed[5]!.x, placed[6]!.y - placed[5]!.y) < 5);
  assert.equal(bounds(standing.map((joint) => ({ ...joint, visible: false }))), null);
});

test("a person of whom nothing is known stands upright in the middle of the photo, the same on both sides", () => {
  const pose = standingIn({ width: 400, height: 200 }, standing, { width: 100, height: 100 }, body);
  const box = bounds(pose)!;
  assert.ok(box.top >= 0 && box.top + box.height < 200);
  assert.ok(Math.abs(centre(pose, body).x - 199.5) < 1);
  mirror(pose, body).forEach((joint, i) => assert.ok(Math.hypot(joint.x - pose[i]!.x, joint.y - pose[i]!.y) < 1e-9));
});

test("the way there and back begins at one pose and turns at the other", () => {
  const other = standing.map((joint) => ({ ...joint, x: joint.x + 10 }));
  const { frames } = thereAndBack(standing, other);
  assert.deepEqual(frames[0], standing);
  assert.ok(Math.abs(frames[frames.length / 2]![0]!.x - other[0]!.x) < 1e-9);
});

test("history goes back and forth, and quick changes of one kind are one step", () => {
  const history = new History<number>(0, Object.is);
  history.put(1);
  history.put(2, "arrow", 1000);
  history.put(3, "arrow", 1100);
  history.put(4, "arrow", 9000);
  const undone: number[] = [];
  for (const step of [() => history.undo(), () => history.undo(), () => history.redo()]) {
    assert.ok(step());
    undone.push(history.now);
  }
  assert.deepEqual(undone, [3, 1, 3]);
  history.put(7);
  assert.equal(history.canRedo, false);
  assert.ok(history.undo() && history.undo() && history.undo());
  assert.equal(history.now, 0);
  assert.equal(history.undo(), false);
});
