/** Builds the bundle: `node build.ts [FOLDER]`; without a folder, into the Python package. */
import { build } from "esbuild";

const root = decodeURIComponent(new URL(".", import.meta.url).pathname);
const outdir = process.argv[2] ?? `${root}../src/piescope/report/explorer`;

for (const entry of ["src/explorer.ts", "src/explorer.css"]) {
  await build({
    absWorkingDir: root,
    entryPoints: [entry],
    outdir,
    bundle: true,
    minify: true,
    charset: "ascii",
    format: "iife",
    target: ["es2022", "chrome108", "firefox115", "safari16.4"],
    legalComments: "none",
  });
}
