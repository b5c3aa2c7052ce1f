/**
 * Writing the protobuf wire. No function here checks for room: the JSON reader's memory is large enough for any output (see registers.ts).
 */
import type { Buffer } from "node:buffer";

/** An unsigned varint of 32 bits. */
export function writeUint32(m: Uint8Array, v: number, w: number): number {
  while (v > 127) {
    m[w++] = (v & 127) | 128;
    v >>>= 7;
  }
  m[w++] = v;
  return w;
}

/** An int32 or enum: negative numbers are sign-extended to 10 bytes. */
export function writeInt32(m: Uint8Array, v: number, w: number): number {
  if (v >= 0) return writeUint32(m, v, w);
  return writeUint64(m, v | 0, -1, w);
}

export function writeUint64(m: Uint8Array, lo: number, hi: number, w: number): number {
  while (hi !== 0 || lo >>> 0 > 127) {
    m[w++] = (lo & 127) | 128;
    lo = (lo >>> 7) | (hi << 25);
    hi >>>= 7;
  }
  m[w++] = lo;
  return w;
}

export function writeSint32(m: Uint8Array, v: number, w: number): number {
  return writeUint32(m, ((v << 1) ^ (v >> 31)) >>> 0, w);
}

export function writeSint64(m: Uint8Array, lo: number, hi: number, w: number): number {
  const sign = hi >> 31;
  return writeUint64(m, (lo << 1) ^ sign, ((hi << 1) | (lo >>> 31)) ^ sign, w);
}

export function writeFixed32(m: Uint8Array, v: number, w: number): number {
  m[w] = v;
  m[w + 1] = v >> 8;
  m[w + 2] = v >> 16;
  m[w + 3] = v >> 24;
  return w + 4;
}

export function writeFixed64(m: Uint8Array, lo: number, hi: number, w: number): number {
  return writeFixed32(m, hi, writeFixed32(m, lo, w));
}

/**
 * Writes the length of what lies between the `reserved` bytes at `at` and `w`, moving it when the length needs more or fewer bytes.
 * @returns the new end
 */
export function closeLength(m: Buffer, at: number, reserved: number, w: number): number {
  const n = w - at - reserved;
  const size = sizeOfLength(n);
  if (size !== reserved) {
    m.copyWithin(at + size, at + reserved, w);
    w += size - reserved;
  }
  writeUint32(m, n, at);
  return w;
}

export function sizeOfLength(n: number): number {
  return n < 128 ? 1 : n < 16384 ? 2 : n < 2097152 ? 3 : n < 268435456 ? 4 : 5;
}
