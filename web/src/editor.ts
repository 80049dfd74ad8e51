// The skeleton on a picture: drawn as SVG, dragged with mouse or touch, moved with the keyboard.
// It knows nothing of photos and models; whoever owns it is told of every change.

import { dragJoint, move, stretch, turnLimb } from "./drag.ts";
import { makeSvg, setAll, words } from "./dom.ts";
import { bounds } from "./pose.ts";
import type { Box, Point, Pose, Skeleton } from "./types.ts";

export interface EditorEvents {
  /** The pose while it is dragged; time: of the event, as performance.now(). */
  moving(pose: Pose, time: number): void;
  /** The pose after a drag or a key press; label: changes with the same one may be undone together. */
  moved(pose: Pose, label: string, time: number): void;
  toggled(joint: number): void;
  selected(joint: number | null): void;
}

type Grip = (to: Point) => Pose; // what the pose becomes when the pointer is there

const STEP = 1; // pixels of the model's picture that an arrow key moves; with Shift BIG_STEP
const BIG_STEP = 5;
const BOX_MARGIN = 0.06; // of the person's height, between the joints and the box around them
const ARROWS: Readonly<Record<string, readonly [number, number]>> = {
  ArrowLeft: [-1, 0],
  ArrowRight: [1, 0],
  ArrowUp: [0, -1],
  ArrowDown: [0, 1],
};
const CORNERS = ["top left", "top right", "bottom right", "bottom left"] as const;

export class Editor {
  limbs = true;
  keyStep = 1; // photo pixels that make one pixel of the model's picture
  private pose: Pose = [];
  private view: Box = { left: 0, top: 0, width: 1, height: 1 };
  private hasBox = false;
  private grip: { take: Grip; pointer: number; from: Pose; changed: boolean } | null = null;
  private readonly torso = makeSvg("polygon", { class: "torso" });
  private readonly bones: SVGLineElement[] = [];
  private readonly halos: SVGLineElement[] = [];
  private readonly boneGrips: SVGLineElement[] = [];
  private readonly joints: SVGGElement[] = [];
  private readonly box = makeSvg("rect", { class: "box" });
  private readonly corners: SVGGElement[] = [];

  constructor(
    readonly svg: SVGSVGElement,
    private readonly skeleton: Skeleton,
    private readonly events: EditorEvents,
  ) {
    this.build();
    svg.addEventListener("pointermove", (event) => this.follow(event));
    svg.addEventListener("pointerup", (event) => this.release(event));
    svg.addEventListener("pointercancel", (event) => this.release(event));
    // A finger on a joint drags, elsewhere it scrolls the page; touch-action on parts of an SVG does nothing.
    svg.addEventListener("touchstart", (event) => event.target !== svg && event.preventDefault(), { passive: false });
    svg.addEventListener("keydown", (event) => {
      if (event.key === "Escape" && this.grip) this.cancel();
    });
    new ResizeObserver(() => this.draw()).observe(svg);
  }

  /** Show a pose, unless one is being dragged. */
  show(pose: Pose): void {
    if (this.grip) return;
    this.pose = pose;
    this.draw();
  }

  /** Show this part of the photo; hasBox: with a box around the person, to move and stretch all of it. */
  frame(view: Box, hasBox: boolean): void {
    this.view = view;
    this.hasBox = hasBox;
    this.svg.classList.toggle("with-box", hasBox);
    this.svg.setAttribute("viewBox", `${view.left - 0.5} ${view.top - 0.5} ${view.width} ${view.height}`);
    this.draw();
  }

  private build(): void {
    const line = (name: string, extra: Record<string, string> = {}) => makeSvg("line", { class: name, ...extra });
    this.skeleton.edges.forEach(([start, end], index) => {
      this.halos.push(line("halo"));
      this.bones.push(line("bone", { stroke: this.skeleton.colours[index]! }));
      if (this.skeleton.parents[end] !== start) return;
      const grip = line("grip", { "data-joint": String(end) });
      grip.addEventListener("pointerdown", (event) => this.grab(event, this.boneGrip(end, this.at(event))));
      this.boneGrips.push(grip);
    });
    this.torso.addEventListener("pointerdown", (event) => this.grab(event, this.bodyGrip(this.at(event))));
    this.skeleton.joints.forEach((name, joint) => this.joints.push(this.buildJoint(name, joint)));
    CORNERS.forEach((name, corner) => this.corners.push(this.buildCorner(name, corner)));
    this.svg.replaceChildren(
      this.torso,
      this.box,
      ...this.halos,
      ...this.bones,
      ...this.boneGrips,
      ...this.corners,
      ...this.joints,
    );
  }

  private buildJoint(name: string, joint: number): SVGGElement {
    const group = makeSvg(
      "g",
      { class: "joint", tabindex: 0, role: "button", "aria-roledescription": "joint", "data-name": name },
      makeSvg("circle", { class: "reach" }),
      makeSvg("circle", { class: "ring" }),
      makeSvg("circle", { class: "dot" }),
    );
    group.addEventListener("pointerdown", (event) => {
      const nearest = this.nearest(this.at(event)) ?? joint;
      this.joints[nearest]!.focus({ preventScroll: true });
      this.grab(event, this.jointGrip(nearest, this.at(event)));
    });
    group.addEventListener("dblclick", () => this.events.toggled(joint));
    group.addEventListener("focus", () => this.events.selected(joint));
    group.addEventListener("keydown", (event) => this.jointKey(event, joint));
    return group;
  }

  private buildCorner(name: string, corner: number): SVGGElement {
    const group = makeSvg(
      "g",
      { class: "corner", tabindex: 0, role: "button", "aria-label": `Box around the person, ${name} corner` },
      makeSvg("circle", { class: "reach" }),
      makeSvg("rect", { class: "square" }),
    );
    group.addEventListener("pointerdown", (event) => {
      group.focus({ preventScroll: true });
      this.grab(event, this.cornerGrip(corner, this.at(event)));
    });
    group.addEventListener("keydown", (event) => {
      const step = this.arrow(event);
      if (!step) return;
      const at = this.cornerPoints()[corner]!;
      this.change(this.cornerGrip(corner, at)({ x: at.x + step.x, y: at.y + step.y }), `corner ${corner}`, event.timeStamp);
    });
    return group;
  }

  // What a pointer holds ---------------------------------------------------------------------------------------------

  private jointGrip(joint: number, at: Point): Grip {
    const [from, dx, dy] = [this.pose, this.pose[joint]!.x - at.x, this.pose[joint]!.y - at.y];
    return (to) =>
      dragJoint(from, this.skeleton, joint, this.within({ x: to.x + dx, y: to.y + dy }), this.limbs && !this.hasBox);
  }

  private boneGrip(joint: number, at: Point): Grip {
    if (this.skeleton.torso.includes(joint)) return this.bodyGrip(at);
    const [from, about] = [this.pose, this.pose[this.skeleton.parents[joint]!]!];
    const angle = (point: Point) => Math.atan2(point.y - about.y, point.x - about.x);
    return (to) => turnLimb(from, this.skeleton, joint, angle(to) - angle(at));
  }

  private bodyGrip(at: Point): Grip {
    const from = this.pose;
    return (to) => move(from, to.x - at.x, to.y - at.y);
  }

  private cornerGrip(corner: number, at: Point): Grip {
    const [from, old] = [this.pose, this.personBox()];
    const [right, bottom] = [corner === 1 || corner === 2, corner >= 2];
    return (to) => {
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
    this.pose = this.grip.take(this.at(event));
    this.draw();
    this.events.moving(this.pose, event.timeStamp);
  }

  private release(event: PointerEvent): void {
    if (this.grip?.pointer !== event.pointerId) return;
    const { changed } = this.grip;
    this.grip = null;
    this.svg.classList.remove("dragging");
    if (changed) this.events.moved(this.pose, "", event.timeStamp);
  }

  private cancel(): void {
    this.pose = this.grip!.from;
    this.grip = null;
    this.svg.classList.remove("dragging");
    this.draw();
    this.events.moving(this.pose, performance.now());
  }

  // Keys -------------------------------------------------------------------------------------------------------------

  private jointKey(event: KeyboardEvent, joint: number): void {
    const step = this.arrow(event);
    if (step) {
      const { x, y } = this.pose[joint]!;
      const to = this.within({ x: x + step.x, y: y + step.y });
      const pose = dragJoint(this.pose, this.skeleton, joint, to, this.limbs && !this.hasBox);
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
    this.draw();
    this.events.moved(pose, label, time);
  }

  // Geometry ---------------------------------------------------------------------------------------------------------

  private at(event: PointerEvent): Point {
    const place = this.svg.getBoundingClientRect();
    const unit = this.view.width / place.width;
    return {
      x: this.view.left - 0.5 + (event.clientX - place.left) * unit,
      y: this.view.top - 0.5 + (event.clientY - place.top) * unit,
    };
  }

  /** The nearest joint to a point, of those that can be grabbed there; shown ones before hidden ones. */
  private nearest(point: Point): number | null {
    const reach = this.reach() * this.unit();
    let [best, least] = [null as number | null, Infinity];
    this.pose.forEach((joint, index) => {
      const far = Math.hypot(joint.x - point.x, joint.y - point.y) + (joint.visible ? 0 : reach / 2);
      if (far < least && far <= 1.5 * reach) [best, least] = [index, far];
    });
    return best;
  }

  private within({ x, y }: Point): Point {
    const { left, top, width, height } = this.view;
    return { x: Math.min(left + width - 1, Math.max(left, x)), y: Math.min(top + height - 1, Math.max(top, y)) };
  }

  private personBox(): Box {
    const box = bounds(this.pose) ?? this.view;
    const margin = BOX_MARGIN * Math.max(box.height, box.width);
    return {
      left: box.left - margin,
      top: box.top - margin,
      width: box.width + 2 * margin,
      height: box.height + 2 * margin,
    };
  }

  private cornerPoints(): Point[] {
    const { left, top, width, height } = this.personBox();
    const [right, bottom] = [left + width, top + height];
    return [{ x: left, y: top }, { x: right, y: top }, { x: right, y: bottom }, { x: left, y: bottom }];
  }

  /** Photo pixels in one pixel of the screen. */
  private unit(): number {
    return this.view.width / (this.svg.clientWidth || this.view.width);
  }

  private reach(): number {
    return matchMedia("(pointer: coarse)").matches ? 20 : 13; // screen pixels around a joint
  }

  private draw(): void {
    if (this.pose.length === 0) return;
    const unit = this.unit();
    const shown = (joint: number) => this.pose[joint]!.visible;
    this.skeleton.edges.forEach(([start, end], index) => {
      const there = shown(start) && shown(end);
      for (const line of [this.bones[index]!, this.halos[index]!]) this.drawLine(line, start, end, there);
    });
    for (const grip of this.boneGrips) {
      const end = Number(grip.dataset["joint"]);
      const start = this.skeleton.parents[end]!;
      this.drawLine(grip, start, end, shown(start) && shown(end));
    }
    const torso = this.skeleton.torso.map((joint) => this.pose[joint]!);
    this.torso.setAttribute("points", torso.map(({ x, y }) => `${x},${y}`).join(" "));
    this.torso.classList.toggle("away", !torso.every((joint) => joint.visible));
    this.joints.forEach((group, joint) => this.drawJoint(group, joint, unit));
    this.drawBox(unit);
  }

  private drawLine(line: SVGLineElement, start: number, end: number, there: boolean): void {
    const [a, b] = [this.pose[start]!, this.pose[end]!];
    setAll(line, { x1: a.x, y1: a.y, x2: b.x, y2: b.y });
    line.classList.toggle("away", !there);
  }

  private drawJoint(group: SVGGElement, joint: number, unit: number): void {
    const { x, y, visible } = this.pose[joint]!;
    const [reach, ring, dot] = group.children;
    for (const circle of [reach!, ring!, dot!]) setAll(circle, { cx: x, cy: y });
    reach!.setAttribute("r", String(this.reach() * unit));
    ring!.setAttribute("r", String(9 * unit));
    dot!.setAttribute("r", String((visible ? 4.5 : 3.5) * unit));
    group.classList.toggle("hidden-joint", !visible);
    const place = `${Math.round(x)}, ${Math.round(y)}`;
    group.setAttribute("aria-label", `${words(this.skeleton.joints[joint]!)}, ${visible ? `at ${place}` : "hidden"}`);
  }

  private drawBox(unit: number): void {
    const { left, top, width, height } = this.personBox();
    setAll(this.box, { x: left, y: top, width, height });
    this.cornerPoints().forEach(({ x, y }, corner) => {
      const [reach, square] = this.corners[corner]!.children;
      setAll(reach!, { cx: x, cy: y, r: this.reach() * unit });
      setAll(square!, { x: x - 5 * unit, y: y - 5 * unit, width: 10 * unit, height: 10 * unit, rx: 2 * unit });
    });
  }
}
