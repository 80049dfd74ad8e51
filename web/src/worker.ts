// What a page without a server works out beside it. The models: onnxruntime-web runs encode and render as wasm, for one
// picture at a time, and what was encoded last is kept for each model. The joints of photos. And GIFs of the pictures.

import { find, type PersonWanted } from "./finder.ts";
import { encodeGif, type Frame } from "./gif.ts";
import { openSession, readFile, run, runtime } from "./runtime.ts";
import { type MatteRules, steady } from "./steady.ts";
import type * as Ort from "onnxruntime-web";

export interface Wanted {
  readonly model: string;
  readonly size: readonly [number, number];
  readonly key: string; // of the photo with its joints: the same key is encoded once
  readonly photo: Float32Array; // (3, H, W) in [-1, 1]
  readonly source: Joints;
  readonly target: Joints;
}

export interface Joints {
  readonly xy: Float32Array; // 0 where not visible
  readonly visible: Uint8Array;
}

export interface Made {
  readonly pixels: Uint8ClampedArray<ArrayBuffer>; // RGBA
  readonly size: readonly [number, number];
  readonly milliseconds: number;
}

/** A motion's pictures that are to be a GIF before one background. */
export interface FilmWanted {
  readonly frames: readonly Frame[];
  readonly poses: readonly Joints[];
  readonly size: readonly [number, number];
  readonly seconds: number; // of each frame
  readonly matte: MatteRules;
  readonly said: Readonly<Record<string, string>>; // what the file says of itself
}

export type Asked = Wanted | FilmWanted | PersonWanted;

interface Loaded {
  readonly encode: Ort.InferenceSession;
  readonly render: Ort.InferenceSession;
  key: string;
  features: readonly Ort.Tensor[];
}

const models = new Map<string, Promise<Loaded>>();

async function load(name: string): Promise<Loaded> {
  const session = async (part: string) => openSession(await readFile(`models/${encodeURIComponent(name)}/${part}.onnx`));
  const [encode, render] = [await session("encode"), await session("render")];
  return { encode, render, key: "", features: [] };
}

async function paint(wanted: Wanted): Promise<Made> {
  const ort = await runtime();
  if (!models.has(wanted.model)) models.set(wanted.model, load(wanted.model));
  const model = await models.get(wanted.model)!;
  const [height, width] = wanted.size;
  const pose = ({ xy, visible }: Joints) => [
    new ort.Tensor("float32", xy, [1, visible.length, 2]),
    new ort.Tensor("bool", visible, [1, visible.length]),
  ];
  const start = performance.now();
  if (model.key !== wanted.key) {
    const photo = new ort.Tensor("float32", wanted.photo, [1, 3, height, width]);
    model.features = await run(model.encode, [photo, ...pose(wanted.source)]);
    model.key = wanted.key;
  }
  const [image] = await run(model.render, [...model.features, ...pose(wanted.source), ...pose(wanted.target)]);
  const pixels = toPixels(image!.data as Float32Array, height * width);
  return { pixels, size: wanted.size, milliseconds: performance.now() - start };
}

/** (3, H, W) in [-1, 1] as RGBA; the array itself rounds and clips. */
function toPixels(image: Float32Array, count: number): Uint8ClampedArray<ArrayBuffer> {
  const pixels = new Uint8ClampedArray(4 * count).fill(255);
  for (let i = 0; i < count; i += 1) {
    for (let channel = 0; channel < 3; channel += 1) pixels[4 * i + channel] = (image[channel * count + i]! + 1) * 127.5;
  }
  return pixels;
}

async function film({ frames, poses, size, seconds, matte, said }: FilmWanted): Promise<{ file: Uint8Array<ArrayBuffer> }> {
  return { file: encodeGif(steady(frames, poses, size, matte), size[1], size[0], seconds, JSON.stringify(said)) };
}

function answer(wanted: Asked): Promise<object> {
  if ("model" in wanted) return paint(wanted);
  return "detector" in wanted ? find(wanted) : film(wanted);
}

addEventListener("message", ({ data }: MessageEvent<Asked>) => {
  answer(data).then(
    (made) => postMessage(made),
    (error: unknown) => postMessage({ error: error instanceof Error ? error.message : String(error) }),
  );
});
