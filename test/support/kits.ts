/** The outside judges' data beside the project (`../shared/kits`): read when present, else the test is skipped with a line. */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";

const kits = join(import.meta.dirname, "../../../shared/kits");

/** The parsed JSON of a kit's file, or undefined where the kits are not at hand (and not required). */
export function readKit<T>(file: string): T | undefined {
  const path = join(kits, file);
  if (existsSync(path)) return JSON.parse(readFileSync(path, "utf8")) as T;
  if (process.env["DRAGOMAN_REQUIRE"] === "all") throw new Error(`required judge data not found: ${file}`);
  return undefined;
}
