/**
 * A header block that comes in more than one frame: HEADERS and its CONTINUATIONs put together (RFC 9113, section 4.3).
 *
 * The bounds are what matters here: neither many small fragments nor much in few may be held for a peer ("CONTINUATION flood").
 */
import { floodOf, maxContinuations } from "./flood-guard.ts";

export class HeaderBlock {
  streamId = 0;
  endStream = false;
  selfDependent = false;
  bytes: Buffer = Buffer.alloc(0);
  sizeBytes = 0;
  private frames = 0;
  private readonly maxBytes: number;

  /** @param maxBytes of the encoded block. */
  constructor(maxBytes: number) {
    this.maxBytes = maxBytes;
  }

  start(streamId: number, endStream: boolean, selfDependent: boolean): void {
    this.streamId = streamId;
    this.endStream = endStream;
    this.selfDependent = selfDependent;
    this.sizeBytes = this.frames = 0;
  }

  /** @throws Http2Violation when the block grows past its bounds. */
  append(fragment: Uint8Array, start: number, end: number): void {
    if (++this.frames > maxContinuations + 1) throw floodOf("header block in too many frames");
    const sizeBytes = this.sizeBytes + end - start;
    if (sizeBytes > this.maxBytes) throw floodOf(`header block of more than ${this.maxBytes} bytes`);
    if (this.bytes.length < sizeBytes) {
      const larger = Buffer.allocUnsafe(Math.max(sizeBytes, this.bytes.length * 2));
      this.bytes.copy(larger, 0, 0, this.sizeBytes);
      this.bytes = larger;
    }
    this.bytes.set(fragment.subarray(start, end), this.sizeBytes);
    this.sizeBytes = sizeBytes;
  }

  /** Lets the memory go once the block is decoded. */
  release(): void {
    this.bytes = Buffer.alloc(0);
    this.sizeBytes = 0;
  }
}
