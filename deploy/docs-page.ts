/** The docs page as the program carries it: one script, one style sheet, the smallest text that means the same. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { build } from "esbuild";

const folder = join(import.meta.dirname, "../src/docs-page/ui");

/** What takes the place of src/docs-page/page-files.ts in the bundle: the same export, the files as text. */
export async function docsPageModule(): Promise<string> {
  return `const files = new Map(${JSON.stringify(await builtFiles())});\nexport const pageFiles = async () => files;\n`;
}

async function builtFiles(): Promise<(readonly [name: string, text: string])[]> {
  const { outputFiles } = await build({
    absWorkingDir: folder,
    entryPoints: ["main.ts", "style.css"],
    outdir: folder,
    write: false,
    bundle: true,
    minify: true,
    format: "esm",
    target: ["chrome123", "firefox120", "safari17.5"],
    logLevel: "warning",
  });
  const built = outputFiles.map(({ path, text }) => [path.slice(folder.length + 1), text] as const);
  const asTheyAre = ["index.html", "icon.svg"].map((name) => [name, readFileSync(join(folder, name), "utf8")] as const);
  return [...built, ...asTheyAre];
}
