// The server keeps photos for a while, and forgets all when it is stopped; the page still has the files. What the server
// lacks is given to it again, with the joints as they were placed, and nobody notices.

import { call, Missing, sendJson } from "./http.ts";
import type { Photo, Pose } from "./types.ts";
import { type Quad, toTriples } from "./wire.ts";

interface Kept {
  name: string; // by which the server knows the photo now
  joints: Pose | null; // as they were placed; null: those that were found
  coming: Promise<void> | null; // while it is given again
  readonly again: () => Promise<{ photo: string }>;
}

export class Keeper {
  private readonly kept = new Map<string, Kept>(); // by Photo.id, which stays

  /** Remember how a photo can be given again. */
  keep(id: string, again: Kept["again"]): void {
    this.kept.set(id, { name: id, joints: null, coming: null, again });
  }

  /** By which name the server knows a photo. */
  name(photo: Photo): string {
    return this.kept.get(photo.id)?.name ?? photo.id;
  }

  /** The photos of a person, as a request names them. */
  person(photo: Photo): { photo: string; others: string[] } {
    return { photo: this.name(photo), others: photo.others.map((other) => this.name(other)) };
  }

  /** Place the joints of a photo; returns which parts of it the models see. */
  async setJoints(photo: Photo, pose: Pose): Promise<Record<string, Quad>> {
    const boxes = await this.ask(photo, () => put(this.name(photo), pose));
    const kept = this.kept.get(photo.id);
    if (kept) kept.joints = pose;
    return boxes;
  }

  /** Ask for something of a photo's person; where the server lacks a photo, give it again and ask once more. */
  async ask<T>(photo: Photo, question: () => Promise<T>): Promise<T> {
    try {
      return await question();
    } catch (error) {
      if (!(error instanceof Missing)) throw error;
    }
    await this.restore(photo);
    return question();
  }

  /** Give the server what it lacks of a person's photos. */
  async restore(photo: Photo): Promise<void> {
    for (const { id } of [photo, ...photo.others]) {
      const kept = this.kept.get(id);
      if (kept) await (kept.coming ??= bring(kept).finally(() => (kept.coming = null)));
    }
  }
}

async function bring(kept: Kept): Promise<void> {
  if (await isThere(kept.name)) return;
  const { photo } = await kept.again();
  if (kept.joints) await put(photo, kept.joints);
  kept.name = photo;
}

async function isThere(name: string): Promise<boolean> {
  return call(`/api/photo/${name}`).then(
    () => true,
    (error: unknown) => {
      if (error instanceof Missing) return false;
      throw error;
    },
  );
}

async function put(name: string, pose: Pose): Promise<Record<string, Quad>> {
  type Told = { boxes: Record<string, Quad> };
  return (await sendJson<Told>("PUT", `/api/photo/${name}/pose`, { pose: toTriples(pose) })).boxes;
}
