/**
 * A WebSocket server of `ws` behind the proxy as users run it: what is passed on to it, and how every call of it ended.
 *
 * The trap: the runtime's counters are all that is known of a call here, so a test asks for the difference it made.
 */
import { once } from "node:events";
import { createServer, type IncomingMessage, type Server } from "node:http";
import { createServer as createHttpsServer } from "node:https";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import type { AddressInfo, Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { WebSocketServer, type ServerOptions, type WebSocket } from "ws";
import { certificate, certificateKey } from "./certificate.ts";
import { startRuntime, type RuntimeHost } from "./runtime-host.ts";
import { until } from "./until.ts";

export interface RelayHost {
  readonly host: RuntimeHost;
  /** Of the proxy. */
  readonly port: number;
  readonly server: WebSocketServer;
  /** Upgrades that the server has seen. */
  readonly upgrades: readonly IncomingMessage[];
  /** The server's sockets, in the order in which they were opened. */
  readonly sockets: readonly WebSocket[];
  /** The connections below them. */
  readonly connections: ReadonlySet<Socket>;
  /** Codes of the calls that have ended, such as "OK". */
  codes(): string[];
  /** Waits until so many calls of the code have ended. */
  ended(code: string, count?: number): Promise<void>;
  stop(): Promise<void>;
}

export interface RelayHostOptions {
  readonly settings?: Readonly<Record<string, unknown>>;
  readonly server?: ServerOptions;
  /** The server speaks TLS. */
  readonly secure?: boolean;
  /** The proxy does. */
  readonly secureListener?: boolean;
  /** What the server does with a socket; it sends back what it gets unless told otherwise. */
  readonly serve?: (socket: WebSocket, request: IncomingMessage) => void;
  /** In place of `ws`, for servers that do it their own way. */
  readonly upgrade?: (request: IncomingMessage, connection: Socket, head: Buffer) => void;
}

export function echo(socket: WebSocket): void {
  socket.on("message", (data, binary) => socket.send(data as Buffer, { binary }));
}

export async function startRelayHost({
  settings = {},
  server: options = {},
  secure = false,
  secureListener = false,
  serve = echo,
  upgrade,
}: RelayHostOptions = {}): Promise<RelayHost> {
  const http: Server = secure ? createHttpsServer({ cert: certificate, key: certificateKey }) : createServer();
  const upgrades: IncomingMessage[] = [];
  const sockets: WebSocket[] = [];
  const connections = new Set<Socket>();
  const server = new WebSocketServer({ noServer: true, ...options });
  http.on("connection", (connection: Socket) => {
    connections.add(connection);
    connection.on("error", () => undefined).on("close", () => connections.delete(connection));
  });
  http.on("request", (request, response) => response.end(`plain ${request.url}`));
  http.on("upgrade", (request: IncomingMessage, connection: Socket, head: Buffer) => {
    upgrades.push(request);
    connection.on("error", () => undefined);
    if (upgrade !== undefined) {
      // node leaves both to whoever takes the connection.
      connection.resume().on("end", () => connection.end());
      upgrade(request, connection, head);
    } else
      server.handleUpgrade(request, connection, head, (socket) => {
        sockets.push(socket);
        socket.on("error", () => undefined);
        serve(socket, request);
      });
  });
  http.listen(0, "127.0.0.1");
  await once(http, "listening");
  const { port } = http.address() as AddressInfo;
  const folder = mkdtempSync(join(tmpdir(), "dragoman-relay-"));
  const cert = join(folder, "cert.pem");
  const key = join(folder, "key.pem");
  writeFileSync(cert, certificate);
  writeFileSync(key, certificateKey);
  const host = await startRuntime({
    "inbound.upstream": `${secure ? "https" : "http"}://127.0.0.1:${port}`,
    "inbound.schema": "reflection",
    ...(secure ? { "inbound.upstreamTls": { ca: cert } } : {}),
    ...(secureListener ? { "inbound.tls": { cert, key } } : {}),
    ...settings,
  });
  const codes = (): string[] => {
    const all: string[] = [];
    for (const row of host.runtime.metrics.rows())
      for (const { protocol, method, code, buckets } of row.codes())
        if (protocol === "websocket" && method === "http/WebSocket")
          for (let left = buckets.reduce((sum, count) => sum + count, 0); left > 0; left--) all.push(code);
    return all;
  };
  return {
    host,
    port: Number(host.runtime.address.split(":")[1]),
    server,
    upgrades,
    sockets,
    connections,
    codes,
    ended: (code, count = 1) =>
      until(() => codes().filter((each) => each === code).length >= count, `${count} x ${code}; there are ${codes().join()}`),
    async stop() {
      await host.stop();
      rmSync(folder, { recursive: true });
      for (const connection of connections) connection.destroy();
      http.closeAllConnections();
      await new Promise((resolve) => http.close(resolve));
    },
  };
}
