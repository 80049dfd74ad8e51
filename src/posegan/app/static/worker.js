// Built from web/src by web/build.mjs, do not edit. sha256 of the sources: 620aedc9d402e029c89a88e1f7568371f6b8f7a270be5daad7bbee6985219bc6

// src/worker.ts
var models = /* @__PURE__ */ new Map();
var runtime = open();
async function open() {
  const folder = new URL("../ort/", import.meta.url);
  const ort = await import(new URL("ort.wasm.bundle.min.mjs", folder).href);
  ort.env.wasm.wasmPaths = { wasm: new URL("ort-wasm-simd-threaded.wasm", folder).href };
  ort.env.wasm.numThreads = 1;
  ort.env.logLevel = "error";
  return ort;
}
async function load(name) {
  const ort = await runtime;
  const session = async (part) => {
    const address = new URL(`../models/${encodeURIComponent(name)}/${part}.onnx`, import.meta.url);
    const answer2 = await fetch(address);
    if (!answer2.ok) throw new Error(`${address.pathname} is not there`);
    return ort.InferenceSession.create(new Uint8Array(await answer2.arrayBuffer()), { executionProviders: ["wasm"] });
  };
  const [encode, render] = [await session("encode"), await session("render")];
  return { encode, render, key: "", features: [] };
}
async function run(session, values) {
  const fed = Object.fromEntries(session.inputNames.map((name, i) => [name, values[i]]));
  const made = await session.run(fed);
  return session.outputNames.map((name) => made[name]);
}
async function answer(wanted) {
  const ort = await runtime;
  if (!models.has(wanted.model)) models.set(wanted.model, load(wanted.model));
  const model = await models.get(wanted.model);
  const [height, width] = wanted.size;
  const pose = ({ xy, visible }) => [
    new ort.Tensor("float32", xy, [1, visible.length, 2]),
    new ort.Tensor("bool", visible, [1, visible.length])
  ];
  const start = performance.now();
  if (model.key !== wanted.key) {
    const photo = new ort.Tensor("float32", wanted.photo, [1, 3, height, width]);
    model.features = await run(model.encode, [photo, ...pose(wanted.source)]);
    model.key = wanted.key;
  }
  const [image] = await run(model.render, [...model.features, ...pose(wanted.source), ...pose(wanted.target)]);
  const pixels = toPixels(image.data, height * width);
  return { pixels, milliseconds: performance.now() - start };
}
function toPixels(image, count) {
  const pixels = new Uint8ClampedArray(4 * count).fill(255);
  for (let i = 0; i < count; i += 1) {
    for (let channel = 0; channel < 3; channel += 1) pixels[4 * i + channel] = (image[channel * count + i] + 1) * 127.5;
  }
  return pixels;
}
addEventListener("message", (event) => {
  answer(event.data).then(
    (made) => postMessage(made),
    (error) => postMessage({ error: error instanceof Error ? error.message : String(error) })
  );
});
