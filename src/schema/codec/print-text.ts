/**
 * Printing strings as JSON: escaped as little as JSON allows, and refused when they are not UTF-8.
 *
 * The caller has made room for six bytes per byte of the string.
 */
import { refuse } from "./refusal.ts";
import { brokenLength, sequenceLength } from "./utf8.ts";

const CLASS = new Uint8Array(256);
CLASS.fill(1, 0, 32);
CLASS[34] = 1;
CLASS[92] = 1;
CLASS.fill(2, 128, 256);

const HEX = new TextEncoder().encode("0123456789abcdef");
/** The letter behind the backslash of a control character, or 0 where it takes \u00XX. */
const SHORT = new Uint8Array(32);
SHORT[8] = 98;
SHORT[9] = 116;
SHORT[10] = 110;
SHORT[12] = 102;
SHORT[13] = 114;

/** The string of [p, e), in quotes. */
export function printString(m: Uint8Array, p: number, e: number, w: number): number {
  m[w++] = 34;
  while (p < e) {
    const c = m[p]!;
    const kind = CLASS[c]!;
    if (kind === 0) {
      m[w++] = c;
      p++;
    } else if (kind === 1) {
      w = printEscape(m, c, w);
      p++;
    } else {
      const n = sequenceLength(m, p);
      if (n === 0 || p + n > e) refuse(p, "malformed protobuf: a string is not valid UTF-8");
      m[w] = c;
      m[w + 1] = m[p + 1]!;
      if (n > 2) m[w + 2] = m[p + 2]!;
      if (n > 3) m[w + 3] = m[p + 3]!;
      w += n;
      p += n;
    }
  }
  m[w] = 34;
  return w + 1;
}

/** The same for a string whose schema does not ask for UTF-8: what is not becomes U+FFFD, for JSON has nothing else. */
export function printLenientString(m: Uint8Array, p: number, e: number, w: number): number {
  m[w++] = 34;
  while (p < e) {
    const c = m[p]!;
    if (CLASS[c] === 0) {
      m[w++] = c;
      p++;
    } else if (c < 128) {
      w = printEscape(m, c, w);
      p++;
    } else {
      const n = sequenceLength(m, p);
      if (n === 0 || p + n > e) {
        m[w++] = 0xef;
        m[w++] = 0xbf;
        m[w++] = 0xbd;
        p += brokenLength(m, p, e);
      } else {
        for (let i = 0; i < n; i++) m[w++] = m[p++]!;
      }
    }
  }
  m[w] = 34;
  return w + 1;
}

function printEscape(m: Uint8Array, c: number, w: number): number {
  m[w++] = 92;
  if (c >= 32) {
    m[w++] = c;
    return w;
  }
  const short = SHORT[c]!;
  if (short !== 0) {
    m[w++] = short;
    return w;
  }
  m[w++] = 117;
  m[w++] = 48;
  m[w++] = 48;
  m[w++] = HEX[c >> 4]!;
  m[w++] = HEX[c & 15]!;
  return w;
}
