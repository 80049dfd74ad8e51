// Names of files: what the browser is told to save a picture or a motion as.

const LONGEST = 60; // characters of a part

/** The name of a photo's file without its ending, null if nothing is left of it. */
export function stem(file: string): string | null {
  return clean(file.replace(/\.[^.]*$/, "")) || null;
}

/** A file name of parts, joined by hyphens, without what file systems stumble over. */
export function fileName(parts: readonly string[], ending: string): string {
  return `${parts.map(clean).join("-")}.${ending}`;
}

function clean(text: string): string {
  const plain = text.replaceAll(/[^\p{L}\p{N}\p{M}_.-]+/gu, "-");
  return plain.slice(0, LONGEST).replaceAll(/^[-.]+|[-.]+$/g, "");
}
