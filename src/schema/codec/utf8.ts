/**
 * UTF-8 as RFC 3629 section 4 has it: no overlong forms, no surrogates, nothing above U+10FFFF.
 */

/** Length of the well-formed multi-byte sequence at `p`, or 0. The bytes behind the input are zero, so it never reads into something else. */
export function sequenceLength(m: Uint8Array, p: number): number {
  const a = m[p]!;
  const b = m[p + 1]!;
  if ((b & 0xc0) !== 0x80) return 0;
  if (a < 0xc2) return 0;
  if (a < 0xe0) return 2;
  if ((m[p + 2]! & 0xc0) !== 0x80) return 0;
  if (a < 0xf0) {
    if (a === 0xe0 && b < 0xa0) return 0;
    if (a === 0xed && b > 0x9f) return 0;
    return 3;
  }
  if ((m[p + 3]! & 0xc0) !== 0x80) return 0;
  if (a === 0xf0 && b < 0x90) return 0;
  if (a > 0xf4 || (a === 0xf4 && b > 0x8f)) return 0;
  return 4;
}

/** Length of what one U+FFFD stands for where {@link sequenceLength} is 0: the longest beginning of a sequence (WHATWG Encoding, "maximal subpart"). */
export function brokenLength(m: Uint8Array, p: number, e: number): number {
  const a = m[p]!;
  const b = p + 1 < e ? m[p + 1]! : 0;
  if (a < 0xe0 || a > 0xf4 || (b & 0xc0) !== 0x80) return 1;
  if ((a === 0xe0 && b < 0xa0) || (a === 0xed && b > 0x9f) || (a === 0xf0 && b < 0x90) || (a === 0xf4 && b > 0x8f)) return 1;
  return a >= 0xf0 && p + 2 < e && (m[p + 2]! & 0xc0) === 0x80 ? 3 : 2;
}

/** Writes a code point. */
export function writeCodePoint(m: Uint8Array, c: number, w: number): number {
  if (c < 0x80) {
    m[w++] = c;
  } else if (c < 0x800) {
    m[w++] = 0xc0 | (c >> 6);
    m[w++] = 0x80 | (c & 63);
  } else if (c < 0x10000) {
    m[w++] = 0xe0 | (c >> 12);
    m[w++] = 0x80 | ((c >> 6) & 63);
    m[w++] = 0x80 | (c & 63);
  } else {
    m[w++] = 0xf0 | (c >> 18);
    m[w++] = 0x80 | ((c >> 12) & 63);
    m[w++] = 0x80 | ((c >> 6) & 63);
    m[w++] = 0x80 | (c & 63);
  }
  return w;
}
