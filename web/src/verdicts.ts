// What is said of the pictures, in words: asked for when a pose has come to rest, forgotten as soon as it moves again.

import type { Backend } from "./backend.ts";
import { Rest } from "./rest.ts";
import type { Photo, Pose } from "./types.ts";

export class Verdicts {
  private readonly rest = new Rest(350); // milliseconds

  constructor(
    private readonly backend: Backend,
    private readonly show: (model: string, sentences: readonly string[]) => void,
  ) {}

  /** A new pose: whatever was said is about another picture. */
  forget(models: readonly string[]): void {
    this.rest.move();
    for (const model of models) this.show(model, []);
  }

  /** The pose may stay: ask, unless another one comes. */
  soon(photo: Photo, models: readonly string[], pose: Pose): void {
    this.rest.wait((signal) => this.ask(photo, models, pose, signal));
  }

  private async ask(photo: Photo, models: readonly string[], pose: Pose, signal: AbortSignal): Promise<void> {
    for (const model of models) {
      // No verdict is no fault that stops anybody: the picture is there.
      const sentences = await this.backend.judge(photo, model, pose, signal).catch(() => []);
      if (signal.aborted) return;
      this.show(model, sentences);
    }
  }
}
