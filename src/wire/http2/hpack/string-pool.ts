/**
 * Short header strings that were seen before, found by their bytes: saves making the string (50 ns and garbage), and equal strings that are
 * the same object compare at once further on.
 *
 * One pool for the thread, direct-mapped: a string that hashes to a taken slot replaces what is there, so the pool never grows. What must not
 * linger (never-indexed fields) is not to be looked up here.
 */
import { readLatin1 } from "./latin1.ts";

const slotCount = 1024;
const longest = 48;

const slots = new Array<string>(slotCount).fill("");

/** The string of bytes [start,end), from the pool if it is short. */
export function pooledString(bytes: Uint8Array, start: number, end: number): string {
  const length = end - start;
  if (length === 0) return "";
  if (length > longest) return readLatin1(bytes, start, end);
  let hash = length;
  for (let i = start; i < end; i++) hash = (Math.imul(hash, 31) + bytes[i]!) | 0;
  const slot = (hash ^ (hash >>> 10)) & (slotCount - 1);
  const known = slots[slot]!;
  if (known.length === length && equals(known, bytes, start)) return known;
  return (slots[slot] = readLatin1(bytes, start, end));
}

function equals(text: string, bytes: Uint8Array, start: number): boolean {
  for (let i = 0; i < text.length; i++) if (text.charCodeAt(i) !== bytes[start + i]) return false;
  return true;
}
