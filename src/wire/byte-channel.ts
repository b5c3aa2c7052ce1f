/**
 * A socket as the engines want it: bytes in by callback, bytes out with the knowledge of who owns the buffer afterwards.
 *
 * Two traps. `onBytes` is shown a view that may be overwritten by the next read: copy what you keep. And `write` returns whether the
 * kernel took everything: only then may the buffer be used again; otherwise it has been given away.
 */
import { connect as connectTcp, type Socket } from "node:net";
import { connect as connectTls, TLSSocket, type ConnectionOptions } from "node:tls";
import type { Peer } from "./exchange.ts";

const readBufferSizeBytes = 64 * 1024;

/** One for all plain client sockets of the thread: a view is only valid inside the callback, and callbacks do not nest. */
const sharedReadBuffer = Buffer.allocUnsafeSlow(readBufferSizeBytes);

export interface ChannelTarget {
  readonly host: string;
  readonly port: number;
  readonly connectTimeoutMs: number;
  /** Node's TLS options; undefined for clear text. */
  readonly tls?: ConnectionOptions | undefined;
}

export interface ChannelEvents {
  /** A view of what was read, valid during the call. */
  onBytes(bytes: Uint8Array): void;
  /** Everything that was queued has been written. */
  onDrain(): void;
  /** The peer will send no more (FIN). */
  onEnd(): void;
  /** The socket is gone; the last call. `error` when it broke. */
  onClose(error: Error | undefined): void;
}

export class ByteChannel {
  private readonly socket: Socket;
  private events: ChannelEvents | undefined;
  private failure: Error | undefined;

  private constructor(socket: Socket) {
    this.socket = socket;
  }

  /** Over an accepted socket; reading starts with {@link listen}. */
  static accepted(socket: Socket): ByteChannel {
    return new ByteChannel(socket);
  }

  /** Opens a connection. `onReady` is told when it (and TLS) stands; a failure arrives as `onClose(error)`. */
  static connect(target: ChannelTarget, events: ChannelEvents, onReady: (channel: ByteChannel) => void): ByteChannel {
    const { host, port, tls } = target;
    const onread = {
      buffer: sharedReadBuffer,
      callback: (length: number, buffer: Uint8Array): boolean => {
        events.onBytes(buffer.subarray(0, length));
        return true;
      },
    };
    const socket = tls === undefined ? connectTcp({ host, port, noDelay: true, onread }) : connectTls({ host, port, ...tls });
    const channel = new ByteChannel(socket);
    socket.setTimeout(target.connectTimeoutMs, () => socket.destroy(new Error(`no connection within ${target.connectTimeoutMs} ms`)));
    socket.once(tls === undefined ? "connect" : "secureConnect", () => {
      socket.setTimeout(0);
      if (tls !== undefined) socket.setNoDelay(true);
      onReady(channel);
    });
    channel.attach(events, tls !== undefined);
    return channel;
  }

  /** Starts reading an accepted socket. Called again, `events` takes the place of the former listener, who hears nothing more. */
  listen(events: ChannelEvents): void {
    if (this.events === undefined) this.attach(events, true);
    else {
      this.events = events;
      this.socket.resume();
    }
  }

  get peer(): Peer {
    const { socket } = this;
    const tls =
      socket instanceof TLSSocket ? { servername: socket.servername || undefined, alpn: socket.alpnProtocol || undefined } : undefined;
    return { address: socket.remoteAddress ?? "", port: socket.remotePort ?? 0, tls };
  }

  /** @returns true when the kernel took all of it and `bytes` may be used again; false when the buffer has been given away. */
  write(bytes: Uint8Array): boolean {
    if (this.socket.destroyed) return true;
    this.socket.write(bytes);
    return this.socket.writableLength === 0 && !this.socket.connecting;
  }

  /** Bytes written by us that the kernel has not taken yet. */
  get queuedBytes(): number {
    return this.socket.writableLength;
  }

  pause(): void {
    this.socket.pause();
  }

  resume(): void {
    this.socket.resume();
  }

  /** Sends what is queued, then FIN. */
  end(): void {
    this.socket.end();
  }

  /** Drops the connection with whatever is queued. */
  destroy(): void {
    this.socket.destroy();
  }

  private attach(events: ChannelEvents, byEvent: boolean): void {
    const { socket } = this;
    this.events = events;
    if (byEvent) socket.on("data", (bytes: Buffer) => this.events?.onBytes(bytes));
    socket.on("drain", () => this.events?.onDrain());
    socket.on("end", () => this.events?.onEnd());
    socket.on("error", (error) => (this.failure = error));
    socket.on("close", () => {
      const last = this.events;
      this.events = undefined;
      last?.onClose(this.failure);
    });
  }
}
