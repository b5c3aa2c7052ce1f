/**
 * Follows the frames of one direction of a WebSocket (RFC 6455, section 5.2) by their heads alone, over chunks cut anywhere.
 *
 * Two traps. A head that is cut in two is not passed on before it is whole: where a frame turns out to be wrong, or too large, nothing of it has
 * gone to the other side, which can still be sent a close frame. And payloads are masked and compressed as they came: a message's size here
 * is the size it has on the wire.
 */
import { Buffer } from "node:buffer";
import { CloseCode } from "../close-codes.ts";

export interface FollowedDirection {
  /** A client's frames are masked, a server's are not (section 5.1). */
  readonly masked: boolean;
  /** Largest message, as it is on the wire. */
  readonly messageBytes: number;
  /** Reserved bits that a message's first frame may have; undefined where an extension was agreed on whose frames nobody here can judge. */
  readonly reservedBits: number | undefined;
}

const Opcode = { continuation: 0x0, text: 0x1, binary: 0x2, close: 0x8, ping: 0x9, pong: 0xa } as const;
const finBit = 0x80;
const reservedMask = 0x70;
const maskBit = 0x80;
const opcodeMask = 0x0f;
const controlBit = 0x08;
const longestControl = 125;
/** Head of a frame with a length of 64 bits and a mask. */
const longestHead = 14;
/** A length above has no exact number; nor could anybody send as much. */
const mostHighWord = 0x1fffff;

/** In place of a head's size. */
const incomplete = 0;
const broken = -1;
const noBytes = Buffer.alloc(0);

export class FrameFollower {
  /** Of the payload that is passing. Zero between frames: a frame of one's own may stand there. */
  leftBytes = 0;
  /** Payload of messages so far. */
  payloadBytes = 0;
  /** The close code for what was wrong; nothing is followed behind it. */
  violation: number | undefined = undefined;
  /** The close frame has passed whole: nothing may follow it. */
  closed = false;
  /** What the close frame said, or that it said nothing. */
  closeCode: number = CloseCode.none;
  /** Bytes of a head from earlier chunks that go before what the last `follow` let pass. */
  released: Uint8Array = noBytes;

  private readonly masked: boolean;
  private readonly messageBytes: number;
  private readonly reservedBits: number | undefined;
  /** The beginning of a head that was cut in two. */
  private head: Buffer = noBytes;
  private headBytes = 0;
  private inMessage = false;
  private inClose = false;
  private inData = false;
  /** Of the message that is passing, frames so far. */
  private partBytes = 0;

  constructor({ masked, messageBytes, reservedBits }: FollowedDirection) {
    this.masked = masked;
    this.messageBytes = messageBytes;
    this.reservedBits = reservedBits;
  }

  /** @returns how many of the first of `bytes` may go on. What is behind them is kept here (the beginning of a head), or is not for anybody. */
  follow(bytes: Uint8Array): number {
    this.released = noBytes;
    if (this.closed || this.violation !== undefined) return 0;
    const { length } = bytes;
    let at = this.pass(0, length);
    if (this.headBytes > 0) {
      at = this.completeHead(bytes);
      if (at <= 0) return 0;
      at = this.pass(at, length);
    }
    while (at < length && !this.closed) {
      const size = this.readHead(bytes, at, length - at);
      if (size === broken) return at;
      if (size === incomplete) {
        this.head = Buffer.allocUnsafe(longestHead);
        this.head.set(bytes.subarray(at), 0);
        this.headBytes = length - at;
        return at;
      }
      at = this.pass(at + size, length);
    }
    return at;
  }

  /** Lets payload pass. @returns where it ends, or the chunk does */
  private pass(at: number, length: number): number {
    const passing = Math.min(this.leftBytes, length - at);
    this.leftBytes -= passing;
    if (this.inData) this.payloadBytes += passing;
    if (this.inClose && this.leftBytes === 0) this.closed = true;
    return at + passing;
  }

  /** @returns how much of `bytes` belongs to the head that began in an earlier chunk; not above zero when there is none, or not yet. */
  private completeHead(bytes: Uint8Array): number {
    const before = this.headBytes;
    const copied = Math.min(longestHead - before, bytes.length);
    this.head.set(bytes.subarray(0, copied), before);
    const size = this.readHead(this.head, 0, before + copied);
    if (size === incomplete) this.headBytes += copied;
    if (size <= 0) return size;
    this.headBytes = 0;
    this.released = this.head.subarray(0, before);
    return size - before;
  }

  /** Takes up the frame whose head is at `at`. @returns the size of the head, with the code that a close frame begins with */
  private readHead(bytes: Uint8Array, at: number, available: number): number {
    if (available < 2) return incomplete;
    const first = bytes[at]!;
    const second = bytes[at + 1]!;
    if (!this.isLawful(first, second)) return this.refuse(CloseCode.protocolError);
    const short = second & 0x7f;
    const opcode = first & opcodeMask;
    const lengthBytes = short === 126 ? 2 : short === 127 ? 8 : 0;
    const maskAt = at + 2 + lengthBytes;
    const codeAt = maskAt + (this.masked ? 4 : 0);
    const codeBytes = opcode === Opcode.close && short >= 2 ? 2 : 0;
    const size = codeAt + codeBytes - at;
    if (available < size) return incomplete;
    let payload = short;
    if (lengthBytes === 2) payload = (bytes[at + 2]! << 8) | bytes[at + 3]!;
    else if (lengthBytes === 8) {
      const high = wordAt(bytes, at + 2);
      if (high > 0x7fffffff) return this.refuse(CloseCode.protocolError);
      payload = high > mostHighWord ? Infinity : high * 2 ** 32 + wordAt(bytes, at + 6);
    }
    this.inData = (opcode & controlBit) === 0;
    if (this.inData) {
      this.partBytes = opcode === Opcode.continuation ? this.partBytes + payload : payload;
      if (this.partBytes > this.messageBytes || payload === Infinity) return this.refuse(CloseCode.tooLarge);
      this.inMessage = (first & finBit) === 0;
    } else if (opcode === Opcode.close) {
      this.inClose = true;
      if (codeBytes > 0) this.closeCode = this.codeAt(bytes, maskAt, codeAt);
    }
    this.leftBytes = payload - codeBytes;
    return size;
  }

  /** By the first two bytes (sections 5.2, 5.4, 5.5). */
  private isLawful(first: number, second: number): boolean {
    if (((second & maskBit) !== 0) !== this.masked) return false;
    const opcode = first & opcodeMask;
    if ((opcode & controlBit) !== 0 && ((first & finBit) === 0 || (second & 0x7f) > longestControl)) return false;
    const { reservedBits } = this;
    const reserved = first & reservedMask;
    switch (opcode) {
      case Opcode.continuation:
        return this.inMessage && (reserved === 0 || reservedBits === undefined);
      case Opcode.text:
      case Opcode.binary:
        return !this.inMessage && (reservedBits === undefined || (reserved & ~reservedBits) === 0);
      case Opcode.close:
        return (second & 0x7f) !== 1 && (reserved === 0 || reservedBits === undefined);
      case Opcode.ping:
      case Opcode.pong:
        return reserved === 0 || reservedBits === undefined;
      default:
        return reservedBits === undefined;
    }
  }

  private codeAt(bytes: Uint8Array, maskAt: number, codeAt: number): number {
    const code = (bytes[codeAt]! << 8) | bytes[codeAt + 1]!;
    return this.masked ? code ^ ((bytes[maskAt]! << 8) | bytes[maskAt + 1]!) : code;
  }

  private refuse(closeCode: number): typeof broken {
    this.violation = closeCode;
    return broken;
  }
}

function wordAt(bytes: Uint8Array, at: number): number {
  return ((bytes[at]! << 24) | (bytes[at + 1]! << 16) | (bytes[at + 2]! << 8) | bytes[at + 3]!) >>> 0;
}
