// Builds the page into the Python package: its script and that of its worker, one style sheet, one HTML file.
// The first line of each script holds the hash of its sources; tests/app/test_bundle.py compares it.
// `--test` bundles the tests into web/build/test instead.
import { createHash } from "node:crypto";
import { copyFileSync, mkdirSync, readFileSync, readdirSync } from "node:fs";
import { fileURLToPath } from "node:url";
import * as esbuild from "esbuild";

const here = fileURLToPath(new URL(".", import.meta.url));
const shared = { bundle: true, format: "esm", target: "es2022", charset: "utf8", legalComments: "none" };

function hashOfSources() {
  const hash = createHash("sha256");
  for (const name of readdirSync(`${here}src`).sort()) {
    hash.update(`${name}\0`).update(readFileSync(`${here}src/${name}`)).update("\0");
  }
  return hash.digest("hex");
}

if (process.argv.includes("--test")) {
  const tests = readdirSync(`${here}test`).filter((name) => name.endsWith(".test.ts")).map((name) => `${here}test/${name}`);
  await esbuild.build({ ...shared, entryPoints: tests, outdir: `${here}build/test`, platform: "node", external: ["node:*"] });
} else {
  const out = `${here}../src/posegan/app/static/`;
  mkdirSync(out, { recursive: true });
  await esbuild.build({
    ...shared,
    entryPoints: { page: `${here}src/main.ts`, worker: `${here}src/worker.ts` },
    outdir: out,
    banner: { js: `// Built from web/src by web/build.mjs, do not edit. sha256 of the sources: ${hashOfSources()}` },
  });
  for (const name of ["index.html", "page.css", "icon.svg"]) copyFileSync(`${here}src/${name}`, `${out}${name}`);
}
