/**
 * HTTP/2 served by Node's own implementation: the slower, well-tried fallback (`--http2 node`) with the same contract as our engine.
 *
 * The trap: the bytes that told the protocol were read already; they are put back before node takes the socket over. What node does by itself
 * stays so: floods, invalid frames and header limits are judged by nghttp2, and some limits are approximate (docs/hardening.md has ours).
 */
import { performServerHandshake, type ServerHttp2Session, type ServerHttp2Stream } from "node:http2";
import type { Socket } from "node:net";
import { TLSSocket } from "node:tls";
import { systemClock, type Clock } from "../../core/clock.ts";
import { Metadata } from "../../core/metadata.ts";
import type { ExchangeHandler, Peer, RequestHead } from "../exchange.ts";
import { readRequest } from "../http2/request-fields.ts";
import type { WireLimits } from "../limits.ts";
import { sweeperOf, type Swept } from "../sweeper.ts";
import { PeerTls } from "../peer-tls.ts";
import { NodeExchange } from "./node-exchange.ts";

export interface NodeHttp2ServerOptions {
  readonly limits: WireLimits;
  readonly handler: ExchangeHandler;
  readonly clock?: Clock | undefined;
  readonly scheme?: "http" | "https" | undefined;
}

const endStreamFlag = 1;
const protocolError = 1;
const enhanceYourCalm = 11;
/** Pseudo fields, which count as fields for node. */
const pseudoFields = 8;

/** @param first what has been read from the socket already: the preface at least. Nobody else may listen to the socket any more. */
export function serveNodeHttp2(
  socket: Socket,
  first: Uint8Array,
  options: NodeHttp2ServerOptions,
): { drain(graceMs: number): Promise<void>; destroy(): void } {
  return new NodeHttp2Connection(socket, first, options);
}

class NodeHttp2Connection implements Swept {
  private readonly session: ServerHttp2Session;
  private readonly handler: ExchangeHandler;
  private readonly limits: WireLimits;
  private readonly clock: Clock;
  private readonly peer: Peer;
  private readonly scheme: "http" | "https";
  private readonly sinceMs: number;
  private readonly closed: Promise<void>;
  private streams = 0;
  private idleSinceMs: number;
  private greeted = false;

  constructor(socket: Socket, first: Uint8Array, options: NodeHttp2ServerOptions) {
    const { limits, clock = systemClock } = options;
    this.handler = options.handler;
    this.limits = limits;
    this.clock = clock;
    this.peer = peerOf(socket);
    this.scheme = options.scheme ?? (this.peer.tls === undefined ? "http" : "https");
    this.sinceMs = this.idleSinceMs = clock.nowMs();
    socket.pause();
    if (first.length > 0) socket.unshift(Buffer.from(first));
    const session = (this.session = performServerHandshake(socket, {
      maxHeaderListPairs: limits.headFields + pseudoFields,
      settings: {
        maxConcurrentStreams: limits.streams,
        initialWindowSize: limits.streamWindowBytes,
        maxHeaderListSize: limits.headBytes + 32 * limits.headFields,
        enablePush: false,
      },
    }));
    session.once("remoteSettings", () => {
      this.greeted = true;
      session.setLocalWindowSize(limits.connectionWindowBytes);
    });
    session.on("stream", (stream: ServerHttp2Stream, _fields: unknown, flags: number, raw: unknown) =>
      this.onStream(stream, raw as string[], flags),
    );
    // What broke a session was its peer or its socket; each of its streams hears it, and the session closes by itself.
    session.on("error", () => session.destroy());
    this.closed = new Promise((resolve) => session.once("close", resolve));
    session.once("close", () => sweeperOf(clock).delete(this));
    sweeperOf(clock).add(this, Math.min(limits.headTimeoutMs, limits.idleTimeoutMs));
  }

  async drain(graceMs: number): Promise<void> {
    const timer = this.clock.after(graceMs, () => this.session.destroy());
    this.session.close();
    await this.closed;
    timer.cancel();
  }

  destroy(): void {
    this.session.destroy();
  }

  sweep(nowMs: number): void {
    if (!this.greeted && nowMs - this.sinceMs > this.limits.headTimeoutMs) this.session.destroy(undefined, enhanceYourCalm);
    else if (this.streams === 0 && nowMs - this.idleSinceMs > this.limits.idleTimeoutMs) this.session.close();
  }

  private onStream(stream: ServerHttp2Stream, raw: readonly string[], flags: number): void {
    this.streams++;
    stream.once("close", () => {
      this.streams--;
      this.idleSinceMs = this.clock.nowMs();
    });
    const request = readRequest(raw);
    if (typeof request === "string" || request.target.length > this.limits.uriBytes) {
      this.refuse(stream, typeof request !== "string");
      return;
    }
    const head: RequestHead = {
      version: "2",
      method: request.method,
      target: request.target,
      scheme: this.scheme,
      authority: request.authority,
      headers: Metadata.share(request.headers),
      contentLength: request.contentLength,
      acceptsTrailers: request.acceptsTrailers,
      upgrade: undefined,
    };
    if (request.expectsContinue) stream.additionalHeaders({ ":status": 100 });
    const empty = (flags & endStreamFlag) !== 0;
    this.handler(new NodeExchange(stream, head, this.peer, this.clock.nowMs(), empty));
  }

  private refuse(stream: ServerHttp2Stream, uriTooLong: boolean): void {
    stream.on("error", () => stream.destroy());
    if (!uriTooLong) stream.close(protocolError);
    else stream.respond({ ":status": 414 }, { endStream: true });
  }
}

function peerOf(socket: Socket): Peer {
  const tls = socket instanceof TLSSocket ? new PeerTls(socket) : undefined;
  return { address: socket.remoteAddress ?? "", port: socket.remotePort ?? 0, tls };
}
