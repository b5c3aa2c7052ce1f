/**
 * Reading JSON text (RFC 8259) where it lies: white space, strings, literals, values to be skipped.
 *
 * All readers take the offset where their token begins and leave `reg.at` behind it. They refuse at the first byte that is not JSON; the end
 * of the input is such a byte (a zero), so there are no bounds checks.
 */
import { MAX_DEPTH, reg } from "./registers.ts";
import { giveUp, refuse } from "./refusal.ts";
import { sequenceLength, writeCodePoint } from "./utf8.ts";

/** 0: a byte that stands for itself in a JSON string; 1: quote, backslash, control character; 2: part of a multi-byte sequence. */
const CLASS = new Uint8Array(256);
CLASS.fill(1, 0, 32);
CLASS[34] = 1;
CLASS[92] = 1;
CLASS.fill(2, 128, 256);

export function skipSpace(m: Uint8Array, p: number): number {
  let c = m[p]!;
  while (c === 32 || c === 10 || c === 13 || c === 9) c = m[++p]!;
  return p;
}

/** Copies the string whose content begins at `p` (behind the quote) as UTF-8 to `w`. */
export function copyString(m: Uint8Array, p: number, w: number): number {
  for (;;) {
    let c = m[p]!;
    while (CLASS[c] === 0) {
      m[w++] = c;
      c = m[++p]!;
    }
    if (c === 34) {
      reg.at = p + 1;
      return w;
    }
    if (c >= 128) {
      const n = sequenceLength(m, p);
      if (n === 0) refuse(p, "malformed JSON: not valid UTF-8");
      m[w] = c;
      m[w + 1] = m[p + 1]!;
      if (n > 2) m[w + 2] = m[p + 2]!;
      if (n > 3) m[w + 3] = m[p + 3]!;
      w += n;
      p += n;
    } else if (c === 92) {
      w = copyEscape(m, p + 1, w);
      p = reg.at;
    } else if (p >= reg.end) {
      refuse(p, "malformed JSON: unterminated string");
    } else {
      refuse(p, "malformed JSON: a control character in a string must be escaped");
    }
  }
}

function copyEscape(m: Uint8Array, p: number, w: number): number {
  reg.at = p + 1;
  switch (m[p]) {
    case 34:
    case 92:
    case 47:
      m[w] = m[p]!;
      return w + 1;
    case 98:
      m[w] = 8;
      return w + 1;
    case 102:
      m[w] = 12;
      return w + 1;
    case 110:
      m[w] = 10;
      return w + 1;
    case 114:
      m[w] = 13;
      return w + 1;
    case 116:
      m[w] = 9;
      return w + 1;
    case 117: {
      let c = hex4(m, p + 1);
      p += 5;
      if (c >= 0xdc00 && c < 0xe000) refuse(p - 6, "malformed JSON: lone surrogate in a string");
      if (c >= 0xd800 && c < 0xdc00) {
        if (m[p] !== 92 || m[p + 1] !== 117) refuse(p - 6, "malformed JSON: lone surrogate in a string");
        const low = hex4(m, p + 2);
        if (low < 0xdc00 || low > 0xdfff) refuse(p, "malformed JSON: lone surrogate in a string");
        c = 0x10000 + ((c - 0xd800) << 10) + (low - 0xdc00);
        p += 6;
      }
      reg.at = p;
      return writeCodePoint(m, c, w);
    }
    default:
      return refuse(p, p >= reg.end ? "malformed JSON: unterminated string" : "malformed JSON: unknown escape in a string");
  }
}

function hex4(m: Uint8Array, p: number): number {
  let v = 0;
  for (let i = 0; i < 4; i++) {
    const c = m[p + i]!;
    const lower = c | 32;
    if (c >= 48 && c <= 57) v = (v << 4) | (c - 48);
    else if (lower >= 97 && lower <= 102) v = (v << 4) | (lower - 87);
    else refuse(p + i, "malformed JSON: \\u needs four hexadecimal digits");
  }
  return v;
}

/** Behind the colon and the space around it; `p` is behind the key's closing quote. */
export function skipColon(m: Uint8Array, p: number): number {
  p = skipSpace(m, p);
  if (m[p] !== 58) refuse(p, "malformed JSON: expected ':' after the name of a field");
  return skipSpace(m, p + 1);
}

/** Behind the member with an unknown name that begins at `p`, behind its quote. A name with escapes may be a known one in disguise: gives up. */
export function skipUnknown(m: Uint8Array, p: number, w: number): number {
  for (let q = p; m[q] !== 34 && q < reg.end; q++) if (m[q] === 92) giveUp(q);
  copyString(m, p, w);
  return skipValue(m, skipColon(m, reg.at), w);
}

/** Behind `null`, which begins at `p` with an n. */
export function skipNull(m: Uint8Array, p: number): number {
  if (m[p + 1] !== 117 || m[p + 2] !== 108 || m[p + 3] !== 108) refuse(p, "malformed JSON: expected a value");
  return p + 4;
}

/** `true` or `false` at `p` as 1 or 0; -1 when it is neither. */
export function readBool(m: Uint8Array, p: number): number {
  if (m[p] === 116 && m[p + 1] === 114 && m[p + 2] === 117 && m[p + 3] === 101) {
    reg.at = p + 4;
    return 1;
  }
  if (m[p] === 102 && m[p + 1] === 97 && m[p + 2] === 108 && m[p + 3] === 115 && m[p + 4] === 101) {
    reg.at = p + 5;
    return 0;
  }
  return -1;
}

/** Behind the number at `p`, which must be one by the grammar of RFC 8259, section 6. */
export function skipNumber(m: Uint8Array, p: number): number {
  if (m[p] === 45) p++;
  let c = m[p]!;
  if (c < 48 || c > 57) refuse(p, "malformed JSON: expected a digit");
  if (c === 48) {
    c = m[++p]!;
    if (c >= 48 && c <= 57) refuse(p, "malformed JSON: a number has no leading zero");
  } else {
    p = skipDigits(m, p);
  }
  if (m[p] === 46) p = skipDigits(m, p + 1);
  if (m[p] === 101 || m[p] === 69) {
    p++;
    if (m[p] === 43 || m[p] === 45) p++;
    p = skipDigits(m, p);
  }
  return p;
}

function skipDigits(m: Uint8Array, p: number): number {
  const first = p;
  let c = m[p]!;
  while (c >= 48 && c <= 57) c = m[++p]!;
  if (p === first) refuse(p, "malformed JSON: expected a digit");
  return p;
}

/** Behind the value at `p`, of any kind. Strings pass through the free memory at `w`, for their UTF-8 must be right too. */
export function skipValue(m: Uint8Array, p: number, w: number): number {
  switch (m[p]) {
    case 34:
      copyString(m, p + 1, w);
      return reg.at;
    case 123:
      return skipMembers(m, p, w, 125);
    case 91:
      return skipMembers(m, p, w, 93);
    case 116:
    case 102:
      if (readBool(m, p) < 0) refuse(p, "malformed JSON: expected a value");
      return reg.at;
    case 110:
      return skipNull(m, p);
    default:
      if (m[p] !== 45 && (m[p]! < 48 || m[p]! > 57)) refuse(p, "malformed JSON: expected a value");
      return skipNumber(m, p);
  }
}

function skipMembers(m: Uint8Array, p: number, w: number, close: number): number {
  if (++reg.depth > MAX_DEPTH) refuse(p, "nested deeper than 100 levels");
  p = skipSpace(m, p + 1);
  if (m[p] !== close) {
    for (;;) {
      if (close === 125) {
        if (m[p] !== 34) refuse(p, "malformed JSON: expected the name of a field in quotes");
        copyString(m, p + 1, w);
        p = skipColon(m, reg.at);
      }
      p = skipSpace(m, skipValue(m, p, w));
      if (m[p] === close) break;
      if (m[p] !== 44) refuse(p, close === 125 ? "malformed JSON: expected ',' or '}'" : "malformed JSON: expected ',' or ']'");
      p = skipSpace(m, p + 1);
    }
  }
  reg.depth--;
  return p + 1;
}
