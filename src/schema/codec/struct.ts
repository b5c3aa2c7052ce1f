/**
 * google.protobuf.Struct, Value and ListValue: JSON as a protobuf message.
 *
 * Value { null_value = 1, number_value = 2, string_value = 3, bool_value = 4, struct_value = 5, list_value = 6 }, Struct { map fields = 1 },
 * ListValue { repeated values = 1 }. Each JSON level counts two levels of nesting, as the messages do on the wire.
 */
import type { Buffer } from "node:buffer";
import { grow, MAX_DEPTH, reg, SLACK_BYTES } from "./registers.ts";
import { expected, giveUp, refuse } from "./refusal.ts";
import { copyString, readBool, skipColon, skipNull, skipSpace } from "./json-text.ts";
import { bareDouble } from "./json-number.ts";
import { readLength, readTag, readVarint, skipField } from "./wire-read.ts";
import { closeLength } from "./wire-write.ts";
import { printDouble } from "./print-number.ts";
import { printString } from "./print-text.ts";
import { keyText, noteKey, sameKeys } from "./keys.ts";
import { printJoined } from "./join.ts";

const TOO_DEEP = "nested deeper than 100 levels";
const TRUNCATED = "malformed protobuf: a field runs past the end";

export function readValue(m: Buffer, p: number, w: number): number {
  let start;
  switch (m[p]) {
    case 110:
      reg.at = skipNull(m, p);
      m[w] = 8;
      m[w + 1] = 0;
      return w + 2;
    case 34:
      m[w] = 26;
      start = w + 1;
      w = copyString(m, p + 1, w + 2);
      return closeLength(m, start, 1, w);
    case 116:
    case 102: {
      const value = readBool(m, p);
      if (value < 0) expected(p, "a value");
      m[w] = 32;
      m[w + 1] = value;
      return w + 2;
    }
    case 123:
    case 91:
      if (++reg.depth > MAX_DEPTH) refuse(p, TOO_DEEP);
      start = w + 1;
      if (m[p] === 123) {
        m[w] = 42;
        w = readStruct(m, p, w + 2);
      } else {
        m[w] = 50;
        w = readListValue(m, p, w + 2);
      }
      reg.depth--;
      return closeLength(m, start, 1, w);
    default: {
      const c = m[p]!;
      if (c !== 45 && !(c >= 48 && c <= 57)) expected(p, "a value");
      m[w] = 17;
      reg.view.setFloat64(w + 1, bareDouble(m, p), true);
      return w + 9;
    }
  }
}

export function readStruct(m: Buffer, p: number, w: number): number {
  if (m[p] !== 123) expected(p, "an object");
  if (++reg.depth > MAX_DEPTH) refuse(p, TOO_DEEP);
  const base = reg.keyTop;
  const seen = reg.exact ? new Set<string>() : undefined;
  p = skipSpace(m, p + 1);
  if (m[p] !== 125) {
    for (;;) {
      if (m[p] !== 34) refuse(p, "malformed JSON: expected a name in quotes");
      m[w] = 10;
      const entry = w + 1;
      m[w + 2] = 10;
      const key = w + 3;
      w = copyString(m, p + 1, w + 4);
      if (seen === undefined) {
        noteKey(m, key + 1, w);
      } else {
        const text = keyText(m, key + 1, w);
        if (seen.has(text)) refuse(p, `duplicate name ${JSON.stringify(m.toString("utf8", key + 1, w))} in an object`);
        seen.add(text);
      }
      p = reg.at;
      w = closeLength(m, key, 1, w);
      p = skipColon(m, p);
      m[w] = 18;
      const value = w + 1;
      w = readValue(m, p, w + 2);
      p = skipSpace(m, reg.at);
      w = closeLength(m, value, 1, w);
      w = closeLength(m, entry, 1, w);
      if (m[p] === 125) break;
      if (m[p] !== 44) refuse(p, "malformed JSON: expected ',' or '}'");
      p = skipSpace(m, p + 1);
    }
  }
  if (seen === undefined && sameKeys(base)) giveUp(p);
  reg.depth--;
  reg.at = p + 1;
  return w;
}

export function readListValue(m: Buffer, p: number, w: number): number {
  if (m[p] !== 91) expected(p, "an array");
  if (++reg.depth > MAX_DEPTH) refuse(p, TOO_DEEP);
  p = skipSpace(m, p + 1);
  if (m[p] !== 93) {
    for (;;) {
      m[w] = 10;
      const value = w + 1;
      w = readValue(m, p, w + 2);
      p = skipSpace(m, reg.at);
      w = closeLength(m, value, 1, w);
      if (m[p] === 93) break;
      if (m[p] !== 44) refuse(p, "malformed JSON: expected ',' or ']'");
      p = skipSpace(m, p + 1);
    }
  }
  reg.depth--;
  reg.at = p + 1;
  return w;
}

export function printValue(m: Buffer, p: number, e: number, w: number): number {
  if (++reg.depth > MAX_DEPTH) refuse(p, TOO_DEEP);
  const start = p;
  let member = 0;
  let from = 0;
  let to = 0;
  let pieces: number[] | undefined;
  while (p < e) {
    const tag = readTag(m, p);
    p = reg.at;
    switch (tag) {
      case 8:
      case 32:
        from = p;
        readVarint(m, p);
        p = reg.at;
        break;
      case 17:
        from = p;
        p += 8;
        break;
      case 26:
      case 42:
      case 50: {
        const n = readLength(m, p, e);
        if (tag !== 26 && member === tag) pieces = pieces ? [...pieces, reg.at, reg.at + n] : [from, to, reg.at, reg.at + n];
        else pieces = undefined;
        from = reg.at;
        p = to = reg.at + n;
        break;
      }
      default:
        p = skipField(m, p, e, tag);
        continue;
    }
    member = tag;
  }
  if (p !== e) refuse(e, TRUNCATED);
  if (member === 26 && w + (to - from) * 6 + SLACK_BYTES > m.length) m = grow(w, (to - from) * 6 + SLACK_BYTES);
  else if (w + SLACK_BYTES > m.length) m = grow(w, SLACK_BYTES);
  switch (member) {
    case 8:
      m.write("null", w, "latin1");
      w += 4;
      break;
    case 32: {
      const value = readVarint(m, from) !== 0 || reg.hi !== 0;
      m.write(value ? "true" : "false", w, "latin1");
      w += value ? 4 : 5;
      break;
    }
    case 17: {
      const value = reg.view.getFloat64(from, true);
      if (value - value !== 0) refuse(start, "a Value that holds NaN or an infinity has no JSON form");
      w = printDouble(m, value, w);
      break;
    }
    case 26:
      w = printString(m, from, to, w);
      break;
    case 42:
      w = pieces ? printJoined(printStruct, pieces, w) : printStruct(m, from, to, w);
      break;
    case 50:
      w = pieces ? printJoined(printListValue, pieces, w) : printListValue(m, from, to, w);
      break;
    default:
      refuse(start, "a Value that holds nothing has no JSON form");
  }
  reg.depth--;
  return w;
}

export function printListValue(m: Buffer, p: number, e: number, w: number): number {
  if (++reg.depth > MAX_DEPTH) refuse(p, TOO_DEEP);
  if (w + SLACK_BYTES > m.length) m = grow(w, SLACK_BYTES);
  m[w++] = 91;
  let first = true;
  while (p < e) {
    const tag = readTag(m, p);
    p = reg.at;
    if (tag !== 10) {
      p = skipField(m, p, e, tag);
      continue;
    }
    const n = readLength(m, p, e);
    p = reg.at;
    if (!first) m[w++] = 44;
    first = false;
    w = printValue(m, p, p + n, w);
    m = reg.memory;
    p += n;
  }
  if (p !== e) refuse(e, TRUNCATED);
  m[w] = 93;
  reg.depth--;
  return w + 1;
}

/** The entry last read by {@link readEntry}: where its key and value lie. */
const entry = { key: 0, keyEnd: 0, value: 0, valueEnd: 0, pieces: undefined as number[] | undefined };

function readEntry(m: Buffer, p: number, e: number): void {
  entry.key = entry.keyEnd = entry.value = entry.valueEnd = e;
  entry.pieces = undefined;
  let values = 0;
  while (p < e) {
    const tag = readTag(m, p);
    p = reg.at;
    if (tag !== 10 && tag !== 18) {
      p = skipField(m, p, e, tag);
      continue;
    }
    const n = readLength(m, p, e);
    p = reg.at;
    if (tag === 10) {
      entry.key = p;
      entry.keyEnd = p + n;
    } else {
      if (++values > 1) entry.pieces = [...(entry.pieces ?? [entry.value, entry.valueEnd]), p, p + n];
      entry.value = p;
      entry.valueEnd = p + n;
    }
    p += n;
  }
  if (p !== e) refuse(e, TRUNCATED);
}

export function printStruct(m: Buffer, p: number, e: number, w: number): number {
  if (++reg.depth > MAX_DEPTH) refuse(p, TOO_DEEP);
  if (w + SLACK_BYTES > m.length) m = grow(w, SLACK_BYTES);
  const base = reg.keyTop;
  // The exact way keeps the last entry of every key, at the place of the first.
  const last = reg.exact ? new Map<string, typeof entry>() : undefined;
  m[w++] = 123;
  let first = true;
  while (p < e) {
    const tag = readTag(m, p);
    p = reg.at;
    if (tag !== 10) {
      p = skipField(m, p, e, tag);
      continue;
    }
    const n = readLength(m, p, e);
    p = reg.at;
    readEntry(m, p, p + n);
    p += n;
    if (last !== undefined) {
      last.set(keyText(m, entry.key, entry.keyEnd), { ...entry });
      continue;
    }
    if (entry.pieces !== undefined) giveUp(p);
    noteKey(m, entry.key, entry.keyEnd);
    w = printEntry(m, entry.key, entry.keyEnd, entry.value, entry.valueEnd, first, w);
    m = reg.memory;
    first = false;
  }
  if (p !== e) refuse(e, TRUNCATED);
  if (last === undefined) {
    if (sameKeys(base)) giveUp(p);
  } else {
    for (const { key, keyEnd, value, valueEnd, pieces } of last.values()) {
      if (pieces === undefined) {
        w = printEntry(m, key, keyEnd, value, valueEnd, first, w);
      } else {
        w = printEntryKey(m, key, keyEnd, first, w);
        w = printJoined(printValue, pieces, w);
      }
      m = reg.memory;
      first = false;
    }
  }
  m[w] = 125;
  reg.depth--;
  return w + 1;
}

function printEntryKey(m: Buffer, key: number, keyEnd: number, first: boolean, w: number): number {
  const room = (keyEnd - key) * 6 + SLACK_BYTES;
  if (w + room > m.length) m = grow(w, room);
  if (!first) m[w++] = 44;
  w = printString(m, key, keyEnd, w);
  m[w] = 58;
  return w + 1;
}

function printEntry(m: Buffer, key: number, keyEnd: number, value: number, valueEnd: number, first: boolean, w: number): number {
  w = printEntryKey(m, key, keyEnd, first, w);
  return printValue(reg.memory, value, valueEnd, w);
}
