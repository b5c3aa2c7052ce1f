/**
 * The client role over Node's own HTTP/2: the fallback (`--http2 node`) with the same contract as our client. One connection at a time;
 * requests beyond the peer's MAX_CONCURRENT_STREAMS wait.
 *
 * The trap: after a failed connection requests fail at once until the back-off is over, so that callers are told instead of kept waiting.
 */
import { connect as connectHttp2, type ClientHttp2Session } from "node:http2";
import { connect as connectTcp, type Socket } from "node:net";
import { connect as connectTls, type ConnectionOptions } from "node:tls";
import { systemClock, type Clock, type Timer } from "../../core/clock.ts";
import type { ClientState, ClientStream, HttpClient, RequestTemplate, ResponseSink } from "../http-client.ts";
import { defaultLimits } from "../limits.ts";
import { WireError } from "../wire-error.ts";
import { NodeClientStream } from "./node-client-stream.ts";

export interface NodeHttp2ClientOptions {
  readonly host: string;
  readonly port: number;
  readonly tls?: ConnectionOptions | undefined;
  /** For templates without one; by default host and port. */
  readonly authority?: string | undefined;
  readonly connectTimeoutMs?: number | undefined;
  /** Requests that may wait for a connection or a stream. */
  readonly maxPending?: number | undefined;
  readonly clock?: Clock | undefined;
}

const defaultConnectTimeoutMs = 5000;
const defaultMaxPending = 1024;
const firstBackOffMs = 100;
const longestBackOffMs = 5000;

export class NodeHttp2Client implements HttpClient {
  private readonly options: NodeHttp2ClientOptions;
  private readonly clock: Clock;
  private readonly maxPending: number;
  private readonly pending = new Set<NodeClientStream>();
  private readonly active = new Set<NodeClientStream>();
  private session: ClientHttp2Session | undefined;
  /** Sessions that take no more requests and still answer some. */
  private readonly leaving = new Set<ClientHttp2Session>();
  private current: ClientState = "idle";
  private backOffMs = firstBackOffMs;
  private backOffTimer: Timer | undefined;
  private lastFailure: Error | undefined;
  private readonly quietWaiters: (() => void)[] = [];

  constructor(options: NodeHttp2ClientOptions) {
    this.options = options;
    this.clock = options.clock ?? systemClock;
    this.maxPending = options.maxPending ?? defaultMaxPending;
  }

  get state(): ClientState {
    return this.current;
  }

  get activeStreams(): number {
    return this.active.size;
  }

  get pendingStreams(): number {
    return this.pending.size;
  }

  open(
    template: RequestTemplate,
    headers: readonly string[],
    more: readonly string[],
    sink: ResponseSink,
    deadlineMs: number,
  ): ClientStream {
    const whole = template.authority === "" ? { ...template, authority: this.authority } : template;
    const stream = new NodeClientStream(this, whole, headers, more, sink, defaultLimits.streamWindowBytes);
    const refusal = this.refusal();
    if (refusal !== undefined) {
      queueMicrotask(() => stream.fail(refusal));
      return stream;
    }
    this.pending.add(stream);
    if (deadlineMs !== Infinity) {
      const late = (): void => stream.fail(new WireError("timeout", "no connection before the deadline", { unprocessed: true }));
      stream.deadline = this.clock.after(Math.max(0, deadlineMs - this.clock.nowMs()), late);
    }
    if (this.session === undefined && this.current !== "connecting") this.connect();
    else queueMicrotask(() => this.startPending());
    return stream;
  }

  async drain(graceMs: number): Promise<void> {
    if (this.current === "closed") return;
    this.current = "closed";
    if (this.active.size + this.pending.size > 0) {
      let timer: Timer | undefined;
      await new Promise<void>((resolve) => {
        this.quietWaiters.push(resolve);
        timer = this.clock.after(graceMs, resolve);
      });
      timer?.cancel();
    }
    this.close();
  }

  close(): void {
    this.current = "closed";
    this.backOffTimer?.cancel();
    const gone = new WireError("closed", "the client was closed");
    for (const stream of [...this.pending, ...this.active]) stream.fail(gone);
    this.session?.destroy();
    for (const session of this.leaving) session.destroy();
    this.session = undefined;
  }

  /** A stream left; also called by streams that never began. */
  onStreamOver(stream: NodeClientStream): void {
    this.pending.delete(stream);
    this.active.delete(stream);
    this.startPending();
    if (this.active.size + this.pending.size === 0) for (const wake of this.quietWaiters.splice(0)) wake();
  }

  private get authority(): string {
    return this.options.authority ?? `${this.options.host}:${this.options.port}`;
  }

  private refusal(): WireError | undefined {
    if (this.current === "closed") return new WireError("closed", "the client is closed", { unprocessed: true });
    if (this.current === "backing-off") return this.connectFailure();
    if (this.pending.size >= this.maxPending)
      return new WireError("refused", `${this.maxPending} requests wait already`, { unprocessed: true });
    return undefined;
  }

  private connectFailure(): WireError {
    const { host, port } = this.options;
    const why = this.lastFailure?.message ?? "connection closed";
    return new WireError("connect", `no connection to ${host}:${port}: ${why}`, { unprocessed: true, cause: this.lastFailure });
  }

  private connect(): void {
    const { host, port, tls, connectTimeoutMs = defaultConnectTimeoutMs } = this.options;
    if (this.current !== "closed") this.current = "connecting";
    const session = connectHttp2(`${tls === undefined ? "http" : "https"}://${this.authority}`, {
      createConnection: () => openSocket(host, port, tls),
      settings: { enablePush: false, initialWindowSize: defaultLimits.streamWindowBytes },
    });
    this.session = session;
    let failure: Error | undefined;
    const timer = this.clock.after(connectTimeoutMs, () => session.destroy(new Error(`no answer within ${connectTimeoutMs} ms`)));
    // Only the peer's settings say how many streams it takes, and that it speaks HTTP/2 at all.
    session.once("remoteSettings", () => {
      timer.cancel();
      if (this.current === "connecting") this.current = "ready";
      this.backOffMs = firstBackOffMs;
      session.setLocalWindowSize(defaultLimits.connectionWindowBytes);
      session.on("remoteSettings", () => this.startPending());
      this.startPending();
    });
    session.on("goaway", () => this.retire(session));
    session.on("error", (error: Error) => (failure = error));
    session.on("close", () => {
      timer.cancel();
      this.onSessionClosed(session, failure);
    });
  }

  /** The peer takes no more requests on this connection; it may still answer those it has. */
  private retire(session: ClientHttp2Session): void {
    if (this.session !== session) return;
    this.session = undefined;
    this.leaving.add(session);
    if (this.current === "ready") this.current = "idle";
    if (this.pending.size > 0) this.connect();
  }

  private onSessionClosed(session: ClientHttp2Session, failure: Error | undefined): void {
    this.leaving.delete(session);
    if (this.session !== session) return;
    this.session = undefined;
    this.lastFailure = failure;
    if (this.current === "connecting") this.backOff();
    else if (this.current === "ready") {
      this.current = "idle";
      if (this.pending.size > 0) this.connect();
    } else if (this.current === "closed") this.failPending();
  }

  private backOff(): void {
    this.current = "backing-off";
    this.backOffTimer = this.clock.after(this.backOffMs, () => {
      if (this.current === "backing-off") this.current = "idle";
    });
    this.backOffMs = Math.min(longestBackOffMs, this.backOffMs * 2);
    this.failPending();
  }

  private failPending(): void {
    const failure = this.connectFailure();
    for (const stream of [...this.pending]) stream.fail(failure);
  }

  private startPending(): void {
    const { session } = this;
    if (session === undefined || (this.current !== "ready" && this.current !== "closed")) return;
    const room = session.remoteSettings.maxConcurrentStreams ?? Infinity;
    for (const stream of this.pending) {
      if (session.destroyed || session.closed || this.active.size >= room) return;
      this.pending.delete(stream);
      this.active.add(stream);
      stream.start(session);
    }
  }
}

function openSocket(host: string, port: number, tls: ConnectionOptions | undefined): Socket {
  if (tls === undefined) return connectTcp({ host, port, noDelay: true });
  const socket = connectTls({ ALPNProtocols: ["h2"], host, port, ...tls });
  socket.setNoDelay(true);
  return socket;
}
