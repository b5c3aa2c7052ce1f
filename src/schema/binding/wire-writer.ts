/**
 * The buffer in which a request's parameters become protobuf bytes, before they are copied out once.
 *
 * One writer serves all calls of the thread: binding is synchronous, and what is written is taken before the next call begins.
 */
import { noteOutsideMemory } from "../../core/outside-memory.ts";
import { decodeInto, isPlain, type Keep } from "../percent-decoding.ts";
import { sizeOfLength, writeUint32 } from "../codec/wire-write.ts";

/** Longest number on the wire, with room to spare. */
const numberBytes = 16;
/** Up to this many bytes a loop copies faster than a native call: it takes a tenth off a small GET (router.bench.ts). */
const loopLimit = 64;
const initialBytes = 4096;
const keptBytes = 1 << 20;

export class WireWriter {
  bytes: Buffer;
  at = 0;

  constructor(sizeBytes = initialBytes) {
    this.bytes = Buffer.allocUnsafeSlow(sizeBytes);
    noteOutsideMemory(sizeBytes);
  }

  /** Room for `size` more bytes. */
  reserve(size: number): void {
    if (this.at + size <= this.bytes.length) return;
    const larger = Buffer.allocUnsafeSlow(Math.max(this.bytes.length * 2, this.at + size));
    larger.set(this.bytes.subarray(0, this.at));
    this.bytes = larger;
  }

  /** Room for a tag or number, which the caller then writes at `at` without a check. */
  reserveNumber(): void {
    this.reserve(numberBytes);
  }

  raw(bytes: Uint8Array): void {
    const { length } = bytes;
    this.reserve(length);
    if (length > loopLimit) this.bytes.set(bytes, this.at);
    else for (let index = 0; index < length; index++) this.bytes[this.at + index] = bytes[index]!;
    this.at += length;
  }

  /** A length, then the bytes. */
  prefixed(bytes: Uint8Array): void {
    this.reserveNumber();
    this.at = writeUint32(this.bytes, bytes.length, this.at);
    this.raw(bytes);
  }

  /**
   * A string of the request target, decoded, with its length before it.
   * @returns 0, or what {@link decodeInto} says is wrong
   */
  decoded(raw: string, plusIsSpace: boolean, keep: Keep): number {
    this.reserve(raw.length + numberBytes);
    const start = this.at;
    if (isPlain(raw, plusIsSpace)) {
      const at = writeUint32(this.bytes, raw.length, start);
      if (raw.length > loopLimit) this.bytes.write(raw, at, "latin1");
      else for (let index = 0; index < raw.length; index++) this.bytes[at + index] = raw.charCodeAt(index);
      this.at = at + raw.length;
      return 0;
    }
    const end = decodeInto(raw, plusIsSpace, keep, this.bytes, start);
    if (end < 0) return end;
    this.at = end;
    this.insertLength(start);
    return 0;
  }

  /** Puts the length of what was written since `start` before it. */
  insertLength(start: number): void {
    this.reserveNumber();
    const length = this.at - start;
    const room = sizeOfLength(length);
    this.bytes.copyWithin(start + room, start, this.at);
    writeUint32(this.bytes, length, start);
    this.at += room;
  }

  /** Puts `bytes` before what was written since `start`. */
  insert(start: number, bytes: Uint8Array): void {
    this.reserve(bytes.length);
    this.bytes.copyWithin(start + bytes.length, start, this.at);
    this.bytes.set(bytes, start);
    this.at += bytes.length;
  }

  /** What was written, to keep; and the writer is empty again. */
  take(): Uint8Array {
    const { at, bytes } = this;
    const copy = Buffer.allocUnsafe(at);
    if (at > loopLimit) {
      noteOutsideMemory(at);
      copy.set(this.written());
    } else for (let index = 0; index < at; index++) copy[index] = bytes[index]!;
    this.clear();
    return copy;
  }

  /** What was written: a view. */
  written(): Uint8Array {
    return this.bytes.subarray(0, this.at);
  }

  clear(): void {
    this.at = 0;
    if (this.bytes.length > keptBytes) this.bytes = Buffer.allocUnsafeSlow(initialBytes);
  }
}
