/**
 * Requests out of bytes: the gaps llhttp leaves in a request's head, and the memo of the connection's last head.
 *
 * The trap: the sink hears everything inside `execute` of llhttp, of which the thread has one: it must not call back into a parser, nor write
 * an answer.
 */
import { Buffer } from "node:buffer";
import type { RequestHead } from "../exchange.ts";
import type { WireLimits } from "../limits.ts";
import { Metadata } from "../../core/metadata.ts";
import { sharedList } from "../shared-lists.ts";
import { readHeaderBlock, type HeaderBlock } from "./header-block.ts";
import { readLatin1 } from "./latin1.ts";
import { LlhttpRole } from "./llhttp.ts";
import { MessageParser, type Faults } from "./message-parser.ts";
import { refusal, type Refusal } from "./refusal.ts";
import { readTarget } from "./request-target.ts";

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

/** Heads longer than this are not kept for comparison, so that an idle connection stays small. */
const longestMemoBytes = 4 * 1024;

const endOfHead = Buffer.from("\r\n\r\n");
/** Behind the target, to the byte: llhttp would also take RTSP/1.1, ICE/1.0, HTTP/2.0 and more than one space. */
const endOfLine11 = Buffer.from(" HTTP/1.1\r\n");
const endOfLine10 = Buffer.from(" HTTP/1.0\r\n");
const endOfLineLength = endOfLine11.length;

const tooLongUri = refusal("URI_TOO_LONG", "the request target is longer than the limit");
const tooLargeHead = refusal("HEADERS_TOO_LARGE", "the request head is larger than the limit");
const moreSpaces = refusal("BAD_REQUEST", "more than one space in the request line");
const unsupportedVersion = refusal("BAD_REQUEST", "only HTTP/1.1 and HTTP/1.0 are spoken here", 505);
const faults: Faults<Refusal> = {
  largeHead: tooLargeHead,
  largeTrailers: refusal("HEADERS_TOO_LARGE", "the request's trailers are too large"),
  muchFraming: refusal("BAD_REQUEST", "the chunks of the body carry more framing than body"),
};

export class RequestParser extends MessageParser<Refusal> {
  declare protected readonly limits: WireLimits;
  private readonly scheme: "http" | "https";
  private readonly sink: RequestSink;
  /** Line ends skipped before the request line. */
  private blankBytes = 0;
  private lastBlock: HeaderBlock | undefined = undefined;
  private lastBlockBytes: Buffer | undefined = undefined;
  /** `lastBlock` has come more than once, and its list is the one that all connections have for it. */
  private lastBlockRepeats = false;
  private repeating = false;

  constructor(limits: WireLimits, scheme: "http" | "https", sink: RequestSink) {
    super(LlhttpRole.requests, limits, faults);
    this.scheme = scheme;
    this.sink = sink;
  }

  /** No request has begun since the last one ended. */
  get betweenMessages(): boolean {
    return this.isBetween && this.blankBytes === 0;
  }

  get inHead(): boolean {
    return this.isInHead || this.blankBytes > 0;
  }

  /** Lets go of what is kept to parse the next request faster. */
  forget(): void {
    this.lastBlock = undefined;
    this.lastBlockBytes = undefined;
  }

  /** Parses `bytes` from `from` to the end of a message, of the bytes, or to a refusal. @returns where it stopped. */
  take(bytes: Buffer, from: number): number {
    let at = from;
    if (this.isBetween) {
      at = this.skipBlankLine(bytes, at);
      if (at === bytes.length || this.fault !== undefined) return at;
    }
    return this.parse(bytes, at);
  }

  // --- from the base

  protected override readHead(): boolean {
    const parsed = this.parseHead();
    if (parsed !== undefined) this.sink.onHead(parsed);
    return false;
  }

  protected override onBodyBytes(memory: Buffer, start: number, end: number): void {
    this.sink.onBody(memory, start, end);
  }

  protected override onMessageEnd(trailers: Metadata | undefined): void {
    this.blankBytes = 0;
    this.sink.onMessageEnd(trailers);
  }

  protected override faultOfPartial(lengthBytes: number): Refusal | undefined {
    return this.urlLength > this.limits.uriBytes ? tooLongUri : super.faultOfPartial(lengthBytes);
  }

  protected override faultOf(words: string): Refusal {
    if (words === "Invalid HTTP version") return unsupportedVersion;
    return refusal("BAD_REQUEST", `the request is not well-formed HTTP/1.1: ${words}`);
  }

  /** One empty line before a request is forgiven (RFC 9112, section 2.2), no more. */
  private skipBlankLine(bytes: Buffer, from: number): number {
    let at = from;
    for (; at < bytes.length; at++) {
      const byte = bytes[at];
      if (byte !== 0x0d && byte !== 0x0a) {
        if (this.blankBytes === 1) this.fault = refusal("BAD_REQUEST", "a line end without its second half before the request line");
        return at;
      }
      if (this.blankBytes === 2 || (this.blankBytes === 0) !== (byte === 0x0d)) {
        this.fault = refusal("BAD_REQUEST", "line ends before the request line");
        return at;
      }
      this.blankBytes++;
    }
    return at;
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
    const block = readHeaderBlock(memory, this.spans, this.fields, this.lastBlock);
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
    this.fault = why;
  }

  private refusalOfLine(urlEnd: number): Refusal {
    const { memory } = this.llhttp;
    if (memory[urlEnd + 1] === 0x20) return moreSpaces;
    const version = readLatin1(memory, urlEnd + 1, urlEnd + 6);
    return version === "HTTP/" ? unsupportedVersion : refusal("BAD_REQUEST", "the request line does not end in HTTP/1.1");
  }
}

function equalBytes(expected: Buffer, bytes: Buffer, at: number): boolean {
  for (let i = 0; i < expected.length; i++) if (bytes[at + i] !== expected[i]) return false;
  return true;
}
