/**
 * The load generators wrk (HTTP/1.1), h2load (HTTP/2) and our own for WebSockets: their command lines and how their output is read.
 *
 * All are closed loops: with c connections at saturation p50 and p99 measure queueing, so latency is only reported at c=1.
 */
import { fileURLToPath } from "node:url";

export interface LoadResult {
  readonly completed: number;
  readonly perSecond: number;
  readonly p50Us: number | undefined;
  readonly p99Us: number | undefined;
  /** Answers that were not 2xx, and requests without an answer. */
  readonly failed: number;
}

export interface HttpRequest {
  readonly method: "GET" | "POST";
  readonly path: string;
  readonly headers: readonly (readonly [string, string])[];
  readonly body?: string | Buffer;
}

const quoted = (text: string): string => JSON.stringify(text).replaceAll("\\/", "/");
/** Any bytes as a Lua string. */
const quotedBytes = (bytes: Buffer): string => `"${[...bytes].map((byte) => `\\${String(byte).padStart(3, "0")}`).join("")}"`;

/** A wrk script that sets the request once: no Lua runs per request. */
export function wrkScript(request: HttpRequest): string {
  const lines = [`wrk.method = ${quoted(request.method)}`];
  for (const [name, value] of request.headers) lines.push(`wrk.headers[${quoted(name)}] = ${quoted(value)}`);
  if (request.body !== undefined) lines.push(`wrk.body = ${quotedBytes(Buffer.from(request.body))}`);
  return `${lines.join("\n")}\n`;
}

export function wrkCommand(port: number, path: string, script: string, connections: number, seconds: number): string[] {
  return [
    "wrk",
    "-t1",
    `-c${connections}`,
    `-d${seconds}s`,
    "--latency",
    "--timeout",
    "5s",
    "-s",
    script,
    `http://127.0.0.1:${port}${path}`,
  ];
}

export interface H2Load {
  readonly connections: number;
  readonly streams: number;
  readonly headers: readonly (readonly [string, string])[];
  readonly bodyFile: string;
}

export function h2loadCommand(port: number, path: string, load: H2Load, seconds: number): string[] {
  const headers = load.headers.flatMap(([name, value]) => ["-H", `${name}: ${value}`]);
  const shape = ["-t1", `-c${load.connections}`, `-m${load.streams}`, "-D", String(seconds), "-d", load.bodyFile];
  return ["h2load", ...shape, ...headers, `http://127.0.0.1:${port}${path}`];
}

const SOCKET_LOAD = fileURLToPath(new URL("socket-load.ts", import.meta.url));

export function socketLoadCommand(port: number, path: string, connections: number, seconds: number, text: string): string[] {
  return [process.execPath, SOCKET_LOAD, String(port), path, String(connections), String(seconds), text];
}

/** The one line socket-load.ts prints. */
export function readSocketLoad(output: string): LoadResult {
  const line = /^\{.*\}$/m.exec(output);
  if (line === null) throw new Error(`socket-load said: ${output.slice(0, 400)}`);
  const { completed, failed, perSecond } = JSON.parse(line[0]) as Record<"completed" | "failed" | "perSecond", number>;
  return { completed, failed, perSecond, p50Us: undefined, p99Us: undefined };
}

function microseconds(text: string | undefined): number | undefined {
  const match = /([\d.]+)(us|ms|s)/.exec(text ?? "");
  if (match === null) return undefined;
  return Number(match[1]) * { us: 1, ms: 1e3, s: 1e6 }[match[2] as "us" | "ms" | "s"];
}

export function readWrk(output: string): LoadResult {
  const completed = /(\d+) requests in/.exec(output);
  const perSecond = /Requests\/sec:\s+([\d.]+)/.exec(output);
  if (completed === null || perSecond === null) throw new Error(`wrk said: ${output.slice(0, 400)}`);
  const refused = Number(/Non-2xx or 3xx responses: (\d+)/.exec(output)?.[1] ?? 0);
  const socket = /Socket errors: connect (\d+), read (\d+), write (\d+), timeout (\d+)/.exec(output);
  const broken = socket === null ? 0 : socket.slice(1).reduce((sum, count) => sum + Number(count), 0);
  return {
    completed: Number(completed[1]),
    perSecond: Number(perSecond[1]),
    p50Us: microseconds(/\s50%\s+(\S+)/.exec(output)?.[1]),
    p99Us: microseconds(/\s99%\s+(\S+)/.exec(output)?.[1]),
    failed: refused + broken,
  };
}

export function readH2load(output: string): LoadResult {
  const counts = /(\d+) succeeded, (\d+) failed, (\d+) errored/.exec(output);
  const finished = /finished in [\d.]+\w+, ([\d.]+) req\/s/.exec(output);
  const codes = /status codes: (\d+) 2xx/.exec(output);
  if (counts === null || finished === null || codes === null) throw new Error(`h2load said: ${output.slice(0, 400)}`);
  const succeeded = Number(counts[1]);
  return {
    completed: succeeded,
    perSecond: Number(finished[1]),
    p50Us: undefined,
    p99Us: undefined,
    failed: Number(counts[2]) + Number(counts[3]) + Math.max(0, succeeded - Number(codes[1])),
  };
}
