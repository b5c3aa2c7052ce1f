/**
 * Printing numbers as JSON. Every function writes at `w` and returns the new end; none needs more than 32 bytes.
 */
import { reg } from "./registers.ts";

const TWO_32 = 4294967296;

export function printAscii(m: Uint8Array, text: string, w: number): number {
  for (let i = 0; i < text.length; i++) m[w++] = text.charCodeAt(i);
  return w;
}

/** A non-negative integer below 2^32. */
export function printUint32(m: Uint8Array, v: number, w: number): number {
  if (v < 10) {
    m[w] = 48 + v;
    return w + 1;
  }
  const size = v < 100 ? 2 : v < 1000 ? 3 : v < 10000 ? 4 : v < 100000 ? 5 : v < 1e6 ? 6 : v < 1e7 ? 7 : v < 1e8 ? 8 : v < 1e9 ? 9 : 10;
  let i = w + size;
  const end = i;
  do {
    const q = (v / 10) >>> 0;
    m[--i] = 48 + (v - q * 10);
    v = q;
  } while (i > w);
  return end;
}

export function printInt32(m: Uint8Array, v: number, w: number): number {
  if (v >= 0) return printUint32(m, v, w);
  m[w] = 45;
  return printUint32(m, -v, w + 1);
}

/** Exactly `size` digits, zeros in front. */
export function printPadded(m: Uint8Array, v: number, size: number, w: number): number {
  for (let i = w + size; i > w;) {
    const q = (v / 10) >>> 0;
    m[--i] = 48 + (v - q * 10);
    v = q;
  }
  return w + size;
}

/** A 64-bit integer, without quotes. */
export function printUint64(m: Uint8Array, lo: number, hi: number, w: number): number {
  if (hi === 0) return printUint32(m, lo >>> 0, w);
  hi >>>= 0;
  lo >>>= 0;
  if (hi < 0x200000) {
    const v = hi * TWO_32 + lo;
    const top = Math.floor(v / 1e9);
    return printPadded(m, v - top * 1e9, 9, printUint32(m, top, w));
  }
  // Long division by 1e9 in two steps of 16 bits: every intermediate stays below 2^53.
  let r = hi % 1e9;
  const q2 = (hi - r) / 1e9;
  let x = r * 65536 + (lo >>> 16);
  const q1 = Math.floor(x / 1e9);
  r = x - q1 * 1e9;
  x = r * 65536 + (lo & 65535);
  const q0 = Math.floor(x / 1e9);
  r = x - q0 * 1e9;
  const top = q2 * TWO_32 + q1 * 65536 + q0;
  const upper = Math.floor(top / 1e9);
  w = upper === 0 ? printUint32(m, top, w) : printPadded(m, top - upper * 1e9, 9, printUint32(m, upper, w));
  return printPadded(m, r, 9, w);
}

export function printInt64(m: Uint8Array, lo: number, hi: number, w: number): number {
  if (hi >= 0) return printUint64(m, lo, hi, w);
  m[w] = 45;
  const negated = -lo | 0;
  return printUint64(m, negated, negated === 0 ? -hi | 0 : ~hi, w + 1);
}

/** A 64-bit integer as a number where a double holds it and its neighbours exactly (up to 2^53-1), and in quotes elsewhere. */
export function printSafeInt64(m: Uint8Array, lo: number, hi: number, w: number): number {
  // -2^53, which is hi -0x200000 with lo 0, is one too far.
  if (hi < 0x200000 && (hi > -0x200000 || (hi === -0x200000 && lo !== 0))) return printInt64(m, lo, hi, w);
  m[w] = 34;
  w = printInt64(m, lo, hi, w + 1);
  m[w] = 34;
  return w + 1;
}

export function printSafeUint64(m: Uint8Array, lo: number, hi: number, w: number): number {
  if (hi >>> 0 < 0x200000) return printUint64(m, lo, hi, w);
  m[w] = 34;
  w = printUint64(m, lo, hi, w + 1);
  m[w] = 34;
  return w + 1;
}

/** A double or, when it is exactly a float, the shortest text that reads back as that float. NaN and infinities in quotes. */
export function printDouble(m: Uint8Array, v: number, w: number): number {
  if (v === (v | 0)) {
    if (v === 0 && 1 / v < 0) m[w++] = 45;
    return printInt32(m, v | 0, w);
  }
  // Prices and the like: two decimals, tested by the very division that a reader makes.
  const magnitude = v < 0 ? -v : v;
  if (magnitude < 2e7) {
    const cents = Math.round(magnitude * 100);
    if (cents / 100 === magnitude) {
      if (v < 0) m[w++] = 45;
      return printCents(m, cents, w);
    }
  }
  return printAscii(m, v - v === 0 ? String(v) : notFinite(v), w);
}

export function printFloat(m: Uint8Array, v: number, w: number): number {
  if (v === (v | 0)) return printDouble(m, v, w);
  if (v - v !== 0) return printAscii(m, notFinite(v), w);
  const magnitude = v < 0 ? -v : v;
  if (magnitude < 1e5) {
    const cents = Math.round(magnitude * 100);
    if (Math.fround(cents / 100) === magnitude) {
      if (v < 0) m[w++] = 45;
      return printCents(m, cents, w);
    }
  }
  for (let digits = 6; digits < 9; digits++) {
    const short = Number(v.toPrecision(digits));
    if (Math.fround(short) === v) return printAscii(m, String(short), w);
  }
  return printAscii(m, String(Number(v.toPrecision(9))), w);
}

function notFinite(v: number): string {
  return v > 0 ? '"Infinity"' : v < 0 ? '"-Infinity"' : '"NaN"';
}

function printCents(m: Uint8Array, cents: number, w: number): number {
  const whole = (cents / 100) >>> 0;
  const rest = cents - whole * 100;
  w = printUint32(m, whole, w);
  if (rest === 0) return w;
  const tens = (rest / 10) >>> 0;
  m[w++] = 46;
  m[w++] = 48 + tens;
  if (rest !== tens * 10) m[w++] = 48 + rest - tens * 10;
  return w;
}

/** The varint last read (lower half `lo`, upper half in `reg.hi`), decoded from zigzag, as an int64. */
export function printSint64(m: Uint8Array, lo: number, w: number): number {
  const hi = reg.hi;
  const sign = -(lo & 1);
  return printInt64(m, ((lo >>> 1) | (hi << 31)) ^ sign, (hi >>> 1) ^ sign, w);
}

/** The same, as {@link printSafeInt64} prints. */
export function printSafeSint64(m: Uint8Array, lo: number, w: number): number {
  const hi = reg.hi;
  const sign = -(lo & 1);
  return printSafeInt64(m, ((lo >>> 1) | (hi << 31)) ^ sign, (hi >>> 1) ^ sign, w);
}
