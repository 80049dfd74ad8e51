// The whole photo with the person in the new pose: made when a pose has come to rest, dimmed as soon as it moves again.

import { type Backend, Sentence } from "./backend.ts";
import { button, byId, measures, save } from "./dom.ts";
import { Rest } from "./rest.ts";
import type { Model, Photo, Pose, Size } from "./types.ts";

const WIDEST = 1.9; // of all figures in one row, widths over their height; with more the photo stands below

type Wish = readonly [photo: Photo, models: readonly string[], pose: Pose];

export class Whole {
  private readonly figure = byId("whole", HTMLElement);
  private readonly image = byId("whole-photo", HTMLImageElement);
  private readonly name = byId("whole-name", HTMLElement);
  private readonly note = byId("whole-note", HTMLElement);
  private readonly box = byId("in-photo", HTMLInputElement);
  private readonly button = button("download-photo", () => this.download());
  private readonly rest = new Rest(500); // milliseconds
  private wish: Wish | null = null; // of the pose that rests
  private made: { readonly file: Blob; readonly model: string } | null = null; // of that pose

  constructor(
    private readonly backend: Backend,
    private readonly fileName: (model: string) => string,
  ) {
    this.box.addEventListener("change", () => this.turn());
    this.turn();
  }

  private get on(): boolean {
    return this.backend.inPhoto !== null && this.box.checked;
  }

  /** Show or hide it, as the box says. */
  private turn(): void {
    const wish = this.wish;
    this.forget();
    this.figure.hidden = !this.on;
    if (wish) this.soon(...wish);
  }

  /** Make room for a photo of that size, beside pictures of these models or below them. */
  lay(photo: Size, models: readonly Model[]): void {
    const ratio = ({ width, height }: Size) => width / height;
    const pictures = models.map(({ size }) => ratio(size));
    const all = ratio(photo) + pictures.reduce((a, b) => a + b, pictures[0] ?? 0); // the photo's cut is like the first
    this.figure.style.setProperty("--ratio", String(ratio(photo)));
    byId("whole-size", HTMLElement).textContent = measures(photo);
    byId("show", HTMLElement).classList.toggle("beside", all <= WIDEST);
  }

  /** Another photo: nothing of the last one stays. */
  clear(): void {
    this.forget();
    URL.revokeObjectURL(this.image.src);
    this.image.removeAttribute("src");
    this.image.hidden = true;
    this.name.textContent = "In the photo";
  }

  /** A new pose: what is shown is of another one. */
  forget(): void {
    this.rest.move();
    this.wish = this.made = null;
    this.note.textContent = "";
    this.tell();
  }

  /** The pose may stay: have it made by the first of the models, unless another one comes. */
  soon(...wish: Wish): void {
    this.wish = wish;
    if (this.on) this.rest.wait((signal) => this.make(wish, signal));
  }

  private async make([photo, models, pose]: Wish, signal: AbortSignal): Promise<void> {
    const model = models[0]!;
    try {
      const file = await this.backend.inPhoto!(photo, model, pose, signal);
      if (!signal.aborted) await this.show(file, model, signal);
    } catch (error) {
      if (!signal.aborted) this.note.textContent = error instanceof Sentence ? error.message : "It could not be made.";
    }
  }

  private async show(file: Blob, model: string, signal: AbortSignal): Promise<void> {
    const next = new Image();
    next.src = URL.createObjectURL(file);
    await next.decode(); // so that nothing flickers
    if (signal.aborted) return URL.revokeObjectURL(next.src);
    URL.revokeObjectURL(this.image.src);
    this.image.src = next.src;
    this.image.alt = `The whole photo with the person in the new pose, made by ${model}`;
    this.image.hidden = false;
    this.name.textContent = `In the photo, by ${model}`;
    this.made = { file, model };
    this.tell();
  }

  /** Say on the figure and the button whether what is shown is of the pose. */
  private tell(): void {
    this.figure.setAttribute("aria-busy", String(this.made === null));
    // It keeps the focus while the next one is made: a disabled button would lose it.
    this.button.setAttribute("aria-disabled", String(this.made === null));
  }

  private download(): void {
    if (this.made) save(this.made.file, this.fileName(this.made.model));
  }
}
