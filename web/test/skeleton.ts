// A small body of the tests' own: a trunk, one arm and one leg a side, and a head.
import type { Pose, Skeleton } from "../src/types.ts";

export const body: Skeleton = {
  joints: ["neck", "right_shoulder", "right_elbow", "right_wrist", "left_shoulder", "right_hip", "right_knee", "left_hip", "nose", "left_elbow"],
  edges: [[0, 1], [1, 2], [2, 3], [0, 4], [0, 5], [5, 6], [0, 7], [0, 8], [4, 9]],
  colours: Array.from({ length: 9 }, () => "red"),
  parents: [-1, 0, 1, 2, 0, 0, 5, 0, 0, 4],
  flip: [0, 4, 9, 3, 1, 7, 6, 5, 8, 2],
  torso: [5, 7, 4, 1],
};

const places: [number, number][] = [[50, 20], [40, 20], [36, 40], [38, 60], [60, 20], [44, 60], [44, 90], [56, 60], [50, 8], [64, 40]];

export const standing: Pose = places.map(([x, y]) => ({ x, y, visible: true }));
