/**
 * One HTTP/1.1 connection in the role of the client: one request at a time, its answer, and whether another may follow.
 *
 * The trap: where an answer ends is all that keeps the next request's answer apart from it. So bytes that nobody asked for, a request that was
 * not sent to its end, and any doubt about the framing end the connection; what came over it before stands.
 */
import { Buffer } from "node:buffer";
import { noteOutsideMemory } from "../../core/outside-memory.ts";
import type { ByteChannel, ChannelEvents } from "../byte-channel.ts";
import { WireError } from "../wire-error.ts";
import { brokenProtocol, type AnswerFault, type AnswerHead } from "./answer-head.ts";
import type { AnswerMemo } from "./answer-memo.ts";
import { BodyFraming, uploadHighWaterBytes, type ClientRequest } from "./client-request.ts";
import { output } from "./output.ts";
import { ResponseParser, type ResponseBodySink } from "./response-parser.ts";
import type { TrailerLimits } from "./trailer-reader.ts";

/** The pool a connection belongs to. */
export interface ConnectionOwner {
  readonly limits: TrailerLimits;
  readonly heads: AnswerMemo;
  /** Opens a channel to the server, as {@link ByteChannel.connect} does. */
  connect(events: ChannelEvents, onReady: () => void): ByteChannel;
  onReady(connection: ClientConnection): void;
  /** Free for another request. @param keepAliveMs how long the server keeps it, if it says so */
  onFree(connection: ClientConnection, keepAliveMs: number): void;
  /** It takes no more requests; called once. */
  onGone(connection: ClientConnection, error: WireError, wasActive: boolean): void;
  /** `request` has not been answered by a connection that the server closed under it, and may be sent once more. */
  onUnanswered(request: ClientRequest): void;
}

/** What is expected next. */
const Stage = { head: 0, length: 1, chunks: 2, untilEnd: 3 } as const;
type Stage = (typeof Stage)[keyof typeof Stage];

/** Interim answers to one request; without a bound they could go on for ever. */
const mostInterim = 32;
const lineEnd = Buffer.from("\r\n");
const lastChunk = Buffer.from("0\r\n\r\n");

export class ClientConnection implements ChannelEvents, ResponseBodySink {
  /** TCP, and TLS where it is wanted, stand. */
  ready = false;
  /** Idle connections are not used, and closed, from then on. */
  idleUntilMs = Infinity;
  /** It is made for this request. */
  readonly reservedFor: ClientRequest | undefined;

  private readonly owner: ConnectionOwner;
  private readonly channel: ByteChannel;
  private readonly parser: ResponseParser;
  private request: ClientRequest | undefined = undefined;
  private uploadDone = true;
  private stage: Stage = Stage.head;
  private head: AnswerHead | undefined = undefined;
  /** Of a body with a length. */
  private remainingBytes = 0;
  private interim = 0;
  /** Requests it has answered. */
  private answered = 0;
  /** Something of the present answer has come. */
  private heard = false;
  private paused = false;
  private gone = false;
  /** The chunks that one read brought, as one. */
  private piece: Buffer | undefined = undefined;
  private pieceBytes = 0;
  /** Since the last sweep the peer has given a sign of life; and when a sweep saw the last. */
  private moved = true;
  private movedAtMs = 0;
  private lastQueuedBytes = 0;

  constructor(owner: ConnectionOwner, reservedFor: ClientRequest | undefined) {
    this.owner = owner;
    this.reservedFor = reservedFor;
    this.parser = new ResponseParser(owner.limits, owner.heads, this);
    this.channel = owner.connect(this, () => {
      this.ready = true;
      owner.onReady(this);
    });
  }

  // --- the request

  /** Writes the head of `request`, and what there is of its body. Only when ready and not busy. */
  start(request: ClientRequest): void {
    this.request = request;
    this.uploadDone = this.heard = false;
    this.interim = 0;
    this.moved = true;
    output.text(this.channel, request.head);
    request.attach(this);
    if (!this.uploadDone) output.flushSoon();
  }

  /** Appends to the body; copied before this returns. */
  put(framing: BodyFraming, prefix: Uint8Array | undefined, chunk: Uint8Array): void {
    const { channel } = this;
    const sizeBytes = chunk.length + (prefix === undefined ? 0 : prefix.length);
    if (sizeBytes === 0) return; // a chunk of no bytes would end the body
    if (framing === BodyFraming.chunked) output.text(channel, `${sizeBytes.toString(16)}\r\n`);
    if (prefix !== undefined) output.bytes(channel, prefix);
    output.bytes(channel, chunk);
    if (framing === BodyFraming.chunked) output.bytes(channel, lineEnd);
    output.flushSoon();
  }

  finishUpload(framing: BodyFraming): void {
    if (framing === BodyFraming.chunked) output.bytes(this.channel, lastChunk);
    output.flushNow(this.channel);
    this.uploadDone = true;
  }

  get hasRoom(): boolean {
    if (output.waiting(this.channel) > uploadHighWaterBytes) output.flushNow(this.channel);
    return this.channel.queuedBytes <= uploadHighWaterBytes;
  }

  /** The answer is consumed as fast as it comes, again. */
  readOn(): void {
    if (!this.paused || this.gone) return;
    this.paused = false;
    this.moved = true;
    this.channel.resume();
  }

  /** The request is not wanted any more, and there is no other way to say so. */
  abandon(): void {
    this.request = undefined;
    this.leave(new WireError("closed", "the request was given up"), true);
  }

  /** Closes at once; the request on it fails with `error`. */
  destroy(error: WireError): void {
    this.fail(error);
  }

  /** @param silenceMs the longest silence of the peer */
  sweep(nowMs: number, silenceMs: number): void {
    if (this.request === undefined) return;
    const { queuedBytes } = this.channel;
    // While the rest of the request is still to come, it is not the server who is silent.
    const ours = this.paused || (!this.uploadDone && queuedBytes === 0);
    if (this.moved || ours || queuedBytes !== this.lastQueuedBytes) this.movedAtMs = nowMs;
    else if (nowMs - this.movedAtMs > silenceMs) this.fail(new WireError("timeout", `nothing came for ${silenceMs} ms`));
    this.moved = false;
    this.lastQueuedBytes = queuedBytes;
  }

  // --- the channel

  onBytes(view: Uint8Array): void {
    if (this.gone) return;
    const bytes = Buffer.isBuffer(view) ? view : Buffer.from(view.buffer, view.byteOffset, view.byteLength);
    let at = 0;
    while (at < bytes.length && !this.gone) {
      // What nobody asked for could be taken for the answer to the next request.
      if (this.request === undefined) return this.leave(unasked(), false);
      this.heard = true;
      at = this.take(this.request, bytes, at);
    }
  }

  onDrain(): void {
    this.moved = true;
    this.request?.onRoom();
  }

  onEnd(): void {
    if (this.stage === Stage.untilEnd && this.request !== undefined) this.finishAnswer(this.request, undefined);
    else this.fail(new WireError("reset", "the server closed the connection"));
  }

  onClose(error: Error | undefined): void {
    const cause = error === undefined ? {} : { cause: error };
    if (this.ready) this.fail(new WireError("reset", "the connection broke off", cause));
    else this.fail(new WireError("connect", "no connection could be made", cause));
  }

  // --- the answer

  /** @returns how far it came */
  private take(request: ClientRequest, bytes: Buffer, at: number): number {
    switch (this.stage) {
      case Stage.head:
        return this.takeHead(request, bytes, at);
      case Stage.chunks:
        return this.takeChunks(request, bytes, at);
      default:
        return this.takeCounted(request, bytes, at);
    }
  }

  private takeHead(request: ClientRequest, bytes: Buffer, at: number): number {
    const { parser } = this;
    const { heads } = this.owner;
    const known = parser.isBetween ? heads.find(bytes, at) : undefined;
    if (known !== undefined && !known.chunked) {
      const end = at + heads.foundBytes;
      this.beginAnswer(request, known, end === bytes.length);
      return end;
    }
    const end = parser.take(bytes, at);
    if (parser.fault !== undefined) this.failBy(parser.fault);
    else {
      const head = parser.takeHead();
      if (head === undefined) return end;
      if (head.status >= 200) this.beginAnswer(request, head, end === bytes.length);
      else if (head.status === 101) this.switchOver(request, head, bytes.subarray(end));
      else if (++this.interim > mostInterim) this.failBy(brokenProtocol("interim answers without end"));
      else parser.skipBody();
    }
    return end;
  }

  private beginAnswer(request: ClientRequest, head: AnswerHead, isLast: boolean): void {
    this.moved = true;
    this.head = head;
    const { status } = head;
    request.onHead(status, head.list);
    if (this.gone) return;
    if (request.template.method === "HEAD" || status === 204 || status === 304) {
      this.parser.skipBody();
      this.finishAnswer(request, undefined, isLast);
    } else if (head.chunked) this.stage = Stage.chunks;
    else if (head.contentLength === 0) this.finishAnswer(request, undefined, isLast);
    else if (head.contentLength > 0) {
      this.stage = Stage.length;
      this.remainingBytes = head.contentLength;
    } else this.stage = Stage.untilEnd;
  }

  private takeCounted(request: ClientRequest, bytes: Buffer, at: number): number {
    this.moved = true;
    let end = bytes.length;
    if (this.stage === Stage.length) {
      end = Math.min(end, at + this.remainingBytes);
      this.remainingBytes -= end - at;
    }
    const chunk = Buffer.allocUnsafe(end - at);
    noteOutsideMemory(chunk.length);
    bytes.copy(chunk, 0, at, end);
    this.deliver(request, chunk);
    if (!this.gone && this.stage === Stage.length && this.remainingBytes === 0) this.finishAnswer(request, undefined, end === bytes.length);
    return end;
  }

  private takeChunks(request: ClientRequest, bytes: Buffer, at: number): number {
    const { parser } = this;
    const end = parser.take(bytes, at);
    const { piece, pieceBytes } = this;
    if (piece !== undefined) {
      this.moved = true;
      this.piece = undefined;
      this.pieceBytes = 0;
      this.deliver(request, piece.length === pieceBytes ? piece : piece.subarray(0, pieceBytes));
      if (this.gone) return end;
    }
    if (parser.fault !== undefined) this.failBy(parser.fault);
    else if (parser.ended) {
      const { trailers } = parser;
      this.finishAnswer(request, trailers === undefined || trailers.size === 0 ? undefined : trailers.flat, end === bytes.length);
    }
    return end;
  }

  /** From inside the parser: copied, and delivered when it has come back. */
  onBodyPiece(memory: Buffer, start: number, end: number, readEnd: number): void {
    if (this.piece === undefined) {
      this.piece = Buffer.allocUnsafe(Math.max(end, readEnd) - start);
      noteOutsideMemory(this.piece.length);
    }
    memory.copy(this.piece, this.pieceBytes, start, end);
    this.pieceBytes += end - start;
  }

  private deliver(request: ClientRequest, chunk: Buffer): void {
    if (request.onChunk(chunk) || this.gone) return;
    this.paused = true;
    this.channel.pause();
  }

  /** @param isLast nothing has come behind the answer */
  private finishAnswer(request: ClientRequest, trailers: readonly string[] | undefined, isLast = true): void {
    const head = this.head!;
    const keep = head.persistent && this.stage !== Stage.untilEnd && this.uploadDone && isLast;
    this.request = this.head = undefined;
    this.stage = Stage.head;
    this.answered++;
    request.detach();
    this.readOn();
    if (keep) this.owner.onFree(this, head.keepAliveMs);
    else this.leave(new WireError("closed", "the connection was not kept"), true);
    request.onAnswered(trailers);
  }

  private switchOver(request: ClientRequest, head: AnswerHead, behind: Buffer): void {
    const { upgrade } = request;
    if (upgrade === undefined) return this.fail(new WireError("reset", "the server switched protocols unasked"));
    if (head.upgrade !== upgrade) return this.failBy(brokenProtocol(`the server switched to another protocol than ${upgrade}`));
    const { channel } = this;
    const first = Buffer.from(behind);
    channel.pause();
    this.request = undefined;
    this.retire(new WireError("closed", "the connection left HTTP"), true);
    request.detach();
    request.onSwitched(head.list, { channel, first });
  }

  // --- the end

  private failBy({ kind, message }: AnswerFault): void {
    this.fail(new WireError(kind, message));
  }

  private fail(error: WireError): void {
    const { request } = this;
    this.request = undefined;
    this.leave(error, request !== undefined);
    if (request === undefined) return;
    request.detach();
    // A server may close an idle connection just as a request is on its way to it.
    if (error.kind === "reset" && this.answered > 0 && !this.heard && request.repeatable) this.owner.onUnanswered(request);
    else request.fail(error);
  }

  private leave(error: WireError, wasActive: boolean): void {
    if (this.gone) return;
    this.channel.destroy();
    this.retire(error, wasActive);
  }

  private retire(error: WireError, wasActive: boolean): void {
    this.gone = true;
    output.drop(this.channel);
    this.parser.free();
    this.owner.onGone(this, error, wasActive);
  }
}

function unasked(): WireError {
  return new WireError("closed", "the server sent bytes that nobody asked for");
}
