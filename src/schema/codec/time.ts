/**
 * google.protobuf.Timestamp and Duration between the wire ({seconds = 1, nanos = 2}) and their JSON text.
 *
 * A Timestamp is RFC 3339 with upper case T and Z, years 0001 to 9999 after the offset is taken off; a Duration is `-1.5s`, both parts of one
 * sign, at most 10000 years. Both are printed with 0, 3, 6 or 9 decimals.
 */
import type { Buffer } from "node:buffer";
import { reg } from "./registers.ts";
import { expected, refuse } from "./refusal.ts";
import { readTag, readVarint, skipField } from "./wire-read.ts";
import { writeInt32, writeUint64 } from "./wire-write.ts";
import { printAscii, printPadded } from "./print-number.ts";

const TIMESTAMP = 'a string like "2006-01-02T15:04:05.999Z"';
const DURATION = 'a string like "1.5s"';
const MIN_SECONDS = -62135596800;
const MAX_SECONDS = 253402300799;
const MAX_DURATION_SECONDS = 315576000000;
const TWO_32 = 4294967296;
const MONTH_DAYS = Uint8Array.of(0, 31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31);

/** Days since 1970-01-01 of a date in the proleptic Gregorian calendar (Hinnant, "chrono-compatible low-level date algorithms"). */
function daysFromCivil(year: number, month: number, day: number): number {
  const y = month <= 2 ? year - 1 : year;
  const era = Math.floor(y / 400);
  const yearOfEra = y - era * 400;
  const dayOfYear = (((153 * (month > 2 ? month - 3 : month + 9) + 2) / 5) | 0) + day - 1;
  return era * 146097 + yearOfEra * 365 + (yearOfEra >> 2) - ((yearOfEra / 100) | 0) + dayOfYear - 719468;
}

/** Two digits at `p`, or NaN: which fails every comparison that a valid field passes. */
function two(m: Uint8Array, p: number): number {
  const a = m[p]! - 48;
  const b = m[p + 1]! - 48;
  return a >= 0 && a <= 9 && b >= 0 && b <= 9 ? a * 10 + b : NaN;
}

/** Up to nine decimals behind the point at `p` as nanoseconds, and `reg.at` behind them; -1 when there is none or a tenth. */
function readNanos(m: Uint8Array, p: number): number {
  let nanos = 0;
  let unit = 100000000;
  const first = ++p;
  let d = m[p]! - 48;
  while (d >= 0 && d <= 9) {
    if (p - first === 9) return -1;
    nanos += d * unit;
    unit /= 10;
    d = m[++p]! - 48;
  }
  reg.at = p;
  return p === first ? -1 : nanos;
}

function writeParts(m: Uint8Array, seconds: number, nanos: number, w: number): number {
  if (seconds !== 0) {
    m[w++] = 8;
    w = writeUint64(m, seconds | 0, Math.floor(seconds / TWO_32) | 0, w);
  }
  if (nanos !== 0) {
    m[w++] = 16;
    w = writeInt32(m, nanos, w);
  }
  return w;
}

export function readTimestamp(m: Buffer, p: number, w: number): number {
  if (m[p] !== 34) expected(p, TIMESTAMP);
  const start = p++;
  const year = two(m, p) * 100 + two(m, p + 2);
  const month = two(m, p + 5);
  const day = two(m, p + 8);
  const hour = two(m, p + 11);
  const minute = two(m, p + 14);
  const second = two(m, p + 17);
  const shaped = m[p + 4] === 45 && m[p + 7] === 45 && m[p + 10] === 84 && m[p + 13] === 58 && m[p + 16] === 58;
  if (!shaped || !(year >= 0 && month >= 1 && month <= 12 && day >= 1 && day <= MONTH_DAYS[month]!)) expected(start, TIMESTAMP);
  if (!(hour <= 23 && minute <= 59 && second <= 59)) expected(start, TIMESTAMP);
  if (day === 29 && month === 2 && !(year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0))) expected(start, "a day that exists");
  p += 19;
  let nanos = 0;
  if (m[p] === 46) {
    nanos = readNanos(m, p);
    if (nanos < 0) expected(start, TIMESTAMP);
    p = reg.at;
  }
  let seconds = daysFromCivil(year, month, day) * 86400 + hour * 3600 + minute * 60 + second;
  if (m[p] === 90) {
    p++;
  } else {
    const offset = two(m, p + 1) * 3600 + two(m, p + 4) * 60;
    if ((m[p] !== 43 && m[p] !== 45) || m[p + 3] !== 58 || !(two(m, p + 1) <= 23 && two(m, p + 4) <= 59)) expected(start, TIMESTAMP);
    seconds += m[p] === 45 ? offset : -offset;
    p += 6;
  }
  if (m[p] !== 34) expected(start, TIMESTAMP);
  if (seconds < MIN_SECONDS || seconds > MAX_SECONDS) expected(start, "a time from year 1 to year 9999");
  reg.at = p + 1;
  return writeParts(m, seconds, nanos, w);
}

export function readDuration(m: Buffer, p: number, w: number): number {
  if (m[p] !== 34) expected(p, DURATION);
  const start = p++;
  const negative = m[p] === 45;
  if (negative) p++;
  const first = p;
  let seconds = 0;
  let d = m[p]! - 48;
  while (d >= 0 && d <= 9 && p - first < 20) {
    seconds = seconds * 10 + d;
    d = m[++p]! - 48;
  }
  if (p === first) expected(start, DURATION);
  let nanos = 0;
  if (m[p] === 46) {
    nanos = readNanos(m, p);
    if (nanos < 0) expected(start, DURATION);
    p = reg.at;
  }
  if (m[p] !== 115 || m[p + 1] !== 34) expected(start, DURATION);
  if (seconds > MAX_DURATION_SECONDS) expected(start, "a duration of at most 315576000000s");
  reg.at = p + 2;
  return writeParts(m, negative ? 0 - seconds : seconds, negative ? 0 - nanos : nanos, w);
}

/** Reads {seconds, nanos} of [p, e): the parts, in two registers of this file. */
const parts = { seconds: 0, nanos: 0 };

function readParts(m: Uint8Array, p: number, e: number): void {
  parts.seconds = 0;
  parts.nanos = 0;
  while (p < e) {
    const tag = readTag(m, p);
    p = reg.at;
    if (tag === 8) {
      const lo = readVarint(m, p);
      parts.seconds = reg.hi * TWO_32 + (lo >>> 0);
      p = reg.at;
    } else if (tag === 16) {
      parts.nanos = readVarint(m, p);
      p = reg.at;
    } else {
      p = skipField(m, p, e, tag);
    }
  }
  if (p !== e) refuse(e, "malformed protobuf: a field runs past the end");
}

function printNanos(m: Uint8Array, nanos: number, w: number): number {
  if (nanos === 0) return w;
  m[w++] = 46;
  if (nanos % 1000000 === 0) return printPadded(m, nanos / 1000000, 3, w);
  if (nanos % 1000 === 0) return printPadded(m, nanos / 1000, 6, w);
  return printPadded(m, nanos, 9, w);
}

export function printTimestamp(m: Buffer, p: number, e: number, w: number): number {
  readParts(m, p, e);
  const { seconds, nanos } = parts;
  if (seconds < MIN_SECONDS || seconds > MAX_SECONDS) refuse(p, "a Timestamp outside of year 1 to 9999 has no JSON form");
  if (nanos < 0 || nanos > 999999999) refuse(p, "a Timestamp with nanos outside of 0 to 999999999 has no JSON form");
  const days = Math.floor(seconds / 86400);
  const rest = seconds - days * 86400;
  // daysFromCivil, inverted.
  const z = days + 719468;
  const era = Math.floor(z / 146097);
  const dayOfEra = z - era * 146097;
  const yearOfEra = ((dayOfEra - ((dayOfEra / 1460) | 0) + ((dayOfEra / 36524) | 0) - ((dayOfEra / 146096) | 0)) / 365) | 0;
  const dayOfYear = dayOfEra - (365 * yearOfEra + (yearOfEra >> 2) - ((yearOfEra / 100) | 0));
  const shifted = ((5 * dayOfYear + 2) / 153) | 0;
  const month = shifted < 10 ? shifted + 3 : shifted - 9;
  const day = dayOfYear - (((153 * shifted + 2) / 5) | 0) + 1;
  const year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0);
  const hour = (rest / 3600) | 0;
  const minute = ((rest - hour * 3600) / 60) | 0;
  m[w] = 34;
  w = printPadded(m, year, 4, w + 1);
  m[w] = 45;
  w = printPadded(m, month, 2, w + 1);
  m[w] = 45;
  w = printPadded(m, day, 2, w + 1);
  m[w] = 84;
  w = printPadded(m, hour, 2, w + 1);
  m[w] = 58;
  w = printPadded(m, minute, 2, w + 1);
  m[w] = 58;
  w = printPadded(m, rest - hour * 3600 - minute * 60, 2, w + 1);
  w = printNanos(m, nanos, w);
  m[w] = 90;
  m[w + 1] = 34;
  return w + 2;
}

export function printDuration(m: Buffer, p: number, e: number, w: number): number {
  readParts(m, p, e);
  const { seconds, nanos } = parts;
  if (seconds > MAX_DURATION_SECONDS || seconds < -MAX_DURATION_SECONDS)
    refuse(p, "a Duration of more than 315576000000s has no JSON form");
  if (nanos > 999999999 || nanos < -999999999 || (seconds > 0 && nanos < 0) || (seconds < 0 && nanos > 0))
    refuse(p, "a Duration whose nanos are out of range or of another sign than its seconds has no JSON form");
  m[w++] = 34;
  if (seconds < 0 || nanos < 0) m[w++] = 45;
  w = printAscii(m, String(Math.abs(seconds)), w);
  w = printNanos(m, Math.abs(nanos), w);
  m[w] = 115;
  m[w + 1] = 34;
  return w + 2;
}
