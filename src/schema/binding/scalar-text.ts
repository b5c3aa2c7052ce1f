/**
 * Text of a path or query -> the protobuf value of a scalar or enum field.
 *
 * What is accepted is what ProtoJSON accepts between quotes (so `1e3` is an integer and `1.5` is not), and nothing more: no spaces, no plus
 * sign, no leading zeros, no `yes` for true.
 */
import type { EnumDescriptor, ScalarType } from "../descriptor.ts";
import { enumNames, type EnumProfile } from "../codec/enum-names.ts";
import { writeFixed32, writeFixed64, writeInt32, writeSint32, writeSint64, writeUint32, writeUint64 } from "../codec/wire-write.ts";
import { didYouMean } from "../../core/nearest-name.ts";
import type { WireWriter } from "./wire-writer.ts";

const digitsText = /^-?(0|[1-9]\d*)$/;
const numberText = /^-?(0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?$/;
const base64Text = /^[A-Za-z0-9+/_-]*={0,2}$/;

/** Nothing that is an integer of 64 bits needs more characters; exponents are bounded with it. */
const longestInteger = 64;

const min64 = -(2n ** 63n);
const max64 = 2n ** 63n - 1n;
const maxUnsigned64 = 2n ** 64n - 1n;

/** Writes the value, without tag; for `bytes` with its length. False when the text is not a value of the type. `string` is not for this. */
export function writeScalar(scalar: ScalarType, text: string, out: WireWriter): boolean {
  out.reserveNumber();
  switch (scalar) {
    case "int32":
    case "sint32":
    case "sfixed32":
      return writeSigned32(scalar, text, out);
    case "uint32":
    case "fixed32":
      return writeUnsigned32(scalar, text, out);
    case "int64":
    case "sint64":
    case "sfixed64":
    case "uint64":
    case "fixed64":
      return write64(scalar, text, out);
    case "bool":
      if (text !== "true" && text !== "false") return false;
      out.bytes[out.at++] = text === "true" ? 1 : 0;
      return true;
    case "double":
    case "float":
      return writeFloating(scalar, text, out);
    case "bytes":
      return writeBytes(text, out);
    case "string":
      out.prefixed(Buffer.from(text, "utf8"));
      return true;
  }
}

/** What a value of the type looks like: completes "must be ...". */
export function expectationOf(scalar: ScalarType): string {
  switch (scalar) {
    case "int32":
    case "sint32":
    case "sfixed32":
      return "a whole number from -2147483648 to 2147483647";
    case "uint32":
    case "fixed32":
      return "a whole number from 0 to 4294967295";
    case "int64":
    case "sint64":
    case "sfixed64":
      return "a whole number of 64 bits";
    case "uint64":
    case "fixed64":
      return "a whole number of 64 bits, not negative";
    case "bool":
      return "true or false";
    case "double":
    case "float":
      return `a number${scalar === "float" ? " of single precision" : ""}, NaN, Infinity or -Infinity`;
    case "bytes":
      return "base64";
    case "string":
      return "text";
  }
}

function writeSigned32(scalar: "int32" | "sint32" | "sfixed32", text: string, out: WireWriter): boolean {
  const value = readInteger(text);
  if (value === undefined || value < -0x80000000 || value > 0x7fffffff) return false;
  if (scalar === "int32") out.at = writeInt32(out.bytes, value, out.at);
  else if (scalar === "sint32") out.at = writeSint32(out.bytes, value, out.at);
  else out.at = writeFixed32(out.bytes, value, out.at);
  return true;
}

function writeUnsigned32(scalar: "uint32" | "fixed32", text: string, out: WireWriter): boolean {
  const value = readInteger(text);
  if (value === undefined || value < 0 || value > 0xffffffff) return false;
  out.at = scalar === "uint32" ? writeUint32(out.bytes, value, out.at) : writeFixed32(out.bytes, value | 0, out.at);
  return true;
}

function write64(scalar: "int64" | "sint64" | "sfixed64" | "uint64" | "fixed64", text: string, out: WireWriter): boolean {
  const value = readBigInteger(text);
  const unsigned = scalar === "uint64" || scalar === "fixed64";
  if (value === undefined || value < (unsigned ? 0n : min64) || value > (unsigned ? maxUnsigned64 : max64)) return false;
  const lo = Number(BigInt.asIntN(32, value));
  const hi = Number(BigInt.asIntN(32, value >> 32n));
  if (scalar === "sint64") out.at = writeSint64(out.bytes, lo, hi, out.at);
  else if (scalar === "int64" || scalar === "uint64") out.at = writeUint64(out.bytes, lo, hi, out.at);
  else out.at = writeFixed64(out.bytes, lo, hi, out.at);
  return true;
}

function writeFloating(scalar: "double" | "float", text: string, out: WireWriter): boolean {
  const value = readNumber(text);
  if (value === undefined) return false;
  if (scalar === "double") out.at = out.bytes.writeDoubleLE(value, out.at);
  else if (Number.isFinite(value) && !Number.isFinite(Math.fround(value))) return false;
  else out.at = out.bytes.writeFloatLE(value, out.at);
  return true;
}

function readNumber(text: string): number | undefined {
  if (numberText.test(text)) {
    const value = Number(text);
    return Number.isFinite(value) ? value : undefined;
  }
  return text === "NaN" ? NaN : text === "Infinity" ? Infinity : text === "-Infinity" ? -Infinity : undefined;
}

/** Whole numbers that a double holds exactly; undefined for everything else, fractions and larger numbers included. */
function readInteger(text: string): number | undefined {
  const value = text.length < 16 && digitsText.test(text) ? Number(text) : Number(readBigInteger(text) ?? NaN);
  return Number.isSafeInteger(value) ? value : undefined;
}

function readBigInteger(text: string): bigint | undefined {
  if (text.length > longestInteger) return undefined;
  const parts = numberText.exec(text);
  if (parts === null) return undefined;
  const [, , fraction, exponent] = parts;
  if (fraction === undefined && exponent === undefined) return BigInt(text);
  // The decimal point moves right by the exponent; what is left behind it must be zeros.
  const digits = text.slice(0, text.length - (fraction?.length ?? 0) - (exponent?.length ?? 0)) + (fraction?.slice(1) ?? "");
  const shift = Number(exponent?.slice(1) ?? 0) - ((fraction?.length ?? 1) - 1);
  if (/^-?0+$/.test(digits)) return 0n;
  if (shift > 20) return undefined;
  if (shift >= 0) return BigInt(digits) * 10n ** BigInt(shift);
  const whole = digits.slice(0, shift);
  return /^0*$/.test(digits.slice(shift)) && /\d/.test(whole) && digits.replace("-", "").length > -shift ? BigInt(whole) : undefined;
}

/** Both alphabets, padded or not, as in ProtoJSON. */
function writeBytes(text: string, out: WireWriter): boolean {
  const unpadded = text.replace(/=+$/, "");
  if (!base64Text.test(text) || unpadded.length % 4 === 1 || (unpadded.length !== text.length && text.length % 4 !== 0)) return false;
  out.prefixed(Buffer.from(unpadded, "base64"));
  return true;
}

/** By name or by number; a closed enum takes only its own numbers. */
export function writeEnum(type: EnumDescriptor, profile: EnumProfile, text: string, out: WireWriter): boolean {
  const names = enumNames(type, profile);
  const value = names.numberOf(text) ?? readInteger(text);
  if (value === undefined || value < -0x80000000 || value > 0x7fffffff || (type.closed && !names.printed.has(value))) return false;
  out.reserveNumber();
  out.at = writeInt32(out.bytes, value, out.at);
  return true;
}

/** Completes "must be ..." for an enum, with a guess at what was meant. */
export function enumExpectation(type: EnumDescriptor, profile: EnumProfile, text: string): string {
  const { printed, numbers } = enumNames(type, profile);
  const names = [...printed.values()];
  const some = names.slice(0, 8).join(", ") + (names.length > 8 ? "..." : "");
  return `one of ${some}${didYouMean(text, numbers.keys())}`;
}
