// Where the detector looks for the person of a photo, window after window, as posegan does it on the server
// (posegan/detect/builtin.py and windows.py), for the page without one. The network that looks is in worker.ts.

import { bounds } from "./pose.ts";
import type { Pose, Size } from "./types.ts";

/** The numbers of page.json by which it is searched. */
export interface SearchRules {
  readonly height: number; // of the photo that is searched
  readonly widest: number; // width over height; nobody is looked for in wider photos
  readonly threshold: number; // of a joint
  readonly least: number; // of a person
  readonly sure: number; // of a person in the middle, for whom no more windows are looked at
  readonly closer: number; // windows that are looked at again
  readonly rounds: number; // of looking again
  readonly batch: number;
  readonly windows: {
    readonly aspect: number; // width over height
    readonly room: number; // height around a person, of the extent of the joints
    readonly wide: number; // height over the person's width
    readonly steps: readonly [number, number]; // across and down, of a window's height
    readonly heights: readonly number[]; // of the photo's
    readonly out: number; // of the photo's height
    readonly middle: readonly number[]; // heights
    readonly limits: readonly [number, number]; // of those heights
  };
}

/** An upright window on a photo, in its pixels; its width follows from its height. */
export interface Window {
  readonly left: number;
  readonly top: number;
  readonly height: number;
}

/** What is seen in a window: every joint where it is most likely, visible or not, and how much this is a person. */
export interface Seen {
  readonly pose: Pose;
  readonly score: number;
}

/** Looks into windows; mirrored: for each look into a window whether it is into a mirror. The mean of the looks counts. */
export type Look = (windows: readonly Window[], mirrored: readonly boolean[]) => Promise<Seen[]>;

/** The person of a photo of `size`, whose height is that of the rules; null if nobody is found. */
export async function findPerson(look: Look, size: Size, rules: SearchRules): Promise<Pose | null> {
  let best = await closer(look, middleWindows(size, rules), rules);
  if (best.score < rules.sure) {
    const elsewhere = await closer(look, gridOfWindows(size, rules), rules);
    if (elsewhere.score > best.score) best = elsewhere;
  }
  const [found] = await look([best.window], [false, true]);
  return found!.score >= rules.least ? found!.pose : null;
}

/** The window around the surest person that these windows lead to. */
async function closer(look: Look, windows: readonly Window[], rules: SearchRules): Promise<{ window: Window; score: number }> {
  let seen = await lookAt(look, windows, rules.batch);
  for (let round = 0; round < rules.rounds; round += 1) {
    const surest = [...seen].sort((a, b) => b.score - a.score).slice(0, rules.closer);
    windows = surest.map(({ pose }) => windowAround(pose, rules));
    seen = await lookAt(look, windows, rules.batch);
  }
  const scores = seen.map(({ score }) => score);
  const best = scores.indexOf(Math.max(...scores));
  return { window: windows[best]!, score: scores[best]! };
}

async function lookAt(look: Look, windows: readonly Window[], batch: number): Promise<Seen[]> {
  const seen: Seen[] = [];
  for (let i = 0; i < windows.length; i += batch) seen.push(...(await look(windows.slice(i, i + batch), [false])));
  return seen;
}

/** Windows all over a photo. */
export function gridOfWindows({ width, height }: Size, { windows: rules }: SearchRules): Window[] {
  return rules.heights.flatMap((share) => {
    const tall = share * height;
    const out = Math.max(rules.out * height, (tall - height) / 2);
    const aside = rules.out * height;
    const tops = spread(-out, height + out - tall, rules.steps[1] * tall);
    const lefts = spread(-aside, width + aside - rules.aspect * tall, rules.steps[0] * tall);
    return lefts.flatMap((left) => tops.map((top) => ({ left, top, height: tall })));
  });
}

/** Windows over the middle of a photo, one of them as wide as it is. */
export function middleWindows({ width, height }: Size, { windows: rules }: SearchRules): Window[] {
  const [least, most] = rules.limits;
  return [...rules.middle, width / rules.aspect / height].map((share) => {
    const tall = Math.min(Math.max(share, least), most) * height;
    return { left: (width - rules.aspect * tall) / 2, top: (height - tall) / 2, height: tall };
  });
}

/** The window around a person as the network was trained to see it, one pixel high if no joint is visible. */
export function windowAround(pose: Pose, { windows: rules }: SearchRules): Window {
  const { left, top, width, height } = bounds(pose) ?? { left: 0, top: 0, width: 0, height: 0 };
  const tall = rules.room * Math.max(height, rules.wide * width) + 1;
  return {
    left: left + width / 2 - (rules.aspect * tall) / 2 + 0.5,
    top: top + height / 2 - tall / 2 + 0.5,
    height: tall,
  };
}

/** Evenly spread numbers, at most `step` apart; the middle of first and last if they are reversed. */
function spread(first: number, last: number, step: number): number[] {
  if (last <= first) return [(first + last) / 2];
  const count = 2 + Math.floor((last - first) / step);
  return Array.from({ length: count }, (_, i) => first + ((last - first) * i) / (count - 1));
}
