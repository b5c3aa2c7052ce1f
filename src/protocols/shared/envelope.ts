/**
 * The five bytes before every gRPC message: a flag byte (bit 0: compressed) and the length, big-endian
 * (grpc/grpc doc/PROTOCOL-HTTP2.md, "Length-Prefixed-Message").
 *
 * The trap: message boundaries and chunk boundaries have nothing to do with one another.
 */
import { noteOutsideMemory } from "../../core/outside-memory.ts";
import { CallError, type ErrorSource } from "../../core/call-error.ts";

export const envelopeBytes = 5;

/** Flag bits. */
export const compressedFlag = 1;

const prefixes = new Uint8Array(envelopeBytes);

/** The prefix for a message; one buffer, overwritten by the next call, for writers that copy at once. */
export function envelopePrefix(flags: number, length: number): Uint8Array {
  prefixes[0] = flags;
  prefixes[1] = length >>> 24;
  prefixes[2] = length >>> 16;
  prefixes[3] = length >>> 8;
  prefixes[4] = length;
  return prefixes;
}

export interface Envelope {
  readonly flags: number;
  readonly bytes: Uint8Array;
}

export function envelopeLength(bytes: Uint8Array, at: number): number {
  return ((bytes[at + 1]! << 24) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 8) | bytes[at + 4]!) >>> 0;
}

/** Cuts chunks into messages. Holds at most one message that is not whole yet. */
export class EnvelopeReader {
  private readonly limitBytes: number;
  private readonly source: ErrorSource;
  private chunks: Uint8Array[] = [];
  private heldBytes = 0;
  private scratch: Uint8Array | undefined;

  /** @param source who sent the bytes: decides whose fault broken framing is. */
  constructor(limitBytes: number, source: ErrorSource) {
    this.limitBytes = limitBytes;
    this.source = source;
  }

  /** The chunk belongs to the reader from here on. */
  push(chunk: Uint8Array): void {
    if (chunk.length === 0) return;
    this.chunks.push(chunk);
    this.heldBytes += chunk.length;
  }

  /** Bytes pushed and not yet taken. */
  get pendingBytes(): number {
    return this.heldBytes;
  }

  /** The next whole message, or undefined. @throws CallError when it is over the limit. */
  take(): Envelope | undefined {
    if (this.heldBytes < envelopeBytes) return undefined;
    const head = this.gather(envelopeBytes);
    const length = envelopeLength(head, 0);
    if (length > this.limitBytes) throw tooLarge(length, this.limitBytes, this.source);
    if (this.heldBytes < envelopeBytes + length) return undefined;
    const whole = this.gather(envelopeBytes + length);
    this.drop(envelopeBytes + length);
    return { flags: whole[0]!, bytes: whole.subarray(envelopeBytes, envelopeBytes + length) };
  }

  /** The first `size` bytes in one piece, without taking them. */
  private gather(size: number): Uint8Array {
    const first = this.chunks[0]!;
    if (first.length >= size) return first;
    if (size === envelopeBytes) {
      // A prefix that straddles chunks is looked at without joining the chunks behind it.
      const head = (this.scratch ??= new Uint8Array(envelopeBytes));
      copyFrom(this.chunks, head, size);
      return head;
    }
    // No more than the message: what is behind it may be whole where it lies.
    const joined = Buffer.allocUnsafe(size);
    noteOutsideMemory(size);
    copyFrom(this.chunks, joined, size);
    return joined;
  }

  private drop(size: number): void {
    this.heldBytes -= size;
    let left = size;
    for (let first = this.chunks[0]; first !== undefined && left > 0; first = this.chunks[0]) {
      if (first.length > left) {
        this.chunks[0] = first.subarray(left);
        return;
      }
      left -= first.length;
      this.chunks.shift();
    }
  }
}

function copyFrom(chunks: readonly Uint8Array[], target: Uint8Array, size: number): void {
  let at = 0;
  for (const chunk of chunks) {
    const take = Math.min(chunk.length, size - at);
    target.set(take === chunk.length ? chunk : chunk.subarray(0, take), at);
    at += take;
    if (at === size) return;
  }
}

export function tooLarge(sizeBytes: number, limitBytes: number, source: ErrorSource): CallError {
  const reason = source === "upstream" ? "UPSTREAM_MESSAGE_TOO_LARGE" : "MESSAGE_TOO_LARGE";
  return new CallError(reason, `message of ${sizeBytes} bytes is larger than the limit of ${limitBytes}`, { source });
}
