// Requests to the server; what it refuses is thrown as the sentence that it says.

import { Sentence } from "./backend.ts";

export const MISSING = 404; // the status where a photo is no longer there

/** The server has nothing of that name: it was started anew, or has kept other photos since. */
export class Missing extends Sentence {}

export async function call(path: string, init?: RequestInit): Promise<Response> {
  let answer: Response;
  try {
    answer = await fetch(path, init);
  } catch (error) {
    if (init?.signal?.aborted) throw error; // nobody waits any more
    throw new Sentence("posegan does not answer: see whether `posegan serve` still runs.");
  }
  if (answer.ok) return answer;
  const told = (await answer.json().catch(() => ({}))) as { error?: string };
  const sentence = told.error ?? `posegan answered with the status ${answer.status}.`;
  throw answer.status === MISSING ? new Missing(sentence) : new Sentence(sentence);
}

export async function getJson<T>(path: string): Promise<T> {
  return (await (await call(path)).json()) as T;
}

export function sendAny(method: string, path: string, body: unknown, signal?: AbortSignal): Promise<Response> {
  return call(path, { method, body: JSON.stringify(body), headers: { "Content-Type": "application/json" }, signal: signal ?? null });
}

export async function sendJson<T>(method: string, path: string, body: unknown): Promise<T> {
  return (await (await sendAny(method, path, body)).json()) as T;
}
