/**
 * Responses out of bytes, in the role of a client: a head at a time, and the pieces of a chunked body.
 *
 * llhttp reads heads and chunks only; a body with a length, or up to the end of the connection, is counted by who reads it. The trap: a head
 * that was taken is not looked at again, so who takes it must know what follows it before taking more.
 */
import type { Buffer } from "node:buffer";
import type { Metadata } from "../../core/metadata.ts";
import { AnswerHead, brokenProtocol, readAnswerHead, type AnswerFault } from "./answer-head.ts";
import type { AnswerMemo } from "./answer-memo.ts";
import { LlhttpRole } from "./llhttp.ts";
import { MessageParser, type Faults } from "./message-parser.ts";
import type { TrailerLimits } from "./trailer-reader.ts";

/** Hears what the body is made of, inside {@link ResponseParser.take}. */
export interface ResponseBodySink {
  /** A view of the parser's memory, valid during the call. @param readEnd where the bytes of this read end */
  onBodyPiece(memory: Buffer, start: number, end: number, readEnd: number): void;
}

const largeHead: AnswerFault = { kind: "too-large", message: "the response's head is larger than the limit" };
const faults: Faults<AnswerFault> = {
  largeHead,
  largeTrailers: { kind: "too-large", message: "the response's trailers are larger than the limit" },
  muchFraming: brokenProtocol("the chunks of the response's body carry more framing than body"),
};
const endOfHeadBytes = 4;
const version11 = "HTTP/1.1 ";
const version10 = "HTTP/1.0 ";

export class ResponseParser extends MessageParser<AnswerFault> {
  private readonly memo: AnswerMemo;
  private readonly sink: ResponseBodySink;
  private head: AnswerHead | undefined = undefined;
  private readEnd = 0;
  /** The chunked body has come to its end. */
  ended = false;
  trailers: Metadata | undefined = undefined;

  constructor(limits: TrailerLimits, memo: AnswerMemo, sink: ResponseBodySink) {
    super(LlhttpRole.responses, limits, faults);
    this.memo = memo;
    this.sink = sink;
  }

  /** Parses `bytes` from `at` to the end of a head, of a chunked body, of the bytes, or to a fault. @returns where it stopped. */
  take(bytes: Buffer, at: number): number {
    this.readEnd = this.llhttp.inputAt + bytes.length - at;
    this.ended = false;
    return this.parse(bytes, at);
  }

  /** The head that {@link take} came to the end of, once. Unless it is chunked, what follows is not for this parser. */
  takeHead(): AnswerHead | undefined {
    const { head } = this;
    if (head === undefined) return undefined;
    this.head = undefined;
    if (!head.chunked) this.endHere();
    return head;
  }

  /** A chunked body does not follow its head after all. */
  skipBody(): void {
    if (!this.isBetween) this.endHere();
  }

  // --- from the base

  protected override readHead(): boolean {
    const { memory, inputAt } = this.llhttp;
    const http11 = standsAt(version11, memory, inputAt);
    const status = this.llhttp.status(this.parser);
    if (!http11 && !standsAt(version10, memory, inputAt)) this.fault = brokenProtocol("only HTTP/1.1 and HTTP/1.0 are spoken here");
    else if (!endsInOne(memory, inputAt)) this.fault = brokenProtocol("the status line does not end in CR LF");
    else if (status < 100) this.fault = brokenProtocol(`${status} is no HTTP status`);
    else if (this.fields > this.limits.headFields) this.fault = { kind: "too-large", message: "the response has too many header fields" };
    else this.head = this.headOf(memory, new AnswerHead(status, http11));
    return true;
  }

  private headOf(memory: Buffer, fresh: AnswerHead): AnswerHead | undefined {
    const { inputAt } = this.llhttp;
    const known = this.memo.find(memory, inputAt);
    if (known !== undefined) return known;
    const end = memory.indexOf("\r\n\r\n", inputAt, "latin1") + endOfHeadBytes;
    if (end - inputAt > this.limits.headBytes) {
      this.fault = largeHead;
      return undefined;
    }
    const head = readAnswerHead(fresh, memory, this.spans, this.fields);
    this.fault = head.fault;
    if (head.fault === undefined && head.status >= 200) this.memo.add(head, memory, inputAt, end);
    return head;
  }

  protected override onBodyBytes(memory: Buffer, start: number, end: number): void {
    this.sink.onBodyPiece(memory, start, end, this.readEnd);
  }

  protected override onMessageEnd(trailers: Metadata | undefined): void {
    this.ended = true;
    this.trailers = trailers;
  }

  protected override faultOf(words: string): AnswerFault {
    return brokenProtocol(`the response is not well-formed HTTP/1.1: ${words}`);
  }
}

/** llhttp would take CR CR at the end of a status line, and the head would not end where it seems to. */
function endsInOne(bytes: Buffer, lineAt: number): boolean {
  const end = bytes.indexOf(0x0a, lineAt);
  return bytes.indexOf(0x0d, lineAt) === end - 1;
}

function standsAt(text: string, bytes: Buffer, at: number): boolean {
  for (let i = 0; i < text.length; i++) if (bytes[at + i] !== text.charCodeAt(i)) return false;
  return true;
}
