/**
 * The server role: requests in, exchanges out (RFC 9113, section 8).
 *
 * The trap: an exchange is handed to the handler after the read that brought it has been parsed to its end, so that small bodies are whole by
 * then, and requests which were reset in the same read never reach it.
 */
import type { ByteChannel } from "../byte-channel.ts";
import type { ExchangeHandler, Peer } from "../exchange.ts";
import { WireError } from "../wire-error.ts";
import type { ConnectionOptions } from "./connection-core.ts";
import { areTrailers } from "./field-rules.ts";
import { writePing } from "./frame-writing.ts";
import { clientPreface, DATA, describeReset, errorCode, HEADERS, max31 } from "./frame.ts";
import { Http2Connection } from "./http2-connection.ts";
import { Http2Violation } from "./http2-violation.ts";
import { readRequest } from "./request-fields.ts";
import { ServerStream } from "./server-stream.ts";
import { setting } from "./settings.ts";

export interface ServerOptions extends ConnectionOptions {
  readonly handler: ExchangeHandler;
  readonly scheme: "http" | "https";
}

/** Between the two GOAWAYs of a drain, if the peer does not answer our PING before (section 6.8). */
const goawayPauseMs = 1000;
const drainPing = Buffer.from("draining", "latin1");
const noHeaders: readonly string[] = Object.freeze([]);

export class ServerConnection extends Http2Connection<ServerStream> {
  readonly peer: Peer;
  private readonly options: ServerOptions;
  /** How much of the client's preface has been seen. */
  private prefaceSeen = 0;
  private lastOpenedId = 0;
  /** Streams above this are ignored: the client was told. */
  private lastTakenId = max31;
  private ready: ServerStream[] = [];
  private arrivedAtMs = 0;
  /** Closed as soon as no stream is left. */
  private leaving = false;
  private drained: PromiseWithResolvers<void> | undefined = undefined;
  private finalGoawaySent = false;

  constructor(channel: ByteChannel, options: ServerOptions) {
    super(options, (events) => {
      channel.listen(events);
      return channel;
    });
    this.options = options;
    this.peer = channel.peer;
    this.sendSettings([setting.maxConcurrentStreams, this.limits.streams]);
    this.sender.start();
  }

  /** Sends no more than what is under way; settles when the connection is closed, after `graceMs` at the latest. */
  drain(graceMs: number): Promise<void> {
    if (this.closed) return Promise.resolve();
    if (this.drained === undefined) {
      this.drained = Promise.withResolvers<void>();
      if (!this.stopped) {
        // Requests under way to us are still taken: 2^31-1 only says that no new ones should be sent (section 6.8).
        this.sendGoaway(max31, errorCode.noError, "draining");
        writePing(this.output, 0, drainPing, 0);
        this.clock.after(goawayPauseMs, () => this.sendFinalGoaway());
        this.clock.after(graceMs, () => this.destroy());
      }
    }
    return this.drained.promise;
  }

  destroy(): void {
    if (!this.stopped) this.sendGoaway(this.lastOpenedId, errorCode.noError, "closing");
    this.output.flush();
    this.abandon(new WireError("closed", "the listener is closing"));
  }

  private sendFinalGoaway(): void {
    if (this.finalGoawaySent || this.stopped) return;
    this.finalGoawaySent = true;
    this.lastTakenId = this.lastOpenedId;
    this.sendGoaway(this.lastOpenedId, errorCode.noError, "draining");
    this.leaveWhenEmpty();
  }

  private leaveWhenEmpty(): void {
    this.leaving = true;
    if (this.streams.size === 0) this.hangUp(new WireError("closed", "drained"));
  }

  protected override parse(bytes: Uint8Array): void {
    let from = 0;
    while (this.prefaceSeen < clientPreface.length && from < bytes.length) {
      if (bytes[from++] !== clientPreface[this.prefaceSeen++]) {
        throw new Http2Violation(errorCode.protocolError, "not the preface of an HTTP/2 client");
      }
    }
    this.arrivedAtMs = 0;
    this.reader.feed(bytes, from);
  }

  protected override onReadEnd(): void {
    const { ready } = this;
    if (ready.length === 0) return;
    const { handler } = this.options;
    for (let i = 0; i < ready.length; i++) {
      const stream = ready[i]!;
      if (stream.closed) continue;
      try {
        handler(stream);
      } catch (failure) {
        // A defect, to be seen as one; but the other requests of this read must not hang for it.
        stream.abort(errorCode.internalError);
        queueMicrotask(() => {
          throw failure;
        });
      }
    }
    ready.length = 0;
  }

  protected override onHead(streamId: number, fields: readonly string[], tooLarge: boolean, end: boolean, selfDependent: boolean): void {
    const stream = this.streams.get(streamId);
    if (stream !== undefined) {
      this.onTrailers(stream, fields, tooLarge, end);
      return;
    }
    if ((streamId & 1) === 0) throw new Http2Violation(errorCode.protocolError, `request on stream ${streamId}`);
    if (streamId <= this.lastOpenedId) {
      this.onStraggler(streamId, HEADERS);
      return;
    }
    this.lastOpenedId = streamId;
    if (streamId > this.lastTakenId) return;
    if (this.streams.size >= this.limits.streams) {
      this.refuse(streamId, errorCode.refusedStream);
      return;
    }
    if (selfDependent) {
      this.refuse(streamId, errorCode.protocolError);
      return;
    }
    this.openStream(streamId, fields, tooLarge, end);
  }

  private openStream(streamId: number, fields: readonly string[], tooLarge: boolean, end: boolean): void {
    const request = readRequest(fields, this.headRepeats);
    if (typeof request === "string" && !tooLarge) {
      this.refuse(streamId, errorCode.protocolError);
      return;
    }
    if (this.arrivedAtMs === 0) this.arrivedAtMs = this.clock.nowMs();
    const taken = typeof request === "string" ? unreadable : request;
    const stream = new ServerStream(this, taken, this.options.scheme, this.arrivedAtMs);
    stream.declaredBytes = taken.contentLength;
    this.enter(stream, streamId);
    if (end) {
      if (taken.contentLength > 0) {
        this.breakStream(stream, errorCode.protocolError, "content-length without a body");
        return;
      }
      this.endRemote(stream, undefined);
    }
    if (tooLarge) stream.respond(431, noHeaders, undefined);
    else if (taken.target.length > this.limits.uriBytes) stream.respond(414, noHeaders, undefined);
    else this.ready.push(stream);
  }

  private onTrailers(stream: ServerStream, fields: readonly string[], tooLarge: boolean, end: boolean): void {
    const { declaredBytes, receivedBytes } = stream;
    if (stream.remoteEnded) this.breakStream(stream, errorCode.streamClosed, "HEADERS after the end of the stream");
    else if (!end) this.breakStream(stream, errorCode.protocolError, "trailers that do not end the stream");
    else if (tooLarge || !areTrailers(fields)) this.breakStream(stream, errorCode.protocolError, "malformed trailers");
    else if (declaredBytes >= 0 && receivedBytes !== declaredBytes) {
      this.breakStream(stream, errorCode.protocolError, `body of ${receivedBytes} bytes where content-length says ${declaredBytes}`);
    } else this.endRemote(stream, fields);
  }

  /** Turns away a stream that was not opened. */
  private refuse(streamId: number, code: number): void {
    this.writeResetOf(streamId, code);
    this.guard.note("provokedReset", this.framesMoved);
  }

  protected override isIdle(streamId: number): boolean {
    return (streamId & 1) === 0 || streamId > this.lastOpenedId;
  }

  protected override onStraggler(streamId: number, type: number): void {
    if (streamId > this.lastTakenId || this.resets.has(streamId)) return;
    if (type === DATA || this.ended.has(streamId)) {
      throw new Http2Violation(errorCode.streamClosed, `frame type ${type} for stream ${streamId}, which is closed`);
    }
    throw new Http2Violation(errorCode.protocolError, `stream ${streamId} opened after ${this.lastOpenedId}`);
  }

  protected override onReset(stream: ServerStream, code: number): void {
    stream.onFailure(new WireError("reset", describeReset(code), { http2Code: code }));
  }

  protected override onGoaway(): void {
    // The client opens no more streams; it will close the connection itself, or we do when it is idle.
  }

  protected override onPong(payload: Uint8Array, start: number): void {
    if (this.drained !== undefined && drainPing.equals(payload.subarray(start, start + 8))) this.sendFinalGoaway();
  }

  protected override onPeerSetting(): void {
    // What is left (push, concurrent streams, list size) concerns nothing we send.
  }

  protected override onEarlyEnd(stream: ServerStream): void {
    this.resetStream(stream, errorCode.noError);
    stream.leaveBody();
  }

  protected override onStreamGone(): void {
    if (this.leaving && this.streams.size === 0) this.hangUp(new WireError("closed", "drained"));
  }

  protected override onIdle(): void {
    this.shut(errorCode.noError, "idle", new WireError("closed", "idle"));
  }

  /** Stalled is a client that takes no answer, or does not send the body it has announced although there is room for it. */
  protected override isStalled(stream: ServerStream): boolean {
    if (stream.hasUnsent) return true;
    return !stream.remoteEnded && stream.declaredBytes >= 0 && stream.body.wanted;
  }

  protected override get lastPeerStreamId(): number {
    return this.lastOpenedId;
  }

  override onEnd(): void {
    if (this.stopped) {
      this.channel.destroy();
      return;
    }
    // No more requests will come, but whole ones may still be answered.
    for (const stream of this.streams.all()) {
      if (stream.remoteEnded) continue;
      this.closeStream(stream);
      stream.onFailure(new WireError("reset", "the client closed the connection inside its request"));
    }
    this.leaveWhenEmpty();
  }

  protected override onStopped(): void {
    this.ready.length = 0;
  }

  override onClose(error: Error | undefined): void {
    super.onClose(error);
    this.drained?.resolve();
  }
}

/** Stands for a head above the limits, of which no more is known than that it was too large. */
const unreadable = {
  method: "",
  target: "",
  authority: "",
  headers: noHeaders,
  contentLength: -1,
  acceptsTrailers: false,
  expectsContinue: false,
};
