// The detector's network in the worker of the page without a server: looks into the windows that search.ts asks for.

import { openSession, readFile, run, runtime } from "./runtime.ts";
import { findPerson, type Look, type SearchRules } from "./search.ts";
import type { Pose } from "./types.ts";
import type * as Ort from "onnxruntime-web";

/** A photo whose person is to be found, in the pixels of which the joints are; null: the file is only to be fetched. */
export interface PersonWanted {
  readonly detector: string; // its file, in the page's folder
  readonly search: { readonly photo: Uint8Array; readonly size: readonly [number, number]; readonly rules: SearchRules } | null;
}

let file: Promise<Uint8Array> | null = null;
let session: Promise<Ort.InferenceSession> | null = null;

export async function find({ detector, search }: PersonWanted): Promise<{ pose: Pose | null }> {
  file ??= readFile(detector);
  const model = await file.catch((error: unknown) => {
    file = null; // the network may come back
    throw error;
  });
  if (!search) return { pose: null };
  session ??= openSession(model);
  const { photo, size: [height, width], rules } = search;
  const look = looker(await runtime(), await session, photo, [height, width], rules.threshold);
  return { pose: await findPerson(look, { height, width }, rules) };
}

function looker(
  ort: typeof Ort, network: Ort.InferenceSession, photo: Uint8Array, [height, width]: [number, number], threshold: number,
): Look {
  const shown = new ort.Tensor("uint8", photo, [3, height, width]);
  return async (windows, mirrored) => {
    const places = Float32Array.from(windows.flatMap((window) => [window.left, window.top, window.height]));
    const [xy, sure, score] = (
      await run(network, [
        shown,
        new ort.Tensor("float32", places, [windows.length, 3]),
        new ort.Tensor("bool", Uint8Array.from(mirrored, Number), [mirrored.length]),
      ])
    ).map(({ data }) => data as Float32Array);
    const joints = sure!.length / windows.length;
    return windows.map((_, i) => ({
      score: score![i]!,
      pose: Array.from({ length: joints }, (_, j) => {
        const at = i * joints + j;
        return { x: xy![2 * at]!, y: xy![2 * at + 1]!, visible: sure![at]! >= threshold };
      }),
    }));
  };
}
