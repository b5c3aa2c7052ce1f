/** What most people would write: node:http, grpc-js and protobufjs, put together plainly (server.ts and relay.ts beside this file). */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { Contestant } from "../../load/contestant.ts";
import { PEERS, PROJECT } from "../../load/scratch.ts";

function versionOf(name: string): string {
  const { version } = JSON.parse(readFileSync(join(PROJECT, "node_modules", name, "package.json"), "utf8")) as { version: string };
  return `${name} ${version}`;
}

export const obviousStack: Contestant = {
  name: "obvious stack",
  routes: ["rest-get", "rest-post", "rest-list", "rest-stream"],
  on: "traceparent and x-request-id forwarded",
  async prepare() {
    return {
      version: `node ${process.versions.node}, ${versionOf("@grpc/grpc-js")}, ${versionOf("protobufjs")}`,
      launch: ({ listen, backend }) => ({
        command: [process.execPath, join(PEERS, "obvious-stack", "server.ts"), String(listen), `127.0.0.1:${backend}`],
      }),
    };
  },
};

export const obviousRelay: Contestant = {
  name: "obvious relay",
  routes: ["grpc", "grpc-stream"],
  on: "metadata and deadline forwarded",
  async prepare() {
    return {
      version: `node ${process.versions.node}, ${versionOf("@grpc/grpc-js")}`,
      launch: ({ listen, backend }) => ({
        command: [process.execPath, join(PEERS, "obvious-stack", "relay.ts"), String(listen), `127.0.0.1:${backend}`],
      }),
    };
  },
};
