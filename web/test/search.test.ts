import assert from "node:assert/strict";
import { test } from "node:test";
import { bounds } from "../src/pose.ts";
import {
  findPerson, gridOfWindows, type Look, middleWindows, type SearchRules, windowAround, type Window,
} from "../src/search.ts";
import type { Pose, Size } from "../src/types.ts";
import { standing } from "./skeleton.ts";

// What these windows are in Python is compared in tests/browser/test_exported_page.py; these numbers are of no photo.
const rules: SearchRules = {
  height: 200, widest: 8, threshold: 0.5, least: 0.4, sure: 0.6, closer: 3, rounds: 2, batch: 10,
  windows: { aspect: 0.5, room: 1.2, wide: 1.8, steps: [0.2, 0.15], heights: [0.6, 1, 1.25], out: 0.1, middle: [0.8, 1], limits: [0.5, 2] },
};

/** Somebody who is seen as surely as a window holds them well: wholly, and not too small. */
function world(person: Pose | null): { look: Look; looks: { count: number; mirrored: readonly boolean[] }[] } {
  const looks: { count: number; mirrored: readonly boolean[] }[] = [];
  const nowhere = standing.map((joint) => ({ ...joint, visible: false }));
  const look: Look = async (windows, mirrored) => {
    looks.push({ count: windows.length, mirrored });
    return windows.map((window) => {
      const box = person && bounds(person)!;
      const held = box && box.left > window.left && box.top > window.top && box.left + box.width < window.left + window.height / 2 &&
        box.top + box.height < window.top + window.height;
      return held ? { pose: person, score: box.height / window.height } : { pose: nowhere, score: 0.01 };
    });
  };
  return { look, looks };
}

function standingAt(left: number, top: number, height: number): Pose {
  const box = bounds(standing)!;
  const scale = height / box.height;
  return standing.map((joint) => ({ ...joint, x: left + (joint.x - box.left) * scale, y: top + (joint.y - box.top) * scale }));
}

test("a person in the middle is found without looking elsewhere, at last in a mirror too", async () => {
  const person = standingAt(70, 20, 150);
  const { look, looks } = world(person);
  assert.equal(await findPerson(look, { width: 200, height: 200 }, rules), person);
  assert.deepEqual(looks.map(({ count }) => count), [3, 3, 3, 1]);
  assert.deepEqual(looks.at(-1)!.mirrored, [false, true]);
  assert.ok(looks.slice(0, -1).every(({ mirrored }) => mirrored.length === 1 && !mirrored[0]));
});

test("a person at the edge of a wide photo is found, in batches", async () => {
  const person = standingAt(720, 60, 120);
  const { look, looks } = world(person);
  assert.equal(await findPerson(look, { width: 800, height: 200 }, rules), person);
  assert.ok(Math.max(...looks.map(({ count }) => count)) === rules.batch);
});

test("where nobody is, nobody is found", async () => {
  assert.equal(await findPerson(world(null).look, { width: 300, height: 200 }, rules), null);
});

test("somebody of whom it is less sure than the least is nobody", async () => {
  const person = standingAt(70, 20, 150);
  assert.equal(await findPerson(world(person).look, { width: 200, height: 200 }, { ...rules, least: 0.95 }), null);
});

test("windows reach everywhere and over the edge", () => {
  for (const size of [{ width: 110, height: 200 }, { width: 900, height: 200 }] satisfies Size[]) {
    const windows = gridOfWindows(size, rules);
    const right = (window: Window) => window.left + window.height / 2;
    assert.equal(Math.min(...windows.map(({ left }) => left)), -20);
    assert.ok(Math.abs(Math.max(...windows.map(right)) - (size.width + 20)) < 1e-9);
    assert.deepEqual([...new Set(windows.map(({ height }) => height))], [120, 200, 250]);
    for (let x = 0; x <= size.width; x += 5) assert.ok(windows.some((window) => window.left <= x && x <= right(window)));
  }
});

test("windows over the middle are centred, one as wide as the photo", () => {
  assert.deepEqual(middleWindows({ width: 80, height: 200 }, rules), [
    { left: 0, top: 20, height: 160 },
    { left: -10, top: 0, height: 200 },
    { left: 0, top: 20, height: 160 },
  ]);
});

test("a window around a person has them in its middle, and room", () => {
  const { left, top, height } = windowAround(standing, rules);
  const box = bounds(standing)!;
  assert.ok(Math.abs(height - (1.2 * Math.max(box.height, 1.8 * box.width) + 1)) < 1e-9);
  assert.ok(Math.abs(left + height / 4 - 0.5 - (box.left + box.width / 2)) < 1e-9);
  assert.ok(Math.abs(top + height / 2 - 0.5 - (box.top + box.height / 2)) < 1e-9);
  assert.equal(windowAround(standing.map((joint) => ({ ...joint, visible: false })), rules).height, 1);
});
