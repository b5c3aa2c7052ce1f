/**
 * W3C Trace Context: reading and writing `traceparent`, the one form in which a hop holds its own place in the trace.
 *
 * The rules that are easily missed (Trace Context Level 2, section 3.2): a higher version is read as far as it is known and sent on as 00;
 * `traceparent` twice is none at all; an invalid one takes `tracestate` with it, but never the other way round.
 */
import { slot } from "../core/slots.ts";
import type { Random } from "../core/random.ts";
import type { RatioSampler } from "./sampler.ts";

/** The `traceparent` this hop sends on; its trace id is what logs show. */
export const SentTraceparent = slot<string>("traceparent");

/** "00-" + 32 + "-" + 16 + "-" + 2 */
export const traceparentLength = 55;
export const sampledFlag = 1;
const randomFlag = 2;

/** Two hex digits as the little-endian 16 bits they are in memory. */
const hexPairs = Uint16Array.from({ length: 256 }, (_, byte) => {
  const digits = byte.toString(16).padStart(2, "0");
  return digits.charCodeAt(0) | (digits.charCodeAt(1) << 8);
});

/**
 * The header is put together in one buffer and made into a string once: a flat string, which the HTTP/2 engine can write as it is
 * (0.9 -> 0.3 us against adding up hex digits).
 */
const scratch = Buffer.alloc(traceparentLength);
scratch.write("00-", 0, "latin1");
scratch[35] = scratch[52] = 0x2d;
const traceIdAt = 3;
/** Where the 32 hex digits of the trace are in a `traceparent`. */
export const traceIdFrom = traceIdAt;
export const traceIdTo = traceIdAt + 32;
/** Where its span id is. */
export const spanIdFrom = 36;
export const spanIdTo = 52;
const spanIdAt = spanIdFrom;
const flagsAt = 53;

function putHex32(value: number, at: number): void {
  for (let i = 0, shift = 24; i < 8; i += 2, shift -= 8) {
    const pair = hexPairs[(value >>> shift) & 255]!;
    scratch[at + i] = pair & 255;
    scratch[at + i + 1] = pair >>> 8;
  }
}

/** Whether `text` can be continued: well formed, version not ff, no id of zeros. */
export function isTraceparent(text: string): boolean {
  const { length } = text;
  if (length < traceparentLength) return false;
  if (!isHex(text, 0, 2) || text.charCodeAt(2) !== dash || text.charCodeAt(35) !== dash || text.charCodeAt(52) !== dash) return false;
  if (!isHex(text, 3, 35) || !isHex(text, 36, 52) || !isHex(text, 53, 55)) return false;
  if (text.startsWith("ff")) return false;
  if (length > traceparentLength && (text.startsWith("00") || text.charCodeAt(traceparentLength) !== dash)) return false;
  return !isZero(text, 3, 35) && !isZero(text, 36, 52);
}

const dash = 0x2d;

function isHex(text: string, from: number, to: number): boolean {
  for (let i = from; i < to; i++) {
    const unit = text.charCodeAt(i);
    if (unit < 0x30 || unit > 0x66 || (unit > 0x39 && unit < 0x61)) return false;
  }
  return true;
}

function isZero(text: string, from: number, to: number): boolean {
  for (let i = from; i < to; i++) if (text.charCodeAt(i) !== 0x30) return false;
  return true;
}

/** The flags of a `traceparent` that are known: sampled and random. @param text one that {@link isTraceparent} accepted */
export function knownFlags(text: string): number {
  // Two hex digits; only the lowest two bits are known, and they are in the last digit, which letters shift by nine.
  const digit = text.charCodeAt(flagsAt + 1);
  return (digit > 0x39 ? digit + 9 : digit) & (sampledFlag | randomFlag);
}

/** @param text one of ours */
export function isSampled(text: string): boolean {
  // "0" is an even code unit.
  return (text.charCodeAt(flagsAt + 1) & sampledFlag) !== 0;
}

/** The same trace with a span id of its own. @param text one that {@link isTraceparent} accepted */
export function continueTraceparent(text: string, random: Random, flags: number = knownFlags(text)): string {
  for (let at = traceIdAt; at < traceIdTo; at++) scratch[at] = text.charCodeAt(at);
  return withSpanId(random, flags);
}

/** A new trace, with ids that are random indeed, and flagged so. @param sampling who decides, or what was decided */
export function newTraceparent(random: Random, sampling: RatioSampler | boolean): string {
  const folded = putRandomHex(random, traceIdAt, 4);
  const sampled = typeof sampling === "boolean" ? sampling : sampling.takesFolded(folded);
  return withSpanId(random, randomFlag | (sampled ? sampledFlag : 0));
}

function withSpanId(random: Random, flags: number): string {
  putRandomHex(random, spanIdAt, 2);
  scratch[flagsAt] = 0x30;
  scratch[flagsAt + 1] = 0x30 + flags;
  return scratch.toString("latin1", 0, traceparentLength);
}

/** All zeros is the one id that is not allowed: one chance in 2^64 is still a rule. @returns its words, folded by exclusive or */
function putRandomHex(random: Random, at: number, words: number): number {
  let any = 0;
  let folded = 0;
  for (let word = 0; word < words; word++) {
    const value = random.uint32();
    any |= value;
    folded ^= value;
    putHex32(value, at + 8 * word);
  }
  if (any !== 0) return folded;
  putHex32(1, at);
  return 1;
}
