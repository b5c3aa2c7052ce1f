/** The other end of a connection, frame by frame: sends what a real peer never would, and keeps every frame that comes back. */
import { once } from "node:events";
import { connect, createServer, type AddressInfo, type Server, type Socket } from "node:net";
import { systemClock } from "../../../../src/core/clock.ts";
import { ByteChannel } from "../../../../src/wire/byte-channel.ts";
import type { Exchange, ExchangeHandler } from "../../../../src/wire/exchange.ts";
import { serveHttp2, type ServedHttp2 } from "../../../../src/wire/http2/serve-http2.ts";
import { defaultLimits, type WireLimits } from "../../../../src/wire/limits.ts";
import { block, flag, frame, preface, settings, type } from "../../../fuzz/frames.ts";
import { until } from "../../../support/until.ts";

interface Frame {
  readonly type: number;
  readonly flags: number;
  readonly streamId: number;
  readonly payload: Buffer;
}

export const getFields = [":method", "GET", ":scheme", "http", ":authority", "a", ":path", "/"];
export const postFields = [":method", "POST", ":scheme", "http", ":authority", "a", ":path", "/"];

export function head(streamId: number, fields: readonly string[], flags: number = flag.endStream): Buffer {
  return frame(type.headers, flag.endHeaders | flags, streamId, block(...fields));
}

export class RawPeer {
  readonly frames: Frame[] = [];
  /** FIN or RST came. */
  closed = false;
  readonly socket: Socket;
  private unread = Buffer.alloc(0);

  constructor(socket: Socket, skipBytes = 0) {
    this.socket = socket;
    socket.setNoDelay(true);
    let skip = skipBytes;
    socket.on("data", (bytes: Buffer) => {
      const skipped = Math.min(skip, bytes.length);
      skip -= skipped;
      this.take(bytes.subarray(skipped));
    });
    socket.on("end", () => (this.closed = true));
    socket.on("close", () => (this.closed = true));
    socket.on("error", () => (this.closed = true));
  }

  static async connect(port: number): Promise<RawPeer> {
    const socket = connect(port, "127.0.0.1");
    await once(socket, "connect");
    return new RawPeer(socket);
  }

  /** A client that has said hello. */
  static async greeted(port: number, ...pairs: readonly (readonly [id: number, value: number])[]): Promise<RawPeer> {
    const peer = await RawPeer.connect(port);
    peer.send(preface, settings(...pairs));
    return peer;
  }

  send(...parts: Uint8Array[]): void {
    if (!this.socket.destroyed) this.socket.write(Buffer.concat(parts));
  }

  of(frameType: number, streamId?: number): Frame[] {
    return this.frames.filter((one) => one.type === frameType && (streamId === undefined || one.streamId === streamId));
  }

  async first(frameType: number, streamId?: number): Promise<Frame> {
    await until(() => this.of(frameType, streamId).length > 0 || this.closed, `frame type ${frameType} on stream ${streamId ?? "any"}`);
    const found = this.of(frameType, streamId)[0];
    if (found === undefined) throw new Error(`closed without frame type ${frameType} on stream ${streamId ?? "any"}`);
    return found;
  }

  /** The code of the GOAWAY that ends the connection. */
  async goawayCode(): Promise<number> {
    return (await this.first(type.goaway)).payload.readUInt32BE(4);
  }

  async resetCode(streamId: number): Promise<number> {
    return (await this.first(type.reset, streamId)).payload.readUInt32BE(0);
  }

  body(streamId: number): Buffer {
    return Buffer.concat(this.of(type.data, streamId).map(({ payload }) => payload));
  }

  async end(): Promise<void> {
    await until(() => this.closed, "the end of the connection");
  }

  /** Everything sent so far has been answered. */
  async settled(): Promise<void> {
    const before = this.of(type.ping).length;
    this.send(frame(type.ping, 0, 0, Buffer.from("settled?")));
    await until(() => this.of(type.ping).length > before || this.closed, "the answer to a PING");
  }

  private take(bytes: Buffer): void {
    this.unread = Buffer.concat([this.unread, bytes]);
    while (this.unread.length >= 9) {
      const length = this.unread.readUIntBE(0, 3);
      if (this.unread.length < 9 + length) return;
      const streamId = this.unread.readUInt32BE(5);
      const payload = Buffer.from(this.unread.subarray(9, 9 + length));
      this.frames.push({ type: this.unread[3]!, flags: this.unread[4]!, streamId, payload });
      this.unread = this.unread.subarray(9 + length);
    }
  }
}

export interface RawServed {
  readonly port: number;
  readonly exchanges: Exchange[];
  readonly connections: ServedHttp2[];
  close(): void;
}

/** Our server on a port of its own; without a handler it keeps the exchanges and answers nothing. */
export async function serve(limits: Partial<WireLimits> = {}, handler?: ExchangeHandler): Promise<RawServed> {
  const exchanges: Exchange[] = [];
  const connections: ServedHttp2[] = [];
  const sockets = new Set<Socket>();
  const server: Server = createServer({ allowHalfOpen: true, noDelay: true }, (socket) => {
    sockets.add(socket);
    const connection = serveHttp2(ByteChannel.accepted(socket), new Uint8Array(0), {
      limits: { ...defaultLimits, ...limits },
      handler: (exchange) => {
        exchanges.push(exchange);
        handler?.(exchange);
      },
      clock: systemClock,
      scheme: "http",
      poisonReadBuffers: true,
    });
    connections.push(connection);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    port: (server.address() as AddressInfo).port,
    exchanges,
    connections,
    close: () => {
      for (const socket of sockets) socket.destroy();
      server.close();
    },
  };
}

/** A server of raw frames: `script` is run for each connection, after the client's preface was skipped. */
export async function serveRaw(script: (peer: RawPeer, nth: number) => void): Promise<{ port: number; peers: RawPeer[]; close(): void }> {
  const peers: RawPeer[] = [];
  const server = createServer({ noDelay: true }, (socket) => {
    const peer = new RawPeer(socket, preface.length);
    peers.push(peer);
    script(peer, peers.length);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    port: (server.address() as AddressInfo).port,
    peers,
    close: () => {
      for (const { socket } of peers) socket.destroy();
      server.close();
    },
  };
}
