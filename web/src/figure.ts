// The skeleton as SVG elements: built once, then moved. It handles no event; the editor does.

import { makeSvg, setAll, words } from "./dom.ts";
import { bounds } from "./pose.ts";
import type { Box, Point, Pose, Skeleton } from "./types.ts";

export const BOX_MARGIN = 0.06; // of the person's height, between the joints and the box around them
const CORNERS = ["top left", "top right", "bottom right", "bottom left"] as const;

export class Figure {
  readonly torso = makeSvg("polygon", { class: "torso" });
  readonly boneGrips = new Map<number, SVGLineElement>(); // by the joint at the bone's far end
  readonly joints: readonly SVGGElement[];
  readonly corners: readonly SVGGElement[];
  view: Box = { left: 0, top: 0, width: 1, height: 1 };
  private pose: Pose = [];
  private readonly finger = matchMedia("(pointer: coarse)");
  private readonly bones: SVGLineElement[] = [];
  private readonly halos: SVGLineElement[] = [];
  private readonly box = makeSvg("rect", { class: "box" });

  constructor(
    private readonly svg: SVGSVGElement,
    private readonly skeleton: Skeleton,
  ) {
    skeleton.edges.forEach(([start, end], index) => {
      this.halos.push(makeSvg("line", { class: "halo" }));
      this.bones.push(makeSvg("line", { class: "bone", stroke: skeleton.colours[index]! }));
      if (skeleton.parents[end] === start) this.boneGrips.set(end, makeSvg("line", { class: "grip" }));
    });
    this.joints = skeleton.joints.map((name) => {
      const circles = ["reach", "ring", "dot"].map((part) => makeSvg("circle", { class: part }));
      const named = { class: "joint", "aria-roledescription": "joint", "data-name": name };
      return makeSvg("g", { ...named, tabindex: 0, role: "button" }, ...circles);
    });
    this.corners = CORNERS.map((name) => {
      const parts = [makeSvg("circle", { class: "reach" }), makeSvg("rect", { class: "square" })];
      const label = `Box around the person, ${name} corner`;
      return makeSvg("g", { class: "corner", tabindex: 0, role: "button", "aria-label": label }, ...parts);
    });
    const below = [this.torso, this.box, ...this.halos, ...this.bones];
    svg.replaceChildren(...below, ...this.boneGrips.values(), ...this.corners, ...this.joints);
  }

  /** Show this part of the photo. */
  frame(view: Box): void {
    this.view = view;
    this.svg.setAttribute("viewBox", `${view.left - 0.5} ${view.top - 0.5} ${view.width} ${view.height}`);
  }

  /** Where a pointer is, in pixels of the photo. */
  at(event: MouseEvent): Point {
    const place = this.svg.getBoundingClientRect();
    const unit = this.view.width / place.width;
    return {
      x: this.view.left - 0.5 + (event.clientX - place.left) * unit,
      y: this.view.top - 0.5 + (event.clientY - place.top) * unit,
    };
  }

  /** The nearest joint to a point, of those within so many times their reach; shown ones before hidden ones. */
  nearest(point: Point, times = 1.5): number | null {
    const reach = this.reach() * this.unit();
    let [best, least] = [null as number | null, Infinity];
    this.pose.forEach((joint, index) => {
      const far = Math.hypot(joint.x - point.x, joint.y - point.y);
      const rank = far + (joint.visible ? 0 : reach / 2);
      if (rank < least && far <= times * reach) [best, least] = [index, rank];
    });
    return best;
  }

  /** The box around all joints that count. */
  personBox(): Box {
    const box = bounds(this.pose) ?? this.view;
    const margin = BOX_MARGIN * Math.max(box.height, box.width);
    return {
      left: box.left - margin,
      top: box.top - margin,
      width: box.width + 2 * margin,
      height: box.height + 2 * margin,
    };
  }

  cornerPoints(): Point[] {
    const { left, top, width, height } = this.personBox();
    const [right, bottom] = [left + width, top + height];
    return [{ x: left, y: top }, { x: right, y: top }, { x: right, y: bottom }, { x: left, y: bottom }];
  }

  /** Photo pixels in one pixel of the screen. */
  private unit(): number {
    return this.view.width / (this.svg.clientWidth || this.view.width);
  }

  private reach(): number {
    return this.finger.matches ? 20 : 13; // screen pixels around a joint
  }

  /** Draw a pose, or the last one at another size. */
  draw(pose: Pose = this.pose): void {
    this.pose = pose;
    if (pose.length === 0) return;
    const unit = this.unit();
    const shown = (joint: number) => this.pose[joint]!.visible;
    this.skeleton.edges.forEach(([start, end], index) => {
      const there = shown(start) && shown(end);
      for (const line of [this.bones[index]!, this.halos[index]!]) this.drawLine(line, start, end, there);
    });
    for (const [end, grip] of this.boneGrips) {
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
    group.setAttribute("aria-pressed", String(visible));
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
