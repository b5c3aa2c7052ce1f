/** grpc-gateway v2, built with Go from main.go beside this file at the versions of go.mod and go.sum. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { Contestant } from "../../load/contestant.ts";
import { because, cached, contentKey, PEERS, tool } from "../../load/scratch.ts";

const FOLDER = join(PEERS, "grpc-gateway");
const SOURCES = ["go.mod", "go.sum", "main.go", "gen/bench/orders.pb.gw.go", "gen/helloworld/helloworld.pb.gw.go"];

export const grpcGateway: Contestant = {
  name: "grpc-gateway",
  routes: ["rest-get", "rest-post", "rest-list", "rest-stream"],
  on: "traceparent and x-request-id forwarded; GOMAXPROCS=1",
  async prepare(cache) {
    try {
      const go = (await tool("go", ["version"])).trim().split(" ")[2] ?? "go";
      const folder = await cached(
        join(cache, `grpc-gateway-${contentKey(...SOURCES.map((name) => join(FOLDER, name)))}`),
        async (draft) => {
          await tool("go", ["build", "-trimpath", "-o", join(draft, "grpc-gateway"), "."], { cwd: FOLDER });
        },
      );
      const version = /grpc-gateway\/v2 (v\S+)/.exec(readFileSync(join(FOLDER, "go.mod"), "utf8"))?.[1] ?? "unknown";
      return {
        version: `${version}, ${go}`,
        launch: ({ listen, backend }) => ({
          command: [join(folder, "grpc-gateway"), String(listen), `127.0.0.1:${backend}`],
          env: { GOMAXPROCS: "1" },
        }),
      };
    } catch (error) {
      return { absent: because(error) };
    }
  },
};
