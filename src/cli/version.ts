/** The version of this build: from the bundle, or from package.json where the sources run as they are. */
import { readFileSync } from "node:fs";

/** Set by deploy/build.ts. */
declare const DRAGOMAN_VERSION: string | undefined;

export function version(): string {
  if (typeof DRAGOMAN_VERSION === "string") return DRAGOMAN_VERSION;
  const file = new URL("../../package.json", import.meta.url);
  return (JSON.parse(readFileSync(file, "utf8")) as { version: string }).version;
}
