// The server of `posegan serve` as a Backend: JSON over HTTP, pictures over a WebSocket.

import type { Backend, Renderer, RendererEvents, Told } from "./backend.ts";
import { call, getJson, sendAny, sendJson } from "./http.ts";
import { Keeper } from "./keeper.ts";
import { LiveSocket } from "./live.ts";
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
  doubt?: string | null;
}

export class Server implements Backend {
  readonly inPhoto = async (photo: Photo, model: string, pose: Pose, signal: AbortSignal): Promise<Blob> =>
    (await this.picture("/api/in-photo", photo, model, pose, signal)).blob();
  private readonly keeper = new Keeper();

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
    return toLibrary(await this.keeper.ask(photo, () => getJson<LibraryAnswer>(`${this.path(photo)}/library`)));
  }

  async examples(): Promise<readonly string[]> {
    const { count } = await getJson<{ count: number }>("/api/examples");
    return Array.from({ length: count }, (_, number) => `/api/examples/${number}.png`);
  }

  async takeExample(number: number): Promise<Photo> {
    const take = () => sendJson<PhotoAnswer>("POST", `/api/examples/${number}`, {});
    const told = await take();
    this.keeper.keep(told.photo, take);
    return toPhoto(told, `/api/examples/${number}.png`);
  }

  async addPhoto(file: Blob): Promise<Photo> {
    return this.brought(file, await upload("/api/photo", file));
  }

  async poseOf(file: Blob): Promise<{ pose: Pose | null }> {
    const { pose } = await upload("/api/photo", file);
    return { pose: pose && fromTriples(pose) };
  }

  async addOther(photo: Photo, file: Blob): Promise<Photo> {
    return this.brought(file, await this.keeper.ask(photo, () => upload(`${this.path(photo)}/others`, file)));
  }

  async findIn(photo: Photo, { left, top, width, height }: Box): Promise<Pose> {
    const asked = { box: [left, top, width, height] };
    const find = () => sendJson<{ pose: Triple[] }>("POST", `${this.path(photo)}/find`, asked);
    return fromTriples((await this.keeper.ask(photo, find)).pose);
  }

  async setJoints(photo: Photo, pose: Pose): Promise<ReadonlyMap<string, Box>> {
    return toBoxes(await this.keeper.setJoints(photo, pose));
  }

  async readPerson(file: Blob): Promise<Pose> {
    const answer = await call("/api/person", { method: "POST", body: file });
    return fromTriples(((await answer.json()) as { pose: Triple[] }).pose);
  }

  async place(photo: Photo, pose: Pose): Promise<Pose> {
    const asked = { pose: toTriples(pose) };
    const place = () => sendJson<{ pose: Triple[] }>("POST", `${this.path(photo)}/place`, asked);
    return fromTriples((await this.keeper.ask(photo, place)).pose);
  }

  async download(photo: Photo, model: string, pose: Pose): Promise<Blob> {
    return (await this.picture("/api/download", photo, model, pose)).blob();
  }

  async film(photo: Photo, model: string, { frames, seconds }: Motion): Promise<Blob> {
    const asked = { model, frames: frames.map(toTriples), seconds };
    const film = () => sendAny("POST", "/api/motion", { ...this.keeper.person(photo), ...asked });
    return (await this.keeper.ask(photo, film)).blob();
  }

  async openPose(photo: Photo, pose: Pose): Promise<Blob> {
    const write = () => sendAny("POST", "/api/openpose", { photo: this.keeper.name(photo), pose: toTriples(pose) });
    return (await this.keeper.ask(photo, write)).blob();
  }

  async judge(photo: Photo, model: string, pose: Pose, signal: AbortSignal): Promise<readonly string[]> {
    const answer = await this.picture("/api/judge", photo, model, pose, signal);
    return ((await answer.json()) as { sentences: readonly string[] }).sentences;
  }

  renderer(events: RendererEvents): Renderer {
    return new LiveSocket(events, this.keeper);
  }

  private path(photo: Photo): string {
    return `/api/photo/${this.keeper.name(photo)}`;
  }

  /** Ask for a picture, or for something about it. */
  private picture(path: string, photo: Photo, model: string, pose: Pose, signal?: AbortSignal): Promise<Response> {
    const asked = { model, pose: toTriples(pose) };
    return this.keeper.ask(photo, () => sendAny("POST", path, { ...this.keeper.person(photo), ...asked }, signal));
  }

  /** A photo that the server has been given; what it shows of it is kept here, where it cannot be forgotten. */
  private async brought(file: Blob, told: PhotoAnswer): Promise<Photo> {
    this.keeper.keep(told.photo, () => upload("/api/photo", file));
    const shown = await call(`/api/photo/${told.photo}`);
    return toPhoto(told, URL.createObjectURL(await shown.blob()));
  }
}

async function upload(path: string, file: Blob): Promise<PhotoAnswer> {
  return (await (await call(path, { method: "POST", body: file })).json()) as PhotoAnswer;
}

function toPhoto(told: PhotoAnswer, picture: string): Photo {
  return {
    id: told.photo,
    picture,
    size: toSize(told.size),
    original: toSize(told.original),
    pose: told.pose && fromTriples(told.pose),
    boxes: told.boxes && toBoxes(told.boxes),
    others: [],
    ...(told.doubt ? { doubt: told.doubt } : {}),
  };
}
