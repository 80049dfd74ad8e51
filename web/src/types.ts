// The values that the page works with. All coordinates are pixels of the photo, the first pixel's centre is (0, 0).

export interface Joint {
  readonly x: number;
  readonly y: number;
  readonly visible: boolean; // a hidden joint keeps its place, so that it can be shown again
}

/** One person: a joint for each of the skeleton's, in its order. */
export type Pose = readonly Joint[];

export interface Point {
  readonly x: number;
  readonly y: number;
}

export interface Size {
  readonly width: number;
  readonly height: number;
}

export interface Box extends Size {
  readonly left: number;
  readonly top: number;
}

/** What posegan says of the body; nothing of it is written down here. */
export interface Skeleton {
  readonly joints: readonly string[];
  readonly edges: readonly (readonly [number, number])[];
  readonly colours: readonly string[]; // of the edges, as CSS
  readonly parents: readonly number[]; // -1 for the root
  readonly flip: readonly number[];
  readonly torso: readonly number[]; // right hip, left hip, left shoulder, right shoulder
}

export interface Model {
  readonly name: string;
  readonly model: string;
  readonly size: Size;
  readonly parameters: number;
  readonly licence: string;
  readonly synthetic: boolean; // trained on synthetic people, as the examples are
}

/** What finds the joints in photos. */
export interface Detector {
  readonly name: string;
  readonly licence: string; // "" where the server does not say
}

export interface Photo {
  readonly id: string;
  readonly name?: string; // of its file, without the ending
  readonly size: Size;
  readonly picture: string; // its address
  readonly original: Size; // of the file
  readonly pose: Pose | null; // null: nobody was looked for or found
  readonly unsearched?: string; // why nobody was looked for, if the page has a detector
  readonly doubt?: string; // why it may show somebody else than the photo that it was added to
  readonly boxes: ReadonlyMap<string, Box> | null; // by model: the part of the photo that it sees
  readonly others: readonly Photo[]; // of the same person, all with a pose
}

export interface Motion {
  readonly seconds: number; // of one round
  readonly frames: readonly Pose[];
}

export interface Sequence extends Motion {
  readonly name: string;
}

/** Poses to choose from. */
export interface Library {
  readonly poses: readonly { readonly name: string; readonly pose: Pose }[];
  readonly sequences: readonly Sequence[];
}
