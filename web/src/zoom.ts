// Two fingers on the picture make it larger, so that joints which lie close to each other come apart. All pictures of the
// stage go along; the larger one is moved by two fingers too, or by one that holds nothing.

import { make } from "./dom.ts";
import type { Point } from "./types.ts";

const MOST = 8; // times
const FAR = 12; // screen pixels; a finger that has gone farther drags, and no second one makes it a pinch

interface Finger {
  readonly from: Point; // on the screen
  readonly free: boolean; // whether it holds nothing
  at: Point;
}

const between = (value: number, first: number, last: number) => Math.min(last, Math.max(first, value));

export class Zoom {
  readonly button = make("button", { type: "button", class: "unzoom" }, "Whole picture");
  private readonly fingers = new Map<number, Finger>();
  private scale = 1;
  private corner: Point = { x: 0, y: 0 }; // of the larger picture, of the frame's size
  private grip: { readonly point: Point; readonly scale: number; readonly apart: number } | null = null; // of the picture

  constructor(
    private readonly svg: SVGSVGElement, // over one of the pictures, in its frame
    private readonly stages: HTMLElement,
    private readonly begins: () => void, // whatever a finger drags is let go
  ) {
    this.button.addEventListener("click", () => this.end());
    svg.addEventListener("pointerdown", (event) => this.down(event), { capture: true }); // before a joint is taken
    svg.addEventListener("pointermove", (event) => this.move(event));
    for (const kind of ["pointerup", "pointercancel"] as const) svg.addEventListener(kind, (event) => this.up(event));
    // Neither does the browser zoom or scroll the page.
    const ours = (event: TouchEvent) => (event.touches.length > 1 || this.scale > 1) && event.preventDefault();
    svg.addEventListener("touchstart", ours, { passive: false });
  }

  /** The whole picture again. */
  end(): void {
    [this.scale, this.corner, this.grip] = [1, { x: 0, y: 0 }, null];
    this.fingers.clear();
    this.show();
  }

  private down(event: PointerEvent): void {
    if (event.pointerType !== "touch" || this.fingers.size > 1) return;
    const [first] = this.fingers.values();
    if (first && !first.free && Math.hypot(first.at.x - first.from.x, first.at.y - first.from.y) > FAR) return;
    const at = { x: event.clientX, y: event.clientY };
    this.fingers.set(event.pointerId, { from: at, at, free: event.target === this.svg });
    if (this.fingers.size === 2) {
      event.stopPropagation(); // it takes no joint
      this.begins();
    }
    this.hold();
  }

  private move(event: PointerEvent): void {
    const finger = this.fingers.get(event.pointerId);
    if (!finger) return;
    finger.at = { x: event.clientX, y: event.clientY };
    if (this.grip) this.pull(this.grip);
  }

  private up(event: PointerEvent): void {
    if (this.fingers.delete(event.pointerId)) this.hold();
  }

  /** What the fingers hold from now on. */
  private hold(): void {
    const fingers = [...this.fingers.values()];
    const holds = fingers.length === 2 || (this.scale > 1 && fingers.length === 1 && fingers[0]!.free);
    const { middle, apart } = this.seen();
    const { scale, corner } = this;
    const point = { x: (middle.x - corner.x) / scale, y: (middle.y - corner.y) / scale };
    this.grip = holds ? { point, scale, apart } : null;
  }

  private pull({ point, scale, apart: before }: NonNullable<Zoom["grip"]>): void {
    const { middle, apart } = this.seen();
    this.scale = between((scale * apart) / before, 1, MOST);
    const place = (middle: number, point: number) => between(middle - point * this.scale, 1 - this.scale, 0);
    this.corner = { x: place(middle.x, point.x), y: place(middle.y, point.y) };
    this.show();
  }

  /** The middle of the fingers, of the frame's size, and how far they are apart: 1 for one finger. */
  private seen(): { middle: Point; apart: number } {
    const frame = this.svg.parentElement!.getBoundingClientRect();
    const [one, other] = [...this.fingers.values()].map(({ at }) => at);
    const [a, b] = [one ?? { x: 0, y: 0 }, other ?? one ?? { x: 0, y: 0 }];
    return {
      middle: { x: ((a.x + b.x) / 2 - frame.left) / frame.width, y: ((a.y + b.y) / 2 - frame.top) / frame.height },
      apart: Math.hypot(b.x - a.x, b.y - a.y) || 1,
    };
  }

  private show(): void {
    this.stages.classList.toggle("zoomed", this.scale > 1);
    const { scale, corner } = this;
    for (const [name, value] of [["scale", scale], ["left", corner.x], ["top", corner.y]] as const) {
      this.stages.style.setProperty(`--zoom-${name}`, String(value));
    }
  }
}
