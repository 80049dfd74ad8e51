// What the page needs from whoever makes the pictures: a server (server.ts), or the browser itself (browser.ts).

import type { Box, Detector, Library, Model, Motion, Photo, Pose, Size, Skeleton } from "./types.ts";

export interface Picture {
  readonly model: string;
  readonly pixels: ImageData;
  readonly milliseconds: number; // that the model took
  readonly asked: number; // performance.now() of the wish
}

export interface RendererEvents {
  picture(picture: Picture): void;
  error(sentence: string, model?: string): void; // model: of whose picture that is said, until it makes the next one
  connected(is: boolean): void;
}

export interface Told {
  readonly version: string;
  readonly models: readonly Model[];
  readonly detector: Detector | null;
  readonly photos: number; // of one person that are taken at most
}

/** Makes pictures of poses. Only the newest wish counts: older ones may be dropped without an answer. */
export interface Renderer {
  want(photo: Photo, models: readonly string[], pose: Pose, asked: number): void;
}

/** Everything else. A method that fails throws a Sentence. */
export interface Backend {
  skeleton(): Promise<Skeleton>;
  models(): Promise<Told>;
  library(): Promise<Library & { size: Size }>; // in pixels of a frame of that size, to draw
  libraryFor(photo: Photo): Promise<Library>; // in the photo's pixels, where its person stands
  examples(): Promise<readonly string[]>; // addresses of their pictures
  takeExample(number: number): Promise<Photo>;
  addPhoto(file: Blob): Promise<Photo>;
  poseOf(file: Blob): Promise<Pick<Photo, "pose" | "unsearched">>; // of the person in a photo that is not kept
  addOther(photo: Photo, file: Blob): Promise<Photo>; // one more photo of its person, who has to be found in it
  findIn(photo: Photo, box: Box): Promise<Pose>; // the person in that part of the photo
  setJoints(photo: Photo, pose: Pose): Promise<ReadonlyMap<string, Box>>;
  readPerson(file: Blob): Promise<Pose>; // of an OpenPose JSON file
  place(photo: Photo, pose: Pose): Promise<Pose>; // another person's pose where the photo's person stands
  download(photo: Photo, model: string, pose: Pose): Promise<Blob>;
  film(photo: Photo, model: string, motion: Motion): Promise<Blob>; // an animated GIF
  openPose(photo: Photo, pose: Pose): Promise<Blob>;
  /** What is to be said of that picture; signal: nobody waits any more. */
  judge(photo: Photo, model: string, pose: Pose, signal: AbortSignal): Promise<readonly string[]>;
  /** The whole photo with its person in the pose, as a PNG; null where nobody can make it. */
  readonly inPhoto: ((photo: Photo, model: string, pose: Pose, signal: AbortSignal) => Promise<Blob>) | null;
  renderer(events: RendererEvents): Renderer;
}

/** A failure that can be shown to the user as it stands. */
export class Sentence extends Error {}
