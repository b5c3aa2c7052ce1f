/** Ourselves, from the bundled file, as a user would run it. */
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Contestant } from "../../load/contestant.ts";
import { DESCRIPTORS } from "../../load/payloads.ts";
import { PROJECT } from "../../load/scratch.ts";

const BUNDLE = join(PROJECT, "dist", "dragoman.mjs");

export const dragoman: Contestant = {
  name: "dragoman",
  routes: ["rest-get", "rest-post", "rest-list", "grpc"],
  on: "deadline, metrics, access log to a file, traceparent",
  async prepare() {
    if (!existsSync(BUNDLE)) return { absent: "dist/dragoman.mjs is not built (npm run build)" };
    const { version } = JSON.parse(readFileSync(join(PROJECT, "package.json"), "utf8")) as { version: string };
    return {
      version: `${version}, node ${process.versions.node}`,
      launch: ({ listen, backend }, folder) => {
        const config = join(folder, "dragoman.yaml");
        writeFileSync(config, configuration(listen, backend, join(folder, "dragoman-access.log")));
        return { command: [process.execPath, BUNDLE, "run", "--config", config] };
      },
    };
  },
};

function configuration(listen: number, backend: number, log: string): string {
  return [
    "inbound:",
    `  listen: 127.0.0.1:${listen}`,
    `  upstream: grpc://127.0.0.1:${backend}`,
    `  schema: {descriptors: ${JSON.stringify(DESCRIPTORS)}}`,
    "policies:",
    `  access-log: {path: ${JSON.stringify(log)}}`,
    "admin: {listen: 127.0.0.1:0}",
    "",
  ].join("\n");
}
