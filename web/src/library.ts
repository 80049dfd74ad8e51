// Poses and sequences to choose from, as buttons with drawings.

import { make, makeSvg, words } from "./dom.ts";
import { bounds } from "./pose.ts";
import type { Model, Photo, Pose, Size, Skeleton } from "./types.ts";

const MARGIN = 5; // around the joints, in pixels of the frame

/** The bones of a pose that can be drawn, in its pixels. */
export function bones(pose: Pose, skeleton: Skeleton): SVGLineElement[] {
  return skeleton.edges.flatMap(([start, end], index) => {
    const [a, b] = [pose[start]!, pose[end]!];
    if (!a.visible || !b.visible) return [];
    return [makeSvg("line", { x1: a.x, y1: a.y, x2: b.x, y2: b.y, stroke: skeleton.colours[index]! })];
  });
}

/** A small drawing of a pose that lies in a frame of that size. */
export function drawing(pose: Pose, skeleton: Skeleton, size: Size): SVGSVGElement {
  const box = bounds(pose) ?? { left: 0, top: 0, ...size };
  const [left, top, width, height] = [box.left - MARGIN, box.top - MARGIN, box.width + 2 * MARGIN, box.height + 2 * MARGIN];
  const view = { viewBox: `${left} ${top} ${width} ${height}`, "aria-hidden": "true" };
  return makeSvg("svg", { class: "drawing", "stroke-width": height / 28, ...view }, ...bones(pose, skeleton));
}

/** The part of a photo that the first model sees, with the joints. */
export function photoPicture(photo: Photo, facts: { models: readonly Model[]; skeleton: Skeleton }, label: string): SVGSVGElement {
  const view = photo.boxes?.get(facts.models[0]!.name) ?? { left: 0, top: 0, ...photo.size };
  const part = `${view.left - 0.5} ${view.top - 0.5} ${view.width} ${view.height}`;
  return makeSvg(
    "svg",
    { class: "photo-picture", viewBox: part, role: "img", "aria-label": label, "stroke-width": view.height / 60 },
    makeSvg("image", { href: photo.picture, x: -0.5, y: -0.5, ...photo.size }),
    ...(photo.pose ? bones(photo.pose, facts.skeleton) : []),
  );
}

export function poseButton(name: string, picture: SVGSVGElement, chosen: () => void): HTMLButtonElement {
  const element = make("button", { type: "button", class: "thumb", "data-pose": name }, picture, make("span", {}, words(name)));
  element.addEventListener("click", chosen);
  return element;
}

export function exampleButton(address: string, number: number, chosen: () => void): HTMLButtonElement {
  const picture = make("img", { src: address, alt: "", loading: "lazy" });
  const label = `Synthetic person ${number + 1}`;
  const element = make("button", { type: "button", class: "thumb person", "aria-label": label, title: label }, picture);
  element.addEventListener("click", chosen);
  return element;
}
