// The workers of the page without a server (worker.ts): one makes pictures and finds joints, the other makes files.

import { type Picture, type Renderer, type RendererEvents, Sentence } from "./backend.ts";
import type { PersonWanted } from "./finder.ts";
import type { Pose } from "./types.ts";
import type { Asked, FilmWanted, Made, Wanted } from "./worker.ts";

type Painted = Pick<Picture, "pixels" | "milliseconds">;
type Wish = Parameters<Renderer["want"]>;

/** A worker that is asked for one thing after the other. */
class Helper {
  private readonly worker = new Worker(new URL("worker.js", import.meta.url), { type: "module" });
  private last: Promise<unknown> = Promise.resolve();

  /** What it answers to `wanted`, which is looked up when its turn has come. */
  ask<T extends object>(wanted: () => Asked): Promise<T> {
    const answer = this.last.then(() => this.send<T>(wanted()));
    this.last = answer.catch(() => undefined);
    return answer;
  }

  private async send<T extends object>(wanted: Asked): Promise<T> {
    const answer = await new Promise<T | { error: string }>((resolve) => {
      this.worker.onmessage = (event: MessageEvent<T>) => resolve(event.data);
      this.worker.onerror = (event) => resolve({ error: event.message || "the worker did not start" });
      this.worker.postMessage(wanted);
    });
    if ("error" in answer) {
      throw new Sentence(`The model does not run in this browser (${answer.error}): load the page again, or try another.`);
    }
    return answer;
  }
}

export class Painter {
  private readonly worker = new Helper();

  async paint(wanted: () => Wanted): Promise<Painted> {
    const { pixels, milliseconds, size } = await this.worker.ask<Made>(wanted);
    return { pixels: new ImageData(pixels, size[1], size[0]), milliseconds };
  }

  async find(wanted: PersonWanted): Promise<Pose | null> {
    return (await this.worker.ask<{ pose: Pose | null }>(() => wanted)).pose;
  }
}

/** Has a worker of its own, so that no picture waits; it is there from the start, while there is a network. */
export class Filmer {
  private readonly worker = new Helper();

  async film(wanted: FilmWanted): Promise<Blob> {
    const { file } = await this.worker.ask<{ file: Uint8Array<ArrayBuffer> }>(() => wanted);
    return new Blob([file], { type: "image/gif" });
  }
}

/** Makes pictures of the newest wish; one that comes meanwhile replaces the one that waits. */
export class Latest implements Renderer {
  private waiting: Wish | null = null;
  private busy = false;

  constructor(
    private readonly paint: (photo: Wish[0], model: string, pose: Wish[2]) => Promise<Painted>,
    private readonly events: RendererEvents,
  ) {
    events.connected(false); // until the first picture: the model is loading
  }

  want(...wish: Wish): void {
    this.waiting = wish;
    if (!this.busy) void this.work();
  }

  private async work(): Promise<void> {
    this.busy = true;
    while (this.waiting) {
      const [photo, models, pose, asked] = this.waiting;
      this.waiting = null;
      for (const model of models) {
        try {
          this.events.picture({ model, ...(await this.paint(photo, model, pose)), asked });
          this.events.connected(true);
        } catch (error) {
          const said = error instanceof Sentence ? error.message : "Something went wrong in the page: load it again.";
          this.events.error(said, model);
        }
      }
    }
    this.busy = false;
  }
}
