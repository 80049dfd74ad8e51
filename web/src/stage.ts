// What stands on the stage: the photo or its cut, and the pictures of the chosen models.

import type { Picture } from "./backend.ts";
import { byId } from "./dom.ts";
import { Result } from "./results.ts";
import type { Box, Model, Photo } from "./types.ts";

const SHARP = 900; // pixels of height that the photo's cut is drawn with at least, but at most twice its own
const TWICE = 2;

export class Stage {
  private readonly results: ReadonlyMap<string, Result>;
  private readonly stages = byId("stages", HTMLElement);
  private readonly figure = byId("photo-figure", HTMLElement);
  private readonly frame = byId("photo-frame", HTMLElement);
  private readonly canvas = byId("photo", HTMLCanvasElement);

  constructor(models: readonly Model[]) {
    this.results = new Map(models.map((model) => [model.name, new Result(model)]));
  }

  /** Put the whole photo there, or with models its cut and their pictures; tells what is seen, and where joints go. */
  lay(photo: Photo, image: HTMLImageElement, models: readonly string[]): { view: Box; holder: HTMLElement } {
    const shown = models.map((name) => this.results.get(name)!);
    this.stages.replaceChildren(this.figure, ...shown.map((result) => result.figure));
    const view = photo.boxes?.get(models[0] ?? "") ?? { left: 0, top: 0, ...photo.size };
    this.drawPhoto(image, view);
    for (const result of shown) {
      const box = photo.boxes?.get(result.model.name);
      if (box) result.setPhoto(image, box);
    }
    return { view, holder: shown[0]?.frame ?? this.frame };
  }

  private drawPhoto(image: HTMLImageElement, view: Box): void {
    const scale = Math.min(TWICE, Math.max(1, SHARP / view.height));
    const [width, height] = [Math.round(view.width * scale), Math.round(view.height * scale)];
    [this.canvas.width, this.canvas.height] = [width, height];
    const context = this.canvas.getContext("2d")!;
    context.imageSmoothingQuality = "high";
    context.drawImage(image, view.left, view.top, view.width, view.height, 0, 0, width, height);
    this.figure.style.setProperty("--ratio", String(view.width / view.height));
  }

  /** Pixels of a model's picture from top to bottom. */
  height(model: string): number {
    return this.results.get(model)!.model.size.height;
  }

  show(picture: Picture): void {
    this.results.get(picture.model)?.draw(picture);
  }

  say(model: string, sentences: readonly string[]): void {
    this.results.get(model)?.say(sentences);
  }

  clear(): void {
    for (const result of this.results.values()) result.clear();
  }
}
