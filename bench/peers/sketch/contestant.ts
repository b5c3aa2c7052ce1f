/**
 * The unsafe sketches of ../shared/prototypes, as the ceiling: what the same idea costs with nothing in the way.
 *
 * They are run from a scratch copy with their own pinned dependencies, and are absent where the folder is.
 */
import { copyFileSync, existsSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Contestant, Route } from "../../load/contestant.ts";
import { because, cached, contentKey, PROJECT, tool } from "../../load/scratch.ts";

const SOURCE = join(PROJECT, "..", "shared", "prototypes");
const DEPENDENCIES = { "@grpc/grpc-js": "1.14.7", "hpack.js": "2.1.6", long: "5.3.2", protobufjs: "8.8.1", undici: "7.30.2" };

async function copy(cache: string): Promise<string> {
  const files = readdirSync(SOURCE).filter((name) => /\.(js|proto)$/.test(name));
  const key = contentKey(...files.map((name) => join(SOURCE, name)));
  return cached(join(cache, `sketch-${key}`), async (draft) => {
    for (const name of files) copyFileSync(join(SOURCE, name), join(draft, name));
    writeFileSync(join(draft, "package.json"), JSON.stringify({ private: true, dependencies: DEPENDENCIES }));
    await tool("npm", ["install", "--no-audit", "--no-fund", "--silent"], { cwd: draft });
  });
}

function sketch(name: string, routes: readonly Route[], on: string, script: (listen: string) => string[]): Contestant {
  return {
    name,
    routes,
    on,
    async prepare(cache) {
      if (!existsSync(SOURCE)) return { absent: "no ../shared/prototypes beside the project" };
      try {
        const folder = await copy(cache);
        return {
          version: `node ${process.versions.node}`,
          launch: ({ listen, backend }, scratch) => {
            const [file, ...args] = script(String(listen));
            return { command: [process.execPath, join(folder, file!), ...args], env: { BK: String(backend) }, cwd: scratch };
          },
        };
      } catch (error) {
        return { absent: because(error) };
      }
    },
  };
}

export const sketchW = sketch("sketch W", ["rest-get", "rest-post"], "nothing (no limits, no errors)", (listen) => ["gw.js", "W", listen]);
export const sketchPipeline = sketch(
  "sketch pipeline",
  ["rest-get", "rest-post"],
  "deadline, metrics, access log, traceparent (unsafe)",
  (listen) => ["pipeline.js", "P", listen],
);
export const sketchForward = sketch("sketch forward", ["grpc"], "nothing (frames only)", (listen) => ["fp.js", listen]);
