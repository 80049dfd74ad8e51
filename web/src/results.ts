// The pictures: one figure for each model, with the photo's cut over it for comparing.

import type { Picture } from "./backend.ts";
import { make } from "./dom.ts";
import type { Box, Model } from "./types.ts";

export class Result {
  readonly figure: HTMLElement;
  readonly frame: HTMLElement;
  private readonly canvas: HTMLCanvasElement;
  private readonly photo: HTMLCanvasElement;
  private readonly time = make("span", { class: "time" });
  private readonly verdict = make("span", { class: "verdict", "aria-live": "polite" });

  constructor(readonly model: Model) {
    const { width, height } = model.size;
    const size = { width: String(width), height: String(height) };
    this.canvas = make("canvas", { class: "picture", role: "img", "aria-label": `Picture made by ${model.name}`, ...size });
    this.photo = make("canvas", { class: "over", "aria-hidden": "true", ...size });
    this.frame = make("div", { class: "frame" }, this.canvas, this.photo);
    const caption = make("figcaption", {}, make("span", { class: "name" }, model.name), this.time, this.verdict);
    this.figure = make("figure", { class: "result", "data-model": model.name }, this.frame, caption);
    this.figure.style.setProperty("--ratio", String(width / height));
  }

  draw(picture: Picture): void {
    this.canvas.getContext("2d")!.putImageData(picture.pixels, 0, 0);
    this.time.textContent = `${Math.round(picture.milliseconds)} ms`;
    // How long the user waited; benchmarks/page_latency.py reads it.
    const detail = picture.milliseconds;
    performance.measure(`posegan ${this.model.name}`, { start: picture.asked, end: performance.now(), detail });
  }

  /** Say what was found of the picture, a line for each sentence. */
  say(sentences: readonly string[]): void {
    this.verdict.replaceChildren(...sentences.map((sentence) => make("span", {}, sentence)));
  }

  /** Lay the photo's cut under the slider. */
  setPhoto(image: CanvasImageSource, box: Box): void {
    const { width, height } = this.photo;
    const context = this.photo.getContext("2d")!;
    context.imageSmoothingQuality = "high";
    context.clearRect(0, 0, width, height);
    context.drawImage(image, ...placed(box, width, height));
  }

  clear(): void {
    this.canvas.getContext("2d")!.clearRect(0, 0, this.canvas.width, this.canvas.height);
    this.time.textContent = "";
    this.say([]);
  }
}

/** Where drawImage has to put a photo's box so that it fills a canvas of that size, parts outside the photo left out. */
function placed(box: Box, width: number, height: number): [number, number, number, number, number, number, number, number] {
  return [box.left, box.top, box.width, box.height, 0, 0, width, height];
}
