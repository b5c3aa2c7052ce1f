/**
 * Text and bytes one to one, as HTTP/1 heads are.
 *
 * Buffer has these methods since its beginnings, but its types do not; `toString("latin1")` costs a third more for the short texts of a head.
 */
import type { Buffer } from "node:buffer";

interface Latin1Buffer extends Buffer {
  latin1Slice(start: number, end: number): string;
  latin1Write(text: string, at: number): number;
}

export function readLatin1(bytes: Buffer, start: number, end: number): string {
  return (bytes as Latin1Buffer).latin1Slice(start, end);
}

/** Writes what fits. @returns the number of bytes written. */
export function writeLatin1(bytes: Buffer, text: string, at: number): number {
  return (bytes as Latin1Buffer).latin1Write(text, at);
}
