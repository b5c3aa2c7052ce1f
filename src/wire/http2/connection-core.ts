/**
 * What a connection holds and how it ends: the stream table, receive windows, resets, time limits and last words (RFC 9113, sections 5 and 6.8).
 *
 * Frames are read one layer up, in Http2Connection; the roles above that give the events a meaning. The trap: telling a stream calls out to
 * users, who may close other streams or the connection, so `stream.closed` and `stopped` are looked at again afterwards.
 */
import type { Clock, Timer } from "../../core/clock.ts";
import type { ByteChannel, ChannelEvents } from "../byte-channel.ts";
import type { WireLimits } from "../limits.ts";
import { sweeperOf, type Swept } from "../sweeper.ts";
import { WireError } from "../wire-error.ts";
import { FloodGuard, maxQueuedControlFrames } from "./flood-guard.ts";
import { FrameOutput } from "./frame-output.ts";
import { FrameSender, type SenderOwner } from "./frame-sender.ts";
import { writeGoaway, writeReset, writeSettings, writeWindowUpdate } from "./frame-writing.ts";
import { defaultWindowBytes, errorCode } from "./frame.ts";
import { HpackEncoder } from "./hpack/hpack-encoder.ts";
import type { Http2Stream } from "./http2-stream.ts";
import { RecentIds } from "./recent-ids.ts";
import { setting } from "./settings.ts";
import { StreamTable, type Tabled } from "./stream-table.ts";

export const headerTableBytes = 4096;
/** After the last words, how long the peer may take to hang up. */
const lingerMs = 1000;

export interface ConnectionOptions {
  readonly limits: WireLimits;
  readonly clock: Clock;
  /** Tests only: overwrites each read after it was parsed, so that a view which escaped shows. */
  readonly poisonReadBuffers?: boolean | undefined;
}

export abstract class ConnectionCore<S extends Http2Stream & Tabled<S>> implements ChannelEvents, SenderOwner, Swept {
  /** Nothing is parsed or sent any more. */
  stopped = false;
  readonly sender: FrameSender;
  protected readonly limits: WireLimits;
  protected readonly clock: Clock;
  protected readonly channel: ByteChannel;
  protected readonly output: FrameOutput;
  protected readonly encoder = new HpackEncoder({ maxTableBytes: headerTableBytes });
  protected readonly guard: FloodGuard;
  protected readonly streams = new StreamTable<S>();
  /** Streams we have reset, whose frames may still be under way. */
  protected readonly resets: RecentIds;
  /** Streams that ended lately, to name a peer's fault rightly. */
  protected readonly ended = new RecentIds(16);
  /** The socket is gone. */
  protected closed = false;
  protected settingsAcknowledged = false;
  protected receiveWindowBytes = defaultWindowBytes;
  protected framesReceived = 0;
  protected reads = 0;
  /** Since when the peer owes the rest of a head, as far as the sweeps know. The peer's SETTINGS count as one. */
  protected headSinceMs: number;

  private uncreditedBytes = 0;
  private queuedControlFrames = 0;
  private readsAtSweep = 0;
  private lastReadAtMs: number;
  private idleSinceMs: number;
  private lingerTimer: Timer | undefined = undefined;

  protected constructor({ limits, clock }: ConnectionOptions, openChannel: (events: ChannelEvents) => ByteChannel) {
    this.limits = limits;
    this.clock = clock;
    this.guard = new FloodGuard(clock);
    this.resets = new RecentIds(Math.max(128, 2 * limits.streams));
    this.lastReadAtMs = this.headSinceMs = this.idleSinceMs = clock.nowMs();
    sweeperOf(clock).add(this, Math.min(limits.headTimeoutMs, limits.bodyTimeoutMs, limits.idleTimeoutMs));
    this.channel = openChannel(this);
    this.output = new FrameOutput(this.channel);
    this.sender = new FrameSender(this.output, this.encoder, this, limits.writeHighWaterBytes);
  }

  /** Our side of a stream is sent and the peer's is not. */
  protected abstract onEarlyEnd(stream: S): void;
  /** A stream left the table. */
  protected abstract onStreamGone(): void;
  /** Time has passed. */
  protected onSweep(_nowMs: number): void {}
  /** Nothing has been under way for the idle time. */
  protected abstract onIdle(): void;
  /** Whether the peer is what the stream waits for. */
  protected abstract isStalled(stream: S): boolean;
  /** The last read ended inside a frame, or inside a head. */
  protected abstract get insideFrame(): boolean;
  protected abstract get insideHead(): boolean;
  /** The id for GOAWAY: the last stream of the peer's that we looked at. */
  protected abstract get lastPeerStreamId(): number;
  /** Over, for whatever reason; the streams have been told. */
  protected abstract onStopped(error: WireError): void;

  abstract onBytes(bytes: Uint8Array): void;
  abstract onEnd(): void;

  get activeStreams(): number {
    return this.streams.size;
  }

  // -- Streams -------------------------------------------------------------------------------------------------------------------

  /** Puts a stream into the table with its windows full. */
  protected enter(stream: S, id: number): void {
    stream.id = id;
    stream.sendWindowBytes = this.sender.initialWindowBytes;
    const { streamWindowBytes } = this.limits;
    // Until it has acknowledged our settings the peer goes by the protocol's window.
    stream.receiveWindowBytes = this.settingsAcknowledged ? streamWindowBytes : Math.max(streamWindowBytes, defaultWindowBytes);
    this.streams.add(stream);
  }

  protected closeStream(stream: S): void {
    if (stream.closed) return;
    stream.closed = true;
    this.streams.delete(stream);
    this.ended.add(stream.id);
    this.sender.drop(stream);
    stream.onClosed();
    this.onStreamGone();
  }

  /** Ends a stream from our side. */
  resetStream(stream: S, code: number): void {
    if (stream.closed) return;
    // Out of the table first, so that it is told once even if writing ends the connection.
    this.closeStream(stream);
    this.writeResetOf(stream.id, code);
  }

  protected writeResetOf(streamId: number, code: number): void {
    if (this.stopped) return;
    this.resets.add(streamId);
    writeReset(this.output, streamId, code);
    this.controlFrameQueued();
  }

  /** Ends a stream because the peer broke its rules. */
  breakStream(stream: S, code: number, message: string): void {
    this.resetStream(stream, code);
    stream.onFailure(new WireError("protocol", message, { http2Code: code }));
    this.guard.note("provokedReset", this.framesMoved);
  }

  onStreamSent(stream: Http2Stream): void {
    if (stream.remoteEnded) this.closeStream(stream as S);
    else this.onEarlyEnd(stream as S);
  }

  onUnsendable(stream: Http2Stream, reason: string): void {
    this.resetStream(stream as S, errorCode.internalError);
    stream.onFailure(new WireError("protocol", `cannot send: ${reason}`));
  }

  // -- Receive windows (section 6.9) ---------------------------------------------------------------------------------------------

  /** Gives bytes back to the connection's window; the peer hears of it when half a window is owed. */
  credit(sizeBytes: number): void {
    this.uncreditedBytes += sizeBytes;
    if (this.uncreditedBytes * 2 < this.limits.connectionWindowBytes || this.stopped) return;
    writeWindowUpdate(this.output, 0, this.uncreditedBytes);
    this.receiveWindowBytes += this.uncreditedBytes;
    this.uncreditedBytes = 0;
    this.controlFrameQueued();
  }

  /** Gives bytes back to the stream and the connection. */
  creditStream(stream: Http2Stream, sizeBytes: number): void {
    this.credit(sizeBytes);
    if (stream.remoteEnded || stream.closed || this.stopped) return;
    stream.uncreditedBytes += sizeBytes;
    if (stream.uncreditedBytes * 2 < this.limits.streamWindowBytes) return;
    writeWindowUpdate(this.output, stream.id, stream.uncreditedBytes);
    stream.receiveWindowBytes += stream.uncreditedBytes;
    stream.uncreditedBytes = 0;
    this.controlFrameQueued();
  }

  // -- Settings and last words ---------------------------------------------------------------------------------------------------

  /** HEADERS and DATA frames both ways. */
  protected get framesMoved(): number {
    return this.framesReceived + this.sender.framesMoved;
  }

  /** @param settings identifiers and values, those of windows and heads excepted. */
  protected sendSettings(settings: readonly number[]): void {
    const { streamWindowBytes, connectionWindowBytes, headBytes } = this.limits;
    writeSettings(this.output, [...settings, setting.initialWindowSize, streamWindowBytes, setting.maxHeaderListSize, headBytes]);
    const growth = connectionWindowBytes - defaultWindowBytes;
    if (growth > 0) {
      writeWindowUpdate(this.output, 0, growth);
      this.receiveWindowBytes += growth;
    }
  }

  /** To be called after each frame that answers the peer, or that it made us send. */
  protected controlFrameQueued(): void {
    this.sender.flushSoon();
    if (!this.output.blocked) this.queuedControlFrames = 0;
    else if (++this.queuedControlFrames > maxQueuedControlFrames) {
      // Not thrown: users get here too, by giving credit or resetting streams.
      const message = "many control frames and no reading";
      this.shut(errorCode.enhanceYourCalm, message, new WireError("protocol", message, { http2Code: errorCode.enhanceYourCalm }));
    }
  }

  protected sendGoaway(lastStreamId: number, code: number, message: string): void {
    writeGoaway(this.output, lastStreamId, code, message);
    this.sender.flushSoon();
  }

  /** Says GOAWAY, ends every stream with `error` and hangs up. */
  protected shut(code: number, message: string, error: WireError): void {
    if (this.stopped) return;
    writeGoaway(this.output, this.lastPeerStreamId, code, message);
    this.hangUp(error);
  }

  /** Closes once what is in the output has been sent. */
  protected hangUp(error: WireError): void {
    if (this.stopped) return;
    this.output.flush();
    this.stop(error);
    this.channel.end();
    this.lingerTimer = this.clock.after(lingerMs, () => this.channel.destroy());
  }

  /** Ends everything at once; nothing more is sent. */
  protected stop(error: WireError): void {
    if (this.stopped) return;
    this.stopped = true;
    this.sender.stop();
    sweeperOf(this.clock).delete(this);
    const open = this.streams.all();
    this.streams.clear();
    for (const stream of open) {
      stream.closed = true;
      this.sender.drop(stream);
      stream.onClosed();
      stream.onFailure(error);
    }
    this.onStopped(error);
  }

  /** Drops the connection. */
  protected abandon(error: WireError): void {
    this.stop(error);
    this.channel.destroy();
  }

  onDrain(): void {
    if (this.stopped) return;
    this.queuedControlFrames = 0;
    this.sender.unblock();
  }

  onClose(error: Error | undefined): void {
    this.closed = true;
    this.lingerTimer?.cancel();
    const message = error === undefined ? "connection closed by the peer" : `connection broken: ${error.message}`;
    this.stop(new WireError("reset", message, error === undefined ? {} : { cause: error }));
  }

  // -- Time ----------------------------------------------------------------------------------------------------------------------

  /**
   * Looks after what waits for the peer: heads and frames that do not come to their end, streams that stall, idleness. Called now and then, so
   * that nothing has to read the clock when frames move.
   */
  sweep(nowMs: number): void {
    if (this.stopped) return;
    const { headTimeoutMs, bodyTimeoutMs, idleTimeoutMs } = this.limits;
    if (this.reads !== this.readsAtSweep) this.lastReadAtMs = nowMs;
    this.readsAtSweep = this.reads;
    if (!this.insideHead) this.headSinceMs = Infinity;
    else this.headSinceMs = Math.min(this.headSinceMs, nowMs);
    if (this.streams.size > 0) this.idleSinceMs = nowMs;

    for (const stream of this.streams.all()) {
      if (!this.isStalled(stream)) stream.stalledSinceMs = Infinity;
      else if (stream.stalledSinceMs === Infinity) stream.stalledSinceMs = nowMs;
      else if (nowMs - stream.stalledSinceMs > bodyTimeoutMs) this.giveUp(stream);
    }
    if (nowMs - this.headSinceMs > headTimeoutMs) this.timeOut("header block not finished in time");
    else if (this.insideFrame && nowMs - this.lastReadAtMs > bodyTimeoutMs) this.timeOut("frame not finished in time");
    else if (nowMs - this.idleSinceMs > idleTimeoutMs) this.onIdle();
    else this.onSweep(nowMs);
  }

  /** How long nothing has come in, as far as the last sweep knows. */
  protected silentForMs(nowMs: number): number {
    return nowMs - this.lastReadAtMs;
  }

  private timeOut(message: string): void {
    this.shut(errorCode.noError, message, new WireError("timeout", message));
  }

  private giveUp(stream: S): void {
    this.resetStream(stream, errorCode.cancel);
    stream.onFailure(new WireError("timeout", "the peer neither sent nor took anything in time", { http2Code: errorCode.cancel }));
  }
}
