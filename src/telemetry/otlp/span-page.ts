/**
 * Spans as the bytes that are exported, put together in place: each is a `spans` entry of OTLP's `ScopeSpans`.
 *
 * The trap: nothing here looks whether there is room; whoever begins a span asks {@link SpanPage.roomBytes} first.
 * (A span by objects and an encoder costs 11 us; like this, 0.5.)
 */
import { Buffer } from "node:buffer";
import { spanIdFrom, traceIdFrom } from "../trace-context.ts";
import { endAt, flagsAt, spanIdAt, startAt, traceIdAt } from "./span-template.ts";

/** "0".."9", "a".."f" to their value. */
const hexValues = Uint8Array.from({ length: 128 }, (_, unit) =>
  unit >= 0x30 && unit <= 0x39 ? unit - 0x30 : unit >= 0x61 ? unit - 0x57 : 0,
);

/** What the tag, a length of at most three bytes and a parent's id take. */
export const spanOverheadBytes = 14;
const parentBytes = 10;
const word = 2 ** 32;

/** SpanFlags of trace.proto: it is known whether the parent is another process's; it is. */
const isRemoteKnown = 0x100;
const isRemote = 0x200;

/** Nanoseconds since 1970 as two words; the seconds' part of nearly every span is that of the one before. */
let lastSecond = -1;
let secondLow = 0;
let secondHigh = 0;

export class SpanPage {
  readonly bytes: Buffer;
  used = 0;
  spans = 0;

  constructor(sizeBytes: number) {
    this.bytes = Buffer.allocUnsafeSlow(sizeBytes);
  }

  get roomBytes(): number {
    return this.bytes.length - this.used;
  }

  /** What has been put. */
  get content(): Uint8Array {
    return this.bytes.subarray(0, this.used);
  }

  clear(): void {
    this.used = 0;
    this.spans = 0;
  }

  /**
   * Appends a span.
   * @param template of {@link spanTemplate}
   * @param place its own `traceparent`
   * @param parent that of the span above; undefined for the first of a trace
   * @param remote whether the parent is another process's
   * @param startMs wall time. @param endMs likewise
   * @param more further fields, encoded
   */
  put(
    template: Uint8Array,
    place: string,
    parent: string | undefined,
    remote: boolean,
    startMs: number,
    endMs: number,
    more: Uint8Array | undefined,
  ): void {
    const { bytes } = this;
    const length = template.length + (parent === undefined ? 0 : parentBytes) + (more === undefined ? 0 : more.length);
    let at = this.used;
    bytes[at++] = 0x12;
    let rest = length;
    while (rest >= 0x80) {
      bytes[at++] = (rest & 0x7f) | 0x80;
      rest >>>= 7;
    }
    bytes[at++] = rest;
    bytes.set(template, at);
    putHex(bytes, at + traceIdAt, place, traceIdFrom, 16);
    putHex(bytes, at + spanIdAt, place, spanIdFrom, 8);
    putTime(bytes, at + startAt, startMs);
    putTime(bytes, at + endAt, endMs);
    // Flags are one digit: 0 to 3.
    bytes[at + flagsAt] = place.charCodeAt(54) - 0x30;
    bytes[at + flagsAt + 1] = (remote && parent !== undefined ? isRemoteKnown | isRemote : isRemoteKnown) >>> 8;
    at += template.length;
    if (parent !== undefined) {
      bytes[at] = 0x22;
      bytes[at + 1] = 8;
      putHex(bytes, at + 2, parent, spanIdFrom, 8);
      at += parentBytes;
    }
    if (more !== undefined) {
      bytes.set(more, at);
      at += more.length;
    }
    this.used = at;
    this.spans++;
  }
}

/** @param length bytes to write, two digits each */
function putHex(bytes: Buffer, at: number, text: string, from: number, length: number): void {
  for (let i = 0, digit = from; i < length; i++, digit += 2)
    bytes[at + i] = (hexValues[text.charCodeAt(digit)]! << 4) | hexValues[text.charCodeAt(digit + 1)]!;
}

function putTime(bytes: Buffer, at: number, wallMs: number): void {
  const second = Math.floor(wallMs / 1000);
  if (second !== lastSecond) {
    lastSecond = second;
    const nanoseconds = BigInt(second) * 1_000_000_000n;
    secondHigh = Number(nanoseconds >> 32n);
    secondLow = Number(nanoseconds & 0xffffffffn);
  }
  const low = secondLow + Math.round((wallMs - second * 1000) * 1e6);
  const carried = low >= word;
  putWord(bytes, at, carried ? low - word : low);
  putWord(bytes, at + 4, carried ? secondHigh + 1 : secondHigh);
}

function putWord(bytes: Buffer, at: number, value: number): void {
  bytes[at] = value;
  bytes[at + 1] = value >>> 8;
  bytes[at + 2] = value >>> 16;
  bytes[at + 3] = value >>> 24;
}
