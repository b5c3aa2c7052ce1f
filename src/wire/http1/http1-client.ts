/**
 * HttpClient over HTTP/1.1: requests to one host, each on a connection of its own for as long as it runs, and the line of those that wait for one.
 *
 * Two traps. The connection used last is used first, so that those a burst has left over come of age and close. And a connection may be closed by the
 * server at any moment it is idle: the request that meets this is sent once more only when it may (`ClientRequest.repeatable`).
 */
import { isIP } from "node:net";
import type { ConnectionOptions as TlsOptions } from "node:tls";
import type { Clock } from "../../core/clock.ts";
import { ByteChannel, type ChannelEvents, type ChannelTarget } from "../byte-channel.ts";
import type { ClientState, ClientStream, RequestTemplate, ResponseSink } from "../http-client.ts";
import type { UpgradeSink, UpgradingClient } from "../http-upgrade.ts";
import { WaitingLine } from "../http2/waiting-line.ts";
import { sweeperOf, type Swept } from "../sweeper.ts";
import { WireError } from "../wire-error.ts";
import { AnswerMemo } from "./answer-memo.ts";
import { ClientConnection, type ConnectionOwner } from "./client-connection.ts";
import { ClientRequest, type RequestOwner } from "./client-request.ts";
import type { TrailerLimits } from "./trailer-reader.ts";

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
  /** How long an idle connection is kept, unless the server says that it keeps it shorter. */
  readonly idleTimeoutMs?: number;
  /** Largest head of an answer. */
  readonly headBytes?: number;
  /** Bytes of an answer that may wait to be consumed before reading stops. */
  readonly windowBytes?: number;
  readonly clock: Clock;
}

/** How long it counts that no connection could be made. Nothing waits for it: the next request tries again. */
const failureFreshMs = 1000;
/** Servers that do not say how long they keep a connection mostly keep it for 5 s and more (Node, uvicorn). */
const defaultIdleTimeoutMs = 4000;
const mostHeadFields = 256;

export class Http1Client implements UpgradingClient, RequestOwner, ConnectionOwner, Swept {
  readonly windowBytes: number;
  readonly limits: TrailerLimits;
  readonly heads = new AnswerMemo();
  private readonly clock: Clock;
  private readonly target: ChannelTarget;
  private readonly maxConnections: number;
  private readonly maxPending: number;
  private readonly maxWaitMs: number;
  private readonly silenceTimeoutMs: number;
  private readonly idleTimeoutMs: number;
  /** All that are open or being made. */
  private readonly connections = new Set<ClientConnection>();
  /** The one used last is the last. */
  private idle: ClientConnection[] = [];
  private readonly waiting = new WaitingLine<ClientRequest>();
  /** Requests for which a connection of their own is being made. */
  private readonly expected = new Set<ClientRequest>();
  private connecting = 0;
  private active = 0;
  private swept = false;
  private connectFailedAtMs = -Infinity;
  private draining = false;
  private closed = false;
  private emptied: PromiseWithResolvers<void> | undefined = undefined;

  constructor(options: Http1ClientOptions) {
    const { host, port, tls, connectTimeoutMs = 5000 } = options;
    this.clock = options.clock;
    this.maxConnections = options.maxConnections ?? 1024;
    this.maxPending = options.maxPending ?? 1024;
    this.maxWaitMs = options.maxWaitMs ?? 15_000;
    this.silenceTimeoutMs = options.silenceTimeoutMs ?? 300_000;
    this.idleTimeoutMs = options.idleTimeoutMs ?? defaultIdleTimeoutMs;
    this.windowBytes = options.windowBytes ?? 256 << 10;
    this.limits = { headBytes: options.headBytes ?? 60 << 10, headFields: mostHeadFields };
    this.target = { host, port, connectTimeoutMs, tls: tls && tlsOptions(tls, host) };
  }

  open(
    template: RequestTemplate,
    headers: readonly string[],
    more: readonly string[],
    sink: ResponseSink,
    deadlineMs: number,
  ): ClientStream {
    return new ClientRequest(this, template, headers, more, sink, deadlineMs);
  }

  upgrade(
    template: RequestTemplate,
    headers: readonly string[],
    more: readonly string[],
    protocol: string,
    sink: UpgradeSink,
    deadlineMs: number,
  ): ClientStream {
    const request = new ClientRequest(this, template, headers, more, sink, deadlineMs, protocol.toLowerCase());
    request.end();
    return request;
  }

  get state(): ClientState {
    if (this.closed) return "closed";
    if (this.connections.size > this.connecting) return "ready";
    if (this.pendingStreams > 0) return "connecting";
    return this.clock.nowMs() - this.connectFailedAtMs < failureFreshMs ? "backing-off" : "idle";
  }

  get activeStreams(): number {
    return this.active;
  }

  get pendingStreams(): number {
    return this.waiting.size + this.expected.size;
  }

  drain(graceMs: number): Promise<void> {
    this.draining = true;
    if (this.closed) return Promise.resolve();
    if (this.emptied === undefined) {
      this.emptied = Promise.withResolvers<void>();
      this.clock.after(graceMs, () => this.close());
      this.closeWhenEmpty();
    }
    return this.emptied.promise;
  }

  close(): void {
    if (this.closed) return;
    this.closed = this.draining = true;
    const error = new WireError("closed", "the client was closed");
    for (const connection of [...this.connections]) connection.destroy(error);
    for (let request = this.waiting.first; request !== undefined; request = this.waiting.first)
      this.failWaiting(request, "closed", error.message);
    for (const request of this.expected) this.failWaiting(request, "closed", error.message);
    this.emptied?.resolve();
  }

  // --- requests that look for a connection

  place(request: ClientRequest): void {
    const nowMs = this.clock.nowMs();
    if (this.draining) return this.refuse(request, "closed", "the client takes no more requests");
    const connection = this.takeIdle(nowMs);
    if (connection !== undefined) return this.startOn(connection, request);
    if (this.waiting.size >= this.maxPending)
      return this.refuse(request, "refused", `${this.maxPending} requests wait for a connection already`);
    this.enqueue(request, nowMs);
  }

  onUnanswered(request: ClientRequest): void {
    request.retried = true;
    if (this.closed) return request.fail(new WireError("closed", "the client was closed"));
    // Others that have been idle may have been closed as well.
    if (this.connections.size < this.maxConnections) this.addConnection(request);
    else this.enqueue(request, this.clock.nowMs());
  }

  onWithdrawn(request: ClientRequest): void {
    this.waiting.delete(request);
    this.expected.delete(request);
    this.closeWhenEmpty();
  }

  private enqueue(request: ClientRequest, nowMs: number): void {
    request.expiresAtMs = Math.min(request.deadlineMs, nowMs + this.maxWaitMs);
    this.waiting.push(request);
    this.beSwept();
    while (this.connecting - this.expected.size < this.waiting.size && this.connections.size < this.maxConnections)
      this.addConnection(undefined);
  }

  /** Fails it, but not from inside the call that brought it. */
  private refuse(request: ClientRequest, kind: "closed" | "refused", message: string): void {
    queueMicrotask(() => request.fail(new WireError(kind, message, { unprocessed: true })));
  }

  private failWaiting(request: ClientRequest, kind: WireError["kind"], message: string, cause?: unknown): void {
    this.waiting.delete(request);
    this.expected.delete(request);
    // What has been on a connection before may have been processed there.
    request.fail(new WireError(kind, message, { unprocessed: !request.retried, cause }));
  }

  private takeIdle(nowMs: number): ClientConnection | undefined {
    for (let connection = this.idle.pop(); connection !== undefined; connection = this.idle.pop()) {
      if (nowMs < connection.idleUntilMs) return connection;
      connection.destroy(idled());
    }
    return undefined;
  }

  private startOn(connection: ClientConnection, request: ClientRequest): void {
    this.active++;
    connection.start(request);
  }

  // --- connections

  connect(events: ChannelEvents, onReady: () => void): ByteChannel {
    return ByteChannel.connect(this.target, events, onReady);
  }

  /** @param reservedFor the request that is to have it; undefined: whoever waits */
  private addConnection(reservedFor: ClientRequest | undefined): void {
    this.connecting++;
    if (reservedFor !== undefined) this.expected.add(reservedFor);
    const connection = new ClientConnection(this, reservedFor);
    this.connections.add(connection);
    this.beSwept();
  }

  onReady(connection: ClientConnection): void {
    this.connecting--;
    const { reservedFor } = connection;
    if (reservedFor !== undefined && this.expected.delete(reservedFor)) this.startOn(connection, reservedFor);
    else this.use(connection, Infinity);
  }

  onFree(connection: ClientConnection, keepAliveMs: number): void {
    this.active--;
    this.use(connection, keepAliveMs);
  }

  private use(connection: ClientConnection, keepAliveMs: number): void {
    const next = this.waiting.first;
    if (next !== undefined) {
      this.waiting.delete(next);
      return this.startOn(connection, next);
    }
    connection.idleUntilMs = this.clock.nowMs() + Math.min(keepAliveMs, this.idleTimeoutMs);
    this.idle.push(connection);
    if (this.draining) this.closeWhenEmpty();
  }

  onGone(connection: ClientConnection, error: WireError, wasActive: boolean): void {
    this.connections.delete(connection);
    if (wasActive) this.active--;
    else {
      const at = this.idle.lastIndexOf(connection);
      if (at >= 0) this.idle.splice(at, 1);
    }
    if (!connection.ready) this.onConnectFailed(connection, error);
    if (!this.closed) this.closeWhenEmpty();
  }

  private onConnectFailed({ reservedFor }: ClientConnection, error: WireError): void {
    this.connecting--;
    if (this.closed) return;
    this.connectFailedAtMs = this.clock.nowMs();
    const { host, port } = this.target;
    const first = reservedFor !== undefined && this.expected.has(reservedFor) ? reservedFor : this.waiting.first;
    if (first !== undefined) this.failWaiting(first, error.kind, `no connection to ${host}:${port}`, error.cause ?? error);
  }

  private closeWhenEmpty(): void {
    if (!this.draining || this.closed) return;
    for (const connection of this.idle.splice(0)) connection.destroy(idled());
    if (this.active === 0 && this.pendingStreams === 0) this.close();
  }

  // --- time

  private beSwept(): void {
    if (this.swept) return;
    this.swept = true;
    sweeperOf(this.clock).add(this, Math.min(this.maxWaitMs, this.silenceTimeoutMs, this.idleTimeoutMs));
  }

  sweep(nowMs: number): void {
    for (let request = this.waiting.first; request !== undefined;) {
      const next: ClientRequest | undefined = request.nextInLine;
      if (nowMs >= request.expiresAtMs)
        this.failWaiting(request, nowMs >= request.deadlineMs ? "timeout" : "refused", "no connection became free in time");
      request = next;
    }
    const aged = this.idle.filter((connection) => nowMs >= connection.idleUntilMs);
    for (const connection of aged) connection.destroy(idled());
    for (const connection of this.connections) connection.sweep(nowMs, this.silenceTimeoutMs);
    if (this.connections.size > 0 || this.waiting.size > 0) return;
    this.swept = false;
    sweeperOf(this.clock).delete(this);
  }
}

function idled(): WireError {
  return new WireError("closed", "the connection was idle");
}

function tlsOptions(tls: TlsOptions, host: string): TlsOptions {
  const servername = tls.servername ?? host;
  // RFC 6066, section 3: an address is no server name.
  return { ...tls, servername: isIP(servername) === 0 ? servername : "", ALPNProtocols: ["http/1.1"] };
}
