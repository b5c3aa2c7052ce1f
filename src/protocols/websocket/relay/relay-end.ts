/**
 * One of the two connections of a relay: what it sends is followed and written to the other, at the pace of the other.
 *
 * Two traps. What is read is a view of the thread's buffer and is copied at most once, on its way out. And a close frame of our own can only
 * stand between two frames: while one is passing, it waits for the end of that frame.
 */
import { Buffer } from "node:buffer";
import type { ByteChannel, ChannelEvents } from "../../../wire/byte-channel.ts";
import { output } from "../../../wire/http1/output.ts";
import type { FrameFollower } from "./frame-follower.ts";

/** Hears what becomes of an end. */
export interface EndEvents {
  /** No further frame will come from `end`: it said so, broke the protocol, or will send no more. */
  onSilent(end: RelayEnd): void;
  /** A close frame of ours has gone to an end. */
  onSealed(): void;
  /** Its socket is gone. */
  onGone(): void;
}

/** Bytes that may wait to be written to one end before the other is no longer read. */
const highWaterBytes = 64 * 1024;
/** Larger chunks are put together in the thread's output buffer, which costs no allocation; a socket that is slow would keep it. */
const smallChunkBytes = 4 * 1024;
const noBytes = Buffer.alloc(0);

export class RelayEnd implements ChannelEvents {
  readonly channel: ByteChannel;
  /** Follows what it sends. */
  readonly follower: FrameFollower;
  /** Everything it has sent, in bytes. */
  readBytes = 0;
  /** A close frame has gone to it: nothing may follow. */
  sealed = false;
  /** It has been sent FIN. */
  finished = false;
  /** It has sent FIN, or its socket is gone. */
  ended = false;
  gone = false;
  /** Why it is gone, where it broke. */
  failure: Error | undefined = undefined;

  private readonly events: EndEvents;
  private peer!: RelayEnd;
  private held = false;
  private silent = false;
  /** Our close frame, while it waits for the end of a frame. */
  private waitingClose: Uint8Array | undefined = undefined;

  constructor(channel: ByteChannel, follower: FrameFollower, events: EndEvents) {
    this.channel = channel;
    this.follower = follower;
    this.events = events;
  }

  static join(one: RelayEnd, other: RelayEnd): void {
    one.peer = other;
    other.peer = one;
  }

  /** Begins to read. @param first what came before the channel was given */
  start(first: Uint8Array): void {
    this.channel.listen(this);
    if (first.length > 0) this.onBytes(first);
  }

  /** No further frame will come from it. */
  get isSilent(): boolean {
    return this.silent;
  }

  /** Sends `frame`, a close frame, as soon as no other is passing. Without effect where one has gone already. */
  close(frame: Uint8Array): void {
    if (this.sealed || this.finished) return;
    if (this.peer.follower.leftBytes > 0 && !this.peer.ended) this.waitingClose ??= frame;
    else if (this.peer.follower.leftBytes === 0) this.seal(frame);
  }

  /** Sends FIN behind what is queued. What still comes is thrown away. */
  finish(): void {
    if (this.finished) return;
    this.finished = true;
    this.waitingClose = undefined;
    if (!this.gone) this.channel.end();
    this.letRead();
    this.peer.letRead();
  }

  /** Drops the connection as it is. */
  destroy(): void {
    if (this.gone) return;
    this.channel.destroy();
    this.onClose(undefined);
  }

  // --- the channel

  onBytes(view: Uint8Array): void {
    const { follower, peer } = this;
    this.readBytes += view.length;
    const leftBytes = follower.leftBytes;
    const passing = follower.follow(view);
    if (peer.waitingClose !== undefined) peer.takeUpTo(leftBytes, view);
    else if (!peer.sealed && !peer.finished) {
      peer.put(follower.released, passing === view.length ? view : view.subarray(0, passing));
      if (follower.closed) peer.sealed = true;
    }
    if (!peer.hasRoom) this.hold();
    if (follower.closed || follower.violation !== undefined) this.fallSilent();
  }

  onDrain(): void {
    this.peer.letRead();
  }

  /** WebSocket knows no half of a connection: who has sent FIN hears nothing any more either. */
  onEnd(): void {
    this.ended = true;
    this.finish();
    this.fallSilent();
  }

  onClose(error: Error | undefined): void {
    if (this.gone) return;
    this.gone = this.ended = this.finished = true;
    this.failure = error;
    output.drop(this.channel);
    this.peer.letRead();
    this.fallSilent();
    this.events.onGone();
  }

  // --- inside

  private fallSilent(): void {
    if (this.silent && !this.ended) return;
    this.silent = true;
    this.events.onSilent(this);
  }

  /** The rest of the frame that was passing, and the close frame behind it. */
  private takeUpTo(leftBytes: number, view: Uint8Array): void {
    if (leftBytes > view.length) {
      this.put(noBytes, view);
      return;
    }
    this.put(noBytes, view.subarray(0, leftBytes));
    this.seal(this.waitingClose!);
  }

  private seal(frame: Uint8Array): void {
    this.waitingClose = undefined;
    this.put(noBytes, frame);
    this.sealed = true;
    this.peer.letRead(); // its own close frame may stand behind much that nobody wants any more
    this.events.onSealed();
  }

  /** In one write. */
  private put(head: Uint8Array, bytes: Uint8Array): void {
    const { channel } = this;
    const size = head.length + bytes.length;
    if (size === 0) return;
    if (size > smallChunkBytes && channel.queuedBytes === 0) {
      if (head.length > 0) output.bytes(channel, head);
      output.bytes(channel, bytes);
      output.flushNow(channel);
    } else channel.write(head.length === 0 ? Buffer.from(bytes) : Buffer.concat([head, bytes], size));
  }

  private hold(): void {
    if (this.held) return;
    this.held = true;
    this.channel.pause();
  }

  /** Also where nothing will be written to it any more: what comes for it is thrown away. */
  private get hasRoom(): boolean {
    return this.sealed || this.finished || this.channel.queuedBytes <= highWaterBytes;
  }

  private letRead(): void {
    if (!this.held || this.gone || !this.peer.hasRoom) return;
    this.held = false;
    this.channel.resume();
  }
}
