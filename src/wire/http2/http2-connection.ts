/**
 * What both roles do with the frames that come in (RFC 9113, section 6): checks, windows, heads, settings, and a place where faults end up.
 *
 * Two kinds of fault. The peer breaking the connection is thrown as Http2Violation from anywhere below `onBytes` and becomes GOAWAY there; the
 * peer breaking one stream becomes RST_STREAM (`breakStream`). The trap: events call out to users, who may close streams or the connection,
 * so `stream.closed` and `stopped` are looked at again afterwards.
 */
import type { ByteChannel, ChannelEvents } from "../byte-channel.ts";
import { noteOutsideMemory } from "../../core/outside-memory.ts";
import { WireError } from "../wire-error.ts";
import { ConnectionCore, headerTableBytes, type ConnectionOptions } from "./connection-core.ts";
import { copyInto } from "./frame-output.ts";
import {
  checkPing,
  checkSettings,
  checkSettingsAck,
  checkStream,
  headRange,
  readGoaway,
  readHeadRange,
  readResetCode,
  readUint32,
  readWindowIncrement,
} from "./frame-checking.ts";
import { FrameReader, type FrameHandler } from "./frame-reader.ts";
import { writePing, writeSettingsAck } from "./frame-writing.ts";
import {
  ACK,
  CONTINUATION,
  DATA,
  END_HEADERS,
  END_STREAM,
  errorCode,
  GOAWAY,
  HEADERS,
  max31,
  PADDED,
  PING,
  PRIORITISED,
  PRIORITY,
  PUSH_PROMISE,
  RST_STREAM,
  SETTINGS,
  WINDOW_UPDATE,
} from "./frame.ts";
import { HeaderBlock } from "./header-block.ts";
import { HpackDecoder } from "./hpack/hpack-decoder.ts";
import { HpackError } from "./hpack/hpack-error.ts";
import type { Http2Stream } from "./http2-stream.ts";
import { Http2Violation } from "./http2-violation.ts";
import { readSettings, setting } from "./settings.ts";
import type { Tabled } from "./stream-table.ts";

const anyFrame = -1;

export abstract class Http2Connection<S extends Http2Stream & Tabled<S>> extends ConnectionCore<S> implements FrameHandler {
  protected readonly reader: FrameReader = new FrameReader(this);
  private readonly decoder: HpackDecoder;
  private readonly block: HeaderBlock;
  private readonly poison: boolean;
  /** The only frame type that may come now, or `anyFrame`. */
  private only = SETTINGS;
  /** A DATA frame that comes in pieces. */
  private dataStream: S | undefined = undefined;
  private dataFlags = 0;

  protected constructor(options: ConnectionOptions, openChannel: (events: ChannelEvents) => ByteChannel) {
    super(options, openChannel);
    const { limits } = options;
    this.poison = options.poisonReadBuffers ?? false;
    this.decoder = new HpackDecoder({
      maxTableBytes: headerTableBytes,
      maxListBytes: limits.headBytes + 32 * limits.headFields,
      maxFields: limits.headFields + 8,
    });
    this.block = new HeaderBlock(limits.headBytes + 16 * limits.headFields);
  }

  /** The head that is being told of has come before, as the same list. */
  protected get headRepeats(): boolean {
    return this.decoder.lastBlockKnown;
  }

  /** Is the stream one nobody has opened yet? */
  protected abstract isIdle(streamId: number): boolean;
  /** A complete head or trailers; `fields` is shared and never written to. */
  protected abstract onHead(streamId: number, fields: readonly string[], tooLarge: boolean, end: boolean, selfDependent: boolean): void;
  /** A frame for a stream that is over. */
  protected abstract onStraggler(streamId: number, type: number): void;
  protected abstract onReset(stream: S, code: number): void;
  protected abstract onGoaway(lastStreamId: number, code: number, message: string): void;
  protected abstract onPong(payload: Uint8Array, start: number): void;
  protected abstract onPeerSetting(id: number, value: number): void;
  /** The read has been parsed to its end. */
  protected abstract onReadEnd(): void;

  // -- Bytes in ------------------------------------------------------------------------------------------------------------------

  onBytes(bytes: Uint8Array): void {
    this.reads++;
    if (!this.stopped) {
      try {
        this.parse(bytes);
      } catch (failure) {
        this.fail(failure);
      }
    }
    if (this.poison) bytes.fill(0xdb);
    if (!this.stopped) this.onReadEnd();
  }

  protected parse(bytes: Uint8Array): void {
    this.reader.feed(bytes, 0);
  }

  onFrame(type: number, flags: number, streamId: number, bytes: Uint8Array, start: number, end: number): void {
    if (this.only !== anyFrame && type !== this.only) this.outOfPlace(type);
    switch (type) {
      case DATA: {
        let paddingBytes = 0;
        if ((flags & PADDED) !== 0) {
          paddingBytes = start === end ? 1 : bytes[start]! + 1;
          if (paddingBytes > end - start) throw new Http2Violation(errorCode.protocolError, "padding longer than its frame");
        }
        const from = paddingBytes === 0 ? start : start + 1;
        const to = paddingBytes === 0 ? end : end - paddingBytes + 1;
        const stream = this.beginData(streamId, flags, end - start, paddingBytes);
        if (stream === undefined) return;
        if (to > from) this.passData(stream, bytes, from, to);
        if ((flags & END_STREAM) !== 0) this.endOfData(stream);
        return;
      }
      case HEADERS:
        this.onHeaders(flags, streamId, bytes, start, end);
        return;
      case WINDOW_UPDATE:
        this.onWindowUpdate(streamId, bytes, start, end);
        return;
      case RST_STREAM:
        this.onResetFrame(streamId, bytes, start, end);
        return;
      case SETTINGS:
        this.onSettings(flags, streamId, bytes, start, end);
        return;
      case PING:
        this.onPing(flags, streamId, bytes, start, end);
        return;
      case CONTINUATION:
        this.onContinuation(flags, streamId, bytes, start, end);
        return;
      case PRIORITY:
        this.onPriority(streamId, bytes, start, end);
        return;
      case GOAWAY:
        this.onGoawayFrame(streamId, bytes, start, end);
        return;
      case PUSH_PROMISE:
        throw new Http2Violation(errorCode.protocolError, "PUSH_PROMISE, which nobody asked for");
      default:
        this.guard.note("idle", this.framesMoved);
    }
  }

  private outOfPlace(type: number): never {
    if (this.only === SETTINGS) throw new Http2Violation(errorCode.protocolError, `frame type ${type} before SETTINGS`);
    throw new Http2Violation(errorCode.protocolError, `frame type ${type} inside a header block`);
  }

  // -- DATA (section 6.1) --------------------------------------------------------------------------------------------------------

  onDataStart(flags: number, streamId: number, lengthBytes: number, paddingBytes: number): void {
    if (this.only !== anyFrame) this.outOfPlace(DATA);
    this.dataFlags = flags;
    this.dataStream = this.beginData(streamId, flags, lengthBytes, paddingBytes);
  }

  onDataPiece(bytes: Uint8Array, start: number, end: number): void {
    const stream = this.dataStream;
    if (stream === undefined) return;
    if (stream.closed) this.credit(end - start);
    else this.passData(stream, bytes, start, end);
  }

  onDataEnd(): void {
    const stream = this.dataStream;
    this.dataStream = undefined;
    if (stream !== undefined && (this.dataFlags & END_STREAM) !== 0) this.endOfData(stream);
  }

  /** Takes the frame from the windows. @returns undefined when its bytes are to be dropped; they are credited then. */
  private beginData(streamId: number, flags: number, lengthBytes: number, paddingBytes: number): S | undefined {
    this.framesReceived++;
    this.receiveWindowBytes -= lengthBytes;
    if (this.receiveWindowBytes < 0) throw new Http2Violation(errorCode.flowControlError, "more DATA than the connection's window");
    const stream = this.streams.get(streamId);
    if (stream === undefined) {
      this.strayFrame(streamId, DATA);
      this.credit(lengthBytes);
      return undefined;
    }
    const bodyBytes = lengthBytes - paddingBytes;
    if (bodyBytes === 0 && (flags & END_STREAM) === 0) this.guard.note("emptyData", this.framesMoved);
    if (stream.remoteEnded) {
      this.credit(lengthBytes);
      this.breakStream(stream, errorCode.streamClosed, "DATA after the end of the stream");
      return undefined;
    }
    stream.receiveWindowBytes -= lengthBytes;
    stream.receivedBytes += bodyBytes;
    stream.stalledSinceMs = Infinity;
    if (stream.receiveWindowBytes < 0) {
      this.credit(lengthBytes);
      this.breakStream(stream, errorCode.flowControlError, "more DATA than the stream's window");
      return undefined;
    }
    const { declaredBytes, receivedBytes } = stream;
    if (declaredBytes >= 0 && (receivedBytes > declaredBytes || ((flags & END_STREAM) !== 0 && receivedBytes < declaredBytes))) {
      this.credit(lengthBytes);
      this.breakStream(stream, errorCode.protocolError, `body of ${receivedBytes} bytes where content-length says ${declaredBytes}`);
      return undefined;
    }
    if (paddingBytes > 0) this.creditStream(stream, paddingBytes);
    return stream;
  }

  private passData(stream: S, bytes: Uint8Array, start: number, end: number): void {
    const chunk = Buffer.allocUnsafe(end - start);
    noteOutsideMemory(chunk.length);
    copyInto(chunk, 0, bytes, start, end);
    stream.onChunk(chunk);
  }

  private endOfData(stream: S): void {
    if (!stream.closed) this.endRemote(stream, undefined);
  }

  /** The peer's side of the stream is done. */
  protected endRemote(stream: S, trailers: readonly string[] | undefined): void {
    stream.remoteEnded = true;
    // Out of the table first: what the event sets off may open the next stream.
    if (stream.localEnded) this.closeStream(stream);
    stream.onRemoteEnd(trailers);
  }

  // -- Heads (sections 6.2 and 6.10) ---------------------------------------------------------------------------------------------

  private onHeaders(flags: number, streamId: number, bytes: Uint8Array, start: number, end: number): void {
    checkStream("HEADERS", streamId);
    this.framesReceived++;
    let from = start;
    let to = end;
    let selfDependent = false;
    if ((flags & (PADDED | PRIORITISED)) !== 0) {
      readHeadRange(flags, streamId, bytes, start, end);
      ({ from, to, selfDependent } = headRange);
    }
    const endStream = (flags & END_STREAM) !== 0;
    if ((flags & END_HEADERS) !== 0) {
      this.decodeHead(streamId, bytes, from, to, endStream, selfDependent);
      return;
    }
    this.only = CONTINUATION;
    this.block.start(streamId, endStream, selfDependent);
    this.block.append(bytes, from, to);
  }

  private onContinuation(flags: number, streamId: number, bytes: Uint8Array, start: number, end: number): void {
    const { block } = this;
    if (this.only !== CONTINUATION || streamId !== block.streamId) {
      throw new Http2Violation(errorCode.protocolError, "CONTINUATION that continues nothing");
    }
    block.append(bytes, start, end);
    if ((flags & END_HEADERS) === 0) return;
    this.only = anyFrame;
    this.decodeHead(streamId, block.bytes, 0, block.sizeBytes, block.endStream, block.selfDependent);
    block.release();
  }

  private decodeHead(streamId: number, bytes: Uint8Array, start: number, end: number, endStream: boolean, selfDependent: boolean): void {
    this.headSinceMs = Infinity;
    const fields = this.decoder.decode(bytes, start, end);
    const tooLarge = this.decoder.lastBlockTooLarge;
    if (tooLarge) this.guard.note("oversizedHead", this.framesMoved);
    this.onHead(streamId, fields, tooLarge, endStream, selfDependent);
  }

  protected override get insideFrame(): boolean {
    return this.reader.insideFrame;
  }

  protected override get insideHead(): boolean {
    return this.only !== anyFrame || this.reader.insideHead;
  }

  // -- The other frames ----------------------------------------------------------------------------------------------------------

  private onWindowUpdate(streamId: number, bytes: Uint8Array, start: number, end: number): void {
    const incrementBytes = readWindowIncrement(bytes, start, end);
    this.guard.note("windowUpdate", this.framesMoved);
    if (streamId === 0) {
      if (incrementBytes === 0) throw new Http2Violation(errorCode.protocolError, "WINDOW_UPDATE of 0");
      this.sender.windowBytes += incrementBytes;
      if (this.sender.windowBytes > max31) throw new Http2Violation(errorCode.flowControlError, "connection window above 2^31-1");
      this.sender.pump();
      return;
    }
    const stream = this.streams.get(streamId);
    if (stream === undefined) {
      // Legal for a while after the end (section 5.1): the peer may not have seen it yet.
      if (this.isIdle(streamId)) throw new Http2Violation(errorCode.protocolError, "WINDOW_UPDATE for a stream that was never opened");
      return;
    }
    stream.sendWindowBytes += incrementBytes;
    if (incrementBytes === 0) this.breakStream(stream, errorCode.protocolError, "WINDOW_UPDATE of 0");
    else if (stream.sendWindowBytes > max31) this.breakStream(stream, errorCode.flowControlError, "stream window above 2^31-1");
    else if (this.sender.readyAgain(stream)) this.sender.pump();
  }

  private onResetFrame(streamId: number, bytes: Uint8Array, start: number, end: number): void {
    const code = readResetCode(streamId, bytes, start, end);
    if (this.isIdle(streamId)) throw new Http2Violation(errorCode.protocolError, "RST_STREAM for a stream that was never opened");
    this.guard.note("reset", this.framesMoved);
    const stream = this.streams.get(streamId);
    if (stream === undefined) return;
    this.closeStream(stream);
    this.onReset(stream, code);
  }

  private onSettings(flags: number, streamId: number, bytes: Uint8Array, start: number, end: number): void {
    checkSettings(streamId);
    if ((flags & ACK) !== 0) {
      checkSettingsAck(start, end);
      if (this.only === SETTINGS) throw new Http2Violation(errorCode.protocolError, "acknowledgement before SETTINGS");
      this.settingsAcknowledged = true;
      return;
    }
    if (this.only !== SETTINGS) this.guard.note("settings", this.framesMoved);
    readSettings(bytes, start, end, (id, value) => this.applySetting(id, value));
    const first = this.only === SETTINGS;
    if (first) this.only = anyFrame;
    // Acknowledged before anything is sent that makes use of them.
    writeSettingsAck(this.output);
    this.controlFrameQueued();
    if (first) this.onPeerReady();
    this.sender.pump();
  }

  /** The peer's first SETTINGS have come: it speaks HTTP/2. */
  protected onPeerReady(): void {}

  private applySetting(id: number, value: number): void {
    if (id === setting.headerTableSize) this.encoder.setPeerTableSize(value);
    else if (id === setting.maxFrameSize) this.sender.maxFrameBytes = value;
    else if (id === setting.initialWindowSize) {
      const change = value - this.sender.initialWindowBytes;
      this.sender.initialWindowBytes = value;
      for (const stream of this.streams.all()) {
        stream.sendWindowBytes += change;
        if (stream.sendWindowBytes > max31) throw new Http2Violation(errorCode.flowControlError, "SETTINGS push a window above 2^31-1");
        if (change > 0) this.sender.readyAgain(stream);
      }
    } else this.onPeerSetting(id, value);
  }

  private onPing(flags: number, streamId: number, bytes: Uint8Array, start: number, end: number): void {
    checkPing(streamId, start, end);
    this.guard.note("ping", this.framesMoved);
    if ((flags & ACK) !== 0) {
      this.onPong(bytes, start);
      return;
    }
    writePing(this.output, ACK, bytes, start);
    this.controlFrameQueued();
  }

  /** Priorities were tried and found useless (section 5.3.2): they are checked and forgotten. */
  private onPriority(streamId: number, bytes: Uint8Array, start: number, end: number): void {
    checkStream("PRIORITY", streamId);
    this.guard.note("priority", this.framesMoved);
    const stream = this.streams.get(streamId);
    if (end - start !== 5) this.faultOf(stream, errorCode.frameSizeError, `PRIORITY of ${end - start} bytes`);
    else if ((readUint32(bytes, start) & max31) === streamId) {
      this.faultOf(stream, errorCode.protocolError, "stream that depends on itself");
    }
  }

  /** A stream's fault, or the connection's where the stream cannot be reset because it is not open. */
  private faultOf(stream: S | undefined, code: number, message: string): void {
    if (stream === undefined) throw new Http2Violation(code, message);
    this.breakStream(stream, code, message);
  }

  private onGoawayFrame(streamId: number, bytes: Uint8Array, start: number, end: number): void {
    const { lastStreamId, code, message } = readGoaway(streamId, bytes, start, end);
    this.onGoaway(lastStreamId, code, message);
  }

  private strayFrame(streamId: number, type: number): void {
    if (streamId === 0) throw new Http2Violation(errorCode.protocolError, `frame type ${type} on stream 0`);
    if (this.isIdle(streamId)) throw new Http2Violation(errorCode.protocolError, `frame type ${type} for a stream that was never opened`);
    this.guard.note("idle", this.framesMoved);
    this.onStraggler(streamId, type);
  }

  private fail(failure: unknown): void {
    if (failure instanceof Http2Violation) {
      this.shut(failure.code, failure.message, new WireError("protocol", failure.message, { http2Code: failure.code }));
    } else if (failure instanceof HpackError) {
      this.shut(errorCode.compressionError, failure.message, new WireError("protocol", failure.message));
    } else {
      this.shut(errorCode.internalError, "", new WireError("closed", "internal error"));
      throw failure;
    }
  }
}
