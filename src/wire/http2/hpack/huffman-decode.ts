/**
 * Huffman decoding (RFC 7541, section 5.2) by a state machine that takes four bits a step: 256 states of 16 entries, 16 KB in all, which
 * stays in the first-level cache (a machine of whole bytes would take 256 KB).
 *
 * Strict: EOS inside a string, more than 7 bits of padding and padding that is not all ones are errors.
 */
import { codeBits, codes, endOfString } from "./huffman-code.ts";
import { HpackError } from "./hpack-error.ts";

const emits = 0x100;
const fails = 0x200;
const symbolShift = 16;

/** `machine[state * 16 + nibble]`: next state in the low byte, flags, and the symbol that was completed above {@link symbolShift}. */
const machine = new Uint32Array(256 * 16);
/** 1 for the states in which a string may end: the bits since the last symbol are at most 7, all ones. */
const mayEnd = new Uint8Array(256);

buildMachine();

/** Most bytes that `length` coded bytes can stand for: the shortest code has 5 bits. */
export function maxDecodedLength(length: number): number {
  return Math.floor((length * 8) / 5);
}

/** Decodes [start,end) of `bytes` to `out`, which has room for {@link maxDecodedLength} bytes, and returns how many came out. */
export function decodeHuffman(bytes: Uint8Array, start: number, end: number, out: Uint8Array): number {
  let state = 0;
  let length = 0;
  let flags = 0;
  for (let at = start; at < end; at++) {
    const byte = bytes[at]!;
    const first = machine[(state << 4) | (byte >> 4)]!;
    if ((first & emits) !== 0) out[length++] = first >> symbolShift;
    const second = machine[((first & 0xff) << 4) | (byte & 0xf)]!;
    if ((second & emits) !== 0) out[length++] = second >> symbolShift;
    state = second & 0xff;
    flags |= first | second;
  }
  if ((flags & fails) !== 0) throw new HpackError("BAD_HUFFMAN", "end-of-string symbol inside a Huffman coded string");
  if (mayEnd[state] === 0) throw new HpackError("BAD_HUFFMAN", "bad padding of a Huffman coded string");
  return length;
}

function buildMachine(): void {
  // The code tree: children[node * 2 + bit] is an inner node, or ~symbol. 257 leaves have 256 inner nodes; the root is 0.
  const children = new Int16Array(512);
  let nodes = 1;
  for (let symbol = 0; symbol <= endOfString; symbol++) {
    let node = 0;
    for (let bit = codeBits[symbol]! - 1; bit > 0; bit--) {
      const edge = node * 2 + ((codes[symbol]! >>> bit) & 1);
      if (children[edge] === 0) children[edge] = nodes++;
      node = children[edge]!;
    }
    children[node * 2 + (codes[symbol]! & 1)] = ~symbol;
  }
  for (let node = 0, ones = 0; ones <= 7; ones++) {
    mayEnd[node] = 1;
    node = children[node * 2 + 1]!;
  }
  for (let state = 0; state < 256; state++) {
    for (let nibble = 0; nibble < 16; nibble++) machine[(state << 4) | nibble] = transition(children, state, nibble);
  }
}

function transition(children: Int16Array, state: number, nibble: number): number {
  let node = state;
  let entry = 0;
  for (let bit = 3; bit >= 0; bit--) {
    const child = children[node * 2 + ((nibble >> bit) & 1)]!;
    if (child >= 0) {
      node = child;
      continue;
    }
    // No code is shorter than 5 bits, so at most one symbol is completed in a step.
    const symbol = ~child;
    entry = symbol === endOfString ? fails : emits | (symbol << symbolShift);
    node = 0;
  }
  return entry | node;
}
