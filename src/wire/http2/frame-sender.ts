/**
 * The sending half of a connection: header blocks and DATA into the output, as far as windows and the socket allow, and a queue for the rest.
 *
 * While nothing waits, a write goes straight into the output. What does not fit is copied to its stream's queue, and the streams with a queue
 * take turns, one frame each (round robin). Two traps. HPACK is in the order of the wire, so a head that waits is encoded only when it is sent.
 * And `pump` calls out (`onWritable`, `onStreamSent`): the ready list may have changed when it returns.
 */
import type { FrameOutput } from "./frame-output.ts";
import { copyInto } from "./frame-output.ts";
import { putFrameHeader } from "./frame-writing.ts";
import {
  CONTINUATION,
  DATA,
  defaultMaxFrameBytes,
  defaultWindowBytes,
  END_HEADERS,
  END_STREAM,
  frameHeaderBytes,
  HEADERS,
} from "./frame.ts";
import type { HpackEncoder } from "./hpack/hpack-encoder.ts";
import { HpackError } from "./hpack/hpack-error.ts";
import type { Http2Stream } from "./http2-stream.ts";
import { atTurnEnd, type TurnEnd } from "./turn-end.ts";

export interface SenderOwner {
  /** The stream's side is sent to its end. */
  onStreamSent(stream: Http2Stream): void;
  /** A head or trailers cannot be encoded: they hold a character that is no byte. */
  onUnsendable(stream: Http2Stream, reason: string): void;
}

/** Sent from the queues per turn at most, so that one fast reader does not hold up the other connections. */
const pumpedPerTurnBytes = 1024 * 1024;
/** Frames larger than this gain nothing and make the others wait. */
const largestSentFrameBytes = 64 * 1024;
export const noFields: readonly string[] = Object.freeze([]);

export class FrameSender implements TurnEnd {
  readonly output: FrameOutput;
  /** The peer's windows and largest frame. */
  windowBytes = defaultWindowBytes;
  initialWindowBytes = defaultWindowBytes;
  maxFrameBytes = defaultMaxFrameBytes;
  /** HEADERS and DATA frames sent: the measure by which the flood guard judges what the peer makes us do. */
  framesMoved = 0;
  /** Bytes in the queues of all streams. */
  waitingBytes = 0;

  private readonly encoder: HpackEncoder;
  private readonly owner: SenderOwner;
  private readonly highWaterBytes: number;
  private firstReady: Http2Stream | undefined = undefined;
  private lastReady: Http2Stream | undefined = undefined;
  private pumping = false;
  private scheduled = false;
  private open = false;
  /** The turn's share was used up before the queues were. */
  private shareUsedUp = false;
  /** Where the head lies that was written last, for {@link endHead}. */
  private headAt = -1;
  private headEndsAt = -1;
  private headStreamId = 0;
  private headFlushes = 0;

  constructor(output: FrameOutput, encoder: HpackEncoder, owner: SenderOwner, highWaterBytes: number) {
    this.output = output;
    this.encoder = encoder;
    this.owner = owner;
    this.highWaterBytes = highWaterBytes;
  }

  /** From now on the channel can be written to. */
  start(): void {
    this.open = true;
    this.flushSoon();
  }

  /** The channel is gone: nothing will be written any more. */
  stop(): void {
    this.open = false;
    this.output.at = 0;
    this.output.release();
  }

  /** Sees to it that what is in the output leaves at the end of this turn. */
  flushSoon(): void {
    if (this.scheduled || !this.open) return;
    this.scheduled = true;
    atTurnEnd(this);
  }

  turnEnded(): void {
    if (this.open && this.firstReady !== undefined) this.pump();
    this.scheduled = false;
    if (!this.open) return;
    this.output.flush();
    this.output.release();
    if (this.shareUsedUp) this.flushSoon();
  }

  /** The socket has drained. */
  unblock(): void {
    this.output.blocked = false;
    // Heads and ends need no window, so they must not wait behind streams that do.
    for (let stream = this.firstReady; stream !== undefined && !this.output.blocked;) {
      const next: Http2Stream | undefined = stream.nextReady;
      if (stream.queued && (stream.waitingHead !== undefined || stream.waitingBytes === 0)) {
        this.unlink(stream);
        if (this.sendOne(stream)) this.makeReady(stream);
      }
      stream = next;
    }
    this.pump();
  }

  /** Sends the head of `stream`, made of three lists of fields; `end`: no body follows. */
  sendHead(stream: Http2Stream, first: readonly string[], second: readonly string[], third: readonly string[], end: boolean): void {
    if (end) stream.localDone = true;
    if (this.output.blocked) {
      stream.waitingHead = { first, second, third };
      this.makeReady(stream);
      return;
    }
    if (this.writeHead(stream, first, second, third, end) && end) this.ended(stream);
  }

  /**
   * Sends body bytes, `prefix` before `chunk` in one frame where they fit.
   * @returns false when the stream should wait for `onWritable`.
   */
  sendData(stream: Http2Stream, prefix: Uint8Array | undefined, chunk: Uint8Array, end: boolean): boolean {
    if (end) stream.localDone = true;
    const prefixBytes = prefix === undefined ? 0 : prefix.length;
    const sizeBytes = prefixBytes + chunk.length;
    if (this.firstReady === undefined && !stream.hasQueue && !this.output.blocked) {
      const room = Math.min(this.windowBytes, stream.sendWindowBytes);
      if (sizeBytes <= room && sizeBytes <= this.maxFrameBytes) {
        if (sizeBytes > 0 || end) this.writeData(stream, prefix, chunk, 0, chunk.length, end);
        if (end) this.ended(stream);
        return true;
      }
    }
    if (sizeBytes > 0 || end) this.enqueue(stream, prefix, chunk);
    if (stream.closed || !stream.hasQueue) return true;
    if (this.waitingBytes < this.highWaterBytes) return true;
    stream.starved = true;
    return false;
  }

  /** Ends the sending side, with trailers if given. */
  sendEnd(stream: Http2Stream, trailers: readonly string[] | undefined): void {
    stream.localDone = true;
    if (stream.hasQueue || this.output.blocked) {
      stream.waitingTrailers = trailers;
      this.makeReady(stream);
      return;
    }
    this.finish(stream, trailers);
  }

  /** Takes over what was queued before the stream had a connection. */
  adopt(stream: Http2Stream): void {
    this.waitingBytes += stream.waitingBytes;
    this.makeReady(stream);
    this.pump();
  }

  /** The stream's window has grown. @returns whether that is something to `pump` for. */
  readyAgain(stream: Http2Stream): boolean {
    if (stream.hasQueue) this.makeReady(stream);
    return stream.queued;
  }

  /** Forgets what waits for a stream that is being closed. */
  drop(stream: Http2Stream): void {
    if (stream.queued) this.unlink(stream);
    if (stream.waiting !== undefined) {
      this.waitingBytes -= stream.waiting.sizeBytes;
      stream.waiting.clear();
    }
    stream.waitingHead = stream.waitingTrailers = undefined;
  }

  /** Sends from the queues, a frame from each stream in turn, until a window, the socket or the turn's share is used up. */
  pump(): void {
    if (this.pumping || !this.open) return;
    this.pumping = true;
    let budget = pumpedPerTurnBytes;
    while (this.firstReady !== undefined && !this.output.blocked && budget > 0) {
      const stream = this.firstReady;
      this.unlink(stream);
      const before = this.waitingBytes;
      const more = this.sendOne(stream);
      budget -= before - this.waitingBytes;
      if (more) this.makeReady(stream);
      else if (this.windowBytes <= 0 && stream.waitingBytes > 0 && stream.sendWindowBytes > 0 && !stream.closed) {
        // The connection's window is used up: keep the stream's place and stop.
        this.makeReadyFirst(stream);
        break;
      }
    }
    this.pumping = false;
    this.shareUsedUp = budget <= 0 && this.firstReady !== undefined;
    if (this.output.at > 0 || this.shareUsedUp) this.flushSoon();
  }

  /** @returns whether the stream could send another frame. */
  private sendOne(stream: Http2Stream): boolean {
    const { waitingHead: head } = stream;
    if (head !== undefined) {
      stream.waitingHead = undefined;
      const only = stream.localDone && stream.waitingBytes === 0 && stream.waitingTrailers === undefined;
      if (!this.writeHead(stream, head.first, head.second, head.third, only)) return false;
      if (only) {
        this.ended(stream);
        return false;
      }
    }
    const { waiting } = stream;
    if (waiting !== undefined && waiting.sizeBytes > 0) {
      const sizeBytes = Math.min(waiting.sizeBytes, this.maxFrameBytes, largestSentFrameBytes, this.windowBytes, stream.sendWindowBytes);
      if (sizeBytes <= 0) return false;
      const last = sizeBytes === waiting.sizeBytes;
      const end = last && stream.localDone && stream.waitingTrailers === undefined;
      const out = this.output.reserve(frameHeaderBytes + sizeBytes);
      const { at } = this.output;
      putFrameHeader(out, at, sizeBytes, DATA, end ? END_STREAM : 0, stream.id);
      waiting.takeInto(out, at + frameHeaderBytes, sizeBytes);
      this.output.at = at + frameHeaderBytes + sizeBytes;
      this.framesMoved++;
      this.windowBytes -= sizeBytes;
      stream.sendWindowBytes -= sizeBytes;
      stream.stalledSinceMs = Infinity;
      this.waitingBytes -= sizeBytes;
      if (end) {
        this.ended(stream);
        return false;
      }
      if (stream.starved && (last || this.waitingBytes < this.highWaterBytes >> 1)) {
        stream.starved = false;
        stream.onWritable();
      }
      // onWritable may have written more, or closed the stream.
      if (stream.closed || stream.queued) return false;
      if (stream.waitingBytes > 0) return stream.sendWindowBytes > 0 && this.windowBytes > 0;
    }
    if (!stream.localDone || stream.localEnded) return false;
    const trailers = stream.waitingTrailers;
    stream.waitingTrailers = undefined;
    this.finish(stream, trailers);
    return false;
  }

  private finish(stream: Http2Stream, trailers: readonly string[] | undefined): void {
    if (trailers !== undefined) {
      if (!this.writeHead(stream, trailers, noFields, noFields, true)) return;
    } else if (!this.endHead(stream.id)) {
      this.writeData(stream, undefined, noBytes, 0, 0, true);
    }
    this.ended(stream);
  }

  private ended(stream: Http2Stream): void {
    stream.localEnded = true;
    this.owner.onStreamSent(stream);
  }

  /** Sends as much as can be sent from where it lies and copies the rest to the stream's queue. */
  private enqueue(stream: Http2Stream, prefix: Uint8Array | undefined, chunk: Uint8Array): void {
    let at = 0;
    let prefixLeft = prefix;
    if (this.firstReady === undefined && !stream.hasQueue) {
      while (!this.output.blocked) {
        const prefixBytes = prefixLeft === undefined ? 0 : prefixLeft.length;
        const room = Math.min(this.windowBytes, stream.sendWindowBytes, this.maxFrameBytes, largestSentFrameBytes) - prefixBytes;
        const end = Math.min(at + room, chunk.length);
        // The last bytes are queued even if they fit, so that there is one place that ends a stream with a queue.
        if (end <= at || end === chunk.length) break;
        this.writeData(stream, prefixLeft, chunk, at, end, false);
        prefixLeft = undefined;
        at = end;
      }
    }
    const queue = stream.queueBytes();
    const before = queue.sizeBytes;
    if (prefixLeft !== undefined) queue.push(prefixLeft, 0, prefixLeft.length);
    queue.push(chunk, at, chunk.length);
    this.waitingBytes += queue.sizeBytes - before;
    this.makeReady(stream);
    this.pump();
  }

  private writeData(stream: Http2Stream, prefix: Uint8Array | undefined, chunk: Uint8Array, from: number, to: number, end: boolean): void {
    const { output } = this;
    const prefixBytes = prefix === undefined ? 0 : prefix.length;
    const sizeBytes = prefixBytes + to - from;
    const out = output.reserve(frameHeaderBytes + sizeBytes);
    let { at } = output;
    putFrameHeader(out, at, sizeBytes, DATA, end ? END_STREAM : 0, stream.id);
    at += frameHeaderBytes;
    if (prefix !== undefined) copyInto(out, at, prefix, 0, prefixBytes);
    copyInto(out, at + prefixBytes, chunk, from, to);
    output.at = at + sizeBytes;
    this.windowBytes -= sizeBytes;
    stream.sendWindowBytes -= sizeBytes;
    this.framesMoved++;
    if (!this.scheduled) this.flushSoon();
  }

  /** @returns false when the fields cannot be encoded; the owner has been told. */
  private writeHead(
    stream: Http2Stream,
    first: readonly string[],
    second: readonly string[],
    third: readonly string[],
    end: boolean,
  ): boolean {
    const { output, encoder } = this;
    const out = output.reserve(frameHeaderBytes + encoder.bound(first) + encoder.bound(second) + encoder.bound(third));
    const headAt = output.at;
    const start = headAt + frameHeaderBytes;
    let at: number;
    try {
      at = encoder.begin(out, start);
      at = encoder.encode(first, out, at);
      if (second.length > 0) at = encoder.encode(second, out, at);
      if (third.length > 0) at = encoder.encode(third, out, at);
    } catch (failure) {
      if (!(failure instanceof HpackError)) throw failure;
      this.owner.onUnsendable(stream, failure.message);
      return false;
    }
    this.framesMoved++;
    if (!this.scheduled) this.flushSoon();
    const flags = end ? END_STREAM : 0;
    if (at - start > this.maxFrameBytes) {
      // A copy: the frames are longer than the block, so they would run over it.
      this.writeLongHead(stream.id, new Uint8Array(out.subarray(start, at)), flags);
      return true;
    }
    putFrameHeader(out, headAt, at - start, HEADERS, flags | END_HEADERS, stream.id);
    output.at = at;
    this.headAt = headAt;
    this.headEndsAt = at;
    this.headStreamId = stream.id;
    this.headFlushes = output.flushes;
    return true;
  }

  private writeLongHead(streamId: number, block: Uint8Array, flags: number): void {
    const { output, maxFrameBytes } = this;
    for (let at = 0; at < block.length; at += maxFrameBytes) {
      const end = Math.min(at + maxFrameBytes, block.length);
      const out = output.reserve(frameHeaderBytes + end - at);
      const type = at === 0 ? HEADERS : CONTINUATION;
      const endFlag = end === block.length ? END_HEADERS : 0;
      putFrameHeader(out, output.at, end - at, type, (at === 0 ? flags : 0) | endFlag, streamId);
      copyInto(out, output.at + frameHeaderBytes, block, at, end);
      output.at += frameHeaderBytes + end - at;
    }
    this.headAt = -1;
  }

  /** Sets END_STREAM on the head if it is the last thing in the output: requests without body then take one frame instead of two. */
  private endHead(streamId: number): boolean {
    const { output, headAt } = this;
    if (headAt < 0 || this.headStreamId !== streamId || output.at !== this.headEndsAt || output.flushes !== this.headFlushes) return false;
    output.bytes[headAt + 4]! |= END_STREAM;
    this.headAt = -1;
    return true;
  }

  private makeReady(stream: Http2Stream): void {
    if (stream.queued || stream.closed) return;
    stream.queued = true;
    stream.previousReady = this.lastReady;
    stream.nextReady = undefined;
    if (this.lastReady === undefined) this.firstReady = stream;
    else this.lastReady.nextReady = stream;
    this.lastReady = stream;
  }

  private makeReadyFirst(stream: Http2Stream): void {
    if (stream.queued || stream.closed) return;
    stream.queued = true;
    stream.nextReady = this.firstReady;
    stream.previousReady = undefined;
    if (this.firstReady === undefined) this.lastReady = stream;
    else this.firstReady.previousReady = stream;
    this.firstReady = stream;
  }

  private unlink(stream: Http2Stream): void {
    const { previousReady: previous, nextReady: next } = stream;
    if (previous === undefined) this.firstReady = next;
    else previous.nextReady = next;
    if (next === undefined) this.lastReady = previous;
    else next.previousReady = previous;
    stream.previousReady = stream.nextReady = undefined;
    stream.queued = false;
  }
}

const noBytes = new Uint8Array(0);
