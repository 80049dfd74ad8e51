import assert from "node:assert/strict";
import { test } from "node:test";
import { compress, encodeGif, type Frame } from "../src/gif.ts";

/** LZW as the specification tells it, one bit after the other. */
function expand(data: Uint8Array): number[] {
  let [at, width] = [0, 9];
  let table: number[][] = [];
  const fresh = () => [...Array.from({ length: 256 }, (_, i) => [i]), [], []];
  const read = () => {
    let code = 0;
    for (let bit = 0; bit < width; bit += 1, at += 1) code |= ((data[at >> 3]! >> (at & 7)) & 1) << bit;
    assert.ok(at <= 8 * data.length, "the data ends in the middle of a code");
    return code;
  };
  const out: number[] = [];
  let last: number[] | null = null;
  for (;;) {
    const code = read();
    if (code === 257) break;
    if (code === 256) {
      [table, width, last] = [fresh(), 9, null];
      continue;
    }
    assert.ok(code <= table.length);
    const entry: number[] = table[code] ?? [...last!, last![0]!];
    out.push(...entry);
    if (last && table.length < 4096) table.push([...last, entry[0]!]);
    if (table.length === 1 << width && width < 12) width += 1;
    last = entry;
  }
  assert.ok(8 * data.length - at < 8, "nothing stands behind the end");
  return out;
}

function noise(length: number, values: number): Uint8Array {
  let seed = 1;
  return Uint8Array.from({ length }, () => {
    seed = (Math.imul(seed, 1103515245) + 12345) >>> 0;
    return (seed >>> 16) % values;
  });
}

test("what is compressed comes back, whatever the length and however full the table", () => {
  for (let length = 1; length < 1500; length += 1) {
    const data = noise(length, 256);
    assert.deepEqual(expand(compress(data)), [...data]);
  }
  for (const values of [1, 2, 7, 256]) {
    const data = noise(40_000, values);
    const small = compress(data);
    assert.deepEqual(expand(small), [...data]);
    if (values < 7) assert.ok(small.length < data.length / 4);
  }
  for (let length = 3600; length < 4000; length += 1) expand(compress(noise(length, 256))); // around the last code
});

/** The parts of a GIF. */
function read(file: Uint8Array) {
  const text = (from: number, length: number) => new TextDecoder().decode(file.subarray(from, from + length));
  const short = (from: number) => file[from]! + 256 * file[from + 1]!;
  assert.equal(text(0, 6), "GIF89a");
  assert.deepEqual([file[10], file[11], file[12]], [0xf7, 0, 0]);
  const palette = file.subarray(13, 13 + 768);
  const [frames, delays]: [number[][], number[]] = [[], []];
  let [at, comment, loops] = [13 + 768, "", -1];
  const blocks = (): Uint8Array => {
    const parts: number[] = [];
    for (; file[at]! > 0; at += file[at]! + 1) parts.push(...file.subarray(at + 1, at + 1 + file[at]!));
    at += 1;
    return Uint8Array.from(parts);
  };
  while (file[at] !== 0x3b) {
    const kind = file[at] === 0x21 ? file[at + 1]! : file[at]!;
    at += file[at] === 0x21 ? 2 : 1;
    if (kind === 0x2c) {
      assert.deepEqual([short(at), short(at + 2), short(at + 4), short(at + 6), file[at + 8], file[at + 9]], [0, 0, short(6), short(8), 0, 8]);
      at += 10;
      frames.push(expand(blocks()));
      continue;
    }
    const data = blocks();
    if (kind === 0xfe) comment = new TextDecoder().decode(data);
    if (kind === 0xf9) delays.push(data[1]! + 256 * data[2]!);
    if (kind === 0xff) loops = data[12]! + 256 * data[13]!;
  }
  assert.equal(at, file.length - 1);
  const colours = frames.map((frame) => frame.map((i) => [...palette.subarray(3 * i, 3 * i + 3)]));
  return { size: [short(6), short(8)], colours, delays, comment, loops };
}

function frame(width: number, height: number, colour: (x: number, y: number) => readonly number[]): Frame {
  const data = new Uint8ClampedArray(4 * width * height);
  for (let y = 0; y < height; y += 1) for (let x = 0; x < width; x += 1) data.set([...colour(x, y), 255], 4 * (y * width + x));
  return data;
}

test("few colours are kept as they are, in every frame", () => {
  const colours = [[255, 0, 0], [0, 128, 7], [3, 2, 1], [4, 80, 160]] as const;
  const frames = [0, 1, 2].map((shift) => frame(5, 3, (x, y) => colours[(x + y + shift) % 4]!));
  const told = read(encodeGif(frames, 5, 3, 0.1, ""));
  assert.deepEqual(told.size, [5, 3]);
  assert.equal(told.loops, 0);
  told.colours.forEach((shown, shift) => shown.forEach((colour, i) => assert.deepEqual(colour, colours[((i % 5) + Math.floor(i / 5) + shift) % 4])));
});

test("of many colours each is near its own, and what stands still does not flicker", () => {
  const frames = [0, 1, 2, 3].map((shift) =>
    frame(64, 64, (x, y) => (y < 48 ? [4 * x, 5 * y, 255 - 2 * x - 2 * y] : [(16 * y + 4 * x + 40 * shift) % 256, 200, 30])),
  );
  const { colours } = read(encodeGif(frames, 64, 64, 0.1, ""));
  frames.forEach((data, number) => {
    const off = colours[number]!.flatMap((colour, i) => colour.map((value, channel) => Math.abs(value - data[4 * i + channel]!)));
    assert.ok(off.reduce((a, b) => a + b) / off.length < 6);
    assert.ok(Math.max(...off) < 48);
    assert.deepEqual(colours[number]!.slice(0, 48 * 64), colours[0]!.slice(0, 48 * 64));
  });
});

test("the whole takes its time though a GIF counts hundredths, and says what it is told to say", () => {
  const frames = Array.from({ length: 16 }, (_, i) => frame(2, 2, () => [i, i, i]));
  const comment = JSON.stringify({ Description: "AI-generated: ü ".repeat(60) });
  const told = read(encodeGif(frames, 2, 2, 1.1 / 16, comment));
  assert.equal(told.delays.reduce((a, b) => a + b), 110);
  assert.deepEqual(new Set(told.delays), new Set([6, 7]));
  assert.equal(told.comment, comment);
});
