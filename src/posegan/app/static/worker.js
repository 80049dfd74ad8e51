// Built from web/src by web/build.mjs, do not edit. sha256 of the sources: 221afe225ea0b4bf3c353a085a53469b545da2a21943f0b08af509b6a354ac26

// src/runtime.ts
var opened = null;
function runtime() {
  return opened ??= open();
}
async function open() {
  const folder = new URL("../ort/", import.meta.url);
  const ort = await import(new URL("ort.wasm.bundle.min.mjs", folder).href);
  ort.env.wasm.wasmPaths = { wasm: new URL("ort-wasm-simd-threaded.wasm", folder).href };
  ort.env.wasm.numThreads = 1;
  ort.env.logLevel = "error";
  return ort;
}
async function readFile(path) {
  const address = new URL(`../${path}`, import.meta.url);
  const answer2 = await fetch(address);
  if (!answer2.ok) throw new Error(`${address.pathname} is not there`);
  return new Uint8Array(await answer2.arrayBuffer());
}
async function openSession(model) {
  return (await runtime()).InferenceSession.create(model, { executionProviders: ["wasm"] });
}
async function run(session2, values) {
  const fed = Object.fromEntries(session2.inputNames.map((name, i) => [name, values[i]]));
  const made = await session2.run(fed);
  return session2.outputNames.map((name) => made[name]);
}

// src/pose.ts
function bounds(pose) {
  const seen = pose.filter((joint) => joint.visible);
  if (seen.length === 0) return null;
  const [xs, ys] = [seen.map((joint) => joint.x), seen.map((joint) => joint.y)];
  const [left, top] = [Math.min(...xs), Math.min(...ys)];
  return { left, top, width: Math.max(...xs) - left, height: Math.max(...ys) - top };
}

// src/search.ts
async function findPerson(look, size, rules) {
  let best = await closer(look, middleWindows(size, rules), rules);
  if (best.score < rules.sure) {
    const elsewhere = await closer(look, gridOfWindows(size, rules), rules);
    if (elsewhere.score > best.score) best = elsewhere;
  }
  const [found] = await look([best.window], [false, true]);
  return found.score >= rules.least ? found.pose : null;
}
async function closer(look, windows, rules) {
  let seen = await lookAt(look, windows, rules.batch);
  for (let round = 0; round < rules.rounds; round += 1) {
    const surest = [...seen].sort((a, b) => b.score - a.score).slice(0, rules.closer);
    windows = surest.map(({ pose }) => windowAround(pose, rules));
    seen = await lookAt(look, windows, rules.batch);
  }
  const scores = seen.map(({ score }) => score);
  const best = scores.indexOf(Math.max(...scores));
  return { window: windows[best], score: scores[best] };
}
async function lookAt(look, windows, batch) {
  const seen = [];
  for (let i = 0; i < windows.length; i += batch) seen.push(...await look(windows.slice(i, i + batch), [false]));
  return seen;
}
function gridOfWindows({ width, height }, { windows: rules }) {
  return rules.heights.flatMap((share) => {
    const tall = share * height;
    const out = Math.max(rules.out * height, (tall - height) / 2);
    const aside = rules.out * height;
    const tops = spread(-out, height + out - tall, rules.steps[1] * tall);
    const lefts = spread(-aside, width + aside - rules.aspect * tall, rules.steps[0] * tall);
    return lefts.flatMap((left) => tops.map((top) => ({ left, top, height: tall })));
  });
}
function middleWindows({ width, height }, { windows: rules }) {
  const [least, most] = rules.limits;
  return [...rules.middle, width / rules.aspect / height].map((share) => {
    const tall = Math.min(Math.max(share, least), most) * height;
    return { left: (width - rules.aspect * tall) / 2, top: (height - tall) / 2, height: tall };
  });
}
function windowAround(pose, { windows: rules }) {
  const { left, top, width, height } = bounds(pose) ?? { left: 0, top: 0, width: 0, height: 0 };
  const tall = rules.room * Math.max(height, rules.wide * width) + 1;
  return {
    left: left + width / 2 - rules.aspect * tall / 2 + 0.5,
    top: top + height / 2 - tall / 2 + 0.5,
    height: tall
  };
}
function spread(first, last, step) {
  if (last <= first) return [(first + last) / 2];
  const count = 2 + Math.floor((last - first) / step);
  return Array.from({ length: count }, (_, i) => first + (last - first) * i / (count - 1));
}

// src/finder.ts
var file = null;
var session = null;
async function find({ detector, search }) {
  file ??= readFile(detector);
  const model = await file.catch((error) => {
    file = null;
    throw error;
  });
  if (!search) return { pose: null };
  session ??= openSession(model);
  const { photo, size: [height, width], rules } = search;
  const look = looker(await runtime(), await session, photo, [height, width], rules.threshold);
  return { pose: await findPerson(look, { height, width }, rules) };
}
function looker(ort, network, photo, [height, width], threshold) {
  const shown = new ort.Tensor("uint8", photo, [3, height, width]);
  return async (windows, mirrored) => {
    const places = Float32Array.from(windows.flatMap((window) => [window.left, window.top, window.height]));
    const [xy, sure, score] = (await run(network, [
      shown,
      new ort.Tensor("float32", places, [windows.length, 3]),
      new ort.Tensor("bool", Uint8Array.from(mirrored, Number), [mirrored.length])
    ])).map(({ data }) => data);
    const joints = sure.length / windows.length;
    return windows.map((_, i) => ({
      score: score[i],
      pose: Array.from({ length: joints }, (_2, j) => {
        const at = i * joints + j;
        return { x: xy[2 * at], y: xy[2 * at + 1], visible: sure[at] >= threshold };
      })
    }));
  };
}

// src/gif.ts
var COLOURS = 256;
var BITS = 6;
var CLEAR = COLOURS;
var END = COLOURS + 1;
var CODES = 4096;
function encodeGif(frames, width, height, seconds, comment) {
  const { palette, index } = quantize(frames);
  const file2 = new Bytes();
  file2.text("GIF89a").short(width).short(height).put([247, 0, 0]).put(palette);
  file2.put([33, 255, 11]).text("NETSCAPE2.0").put([3, 1, 0, 0, 0]);
  file2.put([33, 254]).blocks(new TextEncoder().encode(comment));
  frames.forEach((frame, number) => {
    const [start, end] = [Math.round(100 * seconds * number), Math.round(100 * seconds * (number + 1))];
    file2.put([33, 249, 4, 0]).short(end - start).put([0, 0]);
    file2.put([44]).short(0).short(0).short(width).short(height).put([0, 8]);
    file2.blocks(compress(indices(frame, index)));
  });
  return file2.put([59]).bytes();
}
var Bytes = class {
  data = new Uint8Array(1 << 16);
  length = 0;
  put(more) {
    while (this.length + more.length > this.data.length) {
      const larger = new Uint8Array(2 * this.data.length);
      larger.set(this.data);
      this.data = larger;
    }
    this.data.set(more, this.length);
    this.length += more.length;
    return this;
  }
  short(value) {
    return this.put([value & 255, value >> 8]);
  }
  text(ascii) {
    return this.put(new TextEncoder().encode(ascii));
  }
  /** In blocks of at most 255 bytes with their lengths, ended by an empty one. */
  blocks(data) {
    for (let at = 0; at < data.length; at += 255) {
      const block = data.subarray(at, at + 255);
      this.put([block.length]).put(block);
    }
    return this.put([0]);
  }
  bytes() {
    return this.data.slice(0, this.length);
  }
};
function keyOf(red, green, blue) {
  const drop = 8 - BITS;
  return red >> drop << 2 * BITS | green >> drop << BITS | blue >> drop;
}
function quantize(frames) {
  const cells = cellsOf(frames);
  const colours = medianCut(cells).map(meanOf);
  const palette = new Uint8Array(3 * COLOURS);
  colours.forEach((colour, i) => palette.set(colour.map(Math.round), 3 * i));
  const index = new Uint8Array(1 << 3 * BITS);
  for (const { key, mean } of cells) index[key] = nearest(colours, mean);
  return { palette, index };
}
function cellsOf(frames) {
  const sums = new Uint32Array(4 << 3 * BITS);
  for (const frame of frames) {
    for (let i = 0; i < frame.length; i += 4) {
      const at = 4 * keyOf(frame[i], frame[i + 1], frame[i + 2]);
      sums[at] += 1;
      for (let channel = 0; channel < 3; channel += 1) sums[at + 1 + channel] += frame[i + channel];
    }
  }
  const cells = [];
  for (let at = 0; at < sums.length; at += 4) {
    const count = sums[at];
    if (count > 0) cells.push({ key: at / 4, count, mean: [sums[at + 1] / count, sums[at + 2] / count, sums[at + 3] / count] });
  }
  return cells;
}
function medianCut(cells) {
  const boxes = [boxOf(cells)];
  while (boxes.length < COLOURS) {
    let worst = 0;
    boxes.forEach((box, i) => {
      if (box.error > boxes[worst].error) worst = i;
    });
    const { cells: all, axis, error } = boxes[worst];
    if (!(error > 0)) break;
    const middle = meanOf(all)[axis];
    const low = all.filter(({ mean }) => mean[axis] <= middle);
    const high = all.filter(({ mean }) => mean[axis] > middle);
    if (low.length === 0 || high.length === 0) break;
    boxes.splice(worst, 1, boxOf(low), boxOf(high));
  }
  return boxes.map((box) => box.cells);
}
function boxOf(cells) {
  const middle = meanOf(cells);
  const errors = [0, 1, 2].map((axis2) => cells.reduce((sum, { mean, count }) => sum + count * (mean[axis2] - middle[axis2]) ** 2, 0));
  const axis = errors.indexOf(Math.max(...errors));
  return { cells, axis, error: errors[axis] };
}
function meanOf(cells) {
  const sum = [0, 0, 0, 0];
  for (const { mean, count } of cells) {
    sum[3] += count;
    for (let axis = 0; axis < 3; axis += 1) sum[axis] += count * mean[axis];
  }
  return [sum[0] / sum[3], sum[1] / sum[3], sum[2] / sum[3]];
}
function nearest(colours, [red, green, blue]) {
  let [best, least] = [0, Infinity];
  for (let i = 0; i < colours.length; i += 1) {
    const [r, g, b] = colours[i];
    const distance = (r - red) ** 2 + (g - green) ** 2 + (b - blue) ** 2;
    if (distance < least) [best, least] = [i, distance];
  }
  return best;
}
function indices(frame, index) {
  const made = new Uint8Array(frame.length / 4);
  for (let i = 0; i < made.length; i += 1) made[i] = index[keyOf(frame[4 * i], frame[4 * i + 1], frame[4 * i + 2])];
  return made;
}
function compress(data) {
  const out = new Bytes();
  const follows = new Uint16Array(CODES * COLOURS);
  let [free, width, bits, held] = [END + 1, 9, 0, 0];
  const emit = (code) => {
    held |= code << bits;
    for (bits += width; bits >= 8; bits -= 8, held >>>= 8) out.put([held & 255]);
  };
  const clear = () => {
    emit(CLEAR);
    follows.fill(0);
    [free, width] = [END + 1, 9];
  };
  clear();
  let prefix = data[0];
  for (let i = 1; i < data.length; i += 1) {
    const byte = data[i];
    const longer = follows[prefix * COLOURS + byte];
    if (longer > 0) {
      prefix = longer;
      continue;
    }
    emit(prefix);
    if (free === CODES) clear();
    else {
      if (free === 1 << width) width += 1;
      follows[prefix * COLOURS + byte] = free;
      free += 1;
    }
    prefix = byte;
  }
  emit(prefix);
  if (free === 1 << width && free < CODES) width += 1;
  emit(END);
  if (bits > 0) out.put([held & 255]);
  return out.bytes();
}

// src/steady.ts
var ROUNDING = 1e-4;
function steady(frames, poses, [height, width], rules) {
  const shares = matte(poses, height, width, rules);
  const plate = behind(frames, shares, rules.clearest);
  return frames.map((frame, number) => {
    const share = shares[number];
    return frame.map((value, i) => plate[i] + share[i >> 2] * (value - plate[i]));
  });
}
function matte(poses, height, width, rules) {
  const scales = poses.map((pose) => torso(pose, rules)).filter((scale) => scale > 0);
  const length = scales.length > 0 ? scales.reduce((a, b) => a + b) / scales.length : 0.25 * height;
  const radius = (rules.growth + rules.feather) * length;
  const taps = gaussian(Math.max(rules.feather * length, 0.5));
  return poses.map((pose) => blur(closed(body(pose, height, width, radius, rules), height, width, rules.closing), height, width, taps));
}
function torso({ xy, visible }, { sides }) {
  const squares = sides.flatMap(
    ([hip, shoulder]) => visible[hip] && visible[shoulder] ? [(xy[2 * hip] - xy[2 * shoulder]) ** 2 + (xy[2 * hip + 1] - xy[2 * shoulder + 1]) ** 2] : []
  );
  return squares.length > 0 ? Math.sqrt(squares.reduce((a, b) => a + b) / squares.length) : 0;
}
function body({ xy, visible }, height, width, radius, { limbs }) {
  const made = new Uint8Array(height * width);
  const fill = (x, y, reach, within) => {
    for (let row = Math.max(0, Math.floor(y - reach)); row <= Math.min(height - 1, y + reach); row += 1) {
      for (let column = Math.max(0, Math.floor(x - reach)); column <= Math.min(width - 1, x + reach); column += 1) {
        if (within(column - x, row - y)) made[row * width + column] = 1;
      }
    }
  };
  for (const [a, b] of limbs) {
    if (!visible[a] || !visible[b]) continue;
    const [vx, vy] = [xy[2 * b] - xy[2 * a], xy[2 * b + 1] - xy[2 * a + 1]];
    const length = Math.hypot(vx, vy);
    if (length <= ROUNDING) continue;
    const [ux, uy] = [vx / length, vy / length];
    const within = (dx, dy) => Math.abs(dx * ux + dy * uy) <= length / 2 + ROUNDING && Math.abs(dx * uy - dy * ux) <= radius + ROUNDING;
    fill(xy[2 * a] + vx / 2, xy[2 * a + 1] + vy / 2, length / 2 + radius + 1, within);
  }
  visible.forEach((seen, joint) => {
    if (seen) fill(xy[2 * joint], xy[2 * joint + 1], radius + 1, (dx, dy) => dx * dx + dy * dy < radius * radius);
  });
  return made;
}
function closed(mask, height, width, reach) {
  const flip = (given) => given.map((value) => 1 - value);
  const grow = (given) => {
    const along = (from, step, place, size) => from.map((value, i) => {
      for (let shift = -reach; shift <= reach && !value; shift += 1) {
        const at = place(i) + shift;
        if (at >= 0 && at < size) value = from[i + shift * step];
      }
      return value;
    });
    return along(along(given, 1, (i) => i % width, width), width, (i) => Math.floor(i / width), height);
  };
  return flip(grow(flip(grow(mask))));
}
function gaussian(sigma) {
  const reach = Math.round(3 * sigma + 0.5);
  const taps = Array.from({ length: 2 * reach + 1 }, (_, i) => Math.exp(-0.5 * ((i - reach) / sigma) ** 2));
  const sum = taps.reduce((a, b) => a + b);
  return taps.map((tap) => tap / sum);
}
function blur(mask, height, width, taps) {
  const reach = (taps.length - 1) / 2;
  const along = (from, step, place, size) => Float32Array.from(from, (_, i) => {
    const at = place(i);
    let sum = 0;
    for (let tap = 0; tap < taps.length; tap += 1) {
      const near = Math.min(Math.max(at + tap - reach, 0), size - 1);
      sum += taps[tap] * from[i + (near - at) * step];
    }
    return sum;
  });
  return along(along(mask, 1, (i) => i % width, width), width, (i) => Math.floor(i / width), height);
}
function behind(frames, shares, clearest) {
  const made = new Uint8ClampedArray(frames[0].length);
  const count = Math.max(1, Math.floor(frames.length / clearest));
  const order = frames.map((_, number) => number);
  for (let pixel = 0; pixel < made.length / 4; pixel += 1) {
    order.sort((a, b) => shares[a][pixel] - shares[b][pixel] || a - b);
    for (let channel = 0; channel < 4; channel += 1) {
      const values = order.slice(0, count).map((number) => frames[number][4 * pixel + channel]);
      values.sort((a, b) => a - b);
      made[4 * pixel + channel] = values[Math.floor((count - 1) / 2)];
    }
  }
  return made;
}

// src/worker.ts
var models = /* @__PURE__ */ new Map();
async function load(name) {
  const session2 = async (part) => openSession(await readFile(`models/${encodeURIComponent(name)}/${part}.onnx`));
  const [encode, render] = [await session2("encode"), await session2("render")];
  return { encode, render, key: "", features: [] };
}
async function paint(wanted) {
  const ort = await runtime();
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
  return { pixels, size: wanted.size, milliseconds: performance.now() - start };
}
function toPixels(image, count) {
  const pixels = new Uint8ClampedArray(4 * count).fill(255);
  for (let i = 0; i < count; i += 1) {
    for (let channel = 0; channel < 3; channel += 1) pixels[4 * i + channel] = (image[channel * count + i] + 1) * 127.5;
  }
  return pixels;
}
async function film({ frames, poses, size, seconds, matte: matte2, said }) {
  return { file: encodeGif(steady(frames, poses, size, matte2), size[1], size[0], seconds, JSON.stringify(said)) };
}
function answer(wanted) {
  if ("model" in wanted) return paint(wanted);
  return "detector" in wanted ? find(wanted) : film(wanted);
}
addEventListener("message", ({ data }) => {
  answer(data).then(
    (made) => postMessage(made),
    (error) => postMessage({ error: error instanceof Error ? error.message : String(error) })
  );
});
