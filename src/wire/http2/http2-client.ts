/**
 * HttpClient over HTTP/2: requests to one host over one connection, and over more when its streams are used up.
 *
 * Few connections are the point: all requests of one turn of the event loop share one write per connection. The trap: failures must not come
 * out of `open` itself, so a request that cannot even wait fails in a microtask.
 */
import type { ConnectionOptions as TlsOptions } from "node:tls";
import type { Clock } from "../../core/clock.ts";
import type { ClientState, ClientStream, HttpClient, RequestTemplate, ResponseSink } from "../http-client.ts";
import { defaultLimits, type WireLimits } from "../limits.ts";
import { WireError } from "../wire-error.ts";
import { ClientConnection, type ClientConnectionOptions, type ConnectionOwner } from "./client-connection.ts";
import { ClientRequest, type WaitingRoom } from "./client-request.ts";
import { ReconnectDelay } from "./reconnect-delay.ts";
import { WaitingLine } from "./waiting-line.ts";

export interface Http2ClientOptions {
  readonly host: string;
  readonly port: number;
  /** Node's TLS options; undefined for clear text with prior knowledge. */
  readonly tls?: TlsOptions | undefined;
  /** For TCP, TLS and the server's SETTINGS together. */
  readonly connectTimeoutMs?: number;
  readonly maxConnections?: number;
  /** Requests that may wait for a connection or a stream. */
  readonly maxPending?: number;
  /** Silence after which a PING is sent while requests are under way; without, none is. */
  readonly keepaliveMs?: number | undefined;
  readonly keepaliveTimeoutMs?: number;
  readonly backoff?: { readonly baseMs?: number; readonly maxMs?: number; readonly random?: () => number };
  readonly limits?: WireLimits;
  readonly clock: Clock;
  /** Tests only. */
  readonly poisonReadBuffers?: boolean;
  /** Tests only: an odd number near 2^31 runs out of stream ids soon. */
  readonly firstStreamId?: number;
}

/** Large windows: the peer is ours, and what is not consumed is bounded by them all the same. */
const defaultClientLimits: WireLimits = Object.freeze({
  ...defaultLimits,
  streamWindowBytes: 4 * 1024 * 1024,
  connectionWindowBytes: 16 * 1024 * 1024,
});

export class Http2Client implements HttpClient, ConnectionOwner, WaitingRoom {
  private readonly clock: Clock;
  private readonly maxConnections: number;
  private readonly maxPending: number;
  private readonly connectionOptions: ClientConnectionOptions;
  private readonly delay: ReconnectDelay;
  /** Those that may take streams, now or when they are ready. */
  private connections: ClientConnection[] = [];
  /** Those that only finish what they have. */
  private readonly retired = new Set<ClientConnection>();
  private readonly pending = new WaitingLine<ClientRequest>();
  private current: ClientConnection | undefined = undefined;
  private connecting = false;
  private closed = false;
  private draining = false;
  private emptied: PromiseWithResolvers<void> | undefined = undefined;
  private lastFailure: WireError | undefined = undefined;

  constructor(options: Http2ClientOptions) {
    const { host, port, tls, clock, connectTimeoutMs = 5000, backoff = {} } = options;
    this.clock = clock;
    this.maxConnections = options.maxConnections ?? 4;
    this.maxPending = options.maxPending ?? 1024;
    this.connectionOptions = {
      clock,
      limits: options.limits ?? defaultClientLimits,
      poisonReadBuffers: options.poisonReadBuffers,
      target: {
        host,
        port,
        connectTimeoutMs,
        tls: tls === undefined ? undefined : { servername: serverName(host), ...tls, ALPNProtocols: ["h2"] },
      },
      keepaliveMs: options.keepaliveMs,
      keepaliveTimeoutMs: options.keepaliveTimeoutMs ?? 20_000,
      firstStreamId: options.firstStreamId ?? 1,
    };
    const { baseMs = 100, maxMs = 5000, random = Math.random } = backoff;
    this.delay = new ReconnectDelay({ baseMs, maxMs, random });
  }

  open(
    template: RequestTemplate,
    headers: readonly string[],
    more: readonly string[],
    sink: ResponseSink,
    deadlineMs: number,
  ): ClientStream {
    const request = new ClientRequest(this, template, headers, more, sink, deadlineMs);
    const connection = this.pending.size === 0 && !this.draining ? this.pick() : undefined;
    if (connection !== undefined) connection.start(request);
    else this.enqueue(request);
    return request;
  }

  get state(): ClientState {
    if (this.closed) return "closed";
    if (this.connections.some((connection) => connection.ready)) return "ready";
    if (this.connecting) return "connecting";
    return this.delay.isWaiting(this.clock.nowMs()) ? "backing-off" : "idle";
  }

  get activeStreams(): number {
    let streams = 0;
    for (const connection of this.connections) streams += connection.activeStreams;
    for (const connection of this.retired) streams += connection.activeStreams;
    return streams;
  }

  get pendingStreams(): number {
    return this.pending.size;
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
    for (const connection of [...this.connections, ...this.retired]) connection.destroy(error);
    this.failPending(new WireError("closed", "the client was closed", { unprocessed: true }));
    this.emptied?.resolve();
  }

  // -- Requests that wait -----------------------------------------------------------------------------------------------------------

  private pick(): ClientConnection | undefined {
    const { current } = this;
    if (current !== undefined && current.free) return current;
    return (this.current = this.connections.find((connection) => connection.free));
  }

  private enqueue(request: ClientRequest): void {
    const nowMs = this.clock.nowMs();
    const refusal = this.refusalOf(request, nowMs);
    if (refusal !== undefined) {
      queueMicrotask(() => request.onFailure(refusal));
      return;
    }
    this.pending.push(request);
    const waitMs = request.deadlineMs - nowMs;
    if (waitMs < Infinity) request.deadlineTimer = this.clock.after(waitMs, () => this.onDeadline(request));
    this.grow(nowMs);
  }

  private refusalOf(request: ClientRequest, nowMs: number): WireError | undefined {
    if (this.draining) return new WireError("closed", "the client takes no more requests", { unprocessed: true });
    if (request.deadlineMs <= nowMs) return this.timeout();
    if (this.connections.length === 0 && this.delay.isWaiting(nowMs)) return this.connectFailure();
    if (this.pending.size < this.maxPending) return undefined;
    return new WireError("refused", `${this.maxPending} requests wait for a stream already`, { unprocessed: true });
  }

  private timeout(): WireError {
    return new WireError("timeout", "no stream to send the request on before its deadline", { unprocessed: true });
  }

  private connectFailure(): WireError {
    const { host, port } = this.connectionOptions.target;
    const cause = this.lastFailure;
    const why = cause === undefined ? "" : `: ${cause.message}`;
    return new WireError("connect", `no connection to ${host}:${port}${why}`, { unprocessed: true, cause });
  }

  private onDeadline(request: ClientRequest): void {
    if (!this.pending.delete(request)) return;
    request.onFailure(this.timeout());
    this.closeWhenEmpty();
  }

  onWithdrawn(request: ClientRequest): void {
    request.deadlineTimer?.cancel();
    this.pending.delete(request);
    this.closeWhenEmpty();
  }

  private failPending(error: WireError): void {
    for (let request = this.pending.first; request !== undefined; request = this.pending.first) {
      this.pending.delete(request);
      request.deadlineTimer?.cancel();
      request.onFailure(error);
    }
  }

  private servePending(connection: ClientConnection): void {
    for (let request = this.pending.first; request !== undefined && connection.free; request = this.pending.first) {
      this.pending.delete(request);
      connection.start(request);
    }
  }

  // -- Connections ------------------------------------------------------------------------------------------------------------------

  /** Opens another connection if requests wait and it may; one at a time. */
  private grow(nowMs: number): void {
    if (this.pending.size === 0 || this.connecting || this.closed) return;
    if (this.connections.length >= this.maxConnections || this.delay.isWaiting(nowMs)) return;
    this.connecting = true;
    this.connections.push(new ClientConnection(this.connectionOptions, this));
  }

  onReady(connection: ClientConnection): void {
    this.connecting = false;
    this.servePending(connection);
    this.grow(this.clock.nowMs());
  }

  onRoom(connection: ClientConnection): void {
    if (this.pending.size > 0) this.servePending(connection);
    else if (this.draining) this.closeWhenEmpty();
  }

  onRetired(connection: ClientConnection): void {
    this.forget(connection);
    this.retired.add(connection);
  }

  onGone(connection: ClientConnection, error: WireError): void {
    const nowMs = this.clock.nowMs();
    this.retired.delete(connection);
    this.forget(connection);
    if (!connection.ready) this.connecting = false;
    if (this.closed) return;
    if (connection.proven) this.delay.succeeded();
    else if (error.kind !== "closed") {
      // One that never answered anything counts as a failed attempt, or a server that hangs up at once would be called without a pause.
      this.lastFailure = error;
      this.delay.failed(nowMs);
    }
    if (this.connections.length === 0 && this.delay.isWaiting(nowMs)) this.failPending(this.connectFailure());
    this.grow(nowMs);
    this.closeWhenEmpty();
  }

  private forget(connection: ClientConnection): void {
    if (this.current === connection) this.current = undefined;
    this.connections = this.connections.filter((other) => other !== connection);
  }

  private closeWhenEmpty(): void {
    if (this.draining && !this.closed && this.pending.size === 0 && this.activeStreams === 0) this.close();
  }
}

/** What to ask the certificate for; IP addresses are not sent as SNI (RFC 6066, section 3). */
function serverName(host: string): string {
  return /^[\d.]+$|:/.test(host) ? "" : host;
}
