/**
 * The members of a JSON object as they stand there: names and the bytes of their values, without making values of them.
 *
 * The trap: this only finds where a value ends. Whether it is valid JSON shows when somebody reads it, so what nobody reads must be read
 * for that purpose. A message goes on as it came: parsed and printed again it would lose the digits of large numbers.
 */
import { CallError } from "../../core/call-error.ts";

const quote = 0x22;
const backslash = 0x5c;
const comma = 0x2c;
const colon = 0x3a;
const openBrace = 0x7b;
const closeBrace = 0x7d;
const openBracket = 0x5b;
const closeBracket = 0x5d;
const maxMembers = 8;

export interface JsonMember {
  readonly name: string;
  readonly value: Buffer;
}

/** @throws CallError when `text` is no object of at most eight members */
export function jsonMembers(text: Buffer): JsonMember[] {
  const members: JsonMember[] = [];
  let at = skipSpace(text, 0);
  if (text[at] !== openBrace) throw malformed();
  at = skipSpace(text, at + 1);
  if (text[at] === closeBrace) {
    if (skipSpace(text, at + 1) !== text.length) throw malformed();
    return members;
  }
  for (;;) {
    const nameEnd = endOfString(text, at);
    const name = nameOf(text.subarray(at, nameEnd));
    at = skipSpace(text, nameEnd);
    if (text[at] !== colon || members.length === maxMembers) throw malformed();
    const start = skipSpace(text, at + 1);
    const end = endOfValue(text, start);
    members.push({ name, value: text.subarray(start, end) });
    at = skipSpace(text, end);
    const separator = text[at];
    at = skipSpace(text, at + 1);
    if (separator === comma) continue;
    if (separator === closeBrace && at === text.length) return members;
    throw malformed();
  }
}

function nameOf(literal: Buffer): string {
  try {
    return JSON.parse(literal.toString("utf8")) as string;
  } catch (error) {
    throw malformed(error);
  }
}

function skipSpace(text: Buffer, from: number): number {
  let at = from;
  for (let byte = text[at]; byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09; byte = text[at]) at++;
  return at;
}

/** Behind the closing quote. */
function endOfString(text: Buffer, start: number): number {
  if (text[start] !== quote) throw malformed();
  for (let at = start + 1; at < text.length; at++) {
    if (text[at] === backslash) at++;
    else if (text[at] === quote) return at + 1;
  }
  throw malformed();
}

/** Behind the value. */
function endOfValue(text: Buffer, start: number): number {
  const first = text[start];
  if (first === quote) return endOfString(text, start);
  let at = start;
  if (first !== openBrace && first !== openBracket) {
    for (let byte = text[at]; byte !== undefined && byte !== comma && byte !== closeBrace && byte > 0x20; byte = text[at]) at++;
    if (at === start) throw malformed();
    return at;
  }
  let depth = 0;
  do {
    const byte = text[at];
    if (byte === undefined) throw malformed();
    if (byte === quote) at = endOfString(text, at);
    else {
      if (byte === openBrace || byte === openBracket) depth++;
      else if (byte === closeBrace || byte === closeBracket) depth--;
      at++;
    }
  } while (depth > 0);
  return at;
}

function malformed(cause?: unknown): CallError {
  return new CallError("BAD_REQUEST", "the frame is not one JSON object", { source: "caller", ...(cause === undefined ? {} : { cause }) });
}
