/**
 * Bytes as base64 (RFC 4648): printed in the standard alphabet with padding, read in both alphabets with or without it.
 */
import { reg } from "./registers.ts";
import { expected } from "./refusal.ts";
import { copyString } from "./json-text.ts";

const ALPHABET = new TextEncoder().encode("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/");
const VALUE = new Int8Array(256).fill(-1);
for (let i = 0; i < 64; i++) VALUE[ALPHABET[i]!] = i;
VALUE[45] = 62;
VALUE[95] = 63;

const WHAT = "a string in base64";

/** The bytes of [p, e) as base64 in quotes: (e - p) / 3 * 4 + 6 bytes at most. */
export function printBase64(m: Uint8Array, p: number, e: number, w: number): number {
  m[w++] = 34;
  for (const whole = e - 2; p < whole; p += 3) {
    const v = (m[p]! << 16) | (m[p + 1]! << 8) | m[p + 2]!;
    m[w] = ALPHABET[v >> 18]!;
    m[w + 1] = ALPHABET[(v >> 12) & 63]!;
    m[w + 2] = ALPHABET[(v >> 6) & 63]!;
    m[w + 3] = ALPHABET[v & 63]!;
    w += 4;
  }
  if (p < e) {
    const v = (m[p]! << 16) | (p + 1 < e ? m[p + 1]! << 8 : 0);
    m[w] = ALPHABET[v >> 18]!;
    m[w + 1] = ALPHABET[(v >> 12) & 63]!;
    m[w + 2] = p + 1 < e ? ALPHABET[(v >> 6) & 63]! : 61;
    m[w + 3] = 61;
    w += 4;
  }
  m[w] = 34;
  return w + 1;
}

/** Decodes the string whose content begins at `p`, behind the quote, to `w`. */
export function readBase64(m: Uint8Array, p: number, w: number): number {
  const first = p;
  const begin = w;
  for (;;) {
    const a = VALUE[m[p]!]!;
    const b = VALUE[m[p + 1]!]!;
    const c = VALUE[m[p + 2]!]!;
    const d = VALUE[m[p + 3]!]!;
    if ((a | b | c | d) < 0) break;
    m[w] = (a << 2) | (b >> 4);
    m[w + 1] = (b << 4) | (c >> 2);
    m[w + 2] = (c << 6) | d;
    w += 3;
    p += 4;
  }
  const a = VALUE[m[p]!]!;
  if (a >= 0) {
    const b = VALUE[m[p + 1]!]!;
    if (b < 0) return unusualBase64(m, p + 1, first, begin);
    m[w++] = (a << 2) | (b >> 4);
    p += 2;
    const c = VALUE[m[p]!]!;
    if (c >= 0) {
      m[w++] = (b << 4) | (c >> 2);
      p++;
      if (m[p] === 61) p++;
    } else if (m[p] === 61 && m[p + 1] === 61) {
      p += 2;
    }
  }
  if (m[p] !== 34) return unusualBase64(m, p, first, begin);
  reg.at = p + 1;
  return w;
}

/** `\/` is a slash too: takes the escapes out of the string, at `begin`, and decodes it in place. */
function unusualBase64(m: Uint8Array, p: number, first: number, begin: number): number {
  if (m[p] !== 92) expected(first - 1, WHAT);
  const end = copyString(m, first, begin);
  const after = reg.at;
  for (let i = begin; i < end; i++) if (m[i] === 92 || m[i] === 34) expected(first - 1, WHAT);
  m.fill(0, end, end + 4);
  m[end] = 34;
  const decoded = readBase64(m, begin, begin);
  reg.at = after;
  return decoded;
}
