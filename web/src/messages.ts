// What the page says: failures in a bar above the work, small changes to screen readers only.

import { Sentence } from "./backend.ts";
import { byId } from "./dom.ts";
import { Overtaken } from "./newest.ts";

export class Messages {
  private readonly bar = byId("message", HTMLElement);
  private readonly text = byId("message-text", HTMLElement);
  private readonly live = byId("live", HTMLElement);
  private about = ""; // what the sentence is about, if that may pass by itself
  private waiting = 0; // actions that cover the page

  constructor() {
    byId("message-close", HTMLButtonElement).addEventListener("click", () => this.clear());
  }

  /** Show a sentence until it is closed or the next action begins; about: or until what that names is well again. */
  show(sentence: string, about = ""): void {
    this.about = about;
    this.text.textContent = sentence;
    this.bar.hidden = false;
  }

  /** What this names is well again: nothing bad is said of it any more. */
  over(about: string): void {
    if (this.about === about) this.clear();
  }

  clear(): void {
    this.about = "";
    this.bar.hidden = true;
    this.text.textContent = "";
  }

  /** Tell screen readers. */
  tell(text: string): void {
    this.live.textContent = text;
  }

  /** Run an action; what it throws becomes a sentence in the page, unless another action has overtaken it. */
  async guard(action: () => Promise<void>): Promise<void> {
    this.clear();
    try {
      await action();
    } catch (error) {
      if (error instanceof Overtaken) return;
      if (!(error instanceof Sentence)) console.error(error);
      this.show(error instanceof Sentence ? error.message : "Something went wrong in the page: load it again.");
    }
  }

  /** Cover the page with what it waits for while an action runs: nothing below can be clicked or focused. */
  async busy(what: string, action: () => Promise<void>): Promise<void> {
    byId("busy", HTMLElement).textContent = what;
    const focused = document.activeElement;
    this.cover(1);
    try {
      await action();
    } finally {
      this.cover(-1);
      const lost = document.activeElement === document.body;
      if (lost && (focused instanceof HTMLElement || focused instanceof SVGElement)) focused.focus();
    }
  }

  private cover(more: number): void {
    this.waiting += more;
    document.body.classList.toggle("busy", this.waiting > 0);
    byId("main", HTMLElement).inert = this.waiting > 0;
  }
}
