/**
 * HTTP/1.1 to the byte: a listener with a recording handler, and a client that sends what it is told and collects what comes back.
 *
 * The trap: `talk` waits until the server closes, so a request that keeps its connection must say "connection: close" in the last one.
 */
import assert from "node:assert/strict";
import { connect, type Socket } from "node:net";
import { once } from "node:events";
import { systemClock } from "../../src/core/clock.ts";
import { silentLogger } from "../../src/core/logger.ts";
import type { Exchange, ExchangeHandler } from "../../src/wire/exchange.ts";
import { defaultLimits, type WireLimits } from "../../src/wire/limits.ts";
import { createListener, type Listener, type ListenerOptions } from "../../src/wire/listener.ts";

export interface Seen {
  readonly method: string;
  readonly target: string;
  readonly body: string;
  readonly exchange: Exchange;
}

export interface Http1Host {
  readonly listener: Listener;
  readonly port: number;
  /** Requests whose body was read to its end, in the order of that. */
  readonly seen: Seen[];
}

/** Reads the body and answers 200 with the target; what the tests serve unless they say otherwise. */
export function echoing(seen: Seen[]): ExchangeHandler {
  return (exchange) => {
    void readAll(exchange).then(
      (body) => {
        const { method, target } = exchange.head;
        seen.push({ method, target, body: body.toString("latin1"), exchange });
        exchange.respond(200, ["content-type", "text/plain"], Buffer.from(`${method} ${target} ${body.length}`));
      },
      () => exchange.abort(8),
    );
  };
}

export async function readAll(exchange: Exchange): Promise<Buffer> {
  const whole = exchange.body.whole();
  if (whole !== undefined) return Buffer.from(whole);
  const chunks: Uint8Array[] = [];
  for (let chunk = await exchange.body.read(); chunk !== undefined; chunk = await exchange.body.read()) chunks.push(chunk);
  return Buffer.concat(chunks);
}

export async function hostHttp1(
  handler?: ExchangeHandler,
  limits: Partial<WireLimits> = {},
  more: Partial<ListenerOptions> = {},
): Promise<Http1Host> {
  const seen: Seen[] = [];
  const listener = await createListener({
    host: "127.0.0.1",
    port: 0,
    limits: { ...defaultLimits, ...limits },
    handler: handler ?? echoing(seen),
    clock: systemClock,
    logger: silentLogger,
    http2: "own",
    ...more,
  });
  return { listener, port: listener.address.port, seen };
}

/** Connects; `data` collects what comes. */
export async function open(port: number): Promise<{ socket: Socket; data: () => string }> {
  const socket = connect({ port, host: "127.0.0.1", allowHalfOpen: true });
  const chunks: Buffer[] = [];
  socket.on("data", (chunk: Buffer) => chunks.push(chunk));
  socket.on("error", () => undefined); // a reset shows in what was received
  await once(socket, "connect");
  return { socket, data: () => Buffer.concat(chunks).toString("latin1") };
}

/** Sends the pieces, one write each, and gives back everything received until the server ends the connection. */
export async function talk(port: number, ...pieces: (string | Buffer)[]): Promise<string> {
  const { socket, data } = await open(port);
  const ended = Promise.race([once(socket, "end"), once(socket, "close")]);
  for (const piece of pieces) {
    socket.write(typeof piece === "string" ? Buffer.from(piece, "latin1") : piece);
    if (pieces.length > 1) await new Promise((resolve) => setImmediate(resolve));
  }
  await within(5000, ended, () => `the server does not close; received ${JSON.stringify(data())}`);
  socket.destroy();
  return data();
}

/** The statuses of the answers in `received`, interim ones included; every answer must be framed. */
export function statuses(received: string): number[] {
  return answers(received).map(({ status }) => status);
}

export interface RawAnswer {
  readonly status: number;
  readonly headers: ReadonlyMap<string, string>;
  readonly body: string;
}

/** Takes answers apart (those to HEAD excepted, whose framing depends on the request). */
export function answers(received: string): RawAnswer[] {
  const list: RawAnswer[] = [];
  for (let rest = received; rest !== "";) {
    const end = rest.indexOf("\r\n\r\n");
    assert.ok(end > 0, `not an HTTP answer: ${JSON.stringify(rest)}`);
    const [line, ...fields] = rest.slice(0, end).split("\r\n");
    const status = Number(/^HTTP\/1\.1 (\d{3}) /.exec(line!)?.[1]);
    assert.ok(status >= 100, `not a status line: ${JSON.stringify(line)}`);
    const headers = new Map(fields.map((field) => [field.slice(0, field.indexOf(":")), field.slice(field.indexOf(":") + 2)] as const));
    rest = rest.slice(end + 4);
    let body = "";
    if (headers.get("transfer-encoding") === "chunked") {
      for (;;) {
        const size = parseInt(rest, 16);
        rest = rest.slice(rest.indexOf("\r\n") + 2);
        if (size === 0) break;
        body += rest.slice(0, size);
        rest = rest.slice(size + 2);
      }
      rest = rest.slice(rest.startsWith("\r\n") ? 2 : rest.indexOf("\r\n\r\n") + 4);
    } else {
      const length = Number(headers.get("content-length") ?? "0");
      body = rest.slice(0, length);
      rest = rest.slice(length);
    }
    list.push({ status, headers, body });
  }
  return list;
}

/** `promise`, or a failure after `deadlineMs` that says `what`. */
export async function within<T>(deadlineMs: number, promise: Promise<T>, what: () => string): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(what())), deadlineMs);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}

/** Waits until `condition` holds. */
export async function until(condition: () => boolean, what: string, deadlineMs = 5000): Promise<void> {
  const end = performance.now() + deadlineMs;
  while (!condition()) {
    if (performance.now() > end) throw new Error(`did not happen: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
}
