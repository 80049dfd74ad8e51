import assert from "node:assert/strict";
import { test } from "node:test";
import { History } from "../src/history.ts";
import { equal, withVisible } from "../src/pose.ts";
import { standing } from "./skeleton.ts";

test("what changes nothing is no step, and what was undone stays", () => {
  const history = new History(standing, equal);
  history.put(standing.map((joint) => ({ ...joint, x: joint.x + 1e-6 })));
  assert.equal(history.canUndo, false);
  history.put(withVisible(standing, 3, false));
  assert.ok(history.undo());
  history.put([...standing]);
  assert.ok(history.canRedo);
  assert.ok(history.redo());
  assert.equal(history.now[3]!.visible, false);
});
