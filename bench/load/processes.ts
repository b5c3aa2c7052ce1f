/**
 * Starts programs pinned to a core, waits for them, and stops every one of them whatever happens.
 *
 * The load generator and the backend share core 0 and the program under test has core 1 to itself, so that its CPU time
 * is not inflated by theirs. Without two cores or without `taskset` nothing is pinned and the report says so.
 */
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { closeSync, openSync } from "node:fs";
import { connect, createServer } from "node:net";
import { availableParallelism } from "node:os";
import { setTimeout as sleep } from "node:timers/promises";

export const LOAD_CORE = 0;
export const TEST_CORE = 1;
const PIN = "taskset";
export const pinned = availableParallelism() > 1 && spawnSync(PIN, ["-V"]).status === 0;

const running = new Set<ChildProcess>();
process.on("exit", () => {
  for (const child of running) child.kill("SIGKILL");
});
for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => process.exit(130));

function pin(command: readonly string[], core: number): [string, string[]] {
  const full = pinned ? [PIN, "-c", String(core), ...command] : [...command];
  return [full[0]!, full.slice(1)];
}

export interface StartOptions {
  readonly core: number;
  readonly log: string;
  readonly env?: Readonly<Record<string, string>> | undefined;
  readonly cwd?: string | undefined;
}

/** Starts a server; its output goes to the file `log`. `taskset` execs, so the child's pid is the program's. */
export function start(command: readonly string[], { core, log, env, cwd }: StartOptions): ChildProcess {
  const [file, args] = pin(command, core);
  const output = openSync(log, "a");
  const child = spawn(file, args, {
    stdio: ["ignore", output, output],
    env: { ...process.env, ...env },
    ...(cwd === undefined ? {} : { cwd }),
  });
  closeSync(output);
  running.add(child);
  child.once("exit", () => running.delete(child));
  return child;
}

/** Ends a server and waits until it is gone: SIGTERM, and SIGKILL after two seconds. */
export async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const gone = new Promise<void>((resolve) => child.once("exit", () => resolve()));
  child.kill("SIGTERM");
  const timer = setTimeout(() => child.kill("SIGKILL"), 2000);
  await gone;
  clearTimeout(timer);
}

/** Runs a load generator to its end and returns what it printed. */
export function run(command: readonly string[], core = LOAD_CORE): Promise<string> {
  const [file, args] = pin(command, core);
  return new Promise((resolve, reject) => {
    const child = spawn(file, args, { stdio: ["ignore", "pipe", "pipe"] });
    running.add(child);
    let output = "";
    child.stdout.on("data", (chunk: Buffer) => (output += chunk.toString()));
    child.stderr.on("data", (chunk: Buffer) => (output += chunk.toString()));
    child.once("error", reject);
    child.once("close", () => {
      running.delete(child);
      resolve(output);
    });
  });
}

/** A port nobody listens on at this moment. */
export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("no TCP address");
  await new Promise((resolve) => server.close(resolve));
  return address.port;
}

/** Resolves when `port` accepts a connection; rejects when the process ends first or after `limitMs`. */
export async function listening(port: number, child: ChildProcess, limitMs = 15_000): Promise<void> {
  const end = performance.now() + limitMs;
  for (;;) {
    if (child.exitCode !== null || child.signalCode !== null)
      throw new Error(`ended with ${child.exitCode ?? child.signalCode} before it listened`);
    const open = await new Promise<boolean>((resolve) => {
      const socket = connect(port, "127.0.0.1", () => {
        socket.destroy();
        resolve(true);
      });
      socket.on("error", () => resolve(false));
    });
    if (open) return;
    if (performance.now() > end) throw new Error(`not listening on port ${port} after ${limitMs} ms`);
    await sleep(20);
  }
}
