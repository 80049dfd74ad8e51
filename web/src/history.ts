// Undo and redo of one value. Changes with the same label that follow each other at once count as one, and what changes
// nothing is no step.

const TOGETHER = 700; // milliseconds between key presses that are undone in one go
const KEPT = 200;

export class History<T> {
  private past: T[] = [];
  private future: T[] = [];
  private label = "";
  private time = -Infinity;

  constructor(
    private value: T,
    private readonly equal: (a: T, b: T) => boolean,
  ) {}

  get now(): T {
    return this.value;
  }

  get canUndo(): boolean {
    return this.past.length > 0;
  }

  get canRedo(): boolean {
    return this.future.length > 0;
  }

  /** Change the value; with a label, changes in quick succession are one step. */
  put(value: T, label = "", time = performance.now()): void {
    if (this.equal(value, this.value)) return;
    const same = label !== "" && label === this.label && time - this.time < TOGETHER;
    if (!same) this.past.push(this.value);
    if (this.past.length > KEPT) this.past.shift();
    this.future = [];
    this.value = value;
    [this.label, this.time] = [label, time];
  }

  undo(): boolean {
    return this.step(this.past, this.future);
  }

  redo(): boolean {
    return this.step(this.future, this.past);
  }

  private step(from: T[], to: T[]): boolean {
    const value = from.pop();
    if (value === undefined) return false;
    to.push(this.value);
    this.value = value;
    this.label = "";
    return true;
  }
}
