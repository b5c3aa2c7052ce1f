/**
 * Header strings are bytes: one character up to U+00FF each, whatever encoding the sender had in mind.
 *
 * Buffer's native routines work on any Uint8Array and cost 50 ns a call; loops in JavaScript cost 2 ns a byte. So short strings loop.
 * The native write keeps the low byte of wider characters without a word: {@link isLatin1} has to be asked first.
 */
interface NativeLatin1 {
  latin1Slice(this: Uint8Array, start: number, end: number): string;
  latin1Write(this: Uint8Array, text: string, at: number, length: number): number;
}

// Present on Buffer.prototype in every supported Node, but absent from its type definitions.
const native = Buffer.prototype as unknown as NativeLatin1;

const loopLimit = 24;

// Matching against a one-byte string is decided without a look at the characters: no two-byte character can be in it.
const wide = /[^\u0000-\u00ff]/;

export function isLatin1(text: string): boolean {
  return !wide.test(text);
}

export function readLatin1(bytes: Uint8Array, start: number, end: number): string {
  return native.latin1Slice.call(bytes, start, end);
}

/** Writes `text`, which must be latin1, and returns the offset after it. */
export function writeLatin1(out: Uint8Array, at: number, text: string): number {
  const { length } = text;
  if (length > loopLimit) return at + native.latin1Write.call(out, text, at, length);
  for (let i = 0; i < length; i++) out[at + i] = text.charCodeAt(i);
  return at + length;
}
