/**
 * Cuts what arrives into frames (RFC 9113, section 4.1), however the reads are cut.
 *
 * A frame that lies whole in one read is handed on in place. DATA that does not is handed on in pieces as it comes, so a large frame is never
 * held; other frames are small (16 KiB at most) and are put together first. The trap: every range handed out is valid during the call only.
 */
import { DATA, defaultMaxFrameBytes, errorCode, frameHeaderBytes, HEADERS, PADDED } from "./frame.ts";
import { Http2Violation } from "./http2-violation.ts";

export interface FrameHandler {
  /** True once nothing more is wanted. */
  readonly stopped: boolean;
  /** A whole frame; its payload is [start,end). DATA comes here too when it is whole. */
  onFrame(type: number, flags: number, streamId: number, bytes: Uint8Array, start: number, end: number): void;
  /** DATA whose payload comes in pieces; `paddingBytes` counts the length octet too. */
  onDataStart(flags: number, streamId: number, lengthBytes: number, paddingBytes: number): void;
  onDataPiece(bytes: Uint8Array, start: number, end: number): void;
  onDataEnd(): void;
}

const none = new Uint8Array(0);

export class FrameReader {
  private readonly handler: FrameHandler;
  /** Bytes of a header or of a small frame that is not whole yet. */
  private held: Uint8Array = none;
  private heldBytes = 0;
  /** How many bytes `held` must have before it can be looked at again; 0 between frames. */
  private wantedBytes = 0;
  /** Rest of a DATA frame that is being handed on. */
  private dataLeft = 0;
  private paddingLeft = 0;

  constructor(handler: FrameHandler) {
    this.handler = handler;
  }

  /** The last read ended inside a frame. */
  get insideFrame(): boolean {
    return this.wantedBytes > 0 || this.dataLeft + this.paddingLeft > 0;
  }

  /** The last read ended inside a HEADERS or CONTINUATION frame, or before its type could be seen. */
  get insideHead(): boolean {
    return this.wantedBytes > 0 && (this.heldBytes < 4 || this.held[3] === HEADERS || this.held[3] === 9);
  }

  /** @throws Http2Violation from here or from the handler. */
  feed(bytes: Uint8Array, from: number): void {
    const { handler } = this;
    const { length } = bytes;
    let at = this.insideFrame ? this.resume(bytes, from) : from;
    while (length - at >= frameHeaderBytes && !handler.stopped) {
      const payloadBytes = (bytes[at]! << 16) | (bytes[at + 1]! << 8) | bytes[at + 2]!;
      const start = at + frameHeaderBytes;
      const end = start + payloadBytes;
      if (end > length) break;
      if (payloadBytes > defaultMaxFrameBytes) throw tooLarge(payloadBytes);
      handler.onFrame(bytes[at + 3]!, bytes[at + 4]!, streamIdAt(bytes, at + 5), bytes, start, end);
      at = end;
    }
    if (at < length && !handler.stopped) this.resume(bytes, at);
  }

  /** Goes on with a frame that is not whole in this read. @returns where the next frame begins, or the end. */
  private resume(bytes: Uint8Array, from: number): number {
    let at = from;
    while (at < bytes.length && !this.handler.stopped) {
      if (this.dataLeft + this.paddingLeft > 0) at = this.passData(bytes, at);
      else at = this.hold(bytes, at);
      if (!this.insideFrame) break;
    }
    return at;
  }

  private passData(bytes: Uint8Array, from: number): number {
    const dataEnd = Math.min(bytes.length, from + this.dataLeft);
    this.dataLeft -= dataEnd - from;
    const end = this.dataLeft > 0 ? dataEnd : Math.min(bytes.length, dataEnd + this.paddingLeft);
    this.paddingLeft -= end - dataEnd;
    if (dataEnd > from) this.handler.onDataPiece(bytes, from, dataEnd);
    if (this.dataLeft + this.paddingLeft === 0) this.handler.onDataEnd();
    return end;
  }

  private hold(bytes: Uint8Array, from: number): number {
    if (this.wantedBytes === 0) this.wantedBytes = frameHeaderBytes;
    if (this.held.length < this.wantedBytes) {
      const larger = new Uint8Array(Math.max(64, this.wantedBytes));
      larger.set(this.held.subarray(0, this.heldBytes));
      this.held = larger;
    }
    const end = Math.min(bytes.length, from + this.wantedBytes - this.heldBytes);
    this.held.set(bytes.subarray(from, end), this.heldBytes);
    this.heldBytes += end - from;
    if (this.heldBytes === this.wantedBytes) this.consider();
    return end;
  }

  /** Enough is held for the next decision: the header, then the padding's length or the whole frame. */
  private consider(): void {
    const { held } = this;
    const payloadBytes = (held[0]! << 16) | (held[1]! << 8) | held[2]!;
    const type = held[3]!;
    const flags = held[4]!;
    if (payloadBytes > defaultMaxFrameBytes) throw tooLarge(payloadBytes);
    const padded = type === DATA && (flags & PADDED) !== 0 && payloadBytes > 0;
    const wanted = frameHeaderBytes + (type === DATA ? (padded ? 1 : 0) : payloadBytes);
    if (this.heldBytes < wanted) {
      this.wantedBytes = wanted;
      return;
    }
    const streamId = streamIdAt(held, 5);
    this.wantedBytes = this.heldBytes = 0;
    if (type !== DATA || payloadBytes === 0) {
      if (held.length > 64) this.held = none;
      this.handler.onFrame(type, flags, streamId, held, frameHeaderBytes, wanted);
      return;
    }
    const padding = padded ? held[frameHeaderBytes]! + 1 : 0;
    if (padding > payloadBytes) throw new Http2Violation(errorCode.protocolError, "padding longer than its frame");
    this.dataLeft = payloadBytes - padding;
    this.paddingLeft = padded ? padding - 1 : 0;
    this.handler.onDataStart(flags, streamId, payloadBytes, padding);
    if (this.dataLeft + this.paddingLeft === 0) this.handler.onDataEnd();
  }
}

function streamIdAt(bytes: Uint8Array, at: number): number {
  return ((bytes[at]! & 0x7f) << 24) | (bytes[at + 1]! << 16) | (bytes[at + 2]! << 8) | bytes[at + 3]!;
}

function tooLarge(payloadBytes: number): Http2Violation {
  return new Http2Violation(errorCode.frameSizeError, `frame of ${payloadBytes} bytes; ${defaultMaxFrameBytes} are allowed`);
}
