/**
 * Outside programs that judge us: found on the PATH, or the test is skipped with a line that names what is missed.
 *
 * With DRAGOMAN_REQUIRE=all (as in CI) a missing program fails the test instead, so nothing is skipped unseen.
 */
import { accessSync, constants } from "node:fs";
import { delimiter, join } from "node:path";
import { homedir } from "node:os";
import type { Context } from "mocha";

/** The full path of `program`, looked for on the PATH, in sbin and where Go installs. */
export function findProgram(program: string): string | undefined {
  const folders = [...(process.env["PATH"] ?? "").split(delimiter), "/usr/sbin", "/usr/local/go/bin", join(homedir(), "go", "bin")];
  for (const folder of folders) {
    const path = join(folder, program);
    try {
      accessSync(path, constants.X_OK);
      return path;
    } catch {
      continue;
    }
  }
  return undefined;
}

/** The program's path, or this test is skipped (or fails, where everything is required). */
export function outside(context: Context, program: string): string {
  const path = findProgram(program);
  if (path !== undefined) return path;
  if (process.env["DRAGOMAN_REQUIRE"] === "all") throw new Error(`required program not found: ${program}`);
  console.log(`      skipped: needs ${program}`);
  context.skip();
}
