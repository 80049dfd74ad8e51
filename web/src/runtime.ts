// onnxruntime-web as the page without a server uses it, in its worker: wasm on one thread, files of the page's folder.

import type * as Ort from "onnxruntime-web";

let opened: Promise<typeof Ort> | null = null;

/** The runtime, loaded once. */
export function runtime(): Promise<typeof Ort> {
  return (opened ??= open());
}

async function open(): Promise<typeof Ort> {
  const folder = new URL("../ort/", import.meta.url);
  const ort = (await import(new URL("ort.wasm.bundle.min.mjs", folder).href)) as typeof Ort;
  ort.env.wasm.wasmPaths = { wasm: new URL("ort-wasm-simd-threaded.wasm", folder).href };
  ort.env.wasm.numThreads = 1; // more need headers that simple web servers do not send
  ort.env.logLevel = "error";
  return ort;
}

/** A file of the page's folder. */
export async function readFile(path: string): Promise<Uint8Array> {
  const address = new URL(`../${path}`, import.meta.url);
  const answer = await fetch(address);
  if (!answer.ok) throw new Error(`${address.pathname} is not there`);
  return new Uint8Array(await answer.arrayBuffer());
}

export async function openSession(model: Uint8Array): Promise<Ort.InferenceSession> {
  return (await runtime()).InferenceSession.create(model, { executionProviders: ["wasm"] });
}

/** A session's outputs for its inputs, both in the order of the file. */
export async function run(session: Ort.InferenceSession, values: readonly Ort.Tensor[]): Promise<Ort.Tensor[]> {
  const fed = Object.fromEntries(session.inputNames.map((name, i) => [name, values[i]!]));
  const made = await session.run(fed);
  return session.outputNames.map((name) => made[name] as Ort.Tensor);
}
