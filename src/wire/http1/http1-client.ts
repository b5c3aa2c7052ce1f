/**
 * HttpClient over HTTP/1.1: requests to one host, each on a connection of its own for as long as it runs, by undici's Pool.
 *
 * The only file that knows undici. The traps: a request that was given up while it waited cannot be taken out of undici's queue, so it fails
 * when its turn comes; and only what undici never began to write is provably unprocessed, everything later may have been read.
 */
import { isIP } from "node:net";
import type { ConnectionOptions as TlsOptions } from "node:tls";
import type { Dispatcher, Pool as UndiciPool } from "undici";
import Pool from "undici/lib/dispatcher/pool.js";
import type { Clock } from "../../core/clock.ts";
import type { ClientState, ClientStream, HttpClient, RequestTemplate, ResponseSink } from "../http-client.ts";
import { sweeperOf, type Swept } from "../sweeper.ts";
import { WireError, type WireErrorKind } from "../wire-error.ts";
import { UploadQueue } from "./upload-queue.ts";

export interface Http1ClientOptions {
  readonly host: string;
  readonly port: number;
  /** Node's TLS options; undefined for clear text. */
  readonly tls?: TlsOptions | undefined;
  /** For TCP and TLS together. */
  readonly connectTimeoutMs?: number;
  /** Requests that run at a time: one a connection. */
  readonly maxConnections?: number;
  /** Requests that may wait for a connection. */
  readonly maxPending?: number;
  /** Longest a request waits for a connection. */
  readonly maxWaitMs?: number;
  /** Longest silence of the peer, before its answer or within it. */
  readonly silenceTimeoutMs?: number;
  /** Largest head of an answer. */
  readonly headBytes?: number;
  /** Bytes of an answer that may wait to be consumed before reading stops. */
  readonly windowBytes?: number;
  readonly clock: Clock;
}

/** How long it counts that no connection could be made. Nothing waits for it: the next request tries again. */
const failureFreshMs = 1000;

export class Http1Client implements HttpClient, Swept {
  readonly windowBytes: number;
  readonly waiting = new Set<PooledRequest>();
  active = 0;
  /** Requests in undici's hands that it has not begun, those given up included. */
  queued = 0;
  private readonly clock: Clock;
  private readonly pool: UndiciPool;
  private readonly maxPending: number;
  private readonly maxWaitMs: number;
  private connectFailedAtMs = -Infinity;
  private draining = false;
  private closed = false;

  constructor(options: Http1ClientOptions) {
    const { host, port, tls, connectTimeoutMs = 5000, silenceTimeoutMs = 300_000 } = options;
    this.clock = options.clock;
    this.maxPending = options.maxPending ?? 1024;
    this.maxWaitMs = options.maxWaitMs ?? 15_000;
    this.windowBytes = options.windowBytes ?? 256 << 10;
    this.pool = new Pool(`${tls === undefined ? "http" : "https"}://${host.includes(":") ? `[${host}]` : host}:${port}`, {
      connections: options.maxConnections ?? 1024,
      connect: { ...tlsOptions(tls), timeout: connectTimeoutMs },
      allowH2: false,
      pipelining: 1,
      headersTimeout: silenceTimeoutMs,
      bodyTimeout: silenceTimeoutMs,
      maxHeaderSize: options.headBytes ?? 60 << 10,
    });
    this.pool.on("connectionError", () => (this.connectFailedAtMs = this.clock.nowMs()));
  }

  open(
    template: RequestTemplate,
    headers: readonly string[],
    more: readonly string[],
    sink: ResponseSink,
    deadlineMs: number,
  ): ClientStream {
    const expiresAtMs = Math.min(deadlineMs, this.clock.nowMs() + this.maxWaitMs);
    return new PooledRequest(this, template, [...template.headers, ...headers, ...more], sink, { deadlineMs, expiresAtMs });
  }

  get state(): ClientState {
    if (this.closed) return "closed";
    if (this.pool.stats.connected > 0) return "ready";
    if (this.waiting.size > 0) return "connecting";
    return this.clock.nowMs() - this.connectFailedAtMs < failureFreshMs ? "backing-off" : "idle";
  }

  get activeStreams(): number {
    return this.active;
  }

  get pendingStreams(): number {
    return this.waiting.size;
  }

  async drain(graceMs: number): Promise<void> {
    this.draining = true;
    const overdue = Promise.withResolvers<void>();
    const timer = this.clock.after(graceMs, overdue.resolve);
    await Promise.race([this.pool.closed ? undefined : this.pool.close(), overdue.promise]);
    timer.cancel();
    await this.close();
  }

  async close(): Promise<void> {
    if (this.closed) return;
    this.closed = this.draining = true;
    await this.pool.destroy(new WireError("closed", "the client was closed"));
  }

  /** Hands a request to the pool, or refuses it. */
  dispatch(request: PooledRequest, options: Dispatcher.DispatchOptions): void {
    const refusal = this.draining
      ? new WireError("closed", "the client was closed", { unprocessed: true })
      : this.queued >= this.maxPending
        ? new WireError("refused", `${this.maxPending} requests wait for a connection already`, { unprocessed: true })
        : undefined;
    this.queued++;
    if (refusal !== undefined) return queueMicrotask(() => request.onResponseError(null, refusal));
    this.waiting.add(request);
    sweeperOf(this.clock).add(this, this.maxWaitMs);
    this.pool.dispatch(options, request);
  }

  sweep(nowMs: number): void {
    for (const request of this.waiting) request.expire(nowMs);
    if (this.waiting.size === 0) sweeperOf(this.clock).delete(this);
  }
}

/** A request from `open` to its last event: our stream on one side, undici's handler on the other. */
class PooledRequest implements ClientStream, Dispatcher.DispatchHandler {
  onDrain: (() => void) | undefined = undefined;
  private readonly owner: Http1Client;
  private readonly template: RequestTemplate;
  private readonly headers: string[];
  private readonly sink: ResponseSink;
  private readonly deadlineMs: number;
  private readonly expiresAtMs: number;
  private upload: UploadQueue | undefined;
  private controller: Dispatcher.DispatchController | undefined;
  private dispatched = false;
  private queued = false;
  private over = false;
  private unconsumedBytes = 0;

  constructor(
    owner: Http1Client,
    template: RequestTemplate,
    headers: string[],
    sink: ResponseSink,
    { deadlineMs, expiresAtMs }: { readonly deadlineMs: number; readonly expiresAtMs: number },
  ) {
    this.owner = owner;
    this.template = template;
    this.headers = headers;
    this.sink = sink;
    this.deadlineMs = deadlineMs;
    this.expiresAtMs = expiresAtMs;
  }

  // -- ClientStream -----------------------------------------------------------------------------------------------------------------

  write(chunk: Uint8Array, end: boolean, prefix?: Uint8Array): boolean {
    if (this.over) return true;
    const bytes = prefix === undefined ? Buffer.from(chunk) : Buffer.concat([prefix, chunk]);
    if (!this.dispatched && end) {
      // Whole: its length is known, and goes before it.
      this.dispatch(bytes);
      return true;
    }
    if (!this.dispatched) this.dispatch((this.upload = new UploadQueue(() => this.onDrain?.())));
    const room = this.upload!.push(bytes);
    if (end) this.upload!.end();
    return room;
  }

  end(): void {
    if (this.over) return;
    if (this.dispatched) this.upload?.end();
    else this.dispatch(null);
  }

  consumed(sizeBytes: number): void {
    this.unconsumedBytes -= sizeBytes;
    const { controller } = this;
    if (controller?.paused === true && this.unconsumedBytes <= this.owner.windowBytes / 2) controller.resume();
  }

  cancel(): void {
    if (this.finish()) this.controller?.abort(new WireError("closed", "cancelled"));
  }

  // -- DispatchHandler --------------------------------------------------------------------------------------------------------------

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.leaveQueue();
    // Thrown, it fails this request alone; an abort would take the connection with it.
    if (this.over) throw new WireError("closed", "given up while it waited");
    this.controller = controller;
    this.owner.waiting.delete(this);
    this.owner.active++;
  }

  onResponseStart(controller: Dispatcher.DispatchController, status: number): void {
    if (!this.over && status >= 200) this.sink.onHead(status, fieldsOf(controller.rawHeaders));
  }

  onResponseData(controller: Dispatcher.DispatchController, chunk: Buffer): void {
    if (this.over) return;
    this.unconsumedBytes += chunk.length;
    this.sink.onData(chunk);
    if (this.unconsumedBytes >= this.owner.windowBytes) controller.pause();
  }

  onResponseEnd(controller: Dispatcher.DispatchController): void {
    if (!this.finish()) return;
    const trailers = fieldsOf(controller.rawTrailers);
    this.sink.onEnd(trailers.length === 0 ? undefined : trailers);
  }

  onResponseError(_controller: Dispatcher.DispatchController | null, error: Error): void {
    this.leaveQueue();
    this.fail(failureOf(error, this.controller !== undefined));
  }

  // -- Ends -------------------------------------------------------------------------------------------------------------------------

  fail(error: WireError): void {
    if (this.finish()) this.sink.onError(error);
  }

  /** Gives up waiting for a connection, when it is time. */
  expire(nowMs: number): void {
    if (nowMs < this.expiresAtMs) return;
    const kind = nowMs >= this.deadlineMs ? "timeout" : "refused";
    this.fail(new WireError(kind, "no connection became free in time", { unprocessed: true }));
  }

  /** False when it was over already. */
  private finish(): boolean {
    if (this.over) return false;
    this.over = true;
    this.upload?.stop();
    if (!this.owner.waiting.delete(this) && this.controller !== undefined) this.owner.active--;
    return true;
  }

  private leaveQueue(): void {
    if (!this.queued) return;
    this.queued = false;
    this.owner.queued--;
  }

  private dispatch(body: Buffer | UploadQueue | null): void {
    this.dispatched = this.queued = true;
    const { method, path } = this.template;
    // undici takes async iterables; its types say so of some methods only.
    this.owner.dispatch(this, { method, path, headers: this.headers, body: body as Buffer | null });
  }
}

function tlsOptions(tls: TlsOptions | undefined): Omit<TlsOptions, "port"> {
  if (tls === undefined) return {};
  // RFC 6066, section 3: an address is no server name.
  return tls.servername !== undefined && isIP(tls.servername) !== 0 ? { ...tls, servername: "" } : tls;
}

type RawFields = Dispatcher.DispatchController["rawHeaders"];

/** Names and values in turn, names in lower case. */
function fieldsOf(raw: RawFields): string[] {
  const fields: string[] = [];
  if (!Array.isArray(raw)) return fields;
  for (let index = 0; index + 1 < raw.length; index += 2) fields.push(textOf(raw[index]!).toLowerCase(), textOf(raw[index + 1]!));
  return fields;
}

function textOf(field: Buffer | string): string {
  return typeof field === "string" ? field : field.toString("latin1");
}

/** By undici's error codes (undici docs, "Errors"). */
const kinds: ReadonlyMap<string, WireErrorKind> = new Map([
  ["UND_ERR_CLOSED", "closed"],
  ["UND_ERR_DESTROYED", "closed"],
  ["UND_ERR_HEADERS_TIMEOUT", "timeout"],
  ["UND_ERR_BODY_TIMEOUT", "timeout"],
  ["UND_ERR_HEADERS_OVERFLOW", "too-large"],
  ["UND_ERR_RES_CONTENT_LENGTH_MISMATCH", "protocol"],
]);

/** @param started whether anything of the request may have been written */
function failureOf(cause: Error, started: boolean): WireError {
  if (cause instanceof WireError)
    return started || cause.unprocessed ? cause : new WireError(cause.kind, cause.message, { unprocessed: true });
  const known = cause.name === "HTTPParserError" ? parserKind(cause) : kinds.get((cause as NodeJS.ErrnoException).code ?? "");
  if (!started) return new WireError(known ?? "connect", "no connection could be made", { unprocessed: true, cause });
  return new WireError(known ?? "reset", "the connection broke off", { cause });
}

/** An end in the middle is a connection that broke off, whatever the parser thinks of it. */
function parserKind({ message }: Error): WireErrorKind {
  return message.includes("EOF") ? "reset" : "protocol";
}
