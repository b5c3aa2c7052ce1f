/**
 * What a contestant costs while nothing happens: time from spawn to its first answer, resident memory after it, and
 * resident memory with 10,000 idle connections that have each had one answer.
 *
 * Starts are interleaved like load rounds; the memory of the last start is kept.
 */
import { mkdirSync } from "node:fs";
import { connect, type Socket } from "node:net";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { Backends } from "./backend.ts";
import type { Route } from "./contestant.ts";
import { type Entry, type Failure, launch, type Settings } from "./measure-load.ts";
import { HTTP_REQUESTS } from "./payloads.ts";
import { residentMb } from "./proc.ts";
import { stop } from "./processes.ts";
import { because } from "./scratch.ts";
import { median } from "./statistics.ts";
import { wrongAnswer } from "./verify.ts";

export interface FootprintRow {
  readonly name: string;
  readonly startMs: { readonly median: number; readonly min: number };
  readonly idleMb: number;
  readonly connectionsMb: number | undefined;
  readonly connections: number;
}

/** Between the last answer and the reading of memory. */
export const SETTLE_MS = 1500;
const START_LIMIT_MS = 20_000;
const OPENING = 100; // connections that are being opened at a time

/** Milliseconds from spawn to the first right answer, asked for without pause. */
async function startMs(
  entry: Entry,
  route: Route,
  backends: Backends,
  folder: string,
): Promise<{ ms: number; live: Awaited<ReturnType<typeof launch>> }> {
  const startedAt = performance.now();
  const live = await launch(entry, route, backends, folder);
  for (;;) {
    let wrong: string | undefined;
    try {
      wrong = await wrongAnswer(route, live.port);
      if (wrong === undefined) return { ms: performance.now() - startedAt, live };
    } catch (error) {
      wrong = because(error);
      await sleep(1);
    }
    if (performance.now() - startedAt > START_LIMIT_MS || live.process.exitCode !== null) {
      await stop(live.process);
      throw new Error(`no right answer: ${wrong}`);
    }
  }
}

/** One keep-alive connection that has had one answer. */
function idleConnection(port: number, opening: Buffer): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, "127.0.0.1", () => socket.write(opening));
    socket.setTimeout(10_000, () => socket.destroy(new Error("no answer within 10 s")));
    socket.once("error", reject);
    socket.once("data", () => {
      socket.setTimeout(0);
      socket.removeAllListeners("error").on("error", () => undefined);
      resolve(socket);
    });
  });
}

/** What else a contestant is for changes nothing of these numbers. */
const hasOpening = ({ contestant: { routes } }: Entry): boolean => routes[0] === "rest-get" || routes[0] === "grpc";

/** A GET on HTTP/1.1, or the preface and empty SETTINGS of HTTP/2 where the contestant speaks only gRPC. */
function openingBytes(route: Route): Buffer {
  if (route === "grpc") return Buffer.concat([Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"), Buffer.from([0, 0, 0, 4, 0, 0, 0, 0, 0])]);
  const { path, headers } = HTTP_REQUESTS["rest-get"];
  const lines = headers.map(([name, value]) => `${name}: ${value}`);
  return Buffer.from(`GET ${path} HTTP/1.1\r\nhost: 127.0.0.1\r\n${lines.join("\r\n")}\r\n\r\n`);
}

async function openConnections(port: number, count: number, opening: Buffer): Promise<Socket[]> {
  const sockets: Socket[] = [];
  try {
    while (sockets.length < count) {
      const batch = Array.from({ length: Math.min(OPENING, count - sockets.length) }, () => idleConnection(port, opening));
      sockets.push(...(await Promise.all(batch)));
    }
    return sockets;
  } catch (error) {
    for (const socket of sockets) socket.destroy();
    throw error;
  }
}

async function memory(
  live: Awaited<ReturnType<typeof launch>>,
  route: Route,
  connections: number,
): Promise<{ idleMb: number; connectionsMb: number | undefined; failed: string | undefined }> {
  const pid = live.process.pid!;
  await sleep(SETTLE_MS);
  const idleMb = residentMb(pid);
  try {
    const sockets = await openConnections(live.port, connections, openingBytes(route));
    await sleep(SETTLE_MS);
    const connectionsMb = residentMb(pid);
    const open = sockets.filter((socket) => !socket.destroyed).length;
    for (const socket of sockets) socket.destroy();
    if (open < connections) return { idleMb, connectionsMb: undefined, failed: `only ${open} of ${connections} connections stayed open` };
    return { idleMb, connectionsMb, failed: undefined };
  } catch (error) {
    return { idleMb, connectionsMb: undefined, failed: `${connections} connections: ${because(error)}` };
  }
}

/** Measures starts in `settings.rounds` interleaved rounds, and memory on the last. */
export async function measureFootprint(
  connections: number,
  entries: readonly Entry[],
  backends: Backends,
  settings: Settings,
): Promise<{ rows: FootprintRow[]; failures: Failure[] }> {
  const folder = join(settings.folder, "footprint");
  mkdirSync(folder, { recursive: true });
  const rows: FootprintRow[] = [];
  const failures: Failure[] = [];
  const starts = new Map<Entry, number[]>(entries.filter(hasOpening).map((entry) => [entry, []]));
  for (let round = 0; round < settings.rounds; round++) {
    for (const [entry, times] of [...starts]) {
      const { name, routes } = entry.contestant;
      const route = routes[0]!;
      try {
        const { ms, live } = await startMs(entry, route, backends, folder);
        times.push(ms);
        if (round === settings.rounds - 1) {
          const { idleMb, connectionsMb, failed } = await memory(live, route, connections);
          rows.push({ name, startMs: { median: median(times), min: Math.min(...times) }, idleMb, connectionsMb, connections });
          if (failed !== undefined) failures.push({ name, failed });
        }
        await stop(live.process);
      } catch (error) {
        starts.delete(entry);
        failures.push({ name, failed: because(error) });
      }
    }
  }
  return { rows, failures };
}
