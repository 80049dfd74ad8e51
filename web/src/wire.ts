// How values travel as JSON, from the server or from the files of an exported page: sizes as [height, width], joints as
// [x, y, visible], colours as [r, g, b].

import type { Box, Library, Model, Pose, Sequence, Size, Skeleton } from "./types.ts";

export type Pair = [number, number];
export type Triple = [number, number, number];
export type Quad = [number, number, number, number];

export interface LibraryAnswer {
  poses: { name: string; pose: Triple[] }[];
  sequences: (Omit<Sequence, "frames"> & { frames: Triple[][] })[];
}

export type SkeletonAnswer = Omit<Skeleton, "colours"> & { colours: Triple[] };
export type ModelAnswer = Omit<Model, "size"> & { size: Pair };

export function toSize([height, width]: Pair): Size {
  return { height, width };
}

export function toSkeleton(told: SkeletonAnswer): Skeleton {
  return { ...told, colours: told.colours.map((rgb) => `rgb(${rgb.join(" ")})`) };
}

export function toModels(told: ModelAnswer[]): Model[] {
  return told.map((model) => ({ ...model, size: toSize(model.size) }));
}

export function toBoxes(boxes: Record<string, Quad>): ReadonlyMap<string, Box> {
  return new Map(Object.entries(boxes).map(([name, [left, top, width, height]]) => [name, { left, top, width, height }]));
}

export function toLibrary({ poses, sequences }: LibraryAnswer): Library {
  return {
    poses: poses.map(({ name, pose }) => ({ name, pose: fromTriples(pose) })),
    sequences: sequences.map((sequence) => ({ ...sequence, frames: sequence.frames.map(fromTriples) })),
  };
}

export function fromTriples(joints: readonly Triple[]): Pose {
  return joints.map(([x, y, visible]) => ({ x, y, visible: visible > 0 }));
}

export function toTriples(pose: Pose): Triple[] {
  return pose.map(({ x, y, visible }) => [Math.round(x * 100) / 100, Math.round(y * 100) / 100, visible ? 1 : 0]);
}
