/** One request on a node:http2 stream as an Exchange. Everything written is copied first: node keeps what it is given until it is sent. */
import type { ServerHttp2Stream } from "node:http2";
import type { Exchange, Peer, RequestHead } from "../exchange.ts";
import { WireError } from "../wire-error.ts";
import { joined, toNodeFields } from "./node-fields.ts";
import { NodeRequestBody } from "./node-request-body.ts";

const noError = 0;
const internalError = 2;
const cancelled = 8;

const bodyless: ReadonlySet<number> = new Set([204, 205, 304]);

export class NodeExchange implements Exchange {
  readonly head: RequestHead;
  readonly peer: Peer;
  readonly arrivedAtMs: number;
  readonly body: NodeRequestBody;
  private readonly stream: ServerHttp2Stream;
  private trailers: readonly string[] = [];
  private finished = false;
  private aborted = false;
  private gone: WireError | undefined;
  private abortListener: ((reason: WireError) => void) | undefined;
  private drainWaiters: (() => void)[] = [];

  constructor(stream: ServerHttp2Stream, head: RequestHead, peer: Peer, arrivedAtMs: number, empty: boolean) {
    this.stream = stream;
    this.head = head;
    this.peer = peer;
    this.arrivedAtMs = arrivedAtMs;
    this.body = new NodeRequestBody(stream, empty);
    // Without trailers an answer broken off ends like a whole one: closing a stream ends its writable side first.
    stream.on("wantTrailers", () => {
      if (!stream.closed) this.sendTrailers();
    });
    stream.on("drain", () => this.wakeWriters());
    stream.on("finish", () => this.onAnswered());
    stream.on("aborted", () => this.onGone());
    // Every error also closes the stream, which is where it is dealt with.
    stream.on("error", () => stream.close(cancelled));
    stream.on("close", () => this.onGone());
  }

  get open(): boolean {
    return !this.finished && this.gone === undefined && !this.stream.closed && !this.stream.destroyed;
  }

  respond(status: number, headers: readonly string[], body: Uint8Array | undefined, trailers: readonly string[] = []): void {
    if (!this.open) return;
    const bare = body === undefined || body.length === 0 || this.head.method === "HEAD" || bodyless.has(status);
    if (bare && trailers.length === 0) {
      this.finished = true;
      this.sendHead(status, headers, true);
      return;
    }
    this.start(status, headers);
    if (!bare) this.write(body);
    this.finish(trailers);
  }

  start(status: number, headers: readonly string[], contentLength = -1): void {
    const sized = contentLength >= 0 && !bodyless.has(status);
    if (this.open) this.sendHead(status, sized ? [...headers, "content-length", String(contentLength)] : headers, false);
  }

  write(chunk: Uint8Array, prefix?: Uint8Array): boolean {
    if (!this.open || this.stream.writableEnded) return true;
    return this.stream.write(joined(chunk, prefix));
  }

  drained(): Promise<void> {
    if (!this.open || !this.stream.writableNeedDrain) return Promise.resolve();
    return new Promise((resolve) => this.drainWaiters.push(resolve));
  }

  finish(trailers: readonly string[] = []): void {
    if (!this.open) return;
    this.finished = true;
    this.trailers = trailers;
    this.stream.end();
  }

  abort(http2Code: number): void {
    this.finished = this.aborted = true;
    if (!this.stream.destroyed) this.stream.close(http2Code);
    this.body.fail(new WireError("closed", "we broke the exchange off", { http2Code }));
    this.wakeWriters();
  }

  onAbort(listener: (reason: WireError) => void): void {
    if (this.gone !== undefined) listener(this.gone);
    else this.abortListener = listener;
  }

  private sendTrailers(): void {
    try {
      this.stream.sendTrailers(toNodeFields(this.trailers));
    } catch {
      // As for the head: node has refused a name or a value, and the answer cannot be ended well.
      this.abort(internalError);
    }
  }

  private sendHead(status: number, headers: readonly string[], end: boolean): void {
    const fields = toNodeFields(headers);
    fields[":status"] = status;
    // "sendDate" is documented and not in the type definitions: whether there is a date is for the origin to say.
    const options = { endStream: end, waitForTrailers: !end, sendDate: false };
    try {
      this.stream.respond(fields, options);
    } catch (refusal) {
      // Node checks names and values and throws: there is no answer to be had from these fields.
      this.abort(internalError);
      this.body.fail(new WireError("protocol", "response fields that cannot be sent", { cause: refusal }));
    }
  }

  private onAnswered(): void {
    this.finished = true;
    // The rest of the request is not wanted (RFC 9113, section 8.1); after the turn, so that the answer's last frame goes first.
    if (!this.body.hasEnded) setImmediate(() => this.stream.close(noError));
  }

  private onGone(): void {
    if (this.gone !== undefined) return;
    const { stream } = this;
    const whole = this.finished && stream.writableFinished;
    const reason = new WireError("reset", "the client broke the exchange off", { http2Code: stream.rstCode });
    this.gone = reason;
    this.body.fail(reason);
    this.wakeWriters();
    const listener = this.abortListener;
    this.abortListener = undefined;
    if (!whole && !this.aborted) listener?.(reason);
  }

  private wakeWriters(): void {
    const waiters = this.drainWaiters;
    this.drainWaiters = [];
    for (const wake of waiters) wake();
  }
}
