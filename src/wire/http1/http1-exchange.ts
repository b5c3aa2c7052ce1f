/**
 * One request of an HTTP/1.1 connection and its answer.
 *
 * The trap: in a pipeline a later request may be answered before an earlier one. What is answered out of turn is held here as bytes and
 * leaves when the exchange comes to the front of the queue.
 */
import { Buffer } from "node:buffer";
import type { Peer, RequestHead } from "../exchange.ts";
import { WireError } from "../wire-error.ts";
import type { Http1Connection } from "./http1-connection.ts";
import { output } from "./output.ts";
import { refusal, refusalBody, refusalHeaders } from "./refusal.ts";
import { RequestBody, type BodyDemand } from "./request-body.ts";
import type { ParsedHead } from "./request-parser.ts";
import { dateField, encodeFields, fieldsText, statusLine } from "./response-head.ts";
import type { RawConnection, Upgradable } from "./upgradable.ts";

const State = { waiting: 0, started: 1, finished: 2 } as const;
type State = (typeof State)[keyof typeof State];

/** How the answer's end is told. */
const Framing = { none: 0, chunked: 1, close: 2, length: 3 } as const;
type Framing = (typeof Framing)[keyof typeof Framing];

const ascii = (text: string): Uint8Array => Buffer.from(text, "latin1");
const connectionClose = ascii("connection: close\r\n");
const chunkedHead = ascii("transfer-encoding: chunked\r\n\r\n");
const contentLengthName = ascii("content-length: ");
const lineEnd = ascii("\r\n");
const headEnd = ascii("\r\n\r\n");
const lastChunk = ascii("0\r\n");
const noNames: ReadonlySet<string> = new Set();
const safeMethods = new Set(["GET", "HEAD", "OPTIONS"]);

export class Http1Exchange implements Upgradable, BodyDemand {
  readonly head: RequestHead;
  readonly arrivedAtMs: number;
  readonly body: RequestBody;
  /** The next request of the connection. */
  next: Http1Exchange | undefined = undefined;
  dispatched = false;
  /** May be handled beside other such requests of the pipeline (RFC 9112, section 9.3.2). */
  readonly independent: boolean;
  readonly persistent: boolean;
  /** The client waits for "100 Continue" before it sends the body. */
  expectsContinue: boolean;

  private readonly connection: Http1Connection;
  private state: State = State.waiting;
  private framing: Framing = Framing.none;
  /** Bytes that the body still owes to the length that was said. */
  private owedBytes = 0;
  private broken: WireError | undefined = undefined;
  private held: Buffer[] | undefined = undefined;
  private heldBytes = 0;
  private drainWaiters: PromiseWithResolvers<void> | undefined = undefined;
  private abortListener: ((reason: WireError) => void) | undefined = undefined;

  constructor(connection: Http1Connection, { head, block, persistent }: ParsedHead, arrivedAtMs: number) {
    this.connection = connection;
    this.head = head;
    this.arrivedAtMs = arrivedAtMs;
    this.persistent = persistent;
    this.body = new RequestBody(this, block.chunked ? -1 : Math.max(0, head.contentLength));
    this.independent = !block.chunked && head.contentLength <= 0 && head.upgrade === undefined && safeMethods.has(head.method);
    this.expectsContinue = block.expect !== undefined && head.version === "1.1" && (block.chunked || head.contentLength > 0);
  }

  get peer(): Peer {
    return this.connection.peer;
  }

  get open(): boolean {
    return this.state !== State.finished && this.broken === undefined;
  }

  get finished(): boolean {
    return this.state === State.finished;
  }

  get unanswered(): boolean {
    return this.state === State.waiting;
  }

  respond(status: number, headers: readonly string[], body: Uint8Array | undefined, trailers?: readonly string[]): void {
    if (this.broken !== undefined || this.state !== State.waiting) return;
    const length = body === undefined ? 0 : body.length;
    if (trailers !== undefined && trailers.length > 0 && this.head.acceptsTrailers) {
      this.start(status, headers);
      if (body !== undefined && length > 0) this.write(body);
      this.finish(trailers);
      return;
    }
    if (!this.putHead(status, headers, this.connection.closesAfter(this))) return;
    const silent = status === 204 || status === 304;
    if (silent) this.put(lineEnd);
    else {
      this.put(contentLengthName);
      this.putDecimal(length);
      this.put(headEnd);
    }
    if (length > 0 && !silent && this.head.method !== "HEAD") this.put(body!);
    this.end();
  }

  start(status: number, headers: readonly string[], contentLength = -1): void {
    if (this.broken !== undefined || this.state !== State.waiting) return;
    const untilClose = this.head.version === "1.0";
    if (!this.putHead(status, headers, untilClose || this.connection.closesAfterStream(this))) return;
    this.state = State.started;
    if (status === 204 || status === 304) {
      this.put(lineEnd);
      this.framing = Framing.none;
    } else if (contentLength >= 0) {
      this.put(contentLengthName);
      this.putDecimal(contentLength);
      this.put(headEnd);
      this.framing = this.head.method === "HEAD" ? Framing.none : Framing.length;
      this.owedBytes = contentLength;
    } else if (untilClose) {
      this.put(lineEnd);
      this.framing = this.head.method === "HEAD" ? Framing.none : Framing.close;
    } else {
      this.put(chunkedHead);
      this.framing = this.head.method === "HEAD" ? Framing.none : Framing.chunked;
    }
    output.flushSoon();
  }

  write(chunk: Uint8Array, prefix?: Uint8Array): boolean {
    if (this.broken !== undefined || this.state !== State.started) return true;
    const length = chunk.length + (prefix === undefined ? 0 : prefix.length);
    if (this.framing === Framing.none || length === 0) return this.writable(); // a chunk of no bytes would end the body
    if (this.framing === Framing.length && (this.owedBytes -= length) < 0) {
      this.connection.breakOff(this); // more than was said would be taken for the next answer
      return true;
    }
    const chunked = this.framing === Framing.chunked;
    if (chunked) this.putText(`${length.toString(16)}\r\n`);
    if (prefix !== undefined) this.put(prefix);
    this.put(chunk);
    if (chunked) this.put(lineEnd);
    output.flushSoon();
    return this.writable();
  }

  drained(): Promise<void> {
    if (!this.open || this.writable()) return Promise.resolve();
    this.drainWaiters ??= Promise.withResolvers<void>();
    return this.drainWaiters.promise;
  }

  finish(trailers?: readonly string[]): void {
    if (this.broken !== undefined || this.state !== State.started) return;
    if (this.framing === Framing.chunked) {
      this.put(lastChunk);
      if (trailers !== undefined && this.head.acceptsTrailers) {
        const text = fieldsText(trailers, noNames);
        if (text === undefined) return this.connection.breakOff(this); // the terminating line is never sent, so the client sees a broken answer
        this.putText(text);
      }
      this.put(lineEnd);
    } else if (this.framing === Framing.length && this.owedBytes > 0) return this.connection.breakOff(this);
    this.end();
  }

  abort(_http2Code: number): void {
    if (!this.open) return;
    this.abortListener = undefined;
    this.connection.breakOff(this);
  }

  onAbort(listener: (reason: WireError) => void): void {
    if (this.broken !== undefined) listener(this.broken);
    else if (this.state !== State.finished) this.abortListener = listener;
  }

  switchProtocols(headers: readonly string[]): RawConnection | undefined {
    const { upgrade } = this.head;
    const text = fieldsText(headers);
    if (upgrade === undefined || text === undefined || this.state !== State.waiting || !this.open) return undefined;
    if (!this.connection.isFront(this) || !this.body.ended) return undefined;
    this.put(statusLine(101));
    this.putText(`connection: upgrade\r\nupgrade: ${upgrade}\r\n${text}\r\n`);
    this.state = State.finished;
    this.abortListener = undefined;
    return this.connection.giveAway();
  }

  // --- from the body

  bodyWanted(): void {
    if (this.expectsContinue && this.state === State.waiting && this.connection.isFront(this)) {
      this.expectsContinue = false;
      this.connection.sendContinue();
    }
    this.connection.readOn();
  }

  bodyTaken(): void {
    this.connection.readOn();
  }

  // --- from the connection

  /** Comes to the front of the queue: what was answered out of turn leaves. */
  leaveTurn(): void {
    const { held } = this;
    this.held = undefined;
    this.heldBytes = 0;
    if (held !== undefined) for (const bytes of held) this.connection.put(bytes);
    this.drainNow();
  }

  /** The connection can take more. */
  drainNow(): void {
    if (this.drainWaiters === undefined || (this.open && !this.writable())) return;
    const { drainWaiters } = this;
    this.drainWaiters = undefined;
    drainWaiters.resolve();
  }

  /** The client is gone, or has broken the protocol: nothing can be sent any more. */
  fail(reason: WireError): void {
    if (this.broken !== undefined || this.state === State.finished) {
      this.body.fail(reason);
      return;
    }
    this.broken = reason;
    this.held = undefined;
    this.body.fail(reason);
    this.drainNow();
    const listener = this.abortListener;
    this.abortListener = undefined;
    listener?.(reason);
  }

  // --- the answer's bytes

  private end(): void {
    this.state = State.finished;
    this.abortListener = undefined;
    this.drainNow();
    this.connection.answered(this);
  }

  /** Everything of the head up to what frames the body. @returns false when an error was sent in its place. */
  private putHead(status: number, headers: readonly string[], close: boolean): boolean {
    const fields = status >= 200 && status <= 999 ? encodeFields(headers) : undefined;
    if (fields === undefined) {
      this.respond(500, refusalHeaders, refusalBody(refusal("INTERNAL", "the answer's head cannot be sent over HTTP/1.1")));
      return false;
    }
    this.put(statusLine(status));
    this.put(fields.bytes);
    if (!fields.hasDate) this.put(dateField(this.connection.wallMs()));
    if (close) this.put(connectionClose);
    return true;
  }

  private put(bytes: Uint8Array): void {
    if (this.connection.isFront(this)) this.connection.put(bytes);
    else this.hold(Buffer.from(bytes));
  }

  private putText(text: string): void {
    if (this.connection.isFront(this)) output.text(this.connection.channel, text);
    else this.hold(Buffer.from(text, "latin1"));
  }

  private putDecimal(value: number): void {
    if (this.connection.isFront(this)) output.decimal(this.connection.channel, value);
    else this.hold(Buffer.from(String(value), "latin1"));
  }

  private hold(bytes: Buffer): void {
    (this.held ??= []).push(bytes);
    this.heldBytes += bytes.length;
  }

  private writable(): boolean {
    return this.connection.isFront(this) ? this.connection.writable() : this.heldBytes <= this.connection.limits.writeHighWaterBytes;
  }
}

/** Why an exchange ended that the client left. */
export function clientGone(cause?: Error): WireError {
  return new WireError("reset", "the client closed the connection", cause === undefined ? {} : { cause });
}
