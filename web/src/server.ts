// The server of `posegan serve` as a Backend: JSON over HTTP, pictures over a WebSocket.

import { type Backend, type Renderer, type RendererEvents, Sentence, type Told } from "./backend.ts";
import type { Box, Library, Motion, Photo, Pose, Size, Skeleton } from "./types.ts";
import {
  fromTriples, type LibraryAnswer, type ModelAnswer, type Pair, type Quad, type SkeletonAnswer, toBoxes, toLibrary,
  toModels, toSize, toSkeleton, toTriples, type Triple,
} from "./wire.ts";

interface PhotoAnswer {
  photo: string;
  size: Pair;
  original: Pair;
  pose: Triple[] | null;
  boxes: Record<string, Quad> | null;
}

interface PictureHead {
  number: number;
  model: string;
  size: Pair;
  milliseconds: number;
}

export class Server implements Backend {
  readonly inPhoto = async (photo: Photo, model: string, pose: Pose, signal: AbortSignal): Promise<Blob> =>
    (await sendAny("POST", "/api/in-photo", wanted(photo, model, pose), signal)).blob();

  async skeleton(): Promise<Skeleton> {
    return toSkeleton(await getJson<SkeletonAnswer>("/api/skeleton"));
  }

  async models(): Promise<Told> {
    type Answer = { version: string; models: ModelAnswer[]; detector: string | null; photos: number };
    const told = await getJson<Answer>("/api/models");
    const detector = told.detector === null ? null : { name: told.detector, licence: "" };
    return { ...told, models: toModels(told.models), detector };
  }

  async library(): Promise<Library & { size: Size }> {
    const told = await getJson<LibraryAnswer & { size: Pair }>("/api/library");
    return { ...toLibrary(told), size: toSize(told.size) };
  }

  async libraryFor(photo: Photo): Promise<Library> {
    return toLibrary(await getJson<LibraryAnswer>(`/api/photo/${photo.id}/library`));
  }

  async examples(): Promise<readonly string[]> {
    const { count } = await getJson<{ count: number }>("/api/examples");
    return Array.from({ length: count }, (_, number) => `/api/examples/${number}.png`);
  }

  async takeExample(number: number): Promise<Photo> {
    return toPhoto(await sendJson<PhotoAnswer>("POST", `/api/examples/${number}`, {}));
  }

  async addPhoto(file: Blob): Promise<Photo> {
    return upload("/api/photo", file);
  }

  async addOther(photo: Photo, file: Blob): Promise<Photo> {
    return upload(`/api/photo/${photo.id}/others`, file);
  }

  async setJoints(photo: Photo, pose: Pose): Promise<ReadonlyMap<string, Box>> {
    type Told = { boxes: NonNullable<PhotoAnswer["boxes"]> };
    return toBoxes((await sendJson<Told>("PUT", `/api/photo/${photo.id}/pose`, { pose: toTriples(pose) })).boxes);
  }

  async readPerson(file: Blob): Promise<Pose> {
    const answer = await call("/api/person", { method: "POST", body: file });
    return fromTriples(((await answer.json()) as { pose: Triple[] }).pose);
  }

  async place(photo: Photo, pose: Pose): Promise<Pose> {
    const asked = { pose: toTriples(pose) };
    return fromTriples((await sendJson<{ pose: Triple[] }>("POST", `/api/photo/${photo.id}/place`, asked)).pose);
  }

  async download(photo: Photo, model: string, pose: Pose): Promise<Blob> {
    return (await sendAny("POST", "/api/download", wanted(photo, model, pose))).blob();
  }

  async film(photo: Photo, model: string, { frames, seconds }: Motion): Promise<Blob> {
    const asked = { ...person(photo), model, frames: frames.map(toTriples), seconds };
    return (await sendAny("POST", "/api/motion", asked)).blob();
  }

  async openPose(photo: Photo, pose: Pose): Promise<Blob> {
    return (await sendAny("POST", "/api/openpose", { photo: photo.id, pose: toTriples(pose) })).blob();
  }

  async judge(photo: Photo, model: string, pose: Pose, signal: AbortSignal): Promise<readonly string[]> {
    const answer = await sendAny("POST", "/api/judge", wanted(photo, model, pose), signal);
    return ((await answer.json()) as { sentences: readonly string[] }).sentences;
  }

  renderer(events: RendererEvents): Renderer {
    return new LiveSocket(events);
  }
}

/** The WebSocket; it comes back by itself, and then asks for the newest pose again. */
class LiveSocket implements Renderer {
  private socket: WebSocket | null = null;
  private newest: string | null = null;
  private number = 0;
  private readonly asked = new Map<number, number>();
  private pause = 500;

  constructor(private readonly events: RendererEvents) {
    this.open();
  }

  want(photo: Photo, models: readonly string[], pose: Pose, asked: number): void {
    this.number += 1;
    this.asked.set(this.number, asked);
    this.newest = JSON.stringify({ number: this.number, ...person(photo), models, pose: toTriples(pose) });
    if (this.socket?.readyState === WebSocket.OPEN) this.socket.send(this.newest);
  }

  private open(): void {
    const socket = new WebSocket(new URL("/api/live", location.href.replace(/^http/, "ws")));
    socket.binaryType = "arraybuffer";
    socket.onopen = () => {
      this.pause = 500;
      this.events.connected(true);
      if (this.newest !== null) socket.send(this.newest);
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
      this.events.error((JSON.parse(data) as { error: string }).error);
      return;
    }
    const length = new DataView(data).getUint32(0);
    const head = new TextDecoder().decode(new Uint8Array(data, 4, length));
    const { number, model, size, milliseconds } = JSON.parse(head) as PictureHead;
    const pixels = new ImageData(new Uint8ClampedArray(data, 4 + length), size[1], size[0]);
    const asked = this.asked.get(number) ?? performance.now();
    for (const old of this.asked.keys()) if (old < number) this.asked.delete(old);
    this.events.picture({ model, pixels, milliseconds, asked });
  }
}

async function call(path: string, init?: RequestInit): Promise<Response> {
  let answer: Response;
  try {
    answer = await fetch(path, init);
  } catch {
    throw new Sentence("posegan does not answer: see whether `posegan serve` still runs.");
  }
  if (answer.ok) return answer;
  const told = (await answer.json().catch(() => ({}))) as { error?: string };
  throw new Sentence(told.error ?? `posegan answered with the status ${answer.status}.`);
}

async function getJson<T>(path: string): Promise<T> {
  return (await (await call(path)).json()) as T;
}

function sendAny(method: string, path: string, body: unknown, signal: AbortSignal | null = null): Promise<Response> {
  return call(path, { method, body: JSON.stringify(body), headers: { "Content-Type": "application/json" }, signal });
}

async function sendJson<T>(method: string, path: string, body: unknown): Promise<T> {
  return (await (await sendAny(method, path, body)).json()) as T;
}

async function upload(path: string, file: Blob): Promise<Photo> {
  return toPhoto((await (await call(path, { method: "POST", body: file })).json()) as PhotoAnswer);
}

/** The photos of a person, as a request names them. */
function person(photo: Photo): { photo: string; others: string[] } {
  return { photo: photo.id, others: photo.others.map(({ id }) => id) };
}

/** A picture, as a request asks for it. */
function wanted(photo: Photo, model: string, pose: Pose): object {
  return { ...person(photo), model, pose: toTriples(pose) };
}

function toPhoto(told: PhotoAnswer): Photo {
  return {
    id: told.photo,
    picture: `/api/photo/${told.photo}`,
    size: toSize(told.size),
    original: toSize(told.original),
    pose: told.pose && fromTriples(told.pose),
    boxes: told.boxes && toBoxes(told.boxes),
    others: [],
  };
}
