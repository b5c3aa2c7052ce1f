/**
 * One HTTP/1.1 connection in the role of the server: the queue of its exchanges, its timeouts and its end.
 *
 * Two traps. Handlers are called only after a read has been parsed to its end, never inside the parser. And "connection: close" on an answer
 * is a promise that nothing after it is served: once it is out, requests behind it are dropped unread, not processed.
 */
import { Buffer } from "node:buffer";
import type { Clock } from "../../core/clock.ts";
import type { Metadata } from "../../core/metadata.ts";
import type { ByteChannel, ChannelEvents } from "../byte-channel.ts";
import type { ExchangeHandler, Peer } from "../exchange.ts";
import type { WireLimits } from "../limits.ts";
import { sweeperOf, type Swept } from "../sweeper.ts";
import { WireError } from "../wire-error.ts";
import { clientGone, Http1Exchange } from "./http1-exchange.ts";
import { output } from "./output.ts";
import { refusal, refusalBody, refusalHeaders, type Refusal } from "./refusal.ts";
import { RequestParser, type ParsedHead, type RequestSink } from "./request-parser.ts";
import { dateField, encodeFields, statusLine } from "./response-head.ts";
import type { RawConnection, Successor } from "./upgradable.ts";

export interface Http1Options {
  readonly limits: WireLimits;
  readonly handler: ExchangeHandler;
  readonly clock: Clock;
  readonly scheme: "http" | "https";
}

const continueHead = Buffer.from("HTTP/1.1 100 Continue\r\n\r\n", "latin1");
const nobody: Peer = { address: "", port: 0, tls: undefined };
/**
 * Unread request bytes that are thrown away after the answer so that the connection can be kept; before more than that the answer says
 * "connection: close". An answer that has promised to keep it (a stream's, whose head left while the body was still wanted) is held to that
 * up to `bodyBytes`: a client may have written the whole body already, and its next request would meet the close.
 */
const drainedBodyBytes = 64 * 1024;
/** Request bytes a protocol may leave untaken before reading pauses. */
const bodyHighWaterBytes = 64 * 1024;
/** After our FIN, how long the client has to read the last answer and close (SEMANTICS B10). */
const lingerMs = 1000;
/** A FIN under an unanswered request is mostly a client that left, sometimes one that only half-closed: so long its answer may take. */
const halfClosedMs = 500;

export class Http1Connection implements ChannelEvents, RequestSink, Swept {
  readonly channel: ByteChannel;
  readonly limits: WireLimits;
  /** No request behind the present ones will be served. */
  closing = false;
  peer: Peer = nobody;
  /** Dispatched and not yet answered. */
  activeExchanges = 0;

  private readonly options: Http1Options;
  private readonly parser: RequestParser;
  private front: Http1Exchange | undefined = undefined;
  private last: Http1Exchange | undefined = undefined;
  private queued = 0;
  /** The exchange whose message is being parsed. */
  private arriving: Http1Exchange | undefined = undefined;
  /** Parsed bytes must wait: the queue is full, or an upgrade may take the connection over. */
  private kept: Buffer | undefined = undefined;
  private upgrading = false;
  private paused = false;
  private draining = false;
  private refused: Refusal | undefined = undefined;
  private lingering = false;
  private over = false;
  /** Answers of this turn are collected, not written one by one. */
  private collecting = false;
  private lastReadMs: number;
  private headSinceMs: number;
  /** When the last answer ended, or writing last moved. */
  private lastWriteMs: number;
  private lastQueuedBytes = 0;
  private served = false;
  private closed: PromiseWithResolvers<void> | undefined = undefined;
  /** Serves the connection since it left HTTP. */
  private successor: Successor | undefined = undefined;

  constructor(channel: ByteChannel, options: Http1Options) {
    this.channel = channel;
    this.options = options;
    this.limits = options.limits;
    this.parser = new RequestParser(options.limits, options.scheme, this);
    this.lastReadMs = this.headSinceMs = this.lastWriteMs = options.clock.nowMs();
    const { headTimeoutMs, bodyTimeoutMs, idleTimeoutMs } = options.limits;
    sweeperOf(options.clock).add(this, Math.min(headTimeoutMs, bodyTimeoutMs, idleTimeoutMs));
  }

  // --- the channel

  onBytes(view: Uint8Array): void {
    if (this.lingering || this.over) return;
    this.lastReadMs = this.options.clock.nowMs();
    this.consume(Buffer.isBuffer(view) ? view : Buffer.from(view.buffer, view.byteOffset, view.byteLength));
    this.settle();
  }

  onDrain(): void {
    this.lastWriteMs = this.options.clock.nowMs();
    this.front?.drainNow();
    if (!this.over && !this.lingering) this.settle();
  }

  onEnd(): void {
    if (this.over) return;
    if (this.lingering) return; // both directions have ended: the socket closes when it has sent the rest
    if (this.front === undefined) {
      this.lingering = true;
      output.flushNow(this.channel);
      this.channel.end();
    } else if (this.arriving !== undefined) this.destroy();
    else {
      this.closing = true;
      this.options.clock.after(halfClosedMs, () => this.destroy());
    }
  }

  onClose(error: Error | undefined): void {
    if (this.over) return;
    this.over = true;
    output.drop(this.channel);
    this.parser.free();
    sweeperOf(this.options.clock).delete(this);
    this.failAll(clientGone(error));
    this.closed?.resolve();
  }

  // --- the parser

  onHead(parsed: ParsedHead): void {
    const exchange = new Http1Exchange(this, parsed, this.lastReadMs);
    if (this.last === undefined) this.front = exchange;
    else this.last.next = exchange;
    this.last = exchange;
    this.arriving = exchange;
    this.queued++;
    if (this.served) return;
    this.served = true;
    this.peer = this.channel.peer; // now: once the socket is gone it can no longer be asked
  }

  onBody(bytes: Buffer, start: number, end: number): void {
    this.arriving!.body.push(bytes, start, end);
  }

  onMessageEnd(trailers: Metadata | undefined): void {
    const exchange = this.arriving!;
    this.arriving = undefined;
    exchange.body.end(trailers);
    exchange.body.deliver();
    if (!exchange.persistent) this.closing = true;
    if (exchange.head.upgrade !== undefined && !exchange.finished) this.upgrading = true;
  }

  // --- the exchanges

  isFront(exchange: Http1Exchange): boolean {
    return this.front === exchange;
  }

  wallMs(): number {
    return this.options.clock.wallMs();
  }

  put(bytes: Uint8Array): void {
    output.bytes(this.channel, bytes);
  }

  /** The client waited for this before it sends the body; its time starts now. */
  sendContinue(): void {
    this.put(continueHead);
    output.flushNow(this.channel);
    this.lastReadMs = this.options.clock.nowMs();
  }

  writable(): boolean {
    const high = this.limits.writeHighWaterBytes;
    if (output.waiting(this.channel) > high) output.flushNow(this.channel);
    return this.channel.queuedBytes <= high;
  }

  /** Decides, as its head is written, whether the answer is the connection's last. */
  closesAfter(exchange: Http1Exchange): boolean {
    const { body } = exchange;
    if (!body.ended && (exchange.expectsContinue || body.remainingBytes > drainedBodyBytes)) this.closing = true;
    return this.closesAfterStream(exchange);
  }

  closesAfterStream(exchange: Http1Exchange): boolean {
    if (this.draining) this.closing = true;
    return !exchange.persistent || (this.closing && this.refused === undefined && this.isLastServed(exchange));
  }

  answered(exchange: Http1Exchange): void {
    if (exchange.dispatched) this.activeExchanges--;
    if (!exchange.body.ended) {
      const { remainingBytes } = exchange.body;
      // An undeclared rest is mostly the last chunk, on its way: it is counted as it comes.
      if (remainingBytes !== Infinity && remainingBytes > this.limits.bodyBytes) this.closing = true;
      exchange.body.cancel();
    }
    if (this.isFront(exchange)) this.advance();
  }

  /** The answer of `exchange` cannot be finished: the connection is all HTTP/1.1 has to say so. */
  breakOff(exchange: Http1Exchange): void {
    if (!this.isFront(exchange)) {
      exchange.fail(new WireError("closed", "the answer was broken off"));
      this.activeExchanges--;
      return;
    }
    output.flushNow(this.channel);
    this.destroy();
  }

  /** Bytes may come again, if they were held back for the body or the queue. */
  readOn(): void {
    if (!this.paused || this.over) return;
    if (this.arriving !== undefined && this.arriving.body.heldBytes > bodyHighWaterBytes) return;
    if (this.kept !== undefined) return;
    this.paused = false;
    this.lastReadMs = this.options.clock.nowMs();
    this.channel.resume();
  }

  /** The connection leaves HTTP. Its reading is paused until the new owner listens. */
  giveAway(): RawConnection {
    const first = this.kept ?? Buffer.alloc(0);
    output.flushNow(this.channel);
    this.channel.pause();
    this.over = true;
    this.activeExchanges--;
    this.parser.free();
    sweeperOf(this.options.clock).delete(this);
    this.closed?.resolve();
    return { channel: this.channel, first, handOver: (successor) => void (this.successor = successor) };
  }

  // --- the end

  async drain(graceMs: number): Promise<void> {
    if (this.over) return this.successor?.drain(graceMs);
    const endAtMs = this.options.clock.nowMs() + graceMs;
    this.draining = true;
    this.closed ??= Promise.withResolvers<void>();
    if (this.front === undefined && !this.parser.inHead) this.finishUp();
    const force = this.options.clock.after(graceMs, () => this.destroy());
    await this.closed.promise;
    force.cancel();
    await this.successor?.drain(Math.max(0, endAtMs - this.options.clock.nowMs()));
  }

  destroy(): void {
    if (this.over) return this.successor?.destroy();
    this.channel.destroy();
    this.onClose(undefined);
  }

  sweep(nowMs: number): void {
    const { limits, channel } = this;
    const queuedBytes = channel.queuedBytes;
    if (queuedBytes !== this.lastQueuedBytes) {
      this.lastQueuedBytes = queuedBytes;
      this.lastWriteMs = nowMs;
    }
    if (queuedBytes > 0) {
      if (nowMs - this.lastWriteMs > limits.bodyTimeoutMs) this.destroy();
    } else if (this.lingering) {
      if (nowMs - this.lastWriteMs > lingerMs) this.destroy();
    } else if (this.arriving !== undefined) {
      if (!this.paused && !this.arriving.expectsContinue && nowMs - this.lastReadMs > limits.bodyTimeoutMs)
        this.refuse(refusal("REQUEST_TIMEOUT", "the request body did not arrive in time"));
    } else if (this.parser.inHead) {
      if (nowMs - this.headSinceMs > limits.headTimeoutMs)
        this.refuse(refusal("REQUEST_TIMEOUT", "the request head did not arrive in time"));
    } else if (this.front === undefined) {
      const limitMs = this.served ? limits.idleTimeoutMs : limits.headTimeoutMs;
      const sinceMs = Math.max(this.lastReadMs, this.lastWriteMs);
      if (nowMs - sinceMs > limitMs) this.finishUp();
      else if (nowMs - sinceMs > limits.headTimeoutMs) this.parser.forget();
    }
  }

  // --- inside

  private consume(bytes: Buffer): void {
    let at = 0;
    const { parser } = this;
    while (at < bytes.length) {
      if (this.closing && this.arriving === undefined) return; // behind the last request: dropped unread
      if (this.mustWait()) return this.keep(bytes.subarray(at));
      if (parser.betweenMessages) this.headSinceMs = this.lastReadMs;
      at = parser.take(bytes, at);
      if (parser.fault !== undefined) return this.refuse(parser.fault);
    }
    const { arriving } = this;
    if (arriving === undefined) return;
    arriving.body.deliver();
    if (arriving.body.heldBytes > bodyHighWaterBytes) this.pause();
    if (arriving.finished && arriving.body.droppedBytes > this.limits.bodyBytes) this.closing = true;
  }

  /** No further request can be taken up at the moment. */
  private mustWait(): boolean {
    return this.upgrading || this.queued >= this.limits.pipelined || this.congested();
  }

  /** The client asks faster than it takes the answers. */
  private congested(): boolean {
    return this.channel.queuedBytes > this.limits.writeHighWaterBytes;
  }

  private keep(bytes: Buffer): void {
    this.kept = this.kept === undefined ? Buffer.from(bytes) : Buffer.concat([this.kept, bytes]);
    this.pause();
  }

  private pause(): void {
    if (this.paused) return;
    this.paused = true;
    this.channel.pause();
  }

  /** After every change of the queue: calls handlers that may be called, takes up kept bytes, and lets the answers out. */
  private settle(): void {
    if (this.collecting) return;
    this.collecting = true;
    this.dispatch();
    while (this.kept !== undefined && !this.mustWait() && !this.over) {
      const { kept } = this;
      this.kept = undefined;
      this.consume(kept);
      this.dispatch();
    }
    this.collecting = false;
    if (this.over) return;
    this.readOn();
    if (this.front === undefined && (this.closing || this.refused !== undefined)) this.finishUp();
    else if (this.front === undefined || this.front.next === undefined) output.flushNow(this.channel);
    else output.flushSoon(); // more answers of the pipeline may come in this turn
  }

  private dispatch(): void {
    for (let exchange = this.front; exchange !== undefined && !this.over && !this.congested(); exchange = exchange.next) {
      if (!exchange.dispatched && exchange.open) {
        if (!this.isFront(exchange) && !exchange.independent) return;
        exchange.dispatched = true;
        this.activeExchanges++;
        this.options.handler(exchange);
      }
      if (!exchange.independent && !exchange.finished) return;
    }
  }

  private advance(): void {
    while (this.front !== undefined && (this.front.finished || !this.front.open)) {
      const next: Http1Exchange | undefined = this.front.next;
      const aborted = !this.front.finished;
      this.queued--;
      this.front = next;
      if (next === undefined) this.last = undefined;
      if (aborted && this.refused === undefined) {
        this.dropQueue(); // the earlier answers are good; closing behind them is how HTTP/1.1 says that this one is not
        break;
      }
      next?.leaveTurn();
    }
    if (this.upgrading) this.upgrading = this.last?.head.upgrade !== undefined;
    if (this.front === undefined) this.lastWriteMs = this.lastReadMs;
    if (this.draining && this.front !== undefined && !this.front.dispatched) this.dropQueue();
    this.settle();
  }

  /** What is queued will not be answered: the client may send it again elsewhere. */
  private dropQueue(): void {
    this.kept = undefined;
    this.closing = true;
    this.failQueue(new WireError("closed", "the connection is closing"));
  }

  private isLastServed(exchange: Http1Exchange): boolean {
    for (let next = exchange.next; next !== undefined; next = next.next) if (next.dispatched || !this.draining) return false;
    return true;
  }

  /** The request that arrives cannot be served: once the earlier ones are answered this says why, and the connection ends. */
  private refuse(why: Refusal): void {
    const { arriving } = this;
    this.refused = why;
    this.closing = true;
    this.arriving = undefined;
    if (arriving !== undefined) {
      const error = new WireError(why.reason === "REQUEST_TIMEOUT" ? "timeout" : "protocol", why.message);
      if (!arriving.unanswered) {
        this.refused = undefined; // its answer has begun: it may end, and the connection with it
        arriving.body.fail(error);
      } else {
        if (arriving.dispatched) this.activeExchanges--;
        arriving.fail(error);
        if (this.isFront(arriving)) return this.advance();
      }
    }
    this.settle();
  }

  /** Everything is answered: the last word, FIN, and a while for the client to read. */
  private finishUp(): void {
    if (this.lingering || this.over) return;
    this.lingering = true;
    if (this.refused !== undefined) this.putRefusal(this.refused);
    output.flushNow(this.channel);
    this.lastWriteMs = this.options.clock.nowMs();
    this.channel.end();
    if (this.paused) this.channel.resume();
  }

  private putRefusal(why: Refusal): void {
    const body = refusalBody(why);
    this.put(statusLine(why.status));
    this.put(encodeFields(refusalHeaders)!.bytes);
    this.put(dateField(this.wallMs()));
    output.text(this.channel, `connection: close\r\ncontent-length: ${body.length}\r\n\r\n`);
    this.put(body);
  }

  private failAll(reason: WireError): void {
    this.kept = undefined;
    this.arriving?.body.fail(reason);
    this.failQueue(reason);
  }

  private failQueue(reason: WireError): void {
    let exchange = this.front;
    this.front = this.last = undefined;
    this.queued = 0;
    this.activeExchanges = 0;
    for (; exchange !== undefined; exchange = exchange.next) exchange.fail(reason);
  }
}
