/**
 * The codec's registers: one memory per thread that holds the input and, behind it, the output; and where the last reader stopped.
 *
 * The trap: `memory` and `view` are replaced when output outgrows them. A local copy is stale after any call that may print a string or a
 * message; reload it. Input lies at [0, end) and is followed by zero bytes, so that readers need no bounds check: no grammar accepts a zero.
 */
import { Buffer } from "node:buffer";
import { CodecError } from "../../core/message-type.ts";
import { refuse } from "./refusal.ts";

/** Zero bytes behind the input: the longest look-ahead of any reader (a varint of 10 bytes and a fixed64 behind it). */
const SENTINEL_BYTES = 32;
/** Room that is free behind the output whenever a field is begun: closes 100 levels and holds any number, literal or time. */
export const SLACK_BYTES = 1024;
const FLOOR_BYTES = 64 * 1024;
/** A larger memory is given away with its result, so that one large message does not stay for ever. */
const KEPT_BYTES = 4 * 1024 * 1024;
const MAX_INPUT_BYTES = 128 * 1024 * 1024;
const MAX_MEMORY_BYTES = 1024 * 1024 * 1024;

/** Levels of nesting: messages, groups, lists of Value. */
export const MAX_DEPTH = 100;

/**
 * Most wire bytes that one byte of JSON can become. The worst is `0,` in a list of google.protobuf.Value with a five byte tag: 15 bytes for
 * 2 characters. Therefore the JSON reader checks no room at all.
 */
export const WIRE_PER_JSON = 8;

const none: Buffer = Buffer.allocUnsafeSlow(FLOOR_BYTES);

export const reg = {
  /** Where the last reader stopped in the input. */
  at: 0,
  /** Upper half of the last varint; lower half of the last 64-bit number read from JSON (int32 both). */
  hi: 0,
  lo: 0,
  /** Where the end tag of the last group begins. */
  mark: 0,
  /** End of the input. */
  end: 0,
  depth: 0,
  /** Top of the stack of key hashes (keys.ts). */
  keyTop: 0,
  /** Set while the interpreter works: maps are then deduplicated exactly instead of giving up. */
  exact: false,
  memory: none,
  view: new DataView<ArrayBufferLike>(none.buffer),
};

/** Puts the input into memory and returns where output begins. `perByte`: output bytes to expect for each byte of input. */
export function load(input: Uint8Array, perByte: number): number {
  const n = input.length;
  if (n > MAX_INPUT_BYTES) throw new CodecError("message is larger than 128 MiB", "", 0);
  const start = n + SENTINEL_BYTES;
  const need = start + n * perByte + SLACK_BYTES;
  let memory = reg.memory;
  if (memory.length < need) {
    memory = Buffer.allocUnsafeSlow(need);
    adopt(memory);
  }
  memory.set(input, 0);
  const { view } = reg;
  view.setFloat64(n, 0);
  view.setFloat64(n + 8, 0);
  view.setFloat64(n + 16, 0);
  view.setFloat64(n + 24, 0);
  reg.end = n;
  reg.at = 0;
  reg.depth = 0;
  reg.keyTop = 0;
  return start;
}

/** Makes room for `need` bytes behind `w` (and slack). Input and output keep their offsets. */
export function grow(w: number, need: number): Buffer {
  const size = Math.max(reg.memory.length * 2, w + need + 2 * SLACK_BYTES);
  if (w + need > MAX_MEMORY_BYTES) refuse(reg.at, "output is larger than 1 GiB");
  const memory = Buffer.allocUnsafeSlow(Math.min(size, MAX_MEMORY_BYTES + 2 * SLACK_BYTES));
  memory.set(reg.memory.subarray(0, w), 0);
  adopt(memory);
  return memory;
}

/** The result at [start, end). Memory that is too large to keep goes with it. */
export function result(start: number, end: number): Uint8Array {
  const memory = reg.memory;
  if (memory.length > KEPT_BYTES) adopt(none);
  return memory.subarray(start, end);
}

function adopt(memory: Buffer): void {
  reg.memory = memory;
  reg.view = new DataView(memory.buffer, memory.byteOffset, memory.length);
}
