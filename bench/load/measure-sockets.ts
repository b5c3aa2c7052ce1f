/**
 * Resident memory of a contestant with ten thousand open WebSockets that have each said one message and got it back.
 *
 * A socket that is passed on takes two of the contestant's file descriptors, so where the system's limit is near, fewer are opened; the
 * table says how many.
 */
import { mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { Backends } from "./backend.ts";
import type { SocketRoute } from "./contestant.ts";
import { EchoSocket, type Frames, framesOf } from "./echo-socket.ts";
import { SETTLE_MS } from "./measure-footprint.ts";
import { type Entry, type Failure, launch, type Settings } from "./measure-load.ts";
import { SOCKET_PATHS, SOCKET_TEXT } from "./payloads.ts";
import { residentMb } from "./proc.ts";
import { listening, stop } from "./processes.ts";
import type { OpenSocketsScenario } from "./scenarios.ts";
import { because } from "./scratch.ts";
import { answersRightly } from "./verify.ts";

export interface SocketsRow {
  readonly name: string;
  readonly route: SocketRoute;
  readonly sockets: number;
  readonly idleMb: number;
  /** Resident memory with `sockets` open. */
  readonly openMb: number;
}

const OPENING = 50; // sockets that are being opened at a time
const OWN_DESCRIPTORS = 500; // what a contestant has open besides

function openFileLimit(): number {
  const limits = readFileSync("/proc/self/limits", "utf8");
  return Number(/^Max open files\s+\S+\s+(\d+)/m.exec(limits)?.[1] ?? 1024);
}

async function openSockets(port: number, path: string, count: number, frames: Frames): Promise<EchoSocket[]> {
  const sockets: EchoSocket[] = [];
  const open = async (): Promise<void> => {
    const socket = await EchoSocket.open(port, path, frames);
    sockets.push(socket);
    await socket.exchange();
  };
  try {
    while (sockets.length < count) await Promise.all(Array.from({ length: Math.min(OPENING, count - sockets.length) }, open));
    return sockets;
  } catch (error) {
    for (const socket of sockets) socket.close();
    throw error;
  }
}

async function measure(entry: Entry, route: SocketRoute, wanted: number, backends: Backends, folder: string): Promise<SocketsRow> {
  const live = await launch(entry, route, backends, folder);
  const pid = live.process.pid!;
  try {
    await listening(live.port, live.process);
    const wrong = await answersRightly(route, live.port);
    if (wrong !== undefined) throw new Error(wrong);
    await sleep(SETTLE_MS);
    const idleMb = residentMb(pid);
    const possible = openFileLimit() - OWN_DESCRIPTORS;
    const count = Math.min(wanted, route === "ws-echo" ? Math.floor(possible / 2) : possible);
    const sockets = await openSockets(live.port, SOCKET_PATHS[route], count, framesOf(SOCKET_TEXT));
    await sleep(SETTLE_MS);
    const openMb = residentMb(pid);
    const open = sockets.filter((socket) => socket.open).length;
    for (const socket of sockets) socket.close();
    if (open < count) throw new Error(`only ${open} of ${count} sockets stayed open`);
    return { name: live.name, route, sockets: count, idleMb, openMb };
  } finally {
    await stop(live.process);
  }
}

/** Once each: memory hardly varies. */
export async function measureSockets(
  { name, routes }: OpenSocketsScenario,
  wanted: number,
  entries: readonly Entry[],
  backends: Backends,
  settings: Settings,
): Promise<{ rows: SocketsRow[]; failures: Failure[] }> {
  const folder = join(settings.folder, name);
  mkdirSync(folder, { recursive: true });
  const rows: SocketsRow[] = [];
  const failures: Failure[] = [];
  for (const route of routes) {
    for (const entry of entries) {
      if (!entry.contestant.routes.includes(route)) continue;
      try {
        rows.push(await measure(entry, route, wanted, backends, folder));
      } catch (error) {
        failures.push({ name: `${entry.contestant.name}, ${route}`, failed: because(error) });
      }
    }
  }
  return { rows, failures };
}
