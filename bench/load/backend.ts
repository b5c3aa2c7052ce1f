/**
 * The backends behind every contestant, one for gRPC and one for HTTP/1.1 and WebSockets: the C programs of bench/peers/backend,
 * or slow stand-ins on node:http2 and node:http.
 *
 * The stand-ins share core 0 with the load generator and are the bottleneck; the report says when they were used.
 */
import type { ChildProcess } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { isPlainHttp, type Route } from "./contestant.ts";
import { eventAnswer, listAnswer } from "./payloads.ts";
import { freePort, listening, LOAD_CORE, start, stop } from "./processes.ts";
import { because, cached, contentKey, PEERS, tool } from "./scratch.ts";

export interface Backends {
  readonly kind: string;
  portFor(route: Route): number;
  stop(): Promise<void>;
}

interface Program {
  readonly kind: string;
  readonly command: readonly string[];
}

const FOLDER = join(PEERS, "backend");

/** `NAME.c` compiled, or `STAND-IN.ts`. */
async function program(cache: string, name: string, standIn: string): Promise<Program> {
  const source = join(FOLDER, `${name}.c`);
  try {
    const folder = await cached(join(cache, `${name}-${contentKey(source)}`), async (draft) => {
      await tool("cc", ["-O2", "-o", join(draft, name), source]);
    });
    return { kind: "C, epoll", command: [join(folder, name)] };
  } catch (error) {
    return { kind: `stand-in on Node (${because(error)})`, command: [process.execPath, join(FOLDER, `${standIn}.ts`)] };
  }
}

async function listen({ command }: Program, args: readonly string[], log: string): Promise<{ port: number; process: ChildProcess }> {
  const port = await freePort();
  const process = start([...command, String(port), ...args], { core: LOAD_CORE, log });
  await listening(port, process);
  return { port, process };
}

export async function startBackends(cache: string, folder: string): Promise<Backends> {
  const list = join(folder, "list.bin");
  const event = join(folder, "event.bin");
  writeFileSync(list, listAnswer());
  writeFileSync(event, eventAnswer());
  const greeter = await program(cache, "backend", "stand-in");
  const grpc = await listen(greeter, [list, event], join(folder, "backend.log"));
  const web = await listen(await program(cache, "web-backend", "web-stand-in"), [], join(folder, "web-backend.log"));
  return {
    kind: greeter.kind,
    portFor: (route) => (isPlainHttp(route) ? web.port : grpc.port),
    stop: async () => {
      await Promise.all([stop(grpc.process), stop(web.process)]);
    },
  };
}
