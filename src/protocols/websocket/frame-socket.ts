/**
 * A connection that speaks WebSocket (RFC 6455): messages in and out, pings, and both ends of the closing handshake. `ws` does the framing;
 * this is the only file that knows it.
 *
 * Two traps. `onBytes` shows a view of the thread's read buffer and `ws` keeps what it is given, so every read is copied once. And while
 * reading is held nothing is heard, not even that the client left: whoever holds must bound it.
 */
import { Buffer } from "node:buffer";
import { PerMessageDeflate, Receiver, Sender } from "ws";
import { callerLeft } from "../../core/call.ts";
import type { CallError } from "../../core/call-error.ts";
import type { Clock } from "../../core/clock.ts";
import type { ByteChannel, ChannelEvents } from "../../wire/byte-channel.ts";
import { output } from "../../wire/http1/output.ts";
import type { RawConnection } from "../../wire/http1/upgradable.ts";
import { sweeperOf, type Swept } from "../../wire/sweeper.ts";
import { CloseCode, closeCodeOf, errorOfFrame } from "./close-codes.ts";

export interface FrameSocketOptions {
  readonly messageBytes: number;
  readonly pingMs: number;
  /** How soon after its time `onSweep` must come. */
  readonly idleMs: number;
  readonly deflate: PerMessageDeflate | undefined;
  readonly clock: Clock;
}

export interface FrameEvents {
  /** The data belongs to whoever is told. */
  onFrame(data: Buffer, binary: boolean): void;
  /** More may be written. */
  onDrain(): void;
  /** No further message will come: told once, and why. Nothing can be sent any more either. */
  onClosed(why: CallError): void;
  /** Now and then, for limits of time. */
  onSweep(nowMs: number): void;
}

/** Smaller messages grow or stay as they are when compressed. */
const leastCompressedBytes = 1024;
/** Written bytes that may wait before the writer is asked to stop. */
const highWaterBytes = 64 * 1024;
/** Compressed bytes given to the receiver at a time: they may become a thousand times as many. */
const inflatedSliceBytes = 4 * 1024;
/** A message in smaller pieces than this, on average, is meant to cost memory: each is an object. */
const leastPieceBytes = 32;
/** For the client's FIN, once it has nothing more to say. */
const lingerMs = 5000;
/** So many pings may stay unanswered; and so long a client may take to read up to our close frame, behind which there can be no pings. */
const pingsUnanswered = 2;

const noBytes = Buffer.alloc(0);
const plainText = { binary: false, compress: false, fin: true, mask: false };
const plainBinary = { binary: true, compress: false, fin: true, mask: false };
const deflatedText = { binary: false, compress: true, fin: true, mask: false };
const deflatedBinary = { binary: true, compress: true, fin: true, mask: false };

export class FrameSocket implements ChannelEvents, Swept {
  private readonly channel: ByteChannel;
  private readonly events: FrameEvents;
  /** What came with the upgrade. */
  private first: Uint8Array;
  private readonly clock: Clock;
  private readonly pingMs: number;
  private readonly deflate: PerMessageDeflate | undefined;
  private readonly receiver: Receiver;
  private readonly sender: Sender;

  /** What `ws` has not been given yet, because what it was given is still being inflated, or reading is held. */
  private waiting: Buffer | undefined = undefined;
  private feeding = false;
  private held = false;
  /** Bytes that wait for the compressor, or behind it. */
  private compressingBytes = 0;
  private wantsDrain = false;

  private readonly outlet: Outlet;
  private closeSent = false;
  private closeWritten = false;
  /** The client will send no more: it said so, broke the protocol, or went. */
  private told = false;
  private over = false;
  private closed: PromiseWithResolvers<void> | undefined = undefined;

  /** When the client last gave a sign of life: sent something, or took something. */
  private lastSignMs: number;
  private pings = 0;
  private lastQueuedBytes = 0;
  private closingSinceMs = Infinity;

  constructor(raw: RawConnection, events: FrameEvents, { messageBytes, pingMs, idleMs, deflate, clock }: FrameSocketOptions) {
    this.channel = raw.channel;
    this.events = events;
    this.clock = clock;
    this.pingMs = pingMs;
    this.deflate = deflate;
    this.lastSignMs = clock.nowMs();
    const extensions = deflate === undefined ? {} : { [PerMessageDeflate.extensionName]: deflate };
    this.receiver = new Receiver({
      isServer: true,
      maxPayload: messageBytes,
      maxFragments: Math.ceil(messageBytes / leastPieceBytes),
      maxBufferedChunks: Math.ceil(messageBytes / leastPieceBytes),
      extensions,
    });
    this.receiver
      .on("message", (data: Buffer, binary: boolean) => this.heard(data, binary))
      .on("ping", (data: Buffer) => this.answerPing(data))
      .on("conclude", (code: number, reason: Buffer) => this.clientCloses(code, reason))
      .on("error", (error: Error) => this.breakOff(error));
    this.outlet = new Outlet(raw.channel);
    this.sender = new Sender(this.outlet, extensions);
    this.first = raw.first;
    sweeperOf(clock).add(this, Math.min(pingMs, idleMs, lingerMs));
  }

  /** Begins to read: the first messages may be told before this is back. Must be called in the turn in which the connection was given. */
  start(): void {
    const { first } = this;
    this.first = noBytes;
    this.channel.listen(this);
    if (first.length > 0) this.onBytes(first);
  }

  /** Messages can still be sent. */
  get open(): boolean {
    return !this.closeSent && !this.over;
  }

  /** The socket itself is gone. */
  get gone(): Promise<void> {
    if (this.over) return Promise.resolve();
    return (this.closed ??= Promise.withResolvers<void>()).promise;
  }

  // --- out

  /**
   * Sends one message. `data` is written or copied before this returns.
   * @param compressible false for what would not become smaller
   */
  send(data: Uint8Array, binary: boolean, compressible: boolean): void {
    if (!this.open) return;
    const compress = compressible && this.deflate !== undefined && data.length >= leastCompressedBytes;
    if (!compress && this.compressingBytes === 0) this.sender.send(data, binary ? plainBinary : plainText);
    else this.sendThroughCompressor(data, binary, compress);
  }

  /** False when the writer should wait for `onDrain`. */
  writable(): boolean {
    if (output.waiting(this.channel) > highWaterBytes) output.flushNow(this.channel);
    const room = this.channel.queuedBytes + this.compressingBytes <= highWaterBytes;
    this.wantsDrain ||= !room;
    return room;
  }

  /** Begins the closing handshake, or ends it. Without effect after the first time. */
  close(code: number, reason = ""): void {
    if (!this.open) return;
    this.closeSent = true;
    this.closingSinceMs = this.clock.nowMs();
    // The close frame stands behind whatever is still being compressed.
    this.sender.close(code === CloseCode.none ? undefined : code, clipped(reason), false, () => {
      this.closeWritten = true;
      this.finishIfDone();
    });
    this.resume(); // the client's close frame may stand behind messages that nobody wants any more
  }

  /** Drops the connection as it is. */
  destroy(): void {
    if (this.over) return;
    this.channel.destroy();
    this.onClose(undefined);
  }

  // --- in

  /** Stops reading, and so the client. */
  pause(): void {
    if (this.held || this.closeSent) return;
    this.held = true;
    this.channel.pause();
  }

  resume(): void {
    if (!this.held) return;
    this.held = false;
    this.lastSignMs = this.clock.nowMs();
    if (this.waiting === undefined) this.channel.resume();
    else this.feed();
  }

  // --- the channel

  onBytes(view: Uint8Array): void {
    if (this.told) return;
    this.lastSignMs = this.clock.nowMs();
    this.pings = 0;
    const bytes = Buffer.from(view);
    if (this.deflate === undefined) {
      this.receiver.write(bytes);
      return;
    }
    this.waiting = this.waiting === undefined ? bytes : Buffer.concat([this.waiting, bytes]);
    this.feed();
  }

  onDrain(): void {
    this.lastSignMs = this.clock.nowMs();
    this.drained();
  }

  /** FIN, where a close frame should have been. */
  onEnd(): void {
    this.tell(callerLeft());
    this.finish();
  }

  onClose(error: Error | undefined): void {
    if (this.over) return;
    this.over = true;
    output.drop(this.channel);
    sweeperOf(this.clock).delete(this);
    this.waiting = undefined;
    // What waits for the compressor is told that there is nowhere to write to.
    this.outlet.destroyed = true;
    this.release();
    this.tell(callerLeft(error));
    this.closed?.resolve();
  }

  sweep(nowMs: number): void {
    const queuedBytes = this.channel.queuedBytes;
    if (queuedBytes !== this.lastQueuedBytes) {
      this.lastQueuedBytes = queuedBytes;
      this.lastSignMs = nowMs;
    }
    if (this.closeSent || this.told) {
      const limitMs = this.told ? lingerMs : Math.max(lingerMs, pingsUnanswered * this.pingMs);
      if (nowMs - Math.max(this.lastSignMs, this.closingSinceMs) > limitMs) this.destroy();
      return;
    }
    // While we do not read, no answer to a ping can arrive.
    if (this.held) this.lastSignMs = nowMs;
    else if (nowMs - this.lastSignMs > this.pingMs * (this.pings + 1)) this.ping();
    if (!this.over) this.events.onSweep(nowMs);
  }

  // --- inside

  private feed(): void {
    while (this.waiting !== undefined && !this.feeding && !this.held && !this.told) {
      const { waiting } = this;
      const slice = waiting.subarray(0, inflatedSliceBytes);
      this.waiting = slice.length === waiting.length ? undefined : waiting.subarray(slice.length);
      this.feeding = true;
      this.receiver.write(slice, this.fed);
    }
    if (this.waiting === undefined) {
      if (!this.held) this.channel.resume();
    } else this.channel.pause();
  }

  private readonly fed = (error?: Error | null): void => {
    this.feeding = false;
    if (this.over) this.release();
    else if (!error) this.feed();
  };

  /** Lets zlib's memory go. Not while it is at work for the receiver: `ws` would look for it when it is done. */
  private release(): void {
    if (!this.feeding) this.deflate?.cleanup();
  }

  private heard(data: Buffer, binary: boolean): void {
    // Behind our close frame nothing counts any more.
    if (this.open) this.events.onFrame(data, binary);
  }

  private answerPing(data: Buffer): void {
    if (this.open && this.writable()) this.sender.pong(data, false);
  }

  private ping(): void {
    if (this.pings === pingsUnanswered) {
      this.destroy();
      return;
    }
    this.pings++;
    if (this.writable()) this.sender.ping(noBytes, false);
  }

  private sendThroughCompressor(data: Uint8Array, binary: boolean, compress: boolean): void {
    const { length } = data;
    const options = compress ? (binary ? deflatedBinary : deflatedText) : binary ? plainBinary : plainText;
    this.compressingBytes += length;
    this.sender.send(Buffer.from(data), options, () => {
      this.compressingBytes -= length;
      this.drained();
    });
  }

  private drained(): void {
    if (!this.wantsDrain || this.over || this.channel.queuedBytes + this.compressingBytes > highWaterBytes) return;
    this.wantsDrain = false;
    this.events.onDrain();
  }

  private clientCloses(code: number, reason: Buffer): void {
    // The answer repeats the code (RFC 6455, section 5.5.1), and comes first: nothing may be written behind it.
    this.close(code, reason.toString());
    this.tell(callerLeft());
    this.finishIfDone();
  }

  /** The client has broken the protocol: nothing it sends can be understood any more. */
  private breakOff(error: Error): void {
    const code = closeCodeOf(error);
    this.close(code);
    this.tell(errorOfFrame(code, error));
    this.finishIfDone();
  }

  private tell(why: CallError): void {
    if (this.told) return;
    this.told = true;
    this.events.onClosed(why);
  }

  private finishIfDone(): void {
    if (this.closeWritten && this.told) this.finish();
  }

  /** Both sides are done: it is the server that ends the connection (RFC 6455, section 7.1.1). */
  private finish(): void {
    if (this.over) return;
    this.closeSent = true;
    this.closingSinceMs = Math.min(this.closingSinceMs, this.clock.nowMs());
    output.flushNow(this.channel);
    this.channel.end();
    this.channel.resume(); // what still comes is thrown away until the FIN
  }
}

/** Where `ws` puts its frames: into the thread's output buffer, so that all messages of a turn leave in one write. */
class Outlet {
  destroyed = false;
  private readonly channel: ByteChannel;

  constructor(channel: ByteChannel) {
    this.channel = channel;
  }

  cork(): void {
    // frames are collected in any case
  }

  uncork(): void {
    // see cork
  }

  write(bytes: Uint8Array, done?: () => void): void {
    output.bytes(this.channel, bytes);
    output.flushSoon();
    done?.();
  }
}

/** A reason has room for 123 bytes; a character is not cut in two. */
function clipped(reason: string): string {
  if (Buffer.byteLength(reason) <= 123) return reason;
  return Buffer.from(reason)
    .subarray(0, 123)
    .toString("utf8")
    .replace(/\ufffd+$/, "");
}
