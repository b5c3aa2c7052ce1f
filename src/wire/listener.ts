/**
 * One port for HTTP/1.1 and HTTP/2: in clear text the first bytes decide, under TLS the protocol the handshake agreed on (ALPN).
 *
 * The trap: sockets allow half-open connections here, so that a client which only closed its sending side still gets its answer; whoever
 * serves a connection must end it itself.
 */
import { createServer, type AddressInfo, type Server, type Socket } from "node:net";
import type { Server as TlsServer, TLSSocket } from "node:tls";
import type { Clock } from "../core/clock.ts";
import type { Logger } from "../core/logger.ts";
import { ByteChannel } from "./byte-channel.ts";
import type { ExchangeHandler } from "./exchange.ts";
import { threadLlhttp } from "./http1/message-parser.ts";
import { serveHttp1 } from "./http1/serve-http1.ts";
import { serveHttp2 } from "./http2/serve-http2.ts";
import { explainListenFailure } from "./listen-failure.ts";
import type { WireLimits } from "./limits.ts";
import { ProtocolSniffer } from "./protocol-sniffer.ts";
import { tlsModule } from "./tls-module.ts";

export interface TlsMaterial {
  /** PEM. */
  readonly cert: string;
  readonly key: string;
  /** Given, clients are asked for a certificate that this authority (PEM) has signed. */
  readonly clientCa?: string | undefined;
  /** A client that shows none, or one that is not accepted, is let in all the same; {@link Peer.tls} tells which. */
  readonly clientCertificate?: "required" | "optional" | undefined;
}

interface ServeOptions {
  readonly limits: WireLimits;
  readonly handler: ExchangeHandler;
  readonly clock: Clock;
  readonly scheme: "http" | "https";
}

/** Engines to use in place of the listener's own choice. */
interface Http2Engines {
  readonly own?: (channel: ByteChannel, first: Uint8Array, options: ServeOptions) => ServedConnection;
  readonly node?: (socket: Socket, first: Uint8Array, options: ServeOptions) => ServedConnection;
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

/** A connection, whatever it speaks. */
interface ServedConnection {
  drain(graceMs: number): Promise<void>;
  destroy(): void;
}

interface Entry {
  readonly served: ServedConnection;
  /** 0 while it is not known. */
  readonly version: 0 | 1 | 2;
}

const defaultMaxConnections = 20_000;
const backlog = 1024;

/** @throws Error that says what to do when the address cannot be listened on. */
export async function createListener(options: ListenerOptions): Promise<Listener> {
  threadLlhttp(); // compiled now, not under the first request
  // Loaded on demand: node:http2 costs every start some milliseconds.
  const node =
    options.http2 === "node" ? (options.engines?.node ?? (await import("./node-http2/node-http2-server.ts")).serveNodeHttp2) : undefined;
  const listener = new PortListener(options, node);
  await listener.open();
  return listener;
}

class PortListener implements Listener {
  address = { host: "", port: 0 };
  private readonly options: ListenerOptions;
  private readonly nodeHttp2: Http2Engines["node"];
  private readonly server: Server;
  private readonly connections = new Map<Socket, Entry>();
  /** One function for all sockets: ten thousand idle connections should not hold ten thousand closures. */
  private readonly onGone: (this: Socket) => void;
  /** Under TLS: the sockets below, among them those whose handshake is not done. */
  private readonly rawSockets = new Set<Socket>();
  private readonly counts = { http1: 0, http2: 0, accepted: 0, refused: 0 };
  private draining = false;

  constructor(options: ListenerOptions, nodeHttp2: Http2Engines["node"]) {
    this.options = options;
    this.nodeHttp2 = nodeHttp2;
    const forget = (socket: Socket): void => this.forget(socket);
    this.onGone = function (this: Socket) {
      forget(this);
    };
    const { tls } = options;
    const socketOptions = { allowHalfOpen: true, noDelay: true };
    this.server = tls === undefined ? createServer(socketOptions, (socket) => this.onClear(socket)) : this.createSecure(tls, socketOptions);
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
    const closed = this.stopAccepting();
    await Promise.all([...this.connections.values()].map(({ served }) => served.drain(graceMs)));
    for (const socket of this.rawSockets) socket.destroy();
    await closed;
  }

  async close(): Promise<void> {
    const closed = this.stopAccepting();
    for (const { served } of this.connections.values()) served.destroy();
    for (const socket of this.rawSockets) socket.destroy();
    await closed;
  }

  /** Settles when every connection is gone too. */
  private stopAccepting(): Promise<void> {
    this.draining = true;
    // The callback gets an error when the server was closed before, which is as good.
    return new Promise((resolve) => this.server.close(() => resolve()));
  }

  private createSecure(tls: TlsMaterial, socketOptions: object): TlsServer {
    const { limits, logger } = this.options;
    const server = tlsModule().createServer(
      { ...socketOptions, ...contextOf(tls), ALPNProtocols: ["h2", "http/1.1"], handshakeTimeout: limits.headTimeoutMs },
      (socket) => this.onSecure(socket),
    );
    server.on("connection", (socket: Socket) => {
      this.rawSockets.add(socket);
      socket.once("close", () => this.rawSockets.delete(socket));
    });
    server.on("tlsClientError", (error, socket) => {
      logger.debug("a TLS handshake failed", { error: error.message });
      socket.destroy(); // a handshake that timed out is left open otherwise
    });
    return server;
  }

  private onClear(socket: Socket): void {
    if (!this.admit(socket)) return;
    const { clock, limits } = this.options;
    // A socket that may have to be given back to Node must be read Node's way.
    const channel = ByteChannel.accepted(socket, this.nodeHttp2 === undefined ? "shared" : "events");
    const sniffer = new ProtocolSniffer(channel, clock, limits.headTimeoutMs, (version, first) =>
      this.serve(version, socket, channel, first, "http"),
    );
    this.connections.set(socket, { served: sniffer, version: 0 });
  }

  private onSecure(socket: TLSSocket): void {
    if (!this.admit(socket)) return;
    const version = socket.alpnProtocol === "h2" ? 2 : 1;
    this.serve(version, socket, ByteChannel.accepted(socket), new Uint8Array(0), "https");
  }

  private admit(socket: Socket): boolean {
    this.counts.accepted++;
    if (this.draining) {
      socket.destroy();
      return false;
    }
    socket.on("close", this.onGone);
    return true;
  }

  private forget(socket: Socket): void {
    const version = this.connections.get(socket)?.version;
    this.connections.delete(socket);
    if (version === 1) this.counts.http1--;
    else if (version === 2) this.counts.http2--;
  }

  private serve(version: 1 | 2, socket: Socket, channel: ByteChannel, first: Uint8Array, scheme: "http" | "https"): void {
    const { limits, handler, clock, engines } = this.options;
    const options: ServeOptions = { limits, handler, clock, scheme };
    if (version === 1) this.counts.http1++;
    else this.counts.http2++;
    let served: ServedConnection;
    if (version === 1) served = serveHttp1(channel, first, options);
    else if (this.nodeHttp2 !== undefined) served = this.nodeHttp2(channel.release(), first, options);
    else served = (engines?.own ?? serveHttp2)(channel, first, options);
    this.connections.set(socket, { served, version });
  }
}

function contextOf({ cert, key, clientCa, clientCertificate = "required" }: TlsMaterial): object {
  const client = clientCa === undefined ? {} : { ca: clientCa, requestCert: true, rejectUnauthorized: clientCertificate === "required" };
  return { cert, key, minVersion: "TLSv1.2", ...client };
}
