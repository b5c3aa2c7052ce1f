/**
 * Requests out of bytes: llhttp does the parsing; here are the bounds, the gaps llhttp leaves, and the memo of the connection's last head.
 *
 * Two traps. The callbacks run inside `execute`, so the sink must not call back into the parser or write an answer. And a head that arrives
 * in pieces is checked by llhttp as it comes, collected, and then parsed once more in one piece: so every span of a head is whole.
 */
import { Buffer } from "node:buffer";
import type { RequestHead } from "../exchange.ts";
import type { WireLimits } from "../limits.ts";
import { Metadata } from "../../core/metadata.ts";
import { sharedList } from "../shared-lists.ts";
import { readHeaderBlock, type HeaderBlock } from "./header-block.ts";
import { readLatin1 } from "./latin1.ts";
import { Llhttp, llhttpOk, llhttpPaused, type LlhttpEvents } from "./llhttp.ts";
import { refusal, type Refusal } from "./refusal.ts";
import { readTarget } from "./request-target.ts";
import { TrailerReader } from "./trailer-reader.ts";

/** A head as the connection needs it. */
export interface ParsedHead {
  readonly head: RequestHead;
  readonly block: HeaderBlock;
  /** The client lets us keep the connection. */
  readonly persistent: boolean;
}

/** Hears what was parsed, inside {@link RequestParser.take}. */
export interface RequestSink {
  onHead(parsed: ParsedHead): void;
  /** A view of the parser's memory, valid during the call. */
  onBody(bytes: Buffer, start: number, end: number): void;
  onMessageEnd(trailers: Metadata | undefined): void;
}

const inputSizeBytes = 64 * 1024;
/** Heads longer than this are not kept for comparison, so that an idle connection stays small. */
const longestMemoBytes = 4 * 1024;
/** What chunk sizes, extensions and line ends may cost: a fixed allowance, and this many bytes for each byte of body. */
const framingAllowanceBytes = 16 * 1024;
const framingPerBodyByte = 8;

const endOfHead = Buffer.from("\r\n\r\n");
/** Behind the target, to the byte: llhttp would also take RTSP/1.1, ICE/1.0, HTTP/2.0 and more than one space. */
const endOfLine11 = Buffer.from(" HTTP/1.1\r\n");
const endOfLine10 = Buffer.from(" HTTP/1.0\r\n");
const endOfLineLength = endOfLine11.length;

const Phase = { between: 0, head: 1, body: 2 } as const;
type Phase = (typeof Phase)[keyof typeof Phase];

let threadInstance: Llhttp | undefined;
let threadSpans = new Int32Array(4 * 128);

/** This thread's llhttp; compiling it takes about a millisecond, so it is made when the first connection (or listener) wants it. */
export function threadLlhttp(): Llhttp {
  return (threadInstance ??= new Llhttp(inputSizeBytes));
}

export class RequestParser implements LlhttpEvents {
  /** Set when the connection cannot go on. */
  refusal: Refusal | undefined = undefined;

  private readonly llhttp = threadLlhttp();
  private readonly parser: number;
  private readonly limits: WireLimits;
  private readonly scheme: "http" | "https";
  private readonly sink: RequestSink;
  private phase: Phase = Phase.between;
  /** Line ends skipped before the request line. */
  private blankBytes = 0;
  /** A head that came in pieces, so far; undefined for the usual head that comes in one. */
  private partial: Buffer | undefined = undefined;
  private partialLength = 0;
  /** True while the pieces of a head are only checked. */
  private checking = false;
  private headDone = false;
  private urlAt = 0;
  private urlLength = 0;
  private fields = 0;
  private framingBytes = 0;
  private bodyBytes = 0;
  private trailers: TrailerReader | undefined = undefined;
  private lastBlock: HeaderBlock | undefined = undefined;
  private lastBlockBytes: Buffer | undefined = undefined;
  /** `lastBlock` has come more than once, and its list is the one that all connections have for it. */
  private lastBlockRepeats = false;
  private repeating = false;
  private freed = false;

  constructor(limits: WireLimits, scheme: "http" | "https", sink: RequestSink) {
    this.limits = limits;
    this.scheme = scheme;
    this.sink = sink;
    this.parser = this.llhttp.allocate();
    if (threadSpans.length < 4 * limits.headFields) threadSpans = new Int32Array(4 * limits.headFields);
  }

  /** No request has begun since the last one ended. */
  get betweenMessages(): boolean {
    return this.phase === Phase.between && this.blankBytes === 0;
  }

  get inHead(): boolean {
    return this.phase === Phase.head || this.blankBytes > 0;
  }

  /** Gives the parser state back; nothing may be taken afterwards. */
  free(): void {
    if (this.freed) return;
    this.freed = true;
    this.llhttp.free(this.parser);
    this.partial = undefined;
  }

  /** Lets go of what is kept to parse the next request faster. */
  forget(): void {
    this.lastBlock = undefined;
    this.lastBlockBytes = undefined;
  }

  /** Parses `bytes` from `from` to the end of a message, of the bytes, or to a refusal. @returns where it stopped. */
  take(bytes: Buffer, from: number): number {
    let at = from;
    if (this.phase === Phase.between) {
      at = this.skipBlankLine(bytes, at);
      if (at === bytes.length || this.refusal !== undefined) return at;
    }
    if (this.phase === Phase.head) return this.takePiece(bytes, at);
    const length = Math.min(bytes.length - at, inputSizeBytes);
    bytes.copy(this.llhttp.memory, this.llhttp.inputAt, at, at + length);
    const starting = this.phase === Phase.between;
    const stopped = this.run(length);
    if (starting && !this.headDone && this.refusal === undefined) this.collect(bytes, at, at + stopped);
    return at + stopped;
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
    if (this.headDone) return this.trailerReader().onName(this.llhttp.memory, at, length);
    if (this.fields < this.limits.headFields) {
      threadSpans[this.fields << 2] = at;
      threadSpans[(this.fields << 2) + 1] = length;
    }
  }

  onFieldValue(at: number, length: number): void {
    if (this.checking) return;
    if (this.headDone) return this.trailerReader().onValue(this.llhttp.memory, at, length);
    if (this.fields < this.limits.headFields) {
      threadSpans[(this.fields << 2) + 2] = at;
      threadSpans[(this.fields << 2) + 3] = length;
    }
    this.fields++;
  }

  onHeadersComplete(): number {
    this.headDone = true;
    if (this.checking) return llhttpPaused;
    const parsed = this.parseHead();
    if (parsed === undefined) return llhttpPaused;
    this.sink.onHead(parsed);
    return llhttpOk;
  }

  onBody(at: number, length: number): void {
    this.bodyBytes += length;
    this.sink.onBody(this.llhttp.memory, at, at + length);
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
    if (this.refusal !== undefined) return length;
    if (code !== llhttpPaused) {
      this.refusal = this.refusalOf(llhttp.failure(parser));
      return length;
    }
    const stopped = llhttp.stoppedAt(parser);
    if (!this.checking) this.endMessage(stopped);
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
    if (this.refusal !== undefined) return;
    this.llhttp.reset(this.parser);
    this.phase = Phase.between;
    this.blankBytes = 0;
    const { trailers } = this;
    this.trailers = undefined;
    if (trailers !== undefined && trailers.tooLarge) this.refusal = refusal("HEADERS_TOO_LARGE", "the request's trailers are too large");
    else this.sink.onMessageEnd(trailers?.end());
  }

  /** Chunk extensions are ignored, and bounded: without this a body of no bytes could go on for ever. */
  private countFraming(lengthBytes: number): void {
    if (this.phase !== Phase.body) {
      this.phase = Phase.body; // the head was in this run; what it took is no framing
      return;
    }
    this.framingBytes += lengthBytes;
    if (this.framingBytes - this.bodyBytes > framingAllowanceBytes + framingPerBodyByte * this.bodyBytes)
      this.refusal = refusal("BAD_REQUEST", "the chunks of the body carry more framing than body");
  }

  /** One empty line before a request is forgiven (RFC 9112, section 2.2), no more. */
  private skipBlankLine(bytes: Buffer, from: number): number {
    let at = from;
    for (; at < bytes.length; at++) {
      const byte = bytes[at];
      if (byte !== 0x0d && byte !== 0x0a) {
        if (this.blankBytes === 1) this.refusal = refusal("BAD_REQUEST", "a line end without its second half before the request line");
        return at;
      }
      if (this.blankBytes === 2 || (this.blankBytes === 0) !== (byte === 0x0d)) {
        this.refusal = refusal("BAD_REQUEST", "line ends before the request line");
        return at;
      }
      this.blankBytes++;
    }
    return at;
  }

  // --- heads in pieces

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
    if (this.headDone) return;
    if (this.urlLength > this.limits.uriBytes) this.refusal = tooLongUri;
    else if (length > Math.min(this.limits.headBytes, inputSizeBytes)) this.refusal = tooLargeHead;
  }

  private takePiece(bytes: Buffer, at: number): number {
    // One byte more than the limit, so that passing it shows.
    const room = Math.min(this.limits.headBytes, inputSizeBytes) + 1 - this.partialLength;
    const length = Math.min(bytes.length - at, room);
    bytes.copy(this.llhttp.memory, this.llhttp.inputAt, at, at + length);
    this.checking = true;
    const stopped = this.run(length);
    this.checking = false;
    if (this.refusal !== undefined) return at + stopped;
    this.collect(bytes, at, at + stopped);
    if (this.headDone) this.takeCollected();
    return at + stopped;
  }

  private takeCollected(): void {
    const { llhttp, partial, partialLength } = this;
    partial!.copy(llhttp.memory, llhttp.inputAt, 0, partialLength);
    this.partial = undefined;
    this.partialLength = 0;
    this.phase = Phase.between;
    llhttp.reset(this.parser);
    this.run(partialLength);
  }

  // --- the head

  private parseHead(): ParsedHead | undefined {
    const { llhttp, limits, urlAt, urlLength } = this;
    const { memory } = llhttp;
    const urlEnd = urlAt + urlLength;
    if (urlLength > limits.uriBytes) return this.refuse(tooLongUri);
    const method = llhttp.method(this.parser);
    const http11 = equalBytes(endOfLine11, memory, urlEnd);
    if (!http11 && !equalBytes(endOfLine10, memory, urlEnd)) return this.refuse(this.refusalOfLine(urlEnd));
    if (urlAt !== llhttp.inputAt + method.length + 1) return this.refuse(moreSpaces);
    const block = this.readBlock(urlEnd + endOfLineLength);
    if (block === undefined) return undefined;
    if (block.refusal !== undefined) return this.refuse(block.refusal);
    if (!http11 && block.chunked) return this.refuse(refusal("BAD_REQUEST", "Transfer-Encoding in an HTTP/1.0 request"));
    if (block.contentLength > limits.bodyBytes)
      return this.refuse(refusal("MESSAGE_TOO_LARGE", "the request body is larger than the limit"));
    const text = readLatin1(memory, urlAt, urlEnd);
    let target = text;
    let authority = block.host;
    if (memory[urlAt] !== 0x2f || text.includes("#")) {
      const read = readTarget(method, text);
      if ("reason" in read) return this.refuse(read);
      target = read.target;
      authority = read.authority ?? authority;
    }
    // RFC 9112, section 3.2: in HTTP/1.1 Host must be there even when the target says the host already.
    if (block.host === undefined && http11) return this.refuse(refusal("BAD_REQUEST", "no Host"));
    if (block.expect !== undefined && block.expect !== "100-continue" && http11)
      return this.refuse(refusal("BAD_REQUEST", "an expectation other than 100-continue", 417));
    const head: RequestHead = {
      version: http11 ? "1.1" : "1.0",
      method,
      target,
      scheme: this.scheme,
      authority: authority ?? "",
      headers: Metadata.share(block.list),
      contentLength: block.contentLength,
      acceptsTrailers: block.acceptsTrailers,
      upgrade: http11 ? block.upgrade : undefined,
    };
    return { head, block, persistent: http11 && !block.close };
  }

  /** The block at `start`: the last one again when its bytes are the same (about 1 us saved for ten fields). */
  private readBlock(start: number): HeaderBlock | undefined {
    const { memory, inputAt } = this.llhttp;
    const known = this.lastBlockBytes;
    if (known !== undefined && memory.compare(known, 0, known.length, start, start + known.length) === 0) return this.repeated();
    if (this.fields > this.limits.headFields) return this.refuse(refusal("HEADERS_TOO_LARGE", "the request has too many header fields"));
    const end = memory.indexOf(endOfHead, start - 2) + endOfHead.length;
    if (end - inputAt > this.limits.headBytes) return this.refuse(tooLargeHead);
    const block = readHeaderBlock(memory, threadSpans, this.fields, this.lastBlock);
    // Kept from the second request on: most connections that bring one head bring no other.
    if (this.repeating && end - start <= longestMemoBytes && block.refusal === undefined) {
      this.lastBlock = block;
      this.lastBlockBytes = this.keep(start, end);
      this.lastBlockRepeats = false;
    }
    this.repeating = true;
    return block;
  }

  private repeated(): HeaderBlock {
    const block = this.lastBlock!;
    if (this.lastBlockRepeats) return block;
    this.lastBlockRepeats = true;
    block.list = sharedList(block.list);
    return block;
  }

  private keep(start: number, end: number): Buffer {
    const length = end - start;
    const kept = this.lastBlockBytes?.length === length ? this.lastBlockBytes : Buffer.allocUnsafeSlow(length);
    this.llhttp.memory.copy(kept, 0, start, end);
    return kept;
  }

  private refuse(why: Refusal): undefined {
    this.refusal = why;
  }

  private refusalOf(words: string): Refusal {
    if (words === "Invalid HTTP version") return unsupportedVersion;
    return refusal("BAD_REQUEST", `the request is not well-formed HTTP/1.1: ${words}`);
  }

  private refusalOfLine(urlEnd: number): Refusal {
    const { memory } = this.llhttp;
    if (memory[urlEnd + 1] === 0x20) return moreSpaces;
    const version = readLatin1(memory, urlEnd + 1, urlEnd + 6);
    return version === "HTTP/" ? unsupportedVersion : refusal("BAD_REQUEST", "the request line does not end in HTTP/1.1");
  }

  private trailerReader(): TrailerReader {
    return (this.trailers ??= new TrailerReader(this.limits));
  }
}

const tooLongUri = refusal("URI_TOO_LONG", "the request target is longer than the limit");
const tooLargeHead = refusal("HEADERS_TOO_LARGE", "the request head is larger than the limit");
const moreSpaces = refusal("BAD_REQUEST", "more than one space in the request line");
const unsupportedVersion = refusal("BAD_REQUEST", "only HTTP/1.1 and HTTP/1.0 are spoken here", 505);

function equalBytes(expected: Buffer, bytes: Buffer, at: number): boolean {
  for (let i = 0; i < expected.length; i++) if (bytes[at + i] !== expected[i]) return false;
  return true;
}
