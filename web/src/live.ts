// The WebSocket on which poses go to the server and pictures come back.

import { type Renderer, type RendererEvents, Sentence } from "./backend.ts";
import { MISSING } from "./http.ts";
import type { Keeper } from "./keeper.ts";
import type { Photo, Pose } from "./types.ts";
import { type Pair, toTriples } from "./wire.ts";

interface Wish {
  readonly photo: Photo;
  readonly models: readonly string[];
  readonly pose: Pose;
}

interface Refusal {
  readonly error: string;
  readonly status?: number;
  readonly model?: string;
}

interface PictureHead {
  number: number;
  model: string;
  size: Pair;
  milliseconds: number;
}

/** The WebSocket; it comes back by itself, and then asks for the newest pose again. */
export class LiveSocket implements Renderer {
  private socket: WebSocket | null = null;
  private newest: Wish | null = null;
  private number = 0;
  private first = 0; // number of the first wish for the newest photo: pictures of earlier ones come too late
  private tried: Photo | null = null; // was given to the server again since the last picture
  private readonly asked = new Map<number, number>();
  private restoring = false;
  private pause = 500;

  constructor(
    private readonly events: RendererEvents,
    private readonly keeper: Keeper,
  ) {
    this.open();
  }

  want(photo: Photo, models: readonly string[], pose: Pose, asked: number): void {
    this.number += 1;
    this.asked.set(this.number, asked);
    if (photo.id !== this.newest?.photo.id) this.first = this.number;
    this.newest = { photo, models, pose };
    this.send();
  }

  private send(): void {
    if (this.newest === null || this.socket?.readyState !== WebSocket.OPEN) return;
    const { photo, models, pose } = this.newest;
    this.socket.send(JSON.stringify({ number: this.number, ...this.keeper.person(photo), models, pose: toTriples(pose) }));
  }

  private open(): void {
    const socket = new WebSocket(new URL("/api/live", location.href.replace(/^http/, "ws")));
    socket.binaryType = "arraybuffer";
    socket.onopen = () => {
      this.pause = 500;
      this.tried = null; // it may be another server
      this.events.connected(true);
      this.send();
    };
    socket.onmessage = (event: MessageEvent<string | ArrayBuffer>) => this.read(event.data);
    socket.onclose = (event) => {
      this.events.connected(false);
      if (event.reason) this.events.error(event.reason);
      window.setTimeout(() => this.open(), this.pause);
      this.pause = Math.min(2 * this.pause, 5000);
    };
    this.socket = socket;
  }

  private read(data: string | ArrayBuffer): void {
    if (typeof data === "string") {
      this.fail(JSON.parse(data) as Refusal);
      return;
    }
    const length = new DataView(data).getUint32(0);
    const head = new TextDecoder().decode(new Uint8Array(data, 4, length));
    const { number, model, size, milliseconds } = JSON.parse(head) as PictureHead;
    const pixels = new ImageData(new Uint8ClampedArray(data, 4 + length), size[1], size[0]);
    const asked = this.asked.get(number) ?? performance.now();
    for (const old of this.asked.keys()) if (old < number) this.asked.delete(old);
    this.tried = null;
    if (number >= this.first) this.events.picture({ model, pixels, milliseconds, asked });
  }

  /** Show why there is no picture, unless the server lacks the photo and has not been given it again yet. */
  private fail({ error, status, model }: Refusal): void {
    const photo = this.newest?.photo;
    if (status !== MISSING || !photo || (this.tried === photo && !this.restoring)) this.events.error(error, model);
    else if (!this.restoring) void this.restore(photo);
  }

  private async restore(photo: Photo): Promise<void> {
    [this.tried, this.restoring] = [photo, true];
    try {
      await this.keeper.restore(photo);
    } catch (error) {
      if (error instanceof Sentence) this.events.error(error.message);
    }
    this.restoring = false;
    this.send();
  }
}
