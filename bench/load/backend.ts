/**
 * The backend behind every contestant: the C program of bench/peers/backend, or a slow stand-in on node:http2.
 *
 * The stand-in shares core 0 with the load generator and is the bottleneck; the report says when it was used.
 */
import type { ChildProcess } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { eventAnswer, listAnswer } from "./payloads.ts";
import { freePort, listening, LOAD_CORE, start } from "./processes.ts";
import { because, cached, contentKey, PEERS, tool } from "./scratch.ts";

export interface Backend {
  readonly port: number;
  readonly kind: string;
  readonly process: ChildProcess;
}

const SOURCE = join(PEERS, "backend", "backend.c");
const STAND_IN = join(PEERS, "backend", "stand-in.ts");

async function command(cache: string): Promise<{ kind: string; command: string[] }> {
  try {
    const folder = await cached(join(cache, `backend-${contentKey(SOURCE)}`), async (draft) => {
      await tool("cc", ["-O2", "-o", join(draft, "backend"), SOURCE]);
    });
    return { kind: "C, epoll", command: [join(folder, "backend")] };
  } catch (error) {
    return { kind: `stand-in on node:http2 (${because(error)})`, command: [process.execPath, STAND_IN] };
  }
}

export async function startBackend(cache: string, folder: string): Promise<Backend> {
  const program = await command(cache);
  const list = join(folder, "list.bin");
  const event = join(folder, "event.bin");
  writeFileSync(list, listAnswer());
  writeFileSync(event, eventAnswer());
  const port = await freePort();
  const child = start([...program.command, String(port), list, event], { core: LOAD_CORE, log: join(folder, "backend.log") });
  await listening(port, child);
  return { port, kind: program.kind, process: child };
}
