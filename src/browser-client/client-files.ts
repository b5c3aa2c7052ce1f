/**
 * The browser client by the names under which it is served: "client.js" and "client.d.ts".
 *
 * The trap: this reads the sources as they lie there. In the bundle the whole module is replaced by what deploy/browser-client.ts makes.
 */
import { readFile } from "node:fs/promises";
import { stripTypeScriptTypes } from "node:module";
import { join } from "node:path";

export async function clientFiles(): Promise<ReadonlyMap<string, string>> {
  const script = await readFile(join(import.meta.dirname, "client.ts"), "utf8");
  const types = await readFile(join(import.meta.dirname, "client-types.ts"), "utf8");
  return new Map([
    ["client.js", stripTypeScriptTypes(script)],
    ["client.d.ts", types],
  ]);
}
