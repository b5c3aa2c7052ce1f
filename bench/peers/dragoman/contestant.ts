/** Ourselves, from the bundled file, as a user would run it. */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { type Contestant, isPlainHttp, type Route } from "../../load/contestant.ts";
import { DESCRIPTORS } from "../../load/payloads.ts";
import { PROJECT } from "../../load/scratch.ts";

const BUNDLE = join(PROJECT, "dist", "dragoman.mjs");

export const dragoman: Contestant = {
  name: "dragoman",
  routes: [
    "rest-get",
    "rest-post",
    "rest-list",
    "rest-stream",
    "grpc",
    "grpc-stream",
    "grpc-web",
    "connect-proto",
    "connect-json",
    "pass-through",
    "ws-echo",
    "ws-grpc",
    "ws-echo",
  ],
  on: "deadline, metrics, access log to a file, traceparent",
  async prepare() {
    if (!existsSync(BUNDLE)) return { absent: "dist/dragoman.mjs is not built (npm run build)" };
    const { version } = JSON.parse(readFileSync(join(PROJECT, "package.json"), "utf8")) as { version: string };
    return {
      version: `${version}, node ${process.versions.node}`,
      launch: ({ listen, backend }, folder, route) => ({
        command: [process.execPath, BUNDLE, ...flags(listen, backend, join(folder, "dragoman-access.log"), route)],
      }),
    };
  },
};

function flags(listen: number, backend: number, log: string, route: Route): string[] {
  const upstream = isPlainHttp(route)
    ? ["--upstream", `http://127.0.0.1:${backend}`]
    : ["--upstream", `grpc://127.0.0.1:${backend}`, "--descriptors", DESCRIPTORS];
  return ["run", ...upstream, "--listen", `127.0.0.1:${listen}`, "--access-log", log, "--admin", "127.0.0.1:0"];
}
