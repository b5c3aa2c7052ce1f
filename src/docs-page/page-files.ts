/**
 * The files of the docs page by the name under which they are served: "index.html", "style.css", "main.js".
 *
 * The trap: this reads the sources as they lie there. In the bundle the whole module is replaced by the built page (deploy/docs-page.ts), and
 * `main.js` is then the only script.
 */
import { readdir, readFile } from "node:fs/promises";
import { stripTypeScriptTypes } from "node:module";
import { join } from "node:path";

const folder = join(import.meta.dirname, "ui");

export async function pageFiles(): Promise<ReadonlyMap<string, string>> {
  const files = new Map<string, string>();
  for (const name of await readdir(folder)) {
    const text = await readFile(join(folder, name), "utf8");
    if (name.endsWith(".ts")) files.set(asScript(name), stripTypeScriptTypes(text).replace(/(from "\.\/[\w-]+)\.ts"/g, '$1.js"'));
    else if (!name.endsWith(".json")) files.set(name, text);
  }
  return files;
}

function asScript(name: string): string {
  return name.replace(/\.ts$/, ".js");
}
