// Plays a sequence of poses in a loop, in real time: when pictures are slow, frames are left out, not late.

import { blend } from "./pose.ts";
import type { Motion, Pose } from "./types.ts";

const FRAMES = 32; // of the way from one pose to another and back
const SECONDS = 2.4;

/** The way from one pose to another and back, slow at both ends. */
export function thereAndBack(from: Pose, to: Pose): Motion {
  const share = (frame: number) => 0.5 - 0.5 * Math.cos((2 * Math.PI * frame) / FRAMES);
  return { frames: Array.from({ length: FRAMES }, (_, frame) => blend(from, to, share(frame))), seconds: SECONDS };
}

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
