/**
 * Reading numbers from JSON, bare or quoted, with all their digits.
 *
 * ProtoJSON takes `1`, `"1"`, `1.0` and `1e2` for an integer, but never `1.5`, and never a value out of range. The plain spellings are read
 * in one pass; the others go through {@link exactInteger} or `Number()`, which rounds correctly.
 */
import type { Buffer } from "node:buffer";
import { reg } from "./registers.ts";
import { expected, refuse } from "./refusal.ts";
import { skipNumber } from "./json-text.ts";

const POWERS_OF_TEN = Float64Array.from({ length: 23 }, (_, i) => Number(`1e${i}`));
const TWO_32 = 4294967296;
/** More digits than any 64-bit integer has. */
const MAX_INTEGER_DIGITS = 25;

/** An integer in [min, max], both within 32 bits. */
export function readInteger32(m: Buffer, p: number, min: number, max: number): number {
  if (m[p] !== 34) return bareInteger32(m, p, min, max);
  const v = bareInteger32(m, p + 1, min, max);
  if (m[reg.at] !== 34) expected(p, "an integer");
  reg.at++;
  return v;
}

export function bareInteger32(m: Buffer, p: number, min: number, max: number): number {
  const first = p;
  const negative = m[p] === 45;
  if (negative) p++;
  const digits = p;
  let v = 0;
  let d = m[p]! - 48;
  while (d >= 0 && d <= 9 && p - digits < 11) {
    v = v * 10 + d;
    d = m[++p]! - 48;
  }
  const n = p - digits;
  const c = m[p]!;
  if (n === 0) expected(first, "an integer");
  if (n > 10 || c === 46 || c === 101 || c === 69 || (n > 1 && m[digits] === 48)) {
    const exact = slowInteger(m, first);
    if (exact < min || exact > max) outOfRange(first, min, max);
    return Number(exact);
  }
  if (negative) v = 0 - v;
  if (v < min || v > max) outOfRange(first, min, max);
  reg.at = p;
  return v;
}

/** An integer of 64 bits: `reg.lo`, `reg.hi`. */
export function readInteger64(m: Buffer, p: number, signed: boolean): void {
  if (m[p] !== 34) {
    bareInteger64(m, p, signed);
    return;
  }
  bareInteger64(m, p + 1, signed);
  if (m[reg.at] !== 34) expected(p, "an integer");
  reg.at++;
}

function bareInteger64(m: Buffer, p: number, signed: boolean): void {
  const first = p;
  const negative = m[p] === 45;
  if (negative) p++;
  const digits = p;
  let v = 0;
  let d = m[p]! - 48;
  while (d >= 0 && d <= 9 && p - digits < 15) {
    v = v * 10 + d;
    d = m[++p]! - 48;
  }
  let hi = (v / TWO_32) >>> 0;
  let lo = v >>> 0;
  if (d >= 0 && d <= 9) {
    // 16 to 20 digits: what follows the first 15 is below 1e5, so both halves stay exact in a double.
    let rest = 0;
    let scale = 1;
    while (d >= 0 && d <= 9 && p - digits < 21) {
      rest = rest * 10 + d;
      scale *= 10;
      d = m[++p]! - 48;
    }
    const low = lo * scale + rest;
    const high = hi * scale + Math.floor(low / TWO_32);
    if (scale > 100000 || high >= TWO_32) {
      storeExact(slowInteger(m, first), first, signed);
      return;
    }
    lo = low >>> 0;
    hi = high;
  }
  const n = p - digits;
  const c = m[p]!;
  if (n === 0) expected(first, "an integer");
  if (c === 46 || c === 101 || c === 69 || (n > 1 && m[digits] === 48)) {
    storeExact(slowInteger(m, first), first, signed);
    return;
  }
  if (signed) {
    if (hi >= 0x80000000 && !(negative && hi === 0x80000000 && lo === 0)) outOfRange64(first, signed);
  } else if (negative && (hi !== 0 || lo !== 0)) {
    outOfRange64(first, signed);
  }
  reg.at = p;
  if (negative) {
    reg.lo = -lo | 0;
    reg.hi = (~hi + (lo === 0 ? 1 : 0)) | 0;
  } else {
    reg.lo = lo | 0;
    reg.hi = hi | 0;
  }
}

function storeExact(value: bigint, at: number, signed: boolean): void {
  if (signed ? value < -(2n ** 63n) || value >= 2n ** 63n : value < 0n || value >= 2n ** 64n) outOfRange64(at, signed);
  reg.lo = Number(BigInt.asIntN(32, value));
  reg.hi = Number(BigInt.asIntN(32, value >> 32n));
}

function slowInteger(m: Buffer, p: number): bigint {
  const end = skipNumber(m, p);
  reg.at = end;
  if (end - p > 1000) refuse(p, "number has more than 1000 characters");
  const value = exactInteger(m.toString("latin1", p, end));
  if (value === undefined) expected(p, "an integer");
  return value;
}

/** The value of a JSON number if it is an integer (of any size that can matter: larger ones become 10^30), else undefined. */
function exactInteger(text: string): bigint | undefined {
  const [, sign, whole, fraction = "", exponent = "0"] = /^(-?)(\d+)(?:\.(\d+))?(?:[eE]([+-]?\d+))?$/.exec(text)!;
  let digits = (whole! + fraction).replace(/^0+/, "");
  if (digits === "") return 0n;
  const scale = Number(exponent) - fraction.length;
  if (scale < 0) {
    if (-scale >= digits.length || !/^0+$/.test(digits.slice(scale))) return undefined;
    digits = digits.slice(0, scale);
  } else if (scale + digits.length > MAX_INTEGER_DIGITS) {
    digits = "1" + "0".repeat(30);
  } else {
    digits += "0".repeat(scale);
  }
  if (digits.length > MAX_INTEGER_DIGITS) digits = "1" + "0".repeat(30);
  const value = BigInt(digits);
  return sign === "-" ? -value : value;
}

function outOfRange(at: number, min: number, max: number): never {
  return expected(at, `an integer from ${min} to ${max}`);
}

function outOfRange64(at: number, signed: boolean): never {
  return expected(at, signed ? "an integer of 64 bits" : "an unsigned integer of 64 bits");
}

/** A double: a number, a quoted number, or "NaN", "Infinity", "-Infinity". */
export function readDouble(m: Buffer, p: number): number {
  if (m[p] !== 34) return bareDouble(m, p);
  const c = m[p + 1]!;
  if (c === 78 || c === 73 || (c === 45 && m[p + 2] === 73)) {
    if (m.toString("latin1", p, p + 5) === '"NaN"') {
      reg.at = p + 5;
      return NaN;
    }
    if (m.toString("latin1", p, p + 10) === '"Infinity"') {
      reg.at = p + 10;
      return Infinity;
    }
    if (m.toString("latin1", p, p + 11) === '"-Infinity"') {
      reg.at = p + 11;
      return -Infinity;
    }
  }
  const v = bareDouble(m, p + 1);
  if (m[reg.at] !== 34) expected(p, "a number");
  reg.at++;
  return v;
}

/** A JSON number as a double, rounded correctly; refused when it overflows. */
export function bareDouble(m: Buffer, p: number): number {
  const first = p;
  const negative = m[p] === 45;
  if (negative) p++;
  const digits = p;
  let v = 0;
  let d = m[p]! - 48;
  while (d >= 0 && d <= 9) {
    v = v * 10 + d;
    d = m[++p]! - 48;
  }
  if (p === digits) expected(first, "a number");
  if (p - digits > 1 && m[digits] === 48) refuse(digits, "malformed JSON: a number has no leading zero");
  let decimals = 0;
  if (m[p] === 46) {
    const point = p;
    d = m[++p]! - 48;
    while (d >= 0 && d <= 9) {
      v = v * 10 + d;
      d = m[++p]! - 48;
    }
    decimals = p - point - 1;
    if (decimals === 0) refuse(p, "malformed JSON: expected a digit");
  }
  const c = m[p]!;
  // Up to 15 digits are exact in a double, and so are the powers of ten up to 22: one division rounds once.
  if (c !== 101 && c !== 69 && p - digits <= 16) {
    reg.at = p;
    if (decimals !== 0) v = v / POWERS_OF_TEN[decimals]!;
    return negative ? -v : v;
  }
  p = skipNumber(m, first);
  reg.at = p;
  v = Number(m.toString("latin1", first, p));
  if (v === Infinity || v === -Infinity) expected(first, "a number within the range of a double");
  return v;
}

/** A float: like a double, and within the range of a float once rounded. */
export function readFloat(m: Buffer, p: number): number {
  const v = readDouble(m, p);
  const rounded = Math.fround(v);
  if ((rounded === Infinity || rounded === -Infinity) && v !== rounded) expected(p, "a number within the range of a float");
  return rounded;
}
