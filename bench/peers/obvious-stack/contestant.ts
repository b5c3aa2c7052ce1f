/** What most people would write on Node with the usual packages, put together plainly: the programs beside this file. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { Contestant } from "../../load/contestant.ts";
import { DESCRIPTORS } from "../../load/payloads.ts";
import { PEERS, PROJECT } from "../../load/scratch.ts";

function versionOf(name: string): string {
  const { version } = JSON.parse(readFileSync(join(PROJECT, "node_modules", name, "package.json"), "utf8")) as { version: string };
  return `${name} ${version}`;
}

function obvious(
  name: string,
  routes: Contestant["routes"],
  on: string,
  packages: readonly string[],
  script: string,
  more: (folder: string) => string[] = () => [],
): Contestant {
  return {
    name,
    routes,
    on,
    async prepare() {
      return {
        version: [`node ${process.versions.node}`, ...packages.map(versionOf)].join(", "),
        launch: ({ listen, backend }, folder) => ({
          command: [process.execPath, join(PEERS, "obvious-stack", script), String(listen), `127.0.0.1:${backend}`, ...more(folder)],
        }),
      };
    },
  };
}

const GRPC = "@grpc/grpc-js";

export const obviousStack = obvious(
  "obvious stack",
  ["rest-get", "rest-post", "rest-list", "rest-stream"],
  "traceparent and x-request-id forwarded",
  [GRPC, "protobufjs"],
  "server.ts",
);
export const obviousRelay = obvious("obvious relay", ["grpc", "grpc-stream"], "metadata and deadline forwarded", [GRPC], "relay.ts");
export const obviousBridge = obvious(
  "obvious bridge",
  ["grpc-web", "connect-proto", "connect-json"],
  "authorization, traceparent and x-request-id forwarded",
  ["@connectrpc/connect-node"],
  "bridge.ts",
  () => [DESCRIPTORS],
);
export const obviousProxy = obvious(
  "obvious proxy",
  ["pass-through"],
  "access log to a file, counter, traceparent, all headers forwarded",
  ["undici"],
  "proxy.ts",
  (folder) => [join(folder, "access.log")],
);
export const obviousSocketRelay = obvious(
  "obvious socket relay",
  ["ws-grpc"],
  "traceparent forwarded",
  ["ws", GRPC, "protobufjs"],
  "socket-relay.ts",
);
