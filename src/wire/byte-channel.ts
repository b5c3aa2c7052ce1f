/**
 * A socket as the engines want it: bytes in by callback, bytes out with the knowledge of who owns the buffer afterwards.
 *
 * Two traps. `onBytes` is shown a view that may be overwritten by the next read: copy what you keep. And `write` returns whether the
 * kernel took everything: only then may the buffer be used again; otherwise it has been given away.
 */
import { connect as connectTcp, type Socket } from "node:net";
import type { ConnectionOptions, TLSSocket } from "node:tls";
import type { Peer } from "./exchange.ts";
import { PeerTls } from "./peer-tls.ts";
import { tlsModule } from "./tls-module.ts";
import { onreadOption, readShared, sharedBytes, spoil } from "./shared-reading.ts";

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

/** How an accepted socket is read: into the thread's buffer, or by Node's events, as a socket must be that is given back to Node. */
export type Reading = "shared" | "events";

export class ByteChannel {
  private readonly socket: Socket;
  private readonly reading: Reading;
  private events: ChannelEvents | undefined;
  private failure: Error | undefined;

  private constructor(socket: Socket, reading: Reading) {
    this.socket = socket;
    this.reading = reading;
    this.events = undefined;
    this.failure = undefined;
  }

  /** Over an accepted socket; reading starts with {@link listen}. */
  static accepted(socket: Socket, reading: Reading = "shared"): ByteChannel {
    return new ByteChannel(socket, reading);
  }

  /** Opens a connection. `onReady` is told when it (and TLS) stands; a failure arrives as `onClose(error)`. */
  static connect(target: ChannelTarget, events: ChannelEvents, onReady: (channel: ByteChannel) => void): ByteChannel {
    const { host, port, tls } = target;
    // By way of the channel: whoever listens later takes the place of `events`.
    const onread = onreadOption((bytes) => channel.events?.onBytes(bytes));
    const socket = tls === undefined ? connectTcp({ host, port, noDelay: true, onread }) : tlsModule().connect({ host, port, ...tls });
    const channel: ByteChannel = new ByteChannel(socket, "events");
    socket.setTimeout(target.connectTimeoutMs, () => socket.destroy(new Error(`no connection within ${target.connectTimeoutMs} ms`)));
    socket.once(tls === undefined ? "connect" : "secureConnect", () => {
      socket.setTimeout(0);
      if (tls !== undefined) socket.setNoDelay(true);
      onReady(channel);
    });
    channel.attach(events);
    if (tls !== undefined) socket.on("data", onData);
    return channel;
  }

  /** Starts reading an accepted socket. Called again, `events` takes the place of the former listener, who hears nothing more. */
  listen(events: ChannelEvents): void {
    if (this.events !== undefined) {
      this.events = events;
      this.socket.resume();
      return;
    }
    this.attach(events);
    if (this.reading === "events" || !readShared(this.socket, onSharedRead)) this.socket.on("data", onData);
  }

  /** Lets go of a socket that was read by events, to give it to somebody else. It is paused. */
  release(): Socket {
    const { socket } = this;
    this.events = undefined;
    socket.pause();
    return socket.off("data", onData).off("drain", onDrain).off("end", onEnd).off("error", onError).off("close", onClose);
  }

  get peer(): Peer {
    const { socket } = this;
    return { address: socket.remoteAddress ?? "", port: socket.remotePort ?? 0, tls: tlsOf(socket) };
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

  /** Lets the kernel ask a peer that has been silent for `afterMs` whether it is there; one that is not closes the channel. */
  keepAlive(afterMs: number): void {
    this.socket.setKeepAlive(true, afterMs);
  }

  /** Sends what is queued, then FIN. */
  end(): void {
    this.socket.end();
  }

  /** Drops the connection with whatever is queued. */
  destroy(): void {
    this.socket.destroy();
  }

  private attach(events: ChannelEvents): void {
    this.events = events;
    (this.socket as ChannelSocket)[channelKey] = this;
    this.socket.on("drain", onDrain).on("end", onEnd).on("error", onError).on("close", onClose);
  }

  /** What the socket's events come to; for the functions below. */
  static readonly heard = {
    bytes(channel: ByteChannel, bytes: Uint8Array): void {
      channel.events?.onBytes(bytes);
      spoil(bytes);
    },
    drain: (channel: ByteChannel): void => channel.events?.onDrain(),
    end: (channel: ByteChannel): void => channel.events?.onEnd(),
    error(channel: ByteChannel, error: Error): void {
      channel.failure = error;
    },
    close(channel: ByteChannel): void {
      const last = channel.events;
      channel.events = undefined;
      last?.onClose(channel.failure);
    },
  };
}

function tlsOf(socket: Socket | TLSSocket): Peer["tls"] {
  if (!("encrypted" in socket)) return undefined;
  return new PeerTls(socket);
}

// Listeners as methods of the socket, so that ten thousand connections share one set of functions and none makes closures.

const channelKey = Symbol("channel");
const { heard } = ByteChannel;

interface ChannelSocket extends Socket {
  [channelKey]: ByteChannel;
}

function onSharedRead(this: Socket, length: number): boolean {
  heard.bytes((this as ChannelSocket)[channelKey], sharedBytes(length));
  return true;
}

function onData(this: Socket, bytes: Uint8Array): void {
  heard.bytes((this as ChannelSocket)[channelKey], bytes);
}

function onDrain(this: Socket): void {
  heard.drain((this as ChannelSocket)[channelKey]);
}

function onEnd(this: Socket): void {
  heard.end((this as ChannelSocket)[channelKey]);
}

function onError(this: Socket, error: Error): void {
  heard.error((this as ChannelSocket)[channelKey], error);
}

function onClose(this: Socket): void {
  heard.close((this as ChannelSocket)[channelKey]);
}
