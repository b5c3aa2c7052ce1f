/**
 * One scalar value between JSON and the wire, by a switch over its type: the interpreter's way, and that of the wrapper messages.
 *
 * The compiled codec calls the same primitives without the switch.
 */
import type { Buffer } from "node:buffer";
import type { ScalarType } from "../descriptor.ts";
import { grow, MAX_DEPTH, reg, SLACK_BYTES } from "./registers.ts";
import { expected, refuse } from "./refusal.ts";
import { copyString, readBool } from "./json-text.ts";
import { readDouble, readFloat, readInteger32, readInteger64 } from "./json-number.ts";
import { readBase64, printBase64 } from "./base64.ts";
import { readLength, readTag, readVarint, skipField } from "./wire-read.ts";
import { closeLength, writeFixed32, writeFixed64, writeInt32, writeSint32, writeSint64, writeUint32, writeUint64 } from "./wire-write.ts";
import {
  printDouble,
  printFloat,
  printInt32,
  printInt64,
  printSafeInt64,
  printSafeSint64,
  printSafeUint64,
  printSint64,
  printUint32,
  printUint64,
} from "./print-number.ts";
import { printLenientString, printString } from "./print-text.ts";
import type { Printer, Reader } from "./transcoder.ts";

export const INT32_MIN = -2147483648;
export const INT32_MAX = 2147483647;
const UINT32_MAX = 4294967295;

export function wireTypeOf(scalar: ScalarType): 0 | 1 | 2 | 5 {
  switch (scalar) {
    case "double":
    case "fixed64":
    case "sfixed64":
      return 1;
    case "float":
    case "fixed32":
    case "sfixed32":
      return 5;
    case "string":
    case "bytes":
      return 2;
    default:
      return 0;
  }
}

/** Reads the JSON value at `p` and writes it, without a tag, at `w`. */
export function readScalar(scalar: ScalarType, m: Buffer, p: number, w: number): number {
  switch (scalar) {
    case "string": {
      if (m[p] !== 34) expected(p, "a string");
      return closeLength(m, w, 1, copyString(m, p + 1, w + 1));
    }
    case "bytes": {
      if (m[p] !== 34) expected(p, "a string in base64");
      return closeLength(m, w, 1, readBase64(m, p + 1, w + 1));
    }
    case "bool": {
      const value = readBool(m, p);
      if (value < 0) expected(p, "true or false");
      m[w] = value;
      return w + 1;
    }
    case "int32":
      return writeInt32(m, readInteger32(m, p, INT32_MIN, INT32_MAX), w);
    case "sint32":
      return writeSint32(m, readInteger32(m, p, INT32_MIN, INT32_MAX), w);
    case "sfixed32":
      return writeFixed32(m, readInteger32(m, p, INT32_MIN, INT32_MAX), w);
    case "uint32":
      return writeUint32(m, readInteger32(m, p, 0, UINT32_MAX), w);
    case "fixed32":
      return writeFixed32(m, readInteger32(m, p, 0, UINT32_MAX), w);
    case "int64":
      readInteger64(m, p, true);
      return writeUint64(m, reg.lo, reg.hi, w);
    case "sint64":
      readInteger64(m, p, true);
      return writeSint64(m, reg.lo, reg.hi, w);
    case "sfixed64":
      readInteger64(m, p, true);
      return writeFixed64(m, reg.lo, reg.hi, w);
    case "uint64":
      readInteger64(m, p, false);
      return writeUint64(m, reg.lo, reg.hi, w);
    case "fixed64":
      readInteger64(m, p, false);
      return writeFixed64(m, reg.lo, reg.hi, w);
    case "double":
      reg.view.setFloat64(w, readDouble(m, p), true);
      return w + 8;
    case "float":
      reg.view.setFloat32(w, readFloat(m, p), true);
      return w + 4;
  }
}

/** JSON has it in quotes, because not every reader keeps all its digits. */
export function isInteger64(scalar: ScalarType): boolean {
  return defaultJson(scalar) === '"0"';
}

/** How a scalar is printed. */
export interface ScalarForm {
  readonly validateUtf8: boolean;
  /** 64-bit integers stand without quotes where that is safe. */
  readonly int64Numbers: boolean;
}

/** Prints the wire value at `p`, which ends at or before `e`, at `w`; makes its own room; `reg.at` is then behind the value. */
export function printScalar(scalar: ScalarType, form: ScalarForm, m: Buffer, p: number, e: number, w: number): number {
  switch (scalar) {
    case "string":
    case "bytes": {
      const n = readLength(m, p, e);
      const from = reg.at;
      if (w + n * 6 + SLACK_BYTES > m.length) m = grow(w, n * 6 + SLACK_BYTES);
      if (scalar === "bytes") w = printBase64(m, from, from + n, w);
      else if (form.validateUtf8) w = printString(m, from, from + n, w);
      else w = printLenientString(m, from, from + n, w);
      reg.at = from + n;
      return w;
    }
    default:
      if (w + SLACK_BYTES > m.length) m = grow(w, SLACK_BYTES);
      w = printNumber(scalar, form.int64Numbers, m, p, w);
      if (reg.at > e) refuse(e, "malformed protobuf: a field runs past the end");
      return w;
  }
}

function printNumber(scalar: Exclude<ScalarType, "string" | "bytes">, safe: boolean, m: Buffer, p: number, w: number): number {
  switch (wireTypeOf(scalar)) {
    case 5:
      reg.at = p + 4;
      if (scalar === "float") return printFloat(m, reg.view.getFloat32(p, true), w);
      if (scalar === "fixed32") return printUint32(m, reg.view.getUint32(p, true), w);
      return printInt32(m, reg.view.getInt32(p, true), w);
    case 1: {
      reg.at = p + 8;
      if (scalar === "double") return printDouble(m, reg.view.getFloat64(p, true), w);
      const lo = reg.view.getInt32(p, true);
      const hi = reg.view.getInt32(p + 4, true);
      if (safe) return scalar === "fixed64" ? printSafeUint64(m, lo, hi, w) : printSafeInt64(m, lo, hi, w);
      m[w] = 34;
      w = scalar === "fixed64" ? printUint64(m, lo, hi, w + 1) : printInt64(m, lo, hi, w + 1);
      m[w] = 34;
      return w + 1;
    }
    default:
  }
  const lo = readVarint(m, p);
  switch (scalar) {
    case "bool": {
      const value = lo !== 0 || reg.hi !== 0;
      m.write(value ? "true" : "false", w, "latin1");
      return w + (value ? 4 : 5);
    }
    case "int32":
      return printInt32(m, lo, w);
    case "uint32":
      return printUint32(m, lo >>> 0, w);
    case "sint32":
      return printInt32(m, (lo >>> 1) ^ -(lo & 1), w);
    default:
  }
  if (safe) {
    if (scalar === "int64") return printSafeInt64(m, lo, reg.hi, w);
    return scalar === "uint64" ? printSafeUint64(m, lo, reg.hi, w) : printSafeSint64(m, lo, w);
  }
  m[w++] = 34;
  if (scalar === "int64") w = printInt64(m, lo, reg.hi, w);
  else if (scalar === "uint64") w = printUint64(m, lo, reg.hi, w);
  else w = printSint64(m, lo, w);
  m[w] = 34;
  return w + 1;
}

/** The wire bytes at [p, ...) hold the type's default: "" , 0 or false (but not -0). */
export function isDefault(scalar: ScalarType, m: Buffer, p: number): boolean {
  switch (wireTypeOf(scalar)) {
    case 1:
      return reg.view.getInt32(p, true) === 0 && reg.view.getInt32(p + 4, true) === 0;
    case 5:
      return reg.view.getInt32(p, true) === 0;
    default: {
      const lo = readVarint(m, p);
      return lo === 0 && (reg.hi === 0 || scalar === "int32" || scalar === "uint32" || scalar === "sint32");
    }
  }
}

/** The JSON of a scalar's default. */
export function defaultJson(scalar: ScalarType, int64Numbers = false): string {
  switch (scalar) {
    case "string":
    case "bytes":
      return '""';
    case "bool":
      return "false";
    case "int64":
    case "uint64":
    case "sint64":
    case "fixed64":
    case "sfixed64":
      return int64Numbers ? "0" : '"0"';
    default:
      return "0";
  }
}

/** The reader of google.protobuf.Int64Value and its like: { value = 1 }, in JSON the value alone. */
export function wrapperReader(scalar: ScalarType): Reader {
  const tag = 8 | wireTypeOf(scalar);
  return (m, p, w) => {
    m[w] = tag;
    return readScalar(scalar, m, p, w + 1);
  };
}

export function wrapperPrinter(scalar: ScalarType, int64Numbers: boolean): Printer {
  const own = 8 | wireTypeOf(scalar);
  const initial = defaultJson(scalar, int64Numbers);
  const form: ScalarForm = { validateUtf8: true, int64Numbers };
  return (m, p, e, w) => {
    if (++reg.depth > MAX_DEPTH) refuse(p, "nested deeper than 100 levels");
    let from = -1;
    while (p < e) {
      const tag = readTag(m, p);
      p = reg.at;
      if (tag === own) from = p;
      p = skipField(m, p, e, tag);
    }
    if (p !== e) refuse(e, "malformed protobuf: a field runs past the end");
    reg.depth--;
    if (from >= 0) return printScalar(scalar, form, m, from, e, w);
    if (w + SLACK_BYTES > m.length) m = grow(w, SLACK_BYTES);
    m.write(initial, w, "latin1");
    return w + initial.length;
  };
}
