// The motion that plays or played last as a GIF: the button that saves it, and the line that says which motion and model
// that is and how far it has come. Nothing else waits for it.

import type { App } from "./app.ts";
import { button, byId, measures, save, words } from "./dom.ts";
import type { Pose } from "./types.ts";

/** The name of a motion of `App.play` as people read it. */
export function title(motion: string): string {
  return motion === "photo" ? "Photo to pose" : words(motion);
}

export class Film {
  private readonly button = button("download-gif", () => this.make());
  private readonly note = byId("gif-note", HTMLElement);
  private making: string | null = null; // what is told of it
  /** What was told of the one that was saved, and what the page showed then: with anything else it is no news. */
  private saved: { readonly told: string | null; readonly about: string | null; readonly pose: Pose } | null = null;

  constructor(private readonly app: App) {
    this.show();
  }

  /** Bring the button and its line up to date. */
  show(): void {
    const about = this.about();
    this.button.disabled = about === null && this.making === null;
    // It keeps the focus while a GIF is made: a disabled button would lose it.
    this.button.setAttribute("aria-disabled", String(this.making !== null));
    this.note.classList.toggle("working", this.making !== null);
    if (this.saved?.about !== about || this.saved.pose !== this.app.history.now) this.saved = null;
    if (this.making !== null) this.say(`Making the GIF: ${this.making} …`);
    else if (about === null) this.say("Play one, then it can be saved as a GIF.");
    else this.say(this.saved === null ? `${about}.` : `Saved: ${this.saved.told}.`);
  }

  private about(): string | null {
    const { motion, chosen, others, facts } = this.app;
    if (motion === null) return null;
    const model = `by ${chosen[0]!}${chosen.length > 1 ? ", the first of the chosen models" : ""}`;
    const from = others.length > 0 ? `, from ${others.length + 1} photos` : "";
    const { frames, seconds } = this.app.sequence(motion);
    const size = measures(facts.models.find(({ name }) => name === chosen[0])!.size);
    return `${title(motion)}, ${model}${from}: ${frames.length} frames in ${seconds.toFixed(1)} s, ${size}`;
  }

  /** Say it once: it is read out. */
  private say(sentence: string): void {
    if (this.note.textContent !== sentence) this.note.textContent = sentence;
  }

  private async make(): Promise<void> {
    const { motion, chosen, messages } = this.app;
    const about = this.about();
    if (motion === null || this.making !== null) return;
    this.making = about;
    this.show();
    await messages.guard(async () => {
      const name = this.app.fileName([motion === "photo" ? `photo-to-${this.app.poseName}` : motion, chosen[0]!], "gif");
      const file = await this.app.film(motion, chosen[0]!);
      save(file, name);
      this.saved = { told: `${about}, ${Math.ceil(file.size / 1000)} kB`, about: this.about(), pose: this.app.history.now };
    });
    this.making = null;
    this.show();
  }
}
