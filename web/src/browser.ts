// The page without a server: the folder that `posegan export --web` writes. Photos, poses and pictures stay in the
// browser; the models and the detector run in worker.ts.

import { type Backend, type Renderer, type RendererEvents, Sentence, type Told as Models } from "./backend.ts";
import { type BodyRules, placeIn } from "./placing.ts";
import { cut, inside, personBox, roundEven, shrink, toFrame, touched } from "./crop.ts";
import { readOpenPose, withTexts, writeOpenPose } from "./files.ts";
import type { Frame } from "./gif.ts";
import { Filmer, Latest, Painter } from "./painter.ts";
import { fromFrame, rescale } from "./pose.ts";
import type { SearchRules } from "./search.ts";
import type { Box, Detector, Library, Model, Motion, Photo, Pose, Size, Skeleton } from "./types.ts";
import type { MatteRules } from "./steady.ts";
import {
  fromTriples, type LibraryAnswer, type ModelAnswer, type Pair, type SkeletonAnswer, toLibrary, toModels, toSize,
  toSkeleton, type Triple,
} from "./wire.ts";
import type { Joints, Wanted } from "./worker.ts";

const LARGEST = 52e6; // pixels of a photo, as on the server
const SMALLEST = { width: 8, height: 16 }; // pixels of a photo as it is kept
const KEPT = 16; // photos of the user's, more than the page holds, and as many synthetic people; the longest unused goes first

/** page.json of the folder. */
interface Told {
  version: string;
  skeleton: SkeletonAnswer;
  models: (ModelAnswer & { said: Record<string, string> })[]; // said: what a picture says of itself
  library: LibraryAnswer & { size: Pair };
  examples: { picture: string; origin: string; pose: Triple[] }[];
  body: BodyRules;
  matte: MatteRules;
  body25: number[];
  margin: number; // around a person, of the torso's length
  side: number; // photos are kept with at most this many pixels on the longer side
  detector: (Detector & { file: string; search: SearchRules }) | null;
}

/** A photo with all that the page told of it leaves out. */
interface Kept {
  readonly pixels: ImageData;
  readonly origin: string; // its sha256, or what it is
  readonly picture: string; // its address
  readonly drawn: boolean; // a synthetic person
  source: Pose | null;
  key: string; // another one for other joints
  readonly cuts: Map<string, Pick<Wanted, "photo" | "source">>; // by model, for these joints
}

export class Browser implements Backend {
  readonly inPhoto = null; // it is not written for the browser
  private readonly kept = new Map<string, Kept>();
  private readonly painter = new Painter();
  private readonly filmer = new Filmer();
  private readonly all: readonly Model[];
  private count = 0;

  private constructor(private readonly told: Told) {
    this.all = toModels(told.models);
    const { detector } = told;
    // While there is a network; without one it is fetched when it is needed.
    if (detector) this.painter.find({ detector: detector.file, search: null }).catch(() => undefined);
  }

  static async open(): Promise<Browser> {
    const answer = await fetch("page.json").catch(() => null);
    if (!answer?.ok) throw new Sentence("The page's files cannot be read: open it through a web server, not as a file.");
    return new Browser((await answer.json()) as Told);
  }

  async skeleton(): Promise<Skeleton> {
    return toSkeleton(this.told.skeleton);
  }

  async models(): Promise<Models> {
    return { version: this.told.version, models: this.all, detector: this.told.detector, photos: 1 };
  }

  async library(): Promise<Library & { size: Size }> {
    return { ...toLibrary(this.told.library), size: toSize(this.told.library.size) };
  }

  async libraryFor(photo: Photo): Promise<Library> {
    const { poses, sequences } = toLibrary(this.told.library);
    const put = (given: readonly Pose[]) => this.placed(photo, given);
    return {
      poses: poses.map(({ name, pose }) => ({ name, pose: put([pose])[0]! })),
      sequences: sequences.map((sequence) => ({ ...sequence, frames: put(sequence.frames) })),
    };
  }

  async examples(): Promise<readonly string[]> {
    return this.told.examples.map(({ picture }) => picture);
  }

  async takeExample(number: number): Promise<Photo> {
    const { picture, origin, pose } = this.told.examples[number]!;
    const answer = await fetch(picture).catch(() => null);
    if (!answer?.ok) throw new Sentence("This person's picture cannot be loaded: load the page again.");
    return this.keep(await answer.blob(), origin, fromTriples(pose));
  }

  async addPhoto(file: Blob): Promise<Photo> {
    return this.keep(file, await sha256(file), null);
  }

  async poseOf(file: Blob): Promise<Pick<Photo, "pose" | "unsearched">> {
    const { pixels, picture } = await readPhoto(file, this.told.side);
    URL.revokeObjectURL(picture);
    return this.look(pixels);
  }

  async addOther(): Promise<Photo> {
    throw new Sentence("This page takes one photo of a person only."); // the worker mixes none
  }

  private async keep(file: Blob, origin: string, pose: Pose | null): Promise<Photo> {
    const { pixels, original, picture } = await readPhoto(file, this.told.side);
    const found = pose ? { pose } : await this.look(pixels);
    this.count += 1;
    const id = String(this.count);
    const drawn = pose !== null;
    this.kept.set(id, { pixels, origin, picture, drawn, source: found.pose, key: id, cuts: new Map() });
    const alike = [...this.kept].filter(([, one]) => one.drawn === drawn);
    for (const [old, { picture: address }] of alike.slice(0, -KEPT)) {
      URL.revokeObjectURL(address);
      this.kept.delete(old);
    }
    const size = { width: pixels.width, height: pixels.height };
    return { id, picture, size, original, ...found, boxes: found.pose && this.boxes(found.pose, size), others: [] };
  }

  /** The person of a photo, or of a part of it, in the photo's pixels. */
  private async look(photo: ImageData, part?: Box): Promise<Pick<Photo, "pose" | "unsearched">> {
    const { detector } = this.told;
    const box = part ?? { left: 0, top: 0, width: photo.width, height: photo.height };
    if (!detector || box.width > detector.search.widest * box.height) return { pose: null };
    const { file, search: rules } = detector;
    const small = { width: Math.max(1, roundEven(box.width * (rules.height / box.height))), height: rules.height };
    const { buffer } = shrink(photo, box, small);
    const search = { photo: new Uint8Array(buffer), size: [small.height, small.width] as const, rules };
    try {
      const pose = await this.painter.find({ detector: file, search });
      const seen = pose && fromFrame(inside(pose, small), small, box);
      return { pose: seen?.some(({ visible }) => visible) ? seen : null };
    } catch (error) {
      console.error(error);
      return { pose: null, unsearched: "The model that finds joints does not run in this browser" };
    }
  }

  async findIn(photo: Photo, box: Box): Promise<Pose> {
    const { pixels } = this.get(photo);
    const part = touched(box, photo.size);
    if (part.width < SMALLEST.width || part.height < SMALLEST.height) {
      throw new Sentence("That box is too small to show a person, or outside the photo: draw it around one whole person.");
    }
    const { pose, unsearched } = await this.look(pixels, part);
    if (pose) return pose;
    if (unsearched) throw new Sentence(`${unsearched}: place the joints by hand.`);
    throw new Sentence("Nobody was found in the box: draw it around one whole person, or place the joints by hand.");
  }

  async setJoints(photo: Photo, pose: Pose): Promise<ReadonlyMap<string, Box>> {
    const kept = this.get(photo);
    const source = inside(pose, photo.size);
    if (!source.some((joint) => joint.visible)) {
      throw new Sentence("No joint lies in the photo: place the joints on the person first.");
    }
    this.count += 1;
    [kept.source, kept.key] = [source, `${photo.id}/${this.count}`];
    kept.cuts.clear();
    return this.boxes(source, photo.size);
  }

  async readPerson(file: Blob): Promise<Pose> {
    return readOpenPose(await file.text(), this.told.skeleton.joints.length, this.told.body25);
  }

  async place(photo: Photo, pose: Pose): Promise<Pose> {
    return this.placed(photo, [pose])[0]!;
  }

  async download(photo: Photo, model: string, pose: Pose): Promise<Blob> {
    const { pixels } = await this.painter.paint(() => this.wanted(photo, model, pose));
    const canvas = new OffscreenCanvas(pixels.width, pixels.height);
    canvas.getContext("2d")!.putImageData(pixels, 0, 0);
    const png = await canvas.convertToBlob({ type: "image/png" });
    return withTexts(png, this.said(photo, model));
  }

  async film(photo: Photo, model: string, { frames, seconds }: Motion): Promise<Blob> {
    const said = this.said(photo, model);
    const wishes = frames.map((pose) => this.wanted(photo, model, pose)); // the joints may be placed anew meanwhile
    const made: Frame[] = [];
    for (const wish of wishes) made.push((await this.painter.paint(() => wish)).pixels.data as Frame);
    const [poses, { size }] = [wishes.map(({ target }) => target), wishes[0]!];
    return this.filmer.film({ frames: made, poses, size, seconds: seconds / frames.length, matte: this.told.matte, said });
  }

  async openPose(photo: Photo, pose: Pose): Promise<Blob> {
    return new Blob([writeOpenPose(rescale(pose, photo.size, photo.original))], { type: "application/json" });
  }

  async judge(): Promise<readonly string[]> {
    return []; // its networks are not on the page
  }

  renderer(events: RendererEvents): Renderer {
    return new Latest((...wish) => this.painter.paint(() => this.wanted(...wish)), events);
  }

  private get(photo: Photo): Kept {
    const found = this.kept.get(photo.id);
    if (!found) throw new Sentence("This photo is no longer here: drop it again.");
    this.kept.delete(photo.id);
    this.kept.set(photo.id, found); // the last one now
    return found;
  }

  /** What a picture says of itself. */
  private said(photo: Photo, model: string): Record<string, string> {
    return { ...this.told.models.find(({ name }) => name === model)!.said, "posegan:source": this.get(photo).origin };
  }

  private boxes(source: Pose, photo: Size): ReadonlyMap<string, Box> {
    return new Map(this.all.map((model) => [model.name, this.box(source, photo, model)]));
  }

  private box(source: Pose, photo: Size, model: Model): Box {
    const skeleton = toSkeleton(this.told.skeleton);
    const box = personBox(inside(source, photo), photo, model.size, skeleton, this.told.margin);
    if (!box) throw new Sentence("The joints of this photo are not known yet: place them first.");
    return box;
  }

  private placed(photo: Photo, poses: readonly Pose[]): Pose[] {
    const source = this.get(photo).source;
    if (!source) throw new Sentence("The joints of this photo are not known yet: place them first.");
    return placeIn(this.box(source, photo.size, this.all[0]!), poses, source, this.told.body);
  }

  private wanted(photo: Photo, name: string, pose: Pose): Wanted {
    const kept = this.get(photo);
    const model = this.all.find((one) => one.name === name)!;
    if (!kept.source) throw new Sentence("The joints of this photo are not known yet: place them first.");
    const box = this.box(kept.source, photo.size, model);
    const joints = (given: Pose) => toJoints(inside(toFrame(given, box, model.size), model.size));
    const target = joints(pose);
    if (!target.visible.some((seen) => seen > 0)) {
      throw new Sentence("No joint of this pose lies in the picture: move the person back into it.");
    }
    const size = [model.size.height, model.size.width] as const;
    const seen = kept.cuts.get(name) ?? { photo: cut(kept.pixels, box, model.size), source: joints(inside(kept.source, photo.size)) };
    kept.cuts.set(name, seen);
    return { model: name, size, key: kept.key, ...seen, target };
  }
}

function toJoints(pose: Pose): Joints {
  const xy = new Float32Array(pose.flatMap(({ x, y, visible }) => (visible ? [x, y] : [0, 0])));
  return { xy, visible: new Uint8Array(pose.map(({ visible }) => Number(visible))) };
}

/** A photo's pixels, upright and on white, made smaller if it is large, and an address to show it. */
async function readPhoto(file: Blob, side: number): Promise<{ pixels: ImageData; original: Size; picture: string }> {
  const bitmap = await createImageBitmap(file).catch(() => {
    throw new Sentence("This is no photo that the browser reads: save it as JPEG, PNG or WebP first.");
  });
  const original = { width: bitmap.width, height: bitmap.height };
  if (original.width * original.height > LARGEST) {
    throw new Sentence(`This photo has ${original.width} x ${original.height} pixels; at most ${LARGEST / 1e6} million are taken: make it smaller.`);
  }
  const scale = Math.min(1, side / Math.max(original.width, original.height));
  const [width, height] = [Math.max(1, Math.round(original.width * scale)), Math.max(1, Math.round(original.height * scale))];
  if (width < SMALLEST.width || height < SMALLEST.height) {
    throw new Sentence(
      `This picture of ${original.width} x ${original.height} pixels is too small or too narrow to show a person: ` +
        `give one of at least ${SMALLEST.width} x ${SMALLEST.height} pixels, cut to the person.`,
    );
  }
  const canvas = new OffscreenCanvas(width, height);
  const context = canvas.getContext("2d", { willReadFrequently: true })!;
  context.fillStyle = "white";
  context.fillRect(0, 0, width, height);
  context.imageSmoothingQuality = "high";
  context.drawImage(bitmap, 0, 0, width, height);
  bitmap.close();
  const picture = URL.createObjectURL(await canvas.convertToBlob({ type: "image/png" }));
  return { pixels: context.getImageData(0, 0, width, height), original, picture };
}

/** The sha256 of a file, "unknown" where the browser has none: not on plain http from another machine. */
async function sha256(file: Blob): Promise<string> {
  if (!globalThis.crypto?.subtle) return "unknown";
  const digest = await crypto.subtle.digest("SHA-256", await file.arrayBuffer());
  return [...new Uint8Array(digest)].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}
