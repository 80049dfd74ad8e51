// Plays a sequence of poses in a loop, in real time: when pictures are slow, frames are left out, not late.

import type { Pose } from "./types.ts";

export class Player {
  private timer = 0;
  private last = -1;

  constructor(private readonly show: (pose: Pose) => void) {}

  get playing(): boolean {
    return this.timer !== 0;
  }

  play(frames: readonly Pose[], seconds: number): void {
    this.stop();
    const start = performance.now();
    this.last = -1;
    const step = () => {
      const index = Math.floor((((performance.now() - start) / 1000 / seconds) % 1) * frames.length);
      if (index !== this.last) this.show(frames[index]!);
      this.last = index;
      this.timer = requestAnimationFrame(step);
    };
    this.timer = requestAnimationFrame(step);
  }

  stop(): void {
    cancelAnimationFrame(this.timer);
    this.timer = 0;
  }
}
