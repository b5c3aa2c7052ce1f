/** Plays a line by each protocol and kind of RPC, before one backend that takes every one of them, and says what was wrong. */
import assert from "node:assert/strict";
import { inbounds, type Inbound } from "../matrix/inbounds.ts";
import { wellScript } from "../matrix/outcomes.ts";
import { outbounds } from "../matrix/outbounds.ts";
import { kinds, type Kind, type MatrixClient, type Observed, type Script } from "../matrix/script.ts";
import { startRuntime } from "../support/runtime-host.ts";
import type { Line } from "./lines.ts";

const rest = outbounds.find(({ name }) => name === "REST")!;
/** The rows of the big matrix in clear text: TLS changes nothing of what is told here. */
export const rows = inbounds.filter(({ tls }) => !tls);
const atATime = 16;
const cellTimeoutMs = 8000;

interface Cell {
  readonly row: Inbound;
  readonly kind: Kind;
  readonly script: Script;
}

let number = 0;

/** What was wrong, by row and kind; nothing where all is well. */
export async function playLine(line: Line): Promise<readonly string[]> {
  const { policies, metadata = {}, begin, stop, ...given } = await line.prepare();
  const cells = rows.flatMap((row) =>
    kinds.filter((kind) => row.cannot?.[kind] === undefined).map((kind): Cell => ({ row, kind, script: scriptOf(kind, metadata) })),
  );
  const backend = await rest.start(new Map(cells.map(({ script }) => [script.id, script])));
  const settings = Object.fromEntries(Object.entries(policies).map(([kind, value]) => [`policies.${kind}`, value]));
  const { upstream = backend.upstream } = given;
  const host = await startRuntime({ "inbound.upstream": upstream, ...rest.settings, ...settings });
  const port = Number(/:(\d+)$/.exec(host.runtime.address)![1]);
  const clients = new Map<Inbound, MatrixClient>(rows.map((row) => [row, row.connect(port)]));
  try {
    await begin?.(host);
    const problems: string[] = [];
    const waiting = cells.values();
    const lane = async (): Promise<void> => {
      for (const cell of waiting) {
        const problem = await problemOf(cell, clients.get(cell.row)!, line);
        if (problem !== undefined) problems.push(`${cell.row.name} over ${cell.row.over}, ${cell.kind}: ${problem}`);
      }
    };
    await Promise.all(Array.from({ length: atATime }, lane));
    return problems;
  } finally {
    for (const client of clients.values()) client.close();
    await host.stop();
    await backend.stop();
    await stop?.();
  }
}

async function problemOf({ row, kind, script }: Cell, client: MatrixClient, line: Line): Promise<string | undefined> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new Error(`not over after ${cellTimeoutMs} ms`)), cellTimeoutMs);
  });
  try {
    check(line, row, kind, script, await Promise.race([client.call(script), late]));
    return undefined;
  } catch (error) {
    return (error as Error).message;
  } finally {
    clearTimeout(timer);
  }
}

function check(line: Line, row: Inbound, kind: Kind, script: Script, observed: Observed): void {
  // What passes as it is streams, whatever it is.
  const ending = line.ending(row.protocol === "http" || row.passedOn === true ? "bidi" : kind);
  const { code, details, message } = ending;
  const answered = code === 0;
  assert.deepEqual({ code: observed.code, details: observed.details }, { code, details });
  if (message !== undefined) assert.equal(observed.message, message);
  if (answered) assert.deepEqual(observed.messages.length, script.answers.length);
  else {
    assert.notEqual(observed.message, "", "a refusal says what happened");
    assert.equal(script.seen.length, 0, "the backend hears nothing of it");
  }
  for (const [name, value] of Object.entries(row.form(kind, ending, answered))) assert.equal(observed.form[name], value, name);
  const showsHeaders = row.protocol === "rest" || row.protocol === "http" || (row.protocol === "connect" && kind === "unary");
  if (!showsHeaders) return;
  for (const [name, form] of Object.entries(line.headers ?? {})) assert.match(observed.metadata[name] ?? "nothing", form);
}

function scriptOf(kind: Kind, metadata: Readonly<Record<string, string>>): Script {
  const well = wellScript(kind);
  return {
    id: `b${(++number).toString(16)}`.padStart(32, "0"),
    kind,
    ...well,
    metadata: { ...well.metadata, ...metadata },
    failure: undefined,
    timeoutMs: undefined,
    leaves: false,
    gzip: false,
    seen: [],
    arrived: Promise.withResolvers<void>(),
    answered: Promise.withResolvers<void>(),
  };
}
