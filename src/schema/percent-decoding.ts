/**
 * Percent-decoding of paths and queries, straight to UTF-8 bytes (SEMANTICS A1.4).
 *
 * The trap: a request target is a string of bytes, one character each, so a character above U+007F is the byte a careless client sent raw;
 * it is taken as part of the UTF-8 text. The result must be valid UTF-8: an escape can smuggle in what protobuf strings forbid.
 */
import { isUtf8 } from "node:buffer";

/** Which escapes stay as they are. */
export const Keep = {
  /** Everything is decoded: single-segment variables and the query. */
  NOTHING: 0,
  /** `%2F` stays: the newer text of google/api/http.proto. */
  SLASH: 1,
  /** The reserved characters of RFC 6570 (and 3986, section 2.2) stay. */
  RESERVED: 2,
} as const;
export type Keep = (typeof Keep)[keyof typeof Keep];

/** What {@link decodeInto} returns instead of an end. */
export const DecodeFault = { MALFORMED: -1, NOT_UTF8: -2 } as const;

const hexValue = new Int8Array(256).fill(-1);
for (let digit = 0; digit < 16; digit++) {
  const char = digit.toString(16);
  hexValue[char.charCodeAt(0)] = digit;
  hexValue[char.toUpperCase().charCodeAt(0)] = digit;
}

const reserved = new Uint8Array(256);
for (const char of ":/?#[]@!$&'()*+,;=") reserved[char.charCodeAt(0)] = 1;

const percent = 0x25;
const plus = 0x2b;
const space = 0x20;
const slash = 0x2f;

/**
 * Decodes `text` into `out` at `start`; `out` must have room for 3 bytes a character.
 * @returns the end in `out`, or a {@link DecodeFault}
 */
export function decodeInto(text: string, plusIsSpace: boolean, keep: Keep, out: Uint8Array, start: number): number {
  let at = start;
  let high = 0;
  const { length } = text;
  for (let index = 0; index < length; index++) {
    let byte = text.charCodeAt(index);
    if (byte === percent) {
      if (index + 2 >= length) return DecodeFault.MALFORMED;
      const first = text.charCodeAt(index + 1);
      const second = text.charCodeAt(index + 2);
      if (first > 0xff || second > 0xff) return DecodeFault.MALFORMED;
      const value = (hexValue[first]! << 4) | hexValue[second]!;
      if (value < 0) return DecodeFault.MALFORMED;
      index += 2;
      if (keep !== Keep.NOTHING && (keep === Keep.SLASH ? value === slash : reserved[value] === 1)) {
        out[at++] = percent;
        out[at++] = first;
        byte = second;
      } else {
        byte = value;
      }
    } else if (plusIsSpace && byte === plus) {
      byte = space;
    } else if (byte > 0xff) {
      return DecodeFault.NOT_UTF8;
    }
    high |= byte;
    out[at++] = byte;
  }
  return high > 0x7f && !isUtf8(out.subarray(start, at)) ? DecodeFault.NOT_UTF8 : at;
}

/** Nothing in `text` needs {@link decodeInto}: it is its own decoded form, in ASCII. */
export function isPlain(text: string, plusIsSpace: boolean): boolean {
  for (let index = 0; index < text.length; index++) {
    const code = text.charCodeAt(index);
    if (code === percent || code > 0x7f || (plusIsSpace && code === plus)) return false;
  }
  return true;
}

/** Decodes everything, to a string: for names and for text that is compared, not for values. Undefined when it cannot be decoded. */
export function decodeText(text: string, plusIsSpace = false): string | undefined {
  const bytes = Buffer.allocUnsafe(text.length);
  const end = decodeInto(text, plusIsSpace, Keep.NOTHING, bytes, 0);
  return end < 0 ? undefined : bytes.toString("utf8", 0, end);
}
