/**
 * Finds duplicate keys in an object or map without keeping the keys: their hashes lie on a stack, one stretch for each open map.
 *
 * Two equal hashes only mean that the fast path gives up; the interpreter compares the keys themselves. So a collision costs time, never truth.
 */
import type { Buffer } from "node:buffer";
import { reg } from "./registers.ts";

const FEW = 16;
let hashes = new Int32Array(256);
const MAX_KEPT = 65536;

/** Notes the key of [p, e). */
export function noteKey(m: Uint8Array, p: number, e: number): void {
  let h = 0x811c9dc5 | 0;
  while (p < e) h = Math.imul(h ^ m[p++]!, 0x01000193);
  if (reg.keyTop === hashes.length) {
    const larger = new Int32Array(hashes.length * 2);
    larger.set(hashes);
    hashes = larger;
  }
  hashes[reg.keyTop++] = h;
}

/** Whether two keys noted since `base` look alike; forgets them. */
export function sameKeys(base: number): boolean {
  const top = reg.keyTop;
  reg.keyTop = base;
  if (top - base <= FEW) {
    for (let i = base + 1; i < top; i++) for (let j = base; j < i; j++) if (hashes[i] === hashes[j]) return true;
    return false;
  }
  const own = hashes.subarray(base, top).sort();
  if (base === 0 && hashes.length > MAX_KEPT) hashes = new Int32Array(256);
  for (let i = 1; i < own.length; i++) if (own[i] === own[i - 1]) return true;
  return false;
}

/** The exact way: the key as text, refused by `onTwice` when it was there before. */
export function keyText(m: Buffer, p: number, e: number): string {
  return m.toString("latin1", p, e);
}
