/**
 * Output buffers that a slow socket still holds, to be used again as soon as it has written what it had.
 *
 * Without it every turn of a stream to a slow reader leaves a buffer to the garbage collector, which sees a hundred bytes of it. The trap: a
 * socket writes in order, so a buffer is free when nothing at all is queued, and not before.
 */
import { noteOutsideMemory } from "../core/outside-memory.ts";
import type { ByteChannel } from "./byte-channel.ts";

/** Beyond these the collector gets them, oldest first: with thousands of slow readers nobody knows which of them will read. */
const mostLent = 8;

export class LentBuffers {
  private readonly sizeBytes: number;
  private readonly buffers: Buffer[] = [];
  private readonly holders: ByteChannel[] = [];

  constructor(sizeBytes: number) {
    this.sizeBytes = sizeBytes;
  }

  /** `buffer` was given to `holder`, which has not written all of it. */
  lend(buffer: Buffer, holder: ByteChannel): void {
    if (this.buffers.length === mostLent) {
      this.buffers.shift();
      this.holders.shift();
    }
    this.buffers.push(buffer);
    this.holders.push(holder);
  }

  /** One that has come back, or a new one. */
  take(): Buffer {
    for (let i = 0; i < this.holders.length; i++) {
      if (this.holders[i]!.queuedBytes > 0) continue;
      this.holders.splice(i, 1);
      return this.buffers.splice(i, 1)[0]!;
    }
    noteOutsideMemory(this.sizeBytes);
    return Buffer.allocUnsafeSlow(this.sizeBytes);
  }
}
