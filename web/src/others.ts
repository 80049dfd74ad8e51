// More photos of the person: each small, with the joints that were found in it and buttons that put it first, mend its joints
// or take it away.

import type { App } from "./app.ts";
import { byId, make } from "./dom.ts";
import { photoPicture } from "./library.ts";
import type { Photo } from "./types.ts";

export class Others {
  readonly section = byId("others", HTMLElement); // files that are dropped on it are added
  private readonly list = byId("other-photos", HTMLElement);
  private readonly input = byId("other-file", HTMLInputElement);
  private shown: readonly Photo[] = [];

  constructor(private readonly app: App) {
    this.show();
  }

  /** Bring the list up to date. */
  show(): void {
    const { others, takesOthers, facts } = this.app;
    this.section.hidden = !takesOthers;
    this.section.classList.toggle("full", others.length + 1 >= facts.photos);
    if (others === this.shown) return;
    this.shown = others;
    this.list.replaceChildren(...others.map((photo, index) => this.item(photo, index)));
  }

  private item(photo: Photo, index: number): HTMLLIElement {
    const name = `photo ${index + 2}`; // the first is the one that is posed
    const first = make("button", { type: "button", "aria-label": `Put ${name} first` }, "Put first");
    first.addEventListener("click", () => void this.app.putFirst(photo).then(() => this.focus(index, "first")));
    const mend = make("button", { type: "button", "aria-label": `Mend the joints of ${name}` }, "Joints");
    mend.addEventListener("click", () => void this.app.mendOther(photo));
    const remove = make("button", { type: "button", "aria-label": `Remove ${name}` }, "Remove");
    remove.addEventListener("click", () => {
      this.app.removeOther(index);
      this.focus(index, "last"); // where the next one is removed
    });
    const picture = photoPicture(photo, this.app.facts, `P${name.slice(1)} of this person`);
    return make("li", {}, picture, first, mend, remove);
  }

  /** Put the focus on a button of the photo that has a place in the list now, or of the last one. */
  private focus(index: number, button: "first" | "last"): void {
    const buttons = this.list.querySelectorAll<HTMLButtonElement>(`button:${button}-of-type`);
    (buttons[Math.min(index, buttons.length - 1)] ?? this.input).focus();
  }
}
