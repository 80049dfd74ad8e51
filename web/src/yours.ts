// The user's photos, to go from one to another: each small; what is done to one waits while another is shown.

import type { App, Work } from "./app.ts";
import { byId, make } from "./dom.ts";
import { photoPicture } from "./library.ts";

export class Yours {
  private readonly section = byId("yours", HTMLElement);
  private readonly list = byId("your-photos", HTMLElement);
  private shown: readonly Work[] = [];

  constructor(private readonly app: App) {
    this.show();
  }

  /** Bring the list up to date; where it would lead nowhere it is hidden. */
  show(): void {
    const { own, person } = this.app;
    this.section.hidden = own.every((one) => one === person);
    if (own.length !== this.shown.length || own.some((one, index) => one !== this.shown[index])) {
      this.list.replaceChildren(...own.map((one, index) => this.item(one, index)));
      this.shown = own;
    }
    [...this.list.children].forEach((item, index) => item.setAttribute("aria-pressed", String(own[index] === person)));
  }

  private item(work: Work, index: number): HTMLButtonElement {
    const label = work.photo.name ?? `Photo ${index + 1}`;
    const picture = photoPicture({ ...work.photo, pose: null }, this.app.facts, label);
    picture.setAttribute("preserveAspectRatio", "xMidYMid slice");
    const item = make("button", { type: "button", class: "thumb own-photo", title: label }, picture);
    item.addEventListener("click", () => this.app.goTo(work));
    return item;
  }
}
