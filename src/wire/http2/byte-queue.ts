/**
 * Bytes of one stream that wait for a window or for a slow connection.
 *
 * What is pushed is copied, because callers may use their scratch buffers again. Small pieces are gathered into one chunk, so that a peer
 * which keeps its window shut cannot make many tiny writes cost many times their size.
 */
import { noteOutsideMemory } from "../../core/outside-memory.ts";
import { copyInto } from "./frame-output.ts";

const smallestChunkBytes = 1024;
const noBytes = new Uint8Array(0);

export class ByteQueue {
  sizeBytes = 0;
  private readonly chunks: Uint8Array[] = [];
  /** Index of the first chunk that is not empty, and what was taken of it. */
  private first = 0;
  private taken = 0;
  /** How far the last chunk is filled. */
  private filled = 0;

  /** Appends a copy of [from,to) of `bytes`. */
  push(bytes: Uint8Array, from: number, to: number): void {
    let at = from;
    this.sizeBytes += to - from;
    const last = this.chunks[this.chunks.length - 1];
    if (last !== undefined && this.filled < last.length) {
      const part = Math.min(to - at, last.length - this.filled);
      copyInto(last, this.filled, bytes, at, at + part);
      this.filled += part;
      at += part;
    }
    if (at === to) return;
    const chunk = Buffer.allocUnsafe(Math.max(to - at, smallestChunkBytes));
    noteOutsideMemory(chunk.length);
    copyInto(chunk, 0, bytes, at, to);
    this.chunks.push(chunk);
    this.filled = to - at;
  }

  /** Moves `sizeBytes` from the front to `out`; there must be that many. */
  takeInto(out: Uint8Array, at: number, sizeBytes: number): void {
    this.sizeBytes -= sizeBytes;
    let left = sizeBytes;
    while (left > 0) {
      const chunk = this.chunks[this.first]!;
      const end = this.first === this.chunks.length - 1 ? this.filled : chunk.length;
      const part = Math.min(left, end - this.taken);
      copyInto(out, at, chunk, this.taken, this.taken + part);
      at += part;
      left -= part;
      this.taken += part;
      if (this.taken === end) this.dropFirst();
    }
  }

  clear(): void {
    this.sizeBytes = this.first = this.taken = this.filled = 0;
    this.chunks.length = 0;
  }

  private dropFirst(): void {
    this.taken = 0;
    // Let go of now: the list itself is shortened only now and then.
    this.chunks[this.first++] = noBytes;
    if (this.first === this.chunks.length) {
      this.clear();
    } else if (this.first >= 16 && this.first * 2 >= this.chunks.length) {
      this.chunks.splice(0, this.first);
      this.first = 0;
    }
  }
}
