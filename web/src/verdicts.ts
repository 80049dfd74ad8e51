// What is said of the pictures, in words: asked for when a pose has come to rest, forgotten as soon as it moves again.

import type { Backend } from "./backend.ts";
import type { Photo, Pose } from "./types.ts";

const REST = 350; // milliseconds without a new pose

export class Verdicts {
  private timer = 0;
  private asked = 0; // counts the poses; answers to older ones are dropped

  constructor(
    private readonly backend: Backend,
    private readonly show: (model: string, sentences: readonly string[]) => void,
  ) {}

  /** A new pose: whatever was said is about another picture. */
  forget(models: readonly string[]): void {
    window.clearTimeout(this.timer);
    this.asked += 1;
    for (const model of models) this.show(model, []);
  }

  /** The pose may stay: ask, unless another one comes. */
  soon(photo: Photo, models: readonly string[], pose: Pose): void {
    this.timer = window.setTimeout(() => void this.ask(photo, models, pose, this.asked), REST);
  }

  private async ask(photo: Photo, models: readonly string[], pose: Pose, asked: number): Promise<void> {
    for (const model of models) {
      // No verdict is no fault that stops anybody: the picture is there.
      const sentences = await this.backend.judge(photo, model, pose).catch(() => []);
      if (asked !== this.asked) return;
      this.show(model, sentences);
    }
  }
}
