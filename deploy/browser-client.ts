/** The browser client as the program carries it: the smallest text that means the same, and its types. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { build } from "esbuild";

const folder = join(import.meta.dirname, "../src/browser-client");

/** What takes the place of src/browser-client/client-files.ts in the bundle: the same export, the files as text. */
export async function browserClientModule(): Promise<string> {
  const files = [
    ["client.js", await minifiedClient()],
    ["client.d.ts", readFileSync(join(folder, "client-types.ts"), "utf8")],
  ];
  return `const files = new Map(${JSON.stringify(files)});\nexport const clientFiles = async () => files;\n`;
}

export async function minifiedClient(): Promise<string> {
  const { outputFiles } = await build({
    absWorkingDir: folder,
    entryPoints: ["client.ts"],
    write: false,
    bundle: true,
    minify: true,
    format: "esm",
    target: ["chrome123", "firefox120", "safari17.5"],
    logLevel: "warning",
  });
  return outputFiles[0]!.text;
}
