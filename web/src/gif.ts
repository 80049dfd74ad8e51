// Animated GIFs for the page without a server: GIF89a, one palette for all frames, an endless loop and a comment.
// Source: the GIF89a specification (CompuServe 1990); median cut (Heckbert, SIGGRAPH 1982). No dithering: it flickers.

const COLOURS = 256;
const BITS = 6; // of each channel, by which colours are told apart
const CLEAR = COLOURS; // LZW: forget the table
const END = COLOURS + 1;
const CODES = 4096;

export type Frame = Uint8ClampedArray<ArrayBuffer>; // RGBA row by row

/** The file; seconds: of each frame. A GIF counts hundredths: frames differ by one, so that the whole takes its time. */
export function encodeGif(frames: readonly Frame[], width: number, height: number, seconds: number, comment: string): Uint8Array<ArrayBuffer> {
  const { palette, index } = quantize(frames);
  const file = new Bytes();
  file.text("GIF89a").short(width).short(height).put([0xf7, 0, 0]).put(palette); // 0xf7: a palette of 256 colours
  file.put([0x21, 0xff, 11]).text("NETSCAPE2.0").put([3, 1, 0, 0, 0]); // repeat without end
  file.put([0x21, 0xfe]).blocks(new TextEncoder().encode(comment));
  frames.forEach((frame, number) => {
    const [start, end] = [Math.round(100 * seconds * number), Math.round(100 * seconds * (number + 1))];
    file.put([0x21, 0xf9, 4, 0]).short(end - start).put([0, 0]);
    file.put([0x2c]).short(0).short(0).short(width).short(height).put([0, 8]);
    file.blocks(compress(indices(frame, index)));
  });
  return file.put([0x3b]).bytes();
}

/** A file that grows. */
class Bytes {
  private data = new Uint8Array(1 << 16);
  private length = 0;

  put(more: ArrayLike<number>): this {
    while (this.length + more.length > this.data.length) {
      const larger = new Uint8Array(2 * this.data.length);
      larger.set(this.data);
      this.data = larger;
    }
    this.data.set(more, this.length);
    this.length += more.length;
    return this;
  }

  short(value: number): this {
    return this.put([value & 255, value >> 8]);
  }

  text(ascii: string): this {
    return this.put(new TextEncoder().encode(ascii));
  }

  /** In blocks of at most 255 bytes with their lengths, ended by an empty one. */
  blocks(data: Uint8Array): this {
    for (let at = 0; at < data.length; at += 255) {
      const block = data.subarray(at, at + 255);
      this.put([block.length]).put(block);
    }
    return this.put([0]);
  }

  bytes(): Uint8Array<ArrayBuffer> {
    return this.data.slice(0, this.length);
  }
}

// Colours ----------------------------------------------------------------------------------------------------------

interface Cell {
  readonly key: number;
  readonly count: number;
  readonly mean: readonly [number, number, number]; // of its pixels
}

function keyOf(red: number, green: number, blue: number): number {
  const drop = 8 - BITS;
  return ((red >> drop) << (2 * BITS)) | ((green >> drop) << BITS) | (blue >> drop);
}

/** One palette for all frames, and which of its colours stands for which key. */
function quantize(frames: readonly Frame[]): { palette: Uint8Array; index: Uint8Array } {
  const cells = cellsOf(frames);
  const colours = medianCut(cells).map(meanOf);
  const palette = new Uint8Array(3 * COLOURS);
  colours.forEach((colour, i) => palette.set(colour.map(Math.round), 3 * i));
  const index = new Uint8Array(1 << (3 * BITS));
  for (const { key, mean } of cells) index[key] = nearest(colours, mean);
  return { palette, index };
}

function cellsOf(frames: readonly Frame[]): Cell[] {
  const sums = new Uint32Array(4 << (3 * BITS)); // count, red, green, blue
  for (const frame of frames) {
    for (let i = 0; i < frame.length; i += 4) {
      const at = 4 * keyOf(frame[i]!, frame[i + 1]!, frame[i + 2]!);
      sums[at]! += 1;
      for (let channel = 0; channel < 3; channel += 1) sums[at + 1 + channel]! += frame[i + channel]!;
    }
  }
  const cells: Cell[] = [];
  for (let at = 0; at < sums.length; at += 4) {
    const count = sums[at]!;
    if (count > 0) cells.push({ key: at / 4, count, mean: [sums[at + 1]! / count, sums[at + 2]! / count, sums[at + 3]! / count] });
  }
  return cells;
}

interface Box {
  readonly cells: Cell[];
  readonly axis: number; // channel in which its colours differ most
  readonly error: number; // squared, over all its pixels, along that axis
}

/** At most 256 boxes of alike colours: the one with the largest error is cut at its mean, again and again. */
function medianCut(cells: Cell[]): Cell[][] {
  const boxes = [boxOf(cells)];
  while (boxes.length < COLOURS) {
    let worst = 0;
    boxes.forEach((box, i) => {
      if (box.error > boxes[worst]!.error) worst = i;
    });
    const { cells: all, axis, error } = boxes[worst]!;
    if (!(error > 0)) break; // every colour has its own
    const middle = meanOf(all)[axis]!;
    const low = all.filter(({ mean }) => mean[axis]! <= middle);
    const high = all.filter(({ mean }) => mean[axis]! > middle);
    if (low.length === 0 || high.length === 0) break; // they differ by rounding only
    boxes.splice(worst, 1, boxOf(low), boxOf(high));
  }
  return boxes.map((box) => box.cells);
}

function boxOf(cells: Cell[]): Box {
  const middle = meanOf(cells);
  const errors = [0, 1, 2].map((axis) => cells.reduce((sum, { mean, count }) => sum + count * (mean[axis]! - middle[axis]!) ** 2, 0));
  const axis = errors.indexOf(Math.max(...errors));
  return { cells, axis, error: errors[axis]! };
}

function meanOf(cells: readonly Cell[]): [number, number, number] {
  const sum = [0, 0, 0, 0];
  for (const { mean, count } of cells) {
    sum[3]! += count;
    for (let axis = 0; axis < 3; axis += 1) sum[axis]! += count * mean[axis]!;
  }
  return [sum[0]! / sum[3]!, sum[1]! / sum[3]!, sum[2]! / sum[3]!];
}

function nearest(colours: readonly (readonly number[])[], [red, green, blue]: readonly [number, number, number]): number {
  let [best, least] = [0, Infinity];
  for (let i = 0; i < colours.length; i += 1) {
    const [r, g, b] = colours[i]!;
    const distance = (r! - red) ** 2 + (g! - green) ** 2 + (b! - blue) ** 2;
    if (distance < least) [best, least] = [i, distance];
  }
  return best;
}

function indices(frame: Frame, index: Uint8Array): Uint8Array {
  const made = new Uint8Array(frame.length / 4);
  for (let i = 0; i < made.length; i += 1) made[i] = index[keyOf(frame[4 * i]!, frame[4 * i + 1]!, frame[4 * i + 2]!)]!;
  return made;
}

// LZW --------------------------------------------------------------------------------------------------------------

/** Bytes by the LZW of GIF: codes of 9 to 12 bits, the lowest bit first. */
export function compress(data: Uint8Array): Uint8Array {
  const out = new Bytes();
  const follows = new Uint16Array(CODES * COLOURS); // the code for what a code stands for and one byte more; 0: none
  let [free, width, bits, held] = [END + 1, 9, 0, 0];
  const emit = (code: number) => {
    held |= code << bits;
    for (bits += width; bits >= 8; bits -= 8, held >>>= 8) out.put([held & 255]);
  };
  const clear = () => {
    emit(CLEAR);
    follows.fill(0);
    [free, width] = [END + 1, 9];
  };
  clear();
  let prefix = data[0]!;
  for (let i = 1; i < data.length; i += 1) {
    const byte = data[i]!;
    const longer = follows[prefix * COLOURS + byte]!;
    if (longer > 0) {
      prefix = longer;
      continue;
    }
    emit(prefix);
    if (free === CODES) clear();
    else {
      if (free === 1 << width) width += 1; // the reader knows one code less
      follows[prefix * COLOURS + byte] = free;
      free += 1;
    }
    prefix = byte;
  }
  emit(prefix);
  if (free === 1 << width && free < CODES) width += 1; // as the reader, which takes that for one code more
  emit(END);
  if (bits > 0) out.put([held & 255]);
  return out.bytes();
}
