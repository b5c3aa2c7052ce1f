/**
 * The bytes one connection is about to send: frames are serialised straight into one buffer, which is written once per turn.
 *
 * The trap: the buffer may be used again only when the kernel took all of the last write. A channel that did not (a slow peer, or TLS, which
 * always finishes later) gets copies until it does, so that a peer which does not read cannot make us give away a whole buffer per PING.
 * Connections with nothing to send hold no buffer: it comes from a pool of the thread, most recently used first, so it is warm.
 */
import { noteOutsideMemory } from "../../core/outside-memory.ts";
import type { ByteChannel } from "../byte-channel.ts";
import { LentBuffers } from "../lent-buffers.ts";

const pooledSizeBytes = 64 * 1024;
const pooledBuffers = 64;
const pool: Buffer[] = [];
const lent = new LentBuffers(pooledSizeBytes);
const noBytes = Buffer.alloc(0);

/** From here on Node will say when the socket has drained, whatever its high-water mark; below, more may be written. */
const blockedAboveBytes = 64 * 1024;

export class FrameOutput {
  /** Room to serialise into, from `at` on; get it with {@link reserve}. */
  bytes: Buffer = noBytes;
  at = 0;
  /** The peer is slower than we are: only frames without flow control should still be written. */
  blocked = false;
  /** How often the output was written out: positions from before are no longer in `bytes`. */
  flushes = 0;

  private readonly channel: ByteChannel;
  private takenAtOnce = true;

  constructor(channel: ByteChannel) {
    this.channel = channel;
  }

  /** Makes sure of `sizeBytes` after `at`; may write out what is there. */
  reserve(sizeBytes: number): Buffer {
    if (this.bytes.length - this.at < sizeBytes) this.makeRoom(sizeBytes);
    return this.bytes;
  }

  /** Bytes that have not reached the kernel. */
  get unsentBytes(): number {
    return this.at + this.channel.queuedBytes;
  }

  /** Writes out what has been serialised. */
  flush(): void {
    const { bytes, at } = this;
    if (at === 0) return;
    this.at = 0;
    this.flushes++;
    if (this.takenAtOnce) {
      this.takenAtOnce = this.channel.write(bytes.subarray(0, at));
      if (!this.takenAtOnce) {
        if (bytes.length === pooledSizeBytes) lent.lend(bytes, this.channel);
        this.bytes = noBytes;
      }
    } else {
      this.takenAtOnce = this.channel.write(copyOf(bytes, at));
    }
    if (!this.takenAtOnce) this.blocked = this.channel.queuedBytes >= blockedAboveBytes;
  }

  /** Gives the empty buffer back to the pool. */
  release(): void {
    const { bytes } = this;
    if (bytes.length === pooledSizeBytes && pool.length < pooledBuffers) pool.push(bytes);
    this.bytes = noBytes;
  }

  private makeRoom(sizeBytes: number): void {
    this.flush();
    if (this.bytes.length >= sizeBytes) return;
    this.release();
    this.bytes = sizeBytes > pooledSizeBytes ? Buffer.allocUnsafeSlow(sizeBytes) : (pool.pop() ?? lent.take());
  }
}

function copyOf(bytes: Buffer, sizeBytes: number): Buffer {
  const copy = Buffer.allocUnsafe(sizeBytes);
  noteOutsideMemory(sizeBytes);
  bytes.copy(copy, 0, 0, sizeBytes);
  return copy;
}

/** Below this a loop beats `set`, which has to make a view first (bench/micro/http2.bench.ts). */
const loopBelowBytes = 40;

/** Copies [start,end) of `from` to `at`; the caller has reserved the room. */
export function copyInto(out: Uint8Array, at: number, from: Uint8Array, start: number, end: number): void {
  if (end - start < loopBelowBytes) {
    for (let i = start; i < end; i++) out[at++] = from[i]!;
  } else if (start === 0 && end === from.length) {
    out.set(from, at);
  } else {
    out.set(from.subarray(start, end), at);
  }
}
