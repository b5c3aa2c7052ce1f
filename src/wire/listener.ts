/**
 * One port for HTTP/1.1 and HTTP/2: in clear text the first bytes decide, under TLS the protocol the handshake agreed on (ALPN).
 *
 * The trap: sockets allow half-open connections here, so that a client which only closed its sending side still gets its answer; whoever
 * serves a connection must end it itself.
 */
import { createServer, type AddressInfo, type Server, type Socket } from "node:net";
import { createServer as createTlsServer, type Server as TlsServer, type TLSSocket } from "node:tls";
import type { Clock } from "../core/clock.ts";
import type { Logger } from "../core/logger.ts";
import { ByteChannel } from "./byte-channel.ts";
import type { ExchangeHandler } from "./exchange.ts";
import { serveHttp1 } from "./http1/serve-http1.ts";
import { explainListenFailure } from "./listen-failure.ts";
import type { WireLimits } from "./limits.ts";
import { ProtocolSniffer } from "./protocol-sniffer.ts";
import { sweeperOf, type Swept } from "./sweeper.ts";

export interface TlsMaterial {
  /** PEM. */
  readonly cert: string;
  readonly key: string;
  /** Given, clients must show a certificate that this authority (PEM) has signed. */
  readonly clientCa?: string | undefined;
}

/** A served connection, whatever its protocol. */
export interface ServedConnection {
  drain(graceMs: number): Promise<void>;
  destroy(): void;
}

interface ServeOptions {
  readonly limits: WireLimits;
  readonly handler: ExchangeHandler;
  readonly clock: Clock;
  readonly scheme: "http" | "https";
}

/** The engines for HTTP/2. */
export interface Http2Engines {
  own?(channel: ByteChannel, first: Uint8Array, options: ServeOptions): ServedConnection;
  node?(socket: Socket, first: Uint8Array, options: ServeOptions): ServedConnection;
}

export interface ListenerOptions {
  readonly host: string;
  readonly port: number;
  readonly tls?: TlsMaterial | undefined;
  readonly limits: WireLimits;
  readonly handler: ExchangeHandler;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Our engine, or Node's as the slower fallback. */
  readonly http2: "own" | "node";
  readonly engines?: Http2Engines | undefined;
  /** Connections beyond this are closed at once. */
  readonly maxConnections?: number | undefined;
}

export interface ListenerStats {
  readonly connections: number;
  readonly http1: number;
  readonly http2: number;
  readonly accepted: number;
  readonly refused: number;
}

export interface Listener {
  readonly address: { readonly host: string; readonly port: number };
  stats(): ListenerStats;
  /** Stops accepting; lets exchanges under way end; closes what is left after `graceMs`. */
  drain(graceMs: number): Promise<void>;
  close(): Promise<void>;
  /** New connections use the new certificate; open ones keep theirs. */
  setTls(material: TlsMaterial): void;
}

const defaultMaxConnections = 20_000;
const backlog = 1024;

/** @throws Error that says what to do when the address cannot be listened on. */
export async function createListener(options: ListenerOptions): Promise<Listener> {
  const listener = new PortListener(options);
  await listener.open();
  return listener;
}

class PortListener implements Listener {
  address = { host: "", port: 0 };
  private readonly options: ListenerOptions;
  private readonly server: Server;
  private readonly connections = new Map<object, ServedConnection>();
  private readonly counts = { http1: 0, http2: 0, accepted: 0, refused: 0 };
  private draining = false;

  constructor(options: ListenerOptions) {
    this.options = options;
    const { tls, limits } = options;
    const socketOptions = { allowHalfOpen: true, noDelay: true };
    if (tls === undefined) this.server = createServer(socketOptions, (socket) => this.onClear(socket));
    else {
      const server = createTlsServer(
        { ...socketOptions, ...contextOf(tls), ALPNProtocols: ["h2", "http/1.1"], handshakeTimeout: limits.headTimeoutMs },
        (socket) => this.onSecure(socket),
      );
      server.on("tlsClientError", (error) => options.logger.debug("TLS handshake failed", { error: error.message }));
      this.server = server;
    }
    this.server.maxConnections = options.maxConnections ?? defaultMaxConnections;
    this.server.on("drop", () => this.counts.refused++);
  }

  async open(): Promise<void> {
    const { host, port, logger } = this.options;
    await new Promise<void>((resolve, reject) => {
      const onError = (error: Error): void => reject(explainListenFailure(error, host, port));
      this.server.once("error", onError);
      this.server.listen({ host, port, backlog }, () => {
        this.server.off("error", onError);
        resolve();
      });
    });
    this.server.on("error", (error) => logger.error("the listener failed", { error: error.message }));
    const address = this.server.address() as AddressInfo;
    this.address = { host: address.address, port: address.port };
  }

  stats(): ListenerStats {
    return { connections: this.connections.size, ...this.counts };
  }

  setTls(material: TlsMaterial): void {
    if (this.options.tls === undefined) throw new TypeError("the listener does not speak TLS");
    (this.server as TlsServer).setSecureContext(contextOf(material));
  }

  async drain(graceMs: number): Promise<void> {
    this.draining = true;
    const closed = this.stopAccepting();
    await Promise.all([...this.connections.values()].map((connection) => connection.drain(graceMs)));
    await closed;
  }

  async close(): Promise<void> {
    this.draining = true;
    const closed = this.stopAccepting();
    for (const connection of this.connections.values()) connection.destroy();
    await closed;
  }

  private stopAccepting(): Promise<void> {
    // The callback gets an error when the server was closed before, which is as good.
    return new Promise((resolve) => this.server.close(() => resolve()));
  }

  private onClear(socket: Socket): void {
    if (!this.admit(socket)) return;
    const channel = ByteChannel.accepted(socket);
    const waiting = new SilentConnection(channel, this.options, () => this.connections.delete(socket));
    this.connections.set(socket, waiting);
    const sniffer = new ProtocolSniffer(
      channel,
      (version, first) => {
        waiting.end();
        this.serve(version, socket, channel, first, "http");
      },
      () => waiting.end(),
    );
    channel.listen(sniffer);
  }

  private onSecure(socket: TLSSocket): void {
    if (!this.admit(socket)) return;
    this.serve(socket.alpnProtocol === "h2" ? 2 : 1, socket, ByteChannel.accepted(socket), new Uint8Array(0), "https");
  }

  private admit(socket: Socket): boolean {
    this.counts.accepted++;
    socket.on("close", () => this.connections.delete(socket));
    if (!this.draining) return true;
    socket.destroy();
    return false;
  }

  private serve(version: 1 | 2, socket: Socket, channel: ByteChannel, first: Uint8Array, scheme: "http" | "https"): void {
    const { limits, handler, clock, engines, http2 } = this.options;
    const options: ServeOptions = { limits, handler, clock, scheme };
    if (version === 1) {
      this.counts.http1++;
      socket.once("close", () => this.counts.http1--);
      this.connections.set(socket, serveHttp1(channel, first, options));
      return;
    }
    this.counts.http2++;
    socket.once("close", () => this.counts.http2--);
    if (http2 === "node" && engines?.node !== undefined) this.connections.set(socket, engines.node(socket, first, options));
    else if (engines?.own !== undefined) this.connections.set(socket, engines.own(channel, first, options));
    else channel.destroy();
  }
}

function contextOf({ cert, key, clientCa }: TlsMaterial): object {
  const client = clientCa === undefined ? {} : { ca: clientCa, requestCert: true, rejectUnauthorized: true };
  return { cert, key, minVersion: "TLSv1.2", ...client };
}

/** A connection that has sent nothing, or too little to tell its protocol. */
class SilentConnection implements ServedConnection, Swept {
  private readonly channel: ByteChannel;
  private readonly options: ListenerOptions;
  private readonly forget: () => void;
  private readonly sinceMs: number;

  constructor(channel: ByteChannel, options: ListenerOptions, forget: () => void) {
    this.channel = channel;
    this.options = options;
    this.forget = forget;
    this.sinceMs = options.clock.nowMs();
    sweeperOf(options.clock).add(this, options.limits.headTimeoutMs);
  }

  end(): void {
    sweeperOf(this.options.clock).delete(this);
    this.forget();
  }

  sweep(nowMs: number): void {
    if (nowMs - this.sinceMs > this.options.limits.headTimeoutMs) this.destroy();
  }

  async drain(_graceMs: number): Promise<void> {
    this.destroy();
  }

  destroy(): void {
    this.channel.destroy();
  }
}
