/**
 * Plays every cell: one backend and two proxies (clear text and TLS) for each outbound, all cells of theirs at the same time, in small batches.
 *
 * The trap: the access log is whole only when its proxy has closed, so cells are judged at the end.
 */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { inspect } from "node:util";
import { certificate, certificateKey } from "../support/certificate.ts";
import { startRuntime, type RuntimeHost } from "../support/runtime-host.ts";
import { until } from "../support/until.ts";
import { cellsOf, nameOf, type Cell } from "./cells.ts";
import { checkCell, type LogRow } from "./check-cell.ts";
import { bodyBytes, messageBytes } from "./outcomes.ts";
import type { Outbound } from "./outbounds.ts";
import { servicePath, type MatrixClient, type Observed, type Script } from "./script.ts";

export interface CellResult {
  readonly cell: Cell;
  readonly name: string;
  /** Undefined: all is as it must be. */
  readonly problem: string | undefined;
}

export interface OutboundResult {
  readonly cells: readonly CellResult[];
  /** Calls by protocol, method and code, as the metrics count them and as the access log has them. */
  readonly counted: Readonly<Record<"metrics" | "log", readonly string[]>>;
  /** Calls that the metrics say are still under way. */
  readonly active: number;
  /** Faults of our own that were logged. */
  readonly logged: readonly string[];
}

const atATime = 32;
/** For one cell: far more than a loaded machine needs. */
const cellTimeoutMs = 30_000;

interface Played {
  readonly cell: Cell;
  observed?: Observed;
  problem?: string;
}

export async function runOutbound(outbound: Outbound): Promise<OutboundResult> {
  const folder = mkdtempSync(join(tmpdir(), "dragoman-matrix-"));
  const cells = cellsOf(outbound);
  const scripts = new Map(cells.map(({ script }): [string, Script] => [script.id, script]));
  const stops: (() => Promise<void> | void)[] = [() => rmSync(folder, { recursive: true })];
  try {
    const backend = await outbound.start(scripts);
    stops.unshift(() => backend.stop());
    const proxies = await Promise.all([false, true].map((tls) => startProxy(backend.upstream, outbound, folder, tls)));
    const stopProxies = once(async () => void (await Promise.all(proxies.map(({ stop }) => stop()))));
    stops.unshift(stopProxies);
    const clients = new Clients(portOf(proxies[0]!), portOf(proxies[1]!));
    const closeClients = once(() => clients.close());
    stops.unshift(closeClients);

    const played = cells.map((cell): Played => ({ cell }));
    // All at once: the connection goes when all of them have come so far.
    const alone = played.filter(({ cell }) => outbound.sharesConnection && cell.script.play === "vanishes");
    await playAll(
      played.filter((each) => !alone.includes(each)),
      clients,
      atATime,
    );
    await playAll(alone, clients, alone.length);
    await closeClients();
    await stopProxies();
    return judged(outbound, played, proxies, folder);
  } finally {
    for (const stop of stops) await stop();
  }
}

function once(act: () => Promise<void> | void): () => Promise<void> {
  let done: Promise<void> | undefined;
  return () => (done ??= Promise.resolve(act()));
}

const logOf = (folder: string, tls: boolean): string => join(folder, tls ? "tls.log" : "clear.log");

function startProxy(upstream: string, { settings }: Outbound, folder: string, tls: boolean): Promise<RuntimeHost> {
  const [cert, key] = [join(folder, "cert.pem"), join(folder, "key.pem")];
  writeFileSync(cert, certificate);
  writeFileSync(key, certificateKey);
  return startRuntime({
    "inbound.upstream": upstream,
    ...settings,
    "inbound.websocket": { message: `${messageBytes}B` },
    "limits.message": `${messageBytes}B`,
    "limits.body": `${bodyBytes}B`,
    // A script is played once.
    "policies.retry": false,
    // The backend fails on purpose, cell after cell.
    "policies.circuit-breaker": false,
    "policies.access-log": { path: logOf(folder, tls) },
    ...(tls ? { "inbound.tls": { cert, key } } : {}),
  });
}

function portOf({ runtime }: RuntimeHost): number {
  return Number(/:(\d+)$/.exec(runtime.address)![1]);
}

/** One client for all cells of a row; another for what passes as plain HTTP. */
class Clients {
  private readonly port: number;
  private readonly tlsPort: number;
  private readonly open = new Map<(port: number) => MatrixClient, MatrixClient>();

  constructor(port: number, tlsPort: number) {
    this.port = port;
    this.tlsPort = tlsPort;
  }

  of({ inbound, seenAs }: Cell): MatrixClient {
    const connect = inbound === seenAs ? inbound.connect : inbound.connectPlain!;
    let client = this.open.get(connect);
    if (client === undefined) this.open.set(connect, (client = connect(inbound.tls ? this.tlsPort : this.port)));
    return client;
  }

  close(): void {
    for (const client of this.open.values()) client.close();
  }
}

async function playAll(cells: readonly Played[], clients: Clients, width: number): Promise<void> {
  const waiting = cells.values();
  const lane = async (): Promise<void> => {
    for (const played of waiting) await play(played, clients.of(played.cell));
  };
  await Promise.all(Array.from({ length: width }, lane));
}

async function play(played: Played, client: MatrixClient): Promise<void> {
  const { script } = played.cell;
  let timer: NodeJS.Timeout | undefined;
  try {
    const late = new Promise<never>((_resolve, reject) => {
      timer = setTimeout(() => reject(new Error(`not over after ${cellTimeoutMs} ms`)), cellTimeoutMs);
    });
    played.observed = await Promise.race([client.call(script), late]);
    if (script.play === "hangs") await until(() => script.seen.every(({ aborted }) => aborted), "the cancellation at the backend");
  } catch (error) {
    played.problem = messageOf(error);
  } finally {
    clearTimeout(timer);
  }
}

function judged({ speaks }: Outbound, played: readonly Played[], proxies: readonly RuntimeHost[], folder: string): OutboundResult {
  const rows = [false, true].flatMap((tls) => readLog(logOf(folder, tls)));
  const byTrace = Map.groupBy(rows, ({ trace }) => trace);
  const cells = played.map(({ cell, observed, problem }): CellResult => {
    const name = nameOf(cell);
    if (observed === undefined) return { cell, name, problem };
    try {
      checkCell(cell, observed, byTrace.get(cell.script.id) ?? []);
      return { cell, name, problem };
    } catch (error) {
      return { cell, name, problem: problem ?? messageOf(error) };
    }
  });
  // Methods that no schema has: the metrics know them by name only once one was answered with OK.
  const known = (method: string): string => (speaks === "messages" && method.startsWith(servicePath.slice(1)) ? method : "other");
  const metrics = proxies.flatMap(({ runtime }) =>
    [...runtime.metrics.rows()].flatMap((row) =>
      [...row.codes()].flatMap(({ protocol, method, code, buckets }) =>
        Array.from({ length: buckets.reduce((sum, count) => sum + count, 0) }, () => `${protocol} ${known(method)} ${code}`),
      ),
    ),
  );
  const log = rows.map(({ protocol, method, code }) => `${protocol} ${known(method)} ${code}`);
  const active = proxies.flatMap(({ runtime }) => [...runtime.metrics.active()]).reduce((sum, { calls }) => sum + calls, 0);
  return { cells, counted: { metrics: metrics.sort(), log: log.sort() }, active, logged: proxies.flatMap(({ logged }) => logged) };
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : inspect(error);
}

function readLog(path: string): LogRow[] {
  return readFileSync(path, "utf8")
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line) as LogRow);
}
