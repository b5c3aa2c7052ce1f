/**
 * Pieces of generated code: constant bytes written, names recognised.
 *
 * Schemas are untrusted, so no text of a schema ever becomes code: names are turned into numbers here, byte by byte, and only numbers are emitted.
 */
import { Buffer } from "node:buffer";

/** Longest name that a match can report (9 bits); longer ones are left to the interpreter. */
const MAX_NAME_BYTES = 500;

/** Doubles whose bytes are all printable ASCII are finite and not zero, so they keep their bits and compare by them. */
function isPrintable(bytes: Uint8Array): boolean {
  return bytes.every((byte) => byte >= 0x20 && byte < 0x7f);
}

function asDouble(bytes: Uint8Array, at: number): number {
  const eight = Buffer.alloc(8);
  eight.set(bytes.subarray(at, at + 8));
  return eight.readDoubleLE(0);
}

function asInt32(bytes: Uint8Array, at: number): number {
  const four = Buffer.alloc(4);
  four.set(bytes.subarray(at, at + 4));
  return four.readInt32LE(0);
}

/**
 * Code that writes constant bytes at `w` and moves it. Eight bytes are one store (a double through the view `D`): a quarter of the code and
 * half of the time of byte stores. Up to seven bytes behind the new `w` become garbage, which the next write covers.
 */
export function storeBytes(bytes: Uint8Array): string {
  let code = "";
  let at = 0;
  if (isPrintable(bytes)) {
    for (; bytes.length - at > 4; at += 8) code += `D.setFloat64(w+${at},${asDouble(bytes, at)},true);`;
    if (bytes.length - at > 2) {
      code += `D.setInt32(w+${at},${asInt32(bytes, at)},true);`;
      at = bytes.length;
    }
  }
  for (; at < bytes.length; at++) code += `m[w+${at}]=${bytes[at]!};`;
  return `${code}w+=${bytes.length};`;
}

export function storeText(text: string): string {
  return storeBytes(Buffer.from(text));
}

export function tagBytes(number: number, wireType: number): number[] {
  let tag = ((number << 3) | wireType) >>> 0;
  const bytes: number[] = [];
  for (; tag > 127; tag >>>= 7) bytes.push((tag & 127) | 128);
  bytes.push(tag);
  return bytes;
}

/** The expression that is true where `bytes` stand at `p` + `from`. */
export function standsAt(bytes: readonly number[], from = 0): string {
  return bytes.map((byte, i) => `m[p${from + i === 0 ? "" : `+${from + i}`}]===${byte}`).join("&&");
}

interface Name {
  readonly bytes: Uint8Array;
  readonly result: number;
}

export interface Matcher {
  /** Body of a function (m, D, p): result << 9 | bytes up to and including the closing quote, or -1. */
  readonly code: string;
  /** Some names cannot be matched (they need escapes, or are too long): then -1 says nothing. */
  readonly complete: boolean;
}

/** Recognises JSON strings by a decision tree over their bytes; `p` is behind the opening quote. */
export function matchNames(names: ReadonlyMap<string, number>): Matcher {
  const usable: Name[] = [];
  let complete = true;
  for (const [name, result] of names) {
    const bytes = Buffer.from(`${name}"`);
    const plain = !/["\\\p{Cc}\p{Cs}]/u.test(name) && bytes.length <= MAX_NAME_BYTES;
    if (plain) usable.push({ bytes, result });
    else complete = false;
  }
  return { code: `${usable.length === 0 ? "" : decide(usable)}return -1;`, complete };
}

function decide(names: readonly Name[]): string {
  if (names.length === 1) return confirm(names[0]!);
  // With their closing quotes no name is the beginning of another, so there is an offset within the shortest where they differ.
  const shortest = Math.min(...names.map(({ bytes }) => bytes.length));
  let best = 0;
  let bestGroups = new Map<number, Name[]>();
  for (let at = 0; at < shortest; at++) {
    const groups = new Map<number, Name[]>();
    for (const name of names) {
      const group = groups.get(name.bytes[at]!);
      if (group === undefined) groups.set(name.bytes[at]!, [name]);
      else group.push(name);
    }
    if (groups.size > bestGroups.size) {
      best = at;
      bestGroups = groups;
    }
  }
  let code = `switch(m[p+${best}]){`;
  for (const [byte, group] of bestGroups) code += `case ${byte}:${decide(group)}break;`;
  return `${code}}`;
}

function confirm({ bytes, result }: Name): string {
  const tests: string[] = [];
  let at = 0;
  if (isPrintable(bytes)) {
    for (; bytes.length - at >= 8; at += 8) tests.push(`D.getFloat64(p+${at},true)===${asDouble(bytes, at)}`);
    for (; bytes.length - at >= 4; at += 4) tests.push(`D.getInt32(p+${at},true)===${asInt32(bytes, at)}`);
  }
  for (; at < bytes.length; at++) tests.push(`m[p+${at}]===${bytes[at]!}`);
  return `if(${tests.join("&&")})return ${(result << 9) | bytes.length};`;
}
