/**
 * Messages of HTTP/1.1 out of bytes, for both roles: feeding llhttp, heads in pieces, bounds on what llhttp has none for.
 *
 * Two traps. The callbacks run inside `execute`, so whoever hears of them must not call back into a parser or write an answer. And a head that
 * arrives in pieces is checked by llhttp as it comes, collected, and then parsed once more in one piece: so every span of a head is whole.
 */
import { Buffer } from "node:buffer";
import type { Metadata } from "../../core/metadata.ts";
import { Llhttp, llhttpOk, llhttpPaused, type LlhttpEvents, type LlhttpRole } from "./llhttp.ts";
import { TrailerReader, type TrailerLimits } from "./trailer-reader.ts";

/** What is wrong with a message that llhttp would take. */
export interface Faults<Fault> {
  readonly largeHead: Fault;
  readonly largeTrailers: Fault;
  readonly muchFraming: Fault;
}

const inputSizeBytes = 64 * 1024;
/** What chunk sizes, extensions and line ends may cost: a fixed allowance, and this many bytes for each byte of body. */
const framingAllowanceBytes = 16 * 1024;
const framingPerBodyByte = 8;

const Phase = { between: 0, head: 1, body: 2 } as const;
type Phase = (typeof Phase)[keyof typeof Phase];

let threadInstance: Llhttp | undefined;
let threadSpans = new Int32Array(4 * 128);

/** This thread's llhttp; compiling it takes about a millisecond, so it is made when the first connection (or listener) wants it. */
export function threadLlhttp(): Llhttp {
  return (threadInstance ??= new Llhttp(inputSizeBytes));
}

export abstract class MessageParser<Fault> implements LlhttpEvents {
  /** Set when the connection cannot go on. */
  fault: Fault | undefined = undefined;

  protected readonly llhttp = threadLlhttp();
  protected readonly parser: number;
  protected readonly limits: TrailerLimits;
  /** Header fields of the head; their spans are in {@link spans}, as far as they are within the limit. */
  protected fields = 0;
  /** The start line's target is as long as this, so far. */
  protected urlAt = 0;
  protected urlLength = 0;
  private readonly faults: Faults<Fault>;
  private phase: Phase = Phase.between;
  /** A head that came in pieces, so far; undefined for the usual head that comes in one. */
  private partial: Buffer | undefined = undefined;
  private partialLength = 0;
  /** True while the pieces of a head are only checked. */
  private checking = false;
  private headDone = false;
  private stoppedBehindHead = false;
  private framingBytes = 0;
  private bodyBytes = 0;
  private trailing: TrailerReader | undefined = undefined;
  private freed = false;

  constructor(role: LlhttpRole, limits: TrailerLimits, faults: Faults<Fault>) {
    this.limits = limits;
    this.faults = faults;
    this.parser = this.llhttp.allocate(role);
    if (threadSpans.length < 4 * limits.headFields) threadSpans = new Int32Array(4 * limits.headFields);
  }

  /** Nothing of a message has come since the last one ended. */
  get isBetween(): boolean {
    return this.phase === Phase.between;
  }

  get isInHead(): boolean {
    return this.phase === Phase.head;
  }

  /** Gives the parser state back; nothing may be taken afterwards. */
  free(): void {
    if (this.freed) return;
    this.freed = true;
    this.llhttp.free(this.parser);
    this.partial = undefined;
  }

  /** Parses `bytes` from `at` to the end of a message, of a head that is stopped behind, of the bytes, or to a fault. @returns where it stopped. */
  protected parse(bytes: Buffer, at: number): number {
    if (this.phase === Phase.head) return this.takePiece(bytes, at);
    const length = Math.min(bytes.length - at, inputSizeBytes);
    bytes.copy(this.llhttp.memory, this.llhttp.inputAt, at, at + length);
    const starting = this.phase === Phase.between;
    const stopped = this.run(length);
    if (starting && !this.headDone && this.fault === undefined) this.collect(bytes, at, at + stopped);
    return at + stopped;
  }

  /**
   * The head stands in the input area from its first byte, its fields in {@link spans}. May set `fault`.
   * @returns whether to stop behind it; the body then follows with the next call of `parse`, or not at all: `endHere`
   */
  protected abstract readHead(): boolean;
  protected abstract onBodyBytes(memory: Buffer, start: number, end: number): void;
  /** The last byte of the message has been parsed, and the next may begin. */
  protected abstract onMessageEnd(trailers: Metadata | undefined): void;
  /** llhttp refused the bytes. @param words llhttp's */
  protected abstract faultOf(words: string): Fault;

  /** Where the fields of the head stand: name start, name length, value start, value length. */
  protected get spans(): Int32Array {
    return threadSpans;
  }

  /** Behind a head that was stopped at: the rest of the message is no business of llhttp's. */
  protected endHere(): void {
    this.llhttp.reset(this.parser);
    this.phase = Phase.between;
  }

  /** A head has come in part, `lengthBytes` of it. */
  protected faultOfPartial(lengthBytes: number): Fault | undefined {
    return lengthBytes > this.longestHeadBytes ? this.faults.largeHead : undefined;
  }

  // --- llhttp's callbacks

  onUrl(at: number, length: number): void {
    if (this.checking) {
      this.urlLength += length;
      return;
    }
    this.urlAt = at;
    this.urlLength = length;
  }

  onFieldName(at: number, length: number): void {
    if (this.checking) return;
    if (this.headDone) {
      this.trailerReader().onName(this.llhttp.memory, at, length);
      return this.checkTrailers();
    }
    if (this.fields < this.limits.headFields) {
      threadSpans[this.fields << 2] = at;
      threadSpans[(this.fields << 2) + 1] = length;
    }
  }

  onFieldValue(at: number, length: number): void {
    if (this.checking) return;
    if (this.headDone) {
      this.trailerReader().onValue(this.llhttp.memory, at, length);
      return this.checkTrailers();
    }
    if (this.fields < this.limits.headFields) {
      threadSpans[(this.fields << 2) + 2] = at;
      threadSpans[(this.fields << 2) + 3] = length;
    }
    this.fields++;
  }

  onHeadersComplete(): number {
    this.headDone = true;
    if (this.checking) return llhttpPaused;
    this.stoppedBehindHead = this.readHead();
    return this.stoppedBehindHead || this.fault !== undefined ? llhttpPaused : llhttpOk;
  }

  onBody(at: number, length: number): void {
    this.bodyBytes += length;
    this.onBodyBytes(this.llhttp.memory, at, at + length);
  }

  // --- feeding llhttp

  /** Executes what stands in the input area. @returns how much of it was used. */
  private run(length: number): number {
    const { llhttp, parser } = this;
    if (this.phase === Phase.between) this.begin();
    const code = llhttp.execute(parser, this, 0, length);
    if (code === llhttpOk) {
      if (this.headDone) this.countFraming(length);
      return length;
    }
    if (this.fault !== undefined) return length;
    if (code !== llhttpPaused) {
      this.fault = this.faultOf(llhttp.failure(parser));
      return length;
    }
    const stopped = llhttp.stoppedAt(parser);
    if (this.stoppedBehindHead) {
      this.stoppedBehindHead = false;
      this.phase = Phase.body;
      llhttp.resume(parser);
    } else if (!this.checking) this.endMessage(stopped);
    return stopped;
  }

  private begin(): void {
    this.headDone = false;
    this.urlLength = 0;
    this.fields = 0;
    this.framingBytes = 0;
    this.bodyBytes = 0;
  }

  private endMessage(stopped: number): void {
    this.countFraming(stopped);
    if (this.fault !== undefined) return;
    this.endHere();
    const { trailing } = this;
    this.trailing = undefined;
    this.onMessageEnd(trailing?.end());
  }

  /** Chunk extensions are ignored, and bounded: without this a body of no bytes could go on for ever. */
  private countFraming(lengthBytes: number): void {
    if (this.phase !== Phase.body) {
      this.phase = Phase.body; // the head was in this run; what it took is no framing
      return;
    }
    this.framingBytes += lengthBytes;
    if (this.framingBytes - this.bodyBytes > framingAllowanceBytes + framingPerBodyByte * this.bodyBytes)
      this.fault ??= this.faults.muchFraming;
  }

  // --- heads in pieces

  private get longestHeadBytes(): number {
    return Math.min(this.limits.headBytes, inputSizeBytes);
  }

  private collect(bytes: Buffer, start: number, end: number): void {
    this.phase = Phase.head;
    const length = this.partialLength + (end - start);
    if (this.partial === undefined || this.partial.length < length) {
      const grown = Buffer.allocUnsafeSlow(Math.max(1024, 2 * length));
      this.partial?.copy(grown, 0, 0, this.partialLength);
      this.partial = grown;
    }
    bytes.copy(this.partial, this.partialLength, start, end);
    this.partialLength = length;
    if (!this.headDone) this.fault = this.faultOfPartial(length);
  }

  private takePiece(bytes: Buffer, at: number): number {
    // One byte more than the limit, so that passing it shows.
    const room = this.longestHeadBytes + 1 - this.partialLength;
    const length = Math.min(bytes.length - at, room);
    bytes.copy(this.llhttp.memory, this.llhttp.inputAt, at, at + length);
    this.checking = true;
    const stopped = this.run(length);
    this.checking = false;
    if (this.fault !== undefined) return at + stopped;
    this.collect(bytes, at, at + stopped);
    if (this.headDone) this.takeCollected();
    return at + stopped;
  }

  private takeCollected(): void {
    const { llhttp, partial, partialLength } = this;
    partial!.copy(llhttp.memory, llhttp.inputAt, 0, partialLength);
    this.partial = undefined;
    this.partialLength = 0;
    this.endHere();
    this.run(partialLength);
  }

  /** At once: behind a long body the bound on framing is far away. */
  private checkTrailers(): void {
    if (this.trailing!.tooLarge) this.fault ??= this.faults.largeTrailers;
  }

  private trailerReader(): TrailerReader {
    return (this.trailing ??= new TrailerReader(this.limits));
  }
}
