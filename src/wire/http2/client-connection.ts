/**
 * The client role: one connection, from its preface until it is retired (RFC 9113, section 8).
 *
 * It counts as ready only when the server's SETTINGS have come: until then it might speak something else, and how many streams it takes is not
 * known. The trap: a connection that got GOAWAY goes on serving the streams it has, so it is neither free nor gone.
 */
import { ByteChannel, type ChannelTarget } from "../byte-channel.ts";
import type { RequestTemplate } from "../http-client.ts";
import { WireError } from "../wire-error.ts";
import type { ClientRequest } from "./client-request.ts";
import type { ConnectionOptions } from "./connection-core.ts";
import { areTrailers } from "./field-rules.ts";
import { writePing } from "./frame-writing.ts";
import { clientPreface, describeReset, errorCode, errorCodeName, max31 } from "./frame.ts";
import { Http2Connection } from "./http2-connection.ts";
import { Http2Violation } from "./http2-violation.ts";
import { readResponse } from "./response-fields.ts";
import { setting } from "./settings.ts";

export interface ClientConnectionOptions extends ConnectionOptions {
  readonly target: ChannelTarget;
  /** Silence after which a PING is sent while streams are open; none without. */
  readonly keepaliveMs: number | undefined;
  /** How long its answer may take. */
  readonly keepaliveTimeoutMs: number;
  /** 1; tests start near the end. */
  readonly firstStreamId: number;
}

/** The pool a connection belongs to. */
export interface ConnectionOwner {
  onReady(connection: ClientConnection): void;
  /** There may be room for another stream. */
  onRoom(connection: ClientConnection): void;
  /** No new streams will be taken. */
  onRetired(connection: ClientConnection): void;
  onGone(connection: ClientConnection, error: WireError): void;
}

const keepalivePing = Buffer.from("alive?  ", "latin1");
/** A peer that announces no limit. */
const streamsWithoutLimit = 1 << 20;

const heads = new WeakMap<RequestTemplate, readonly string[]>();

/** The template's part of a header block, the same list each time. */
function headOf(template: RequestTemplate): readonly string[] {
  let head = heads.get(template);
  if (head === undefined) {
    const { method, scheme, authority, path, headers } = template;
    const pseudo = [":method", method, ":scheme", scheme];
    if (authority !== "") pseudo.push(":authority", authority);
    heads.set(template, (head = Object.freeze([...pseudo, ":path", path, ...headers])));
  }
  return head;
}

export class ClientConnection extends Http2Connection<ClientRequest> {
  /** The server's SETTINGS have come. */
  ready = false;
  /** Takes no new streams. */
  retired = false;
  /** At least one response has begun: it is a server that works. */
  proven = false;

  private readonly owner: ConnectionOwner;
  private readonly options: ClientConnectionOptions;
  private nextId: number;
  private maxStreams = streamsWithoutLimit;
  private pingSentAtMs = Infinity;
  /** The fault that the server has said GOAWAY for. */
  private fault: string | undefined = undefined;

  constructor(options: ClientConnectionOptions, owner: ConnectionOwner) {
    super(options, (events) => ByteChannel.connect(options.target, events, () => this.onConnected()));
    this.options = options;
    this.owner = owner;
    this.nextId = options.firstStreamId;
    options.clock.after(options.target.connectTimeoutMs, () => this.onConnectTimeout());
  }

  /** Takes another stream. */
  get free(): boolean {
    return this.ready && !this.retired && this.streams.size < this.maxStreams && !this.output.blocked;
  }

  /** Sends `request` on the next stream; only when {@link free}. */
  start(request: ClientRequest): void {
    const id = this.nextId;
    this.nextId = id + 2;
    this.enter(request, id);
    if (this.nextId > max31) this.retire();
    request.attach(this);
    const { sender } = this;
    const bodyless = request.localDone && request.waitingBytes === 0;
    sender.sendHead(request, headOf(request.template), request.headers, request.more, bodyless);
    if (!bodyless && !request.closed && request.waitingBytes > 0) sender.adopt(request);
  }

  /** Takes no more streams and closes after the last. */
  retire(): void {
    if (this.retired) return;
    this.retired = true;
    this.owner.onRetired(this);
    if (this.streams.size === 0) this.leave();
  }

  /** Closes at once; streams end with `error`. */
  destroy(error: WireError): void {
    if (this.ready && !this.stopped) {
      this.sendGoaway(0, errorCode.noError, "");
      this.output.flush();
    }
    this.abandon(error);
  }

  private onConnected(): void {
    const { tls } = this.channel.peer;
    if (tls !== undefined && tls.alpn !== "h2") {
      this.abandon(new WireError("connect", "the server does not speak HTTP/2 (ALPN)", { unprocessed: true }));
      return;
    }
    const out = this.output.reserve(clientPreface.length);
    out.set(clientPreface, this.output.at);
    this.output.at += clientPreface.length;
    this.sendSettings([setting.enablePush, 0]);
    this.sender.start();
  }

  private onConnectTimeout(): void {
    if (this.ready || this.stopped) return;
    const { connectTimeoutMs } = this.options.target;
    this.abandon(new WireError("connect", `no HTTP/2 connection within ${connectTimeoutMs} ms`, { unprocessed: true }));
  }

  protected override onPeerReady(): void {
    this.ready = true;
    this.owner.onReady(this);
  }

  protected override onPeerSetting(id: number, value: number): void {
    if (id === setting.enablePush && value !== 0) throw new Http2Violation(errorCode.protocolError, "a server that wants to be pushed to");
    if (id !== setting.maxConcurrentStreams) return;
    this.maxStreams = Math.min(value, streamsWithoutLimit);
    if (this.ready) this.owner.onRoom(this);
  }

  protected override onHead(streamId: number, fields: readonly string[], tooLarge: boolean, end: boolean): void {
    const request = this.streams.get(streamId);
    if (request === undefined) {
      if (this.isIdle(streamId)) throw new Http2Violation(errorCode.protocolError, `response on stream ${streamId}`);
      this.guard.note("idle", this.framesMoved);
      return;
    }
    if (tooLarge) {
      this.resetStream(request, errorCode.cancel);
      request.onFailure(new WireError("too-large", "the response's head is larger than allowed"));
    } else if (request.headSeen) this.onTrailers(request, fields, end);
    else this.onResponse(request, fields, end);
  }

  private onResponse(request: ClientRequest, fields: readonly string[], end: boolean): void {
    const response = readResponse(fields, this.headRepeats);
    if (typeof response === "string") {
      this.breakStream(request, errorCode.protocolError, response);
      return;
    }
    const { status } = response;
    if (status < 200) {
      // Interim responses say nothing anybody waits for; 101 does not exist in HTTP/2.
      if (end || status === 101) this.breakStream(request, errorCode.protocolError, `interim response ${status} where none may be`);
      return;
    }
    this.proven = true;
    const bodyless = status === 204 || status === 304 || request.template.method === "HEAD";
    request.declaredBytes = bodyless ? 0 : response.contentLength;
    if (end && request.declaredBytes > 0) {
      this.breakStream(request, errorCode.protocolError, "content-length without a body");
      return;
    }
    request.onHead(status, response.headers);
    if (end && !request.closed) this.endRemote(request, undefined);
  }

  private onTrailers(request: ClientRequest, fields: readonly string[], end: boolean): void {
    const { declaredBytes, receivedBytes } = request;
    if (!end) this.breakStream(request, errorCode.protocolError, "trailers that do not end the stream");
    else if (!areTrailers(fields)) this.breakStream(request, errorCode.protocolError, "malformed trailers");
    else if (declaredBytes >= 0 && receivedBytes !== declaredBytes) {
      this.breakStream(request, errorCode.protocolError, `body of ${receivedBytes} bytes where content-length says ${declaredBytes}`);
    } else this.endRemote(request, fields);
  }

  protected override endRemote(request: ClientRequest, trailers: readonly string[] | undefined): void {
    if (request.headSeen) super.endRemote(request, trailers);
    else this.breakStream(request, errorCode.protocolError, "DATA before the response's head");
  }

  protected override isIdle(streamId: number): boolean {
    return (streamId & 1) === 0 || streamId >= this.nextId;
  }

  protected override onStraggler(): void {
    // Frames that crossed our reset, or came after the end: nobody waits for them.
  }

  protected override onReset(request: ClientRequest, code: number): void {
    const refused = code === errorCode.refusedStream;
    if (this.fault !== undefined && !refused) {
      // The server gives up the connection and resets what was on it: that says nothing about this call.
      request.onFailure(new WireError("reset", this.fault));
      return;
    }
    request.onFailure(new WireError(refused ? "refused" : "reset", describeReset(code), { unprocessed: refused, http2Code: code }));
  }

  protected override onGoaway(lastStreamId: number, code: number, message: string): void {
    const text = `the peer is going away: ${errorCodeName(code)}${message === "" ? "" : ` (${message})`}`;
    this.retired = true;
    if (code !== errorCode.noError) this.fault = text;
    this.owner.onRetired(this);
    for (const request of this.streams.all()) {
      if (request.id <= lastStreamId || request.closed) continue;
      this.closeStream(request);
      request.onFailure(new WireError("refused", text, { unprocessed: true, http2Code: code }));
    }
    if (this.streams.size === 0) this.leave();
  }

  private leave(): void {
    this.hangUp(new WireError("closed", "the connection was retired"));
  }

  protected override onPong(): void {
    this.pingSentAtMs = Infinity;
  }

  protected override onSweep(nowMs: number): void {
    const { keepaliveMs, keepaliveTimeoutMs } = this.options;
    if (keepaliveMs === undefined || !this.ready) return;
    if (nowMs - this.pingSentAtMs > keepaliveTimeoutMs) {
      this.abandon(new WireError("reset", `no answer to a PING within ${keepaliveTimeoutMs} ms`));
    } else if (this.pingSentAtMs === Infinity && this.streams.size > 0 && this.silentForMs(nowMs) > keepaliveMs) {
      this.pingSentAtMs = nowMs;
      writePing(this.output, 0, keepalivePing, 0);
      this.sender.flushSoon();
    }
  }

  protected override onEarlyEnd(): void {
    // The request is sent; the response is still to come.
  }

  protected override onStreamGone(): void {
    if (!this.retired) this.owner.onRoom(this);
    else if (this.streams.size === 0) this.leave();
  }

  override onDrain(): void {
    super.onDrain();
    if (!this.stopped) this.owner.onRoom(this);
  }

  protected override onIdle(): void {
    this.retire();
  }

  /** How long a call may take is the caller's business: it has deadlines. */
  protected override isStalled(): boolean {
    return false;
  }

  protected override get lastPeerStreamId(): number {
    return 0;
  }

  override onEnd(): void {
    this.abandon(new WireError("reset", "the peer closed the connection"));
  }

  protected override onReadEnd(): void {
    // Sinks are told as the frames are read.
  }

  protected override onStopped(error: WireError): void {
    this.owner.onGone(this, error);
  }
}
