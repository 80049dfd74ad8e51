import assert from "node:assert/strict";
import { test } from "node:test";
import { fileName, stem } from "../src/names.ts";

test("a file name says what it is of, without odd characters", () => {
  assert.equal(stem("IMG 2041 (1).final.JPG"), "IMG-2041-1-.final");
  assert.equal(stem("Zoë.png"), "Zoë");
  assert.equal(stem("../..."), null);
  assert.equal(fileName(["me", "arms-up", "mine (2)"], "png"), "me-arms-up-mine-2.png");
  assert.ok(fileName(["x".repeat(999), "pose"], "json").length < 80);
});
