/**
 * Where answers are put together: one buffer for all connections of the thread, so that a head and its body, and the answers of a
 * pipeline, leave in one write, and nothing is allocated while the kernel takes what it is given.
 *
 * The trap: the buffer belongs to one connection at a time. Whoever appends for another makes the first one's bytes leave before.
 */
import { noteOutsideMemory } from "../../core/outside-memory.ts";
import { Buffer } from "node:buffer";
import type { ByteChannel } from "../byte-channel.ts";
import { LentBuffers } from "../lent-buffers.ts";
import { writeLatin1 } from "./latin1.ts";

/** Room for a large list answer and its head in one piece. */
const bufferSizeBytes = 128 * 1024;

class Output {
  private buffer: Buffer = Buffer.allocUnsafeSlow(bufferSizeBytes);
  private readonly lent = new LentBuffers(bufferSizeBytes);
  private used = 0;
  private owner: ByteChannel | undefined = undefined;
  private scheduled = false;

  /** Bytes of `channel` that wait here. */
  waiting(channel: ByteChannel): number {
    return this.owner === channel ? this.used : 0;
  }

  bytes(channel: ByteChannel, bytes: Uint8Array): void {
    const { length } = bytes;
    if (!this.reserve(channel, length)) {
      this.flush();
      noteOutsideMemory(bytes.length);
      channel.write(Buffer.from(bytes)); // a copy: the caller may use its buffer again
      return;
    }
    this.buffer.set(bytes, this.used);
    this.used += length;
  }

  /** `text` must be Latin-1. */
  text(channel: ByteChannel, text: string): void {
    if (!this.reserve(channel, text.length)) this.bytes(channel, Buffer.from(text, "latin1"));
    else this.used += writeLatin1(this.buffer, text, this.used);
  }

  /** A number in decimal digits. */
  decimal(channel: ByteChannel, value: number): void {
    this.reserve(channel, 16);
    if (value >= 1e15) return this.text(channel, String(value));
    let digits = 1;
    for (let power = 10; value >= power; power *= 10) digits++;
    let rest = value;
    for (let at = this.used + digits - 1; at >= this.used; at--) {
      const tens = Math.floor(rest / 10);
      this.buffer[at] = 0x30 + rest - 10 * tens;
      rest = tens;
    }
    this.used += digits;
  }

  /** Hands what waits to its channel. */
  flush(): void {
    const { owner, used } = this;
    if (owner === undefined) return;
    this.owner = undefined;
    this.used = 0;
    if (used > 0 && !owner.write(this.buffer.subarray(0, used))) {
      this.lent.lend(this.buffer, owner);
      this.buffer = this.lent.take();
    }
  }

  /** Flushes at the end of the turn at the latest. */
  flushSoon(): void {
    if (this.scheduled) return;
    this.scheduled = true;
    setImmediate(flushScheduled);
  }

  flushNow(channel: ByteChannel): void {
    if (this.owner === channel) this.flush();
  }

  /** Forgets what waits for a channel that is gone. */
  drop(channel: ByteChannel): void {
    if (this.owner !== channel) return;
    this.owner = undefined;
    this.used = 0;
  }

  runScheduled(): void {
    this.scheduled = false;
    this.flush();
  }

  /** Makes `channel` the owner with `length` bytes of room. @returns false when the buffer is too small for that. */
  private reserve(channel: ByteChannel, length: number): boolean {
    if (this.owner !== channel) {
      this.flush();
      this.owner = channel;
    }
    if (this.used + length <= bufferSizeBytes) return true;
    this.flush();
    this.owner = channel;
    return length <= bufferSizeBytes;
  }
}

export const output = new Output();

function flushScheduled(): void {
  output.runScheduled();
}
