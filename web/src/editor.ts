// The skeleton on a picture: drawn as SVG, dragged with mouse or touch, moved with the keyboard.
// It knows nothing of photos and models; whoever owns it is told of every change.

import { dragJoint, move, stretch, turnLimb } from "./drag.ts";
import { BOX_MARGIN, Figure } from "./figure.ts";
import { centre } from "./pose.ts";
import type { Box, Point, Pose, Skeleton } from "./types.ts";

export interface EditorEvents {
  /** The pose while it is dragged; time: of the event, as performance.now(). */
  moving(pose: Pose, time: number): void;
  /** The pose after a drag or a key press; label: changes with the same one may be undone together. */
  moved(pose: Pose, label: string, time: number): void;
  /** A drag was given up: everything is as it was before. */
  cancelled(): void;
  toggled(joint: number): void;
  selected(joint: number | null): void;
}

type Grip = (to: Point) => Pose; // what the pose becomes when the pointer is there

const STEP = 1; // pixels of the model's picture that an arrow key moves; with Shift BIG_STEP
const BIG_STEP = 5;
const ARROWS: Readonly<Record<string, readonly [number, number]>> = {
  ArrowLeft: [-1, 0],
  ArrowRight: [1, 0],
  ArrowUp: [0, -1],
  ArrowDown: [0, 1],
};

export class Editor {
  limbs = true;
  keyStep = 1; // photo pixels that make one pixel of the model's picture
  private pose: Pose = [];
  private hasBox = false;
  private grip: { take: Grip; pointer: number; from: Pose; changed: boolean } | null = null;
  private readonly figure: Figure;

  constructor(
    readonly svg: SVGSVGElement,
    private readonly skeleton: Skeleton,
    private readonly events: EditorEvents,
  ) {
    this.figure = new Figure(svg, skeleton);
    this.tie();
    svg.addEventListener("pointermove", (event) => this.follow(event));
    svg.addEventListener("pointerup", (event) => this.release(event));
    svg.addEventListener("pointercancel", (event) => this.release(event));
    // A finger on a joint drags, elsewhere it scrolls the page; touch-action on parts of an SVG does nothing.
    svg.addEventListener("touchstart", (event) => event.target !== svg && event.preventDefault(), { passive: false });
    svg.addEventListener("dblclick", (event) => this.toggle(event)); // the svg has captured the pointer
    svg.addEventListener("keydown", (event) => {
      if (event.key === "Escape") this.cancel();
    });
    new ResizeObserver(() => this.figure.draw()).observe(svg);
  }

  /** Show a pose, unless one is being dragged. */
  show(pose: Pose): void {
    if (this.grip) return;
    this.pose = pose;
    this.figure.draw(pose);
  }

  /** Show this part of the photo; hasBox: with a box around the person, to move and stretch all of it. */
  frame(view: Box, hasBox: boolean): void {
    this.letGo(); // what was held belongs to another picture
    this.hasBox = hasBox;
    this.svg.classList.toggle("with-box", hasBox);
    this.figure.frame(view);
    this.figure.draw();
  }

  /** The box around the person. */
  get personBox(): Box {
    return this.figure.personBox();
  }

  private tie(): void {
    const { torso, boneGrips, joints, corners } = this.figure;
    torso.addEventListener("pointerdown", (event) => this.grab(event, this.bodyGrip(this.figure.at(event))));
    for (const [joint, line] of boneGrips) {
      line.addEventListener("pointerdown", (event) => this.grab(event, this.boneGrip(joint, this.figure.at(event))));
    }
    joints.forEach((group, joint) => this.tieJoint(group, joint));
    corners.forEach((group, corner) => this.tieCorner(group, corner));
  }

  private tieJoint(group: SVGGElement, joint: number): void {
    group.addEventListener("pointerdown", (event) => {
      const at = this.figure.at(event);
      const nearest = this.figure.nearest(at) ?? joint;
      this.figure.joints[nearest]!.focus({ preventScroll: true });
      this.grab(event, this.jointGrip(nearest, at));
    });
    group.addEventListener("focus", () => this.events.selected(joint));
    group.addEventListener("keydown", (event) => this.jointKey(event, joint));
  }

  private tieCorner(group: SVGGElement, corner: number): void {
    group.addEventListener("pointerdown", (event) => {
      group.focus({ preventScroll: true });
      this.grab(event, this.cornerGrip(corner, this.figure.at(event)));
    });
    group.addEventListener("keydown", (event) => {
      const step = this.arrow(event);
      if (!step) return;
      const at = this.figure.cornerPoints()[corner]!;
      this.change(this.cornerGrip(corner, at)({ x: at.x + step.x, y: at.y + step.y }), `corner ${corner}`, event.timeStamp);
    });
  }

  private toggle(event: MouseEvent): void {
    const joint = this.figure.nearest(this.figure.at(event), 1);
    if (joint !== null) this.events.toggled(joint);
  }

  // What a pointer holds ---------------------------------------------------------------------------------------------

  private jointGrip(joint: number, at: Point): Grip {
    const [from, dx, dy] = [this.pose, this.pose[joint]!.x - at.x, this.pose[joint]!.y - at.y];
    return (to) =>
      this.dragged(from, joint, { x: to.x + dx, y: to.y + dy });
  }

  private dragged(from: Pose, joint: number, to: Point): Pose {
    return dragJoint(from, this.skeleton, joint, this.within(to), this.limbs && !this.hasBox, this.figure.view);
  }

  private boneGrip(joint: number, at: Point): Grip {
    if (this.skeleton.torso.includes(joint)) return this.bodyGrip(at);
    const [from, about] = [this.pose, this.pose[this.skeleton.parents[joint]!]!];
    const angle = (point: Point) => Math.atan2(point.y - about.y, point.x - about.x);
    return (to) => turnLimb(from, this.skeleton, joint, angle(to) - angle(at), this.figure.view);
  }

  private bodyGrip(at: Point): Grip {
    const from = this.pose;
    const middle = centre(from, this.skeleton);
    return (to) => {
      const kept = this.within({ x: middle.x + to.x - at.x, y: middle.y + to.y - at.y }); // half of the torso is seen
      return move(from, kept.x - middle.x, kept.y - middle.y);
    };
  }

  private cornerGrip(corner: number, at: Point): Grip {
    const [from, old] = [this.pose, this.figure.personBox()];
    const [right, bottom] = [corner === 1 || corner === 2, corner >= 2];
    const margin = BOX_MARGIN * Math.max(this.figure.view.width, this.figure.view.height); // feet may stand at the edge
    return (pointer) => {
      const to = this.within(pointer, margin, at);
      const least = 0.05 * old.height;
      const width = Math.max(least, old.width + (right ? to.x - at.x : at.x - to.x));
      const height = Math.max(least, old.height + (bottom ? to.y - at.y : at.y - to.y));
      const left = right ? old.left : old.left + old.width - width;
      const top = bottom ? old.top : old.top + old.height - height;
      return stretch(from, old, { left, top, width, height });
    };
  }

  private grab(event: PointerEvent, take: Grip): void {
    if (this.grip || event.button !== 0) return;
    event.preventDefault();
    event.stopPropagation();
    this.svg.setPointerCapture(event.pointerId);
    this.svg.classList.add("dragging");
    this.grip = { take, pointer: event.pointerId, from: this.pose, changed: false };
  }

  private follow(event: PointerEvent): void {
    if (this.grip?.pointer !== event.pointerId) return;
    this.grip.changed = true;
    this.pose = this.grip.take(this.figure.at(event));
    this.figure.draw(this.pose);
    this.events.moving(this.pose, event.timeStamp);
  }

  private release(event: PointerEvent): void {
    if (this.grip?.pointer !== event.pointerId) return;
    const { changed } = this.grip;
    this.letGo();
    if (changed) this.events.moved(this.pose, "", event.timeStamp);
  }

  /** Give up what is being dragged. */
  cancel(): void {
    if (!this.grip) return;
    this.pose = this.grip.from;
    this.letGo();
    this.figure.draw(this.pose);
    this.events.cancelled();
  }

  private letGo(): void {
    this.grip = null;
    this.svg.classList.remove("dragging");
  }

  // Keys -------------------------------------------------------------------------------------------------------------

  private jointKey(event: KeyboardEvent, joint: number): void {
    const step = this.arrow(event);
    if (step) {
      const { x, y } = this.pose[joint]!;
      const pose = this.dragged(this.pose, joint, { x: x + step.x, y: y + step.y });
      this.change(pose, `joint ${joint}`, event.timeStamp);
    } else if (event.key === "Delete" || event.key === "Backspace" || event.key === " " || event.key === "Enter") {
      event.preventDefault();
      this.events.toggled(joint);
    }
  }

  private arrow(event: KeyboardEvent): Point | null {
    const direction = ARROWS[event.key];
    if (!direction || event.ctrlKey || event.altKey || event.metaKey || this.grip) return null;
    event.preventDefault();
    const length = (event.shiftKey ? BIG_STEP : STEP) * this.keyStep;
    return { x: direction[0] * length, y: direction[1] * length };
  }

  private change(pose: Pose, label: string, time: number): void {
    this.pose = pose;
    this.figure.draw(this.pose);
    this.events.moved(pose, label, time);
  }

  /** The nearest point inside the picture, at most `margin` outside, or as far outside as `from` is. */
  private within({ x, y }: Point, margin = 0, from?: Point): Point {
    const { left, top, width, height } = this.figure.view;
    const between = (value: number, first: number, last: number, start = first) =>
      Math.min(Math.max(last + margin, start), Math.max(Math.min(first - margin, start), value));
    return { x: between(x, left, left + width - 1, from?.x), y: between(y, top, top + height - 1, from?.y) };
  }
}
