/** The node:http2 adapters on real sockets, for contracts. */
import { once } from "node:events";
import * as net from "node:net";
import { defaultLimits } from "../../src/wire/limits.ts";
import { NodeHttp2Client } from "../../src/wire/node-http2/node-http2-client.ts";
import { serveNodeHttp2 } from "../../src/wire/node-http2/node-http2-server.ts";
import type { Http2Sides, RunningServer } from "../contracts/http2-contract.ts";
import type { ExchangeHandler } from "../../src/wire/exchange.ts";

/** A port whose connections are served by `serve`, which is given sockets as the listener gives them. */
export async function listenWith(
  serve: (socket: net.Socket) => { drain(graceMs: number): Promise<void>; destroy(): void },
): Promise<RunningServer> {
  const connections = new Set<ReturnType<typeof serve>>();
  const server = net.createServer({ allowHalfOpen: true, noDelay: true }, (socket) => {
    const connection = serve(socket);
    connections.add(connection);
    socket.on("close", () => connections.delete(connection));
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const stop = (): Promise<void> => new Promise((resolve) => server.close(() => resolve()));
  return {
    port: (server.address() as net.AddressInfo).port,
    async drain(graceMs) {
      const stopped = stop();
      await Promise.all([...connections].map((connection) => connection.drain(graceMs)));
      await stopped;
    },
    async close() {
      const stopped = stop();
      for (const connection of connections) connection.destroy();
      await stopped;
    },
  };
}

export const serveByNode = (handler: ExchangeHandler): Promise<RunningServer> =>
  listenWith((socket) => serveNodeHttp2(socket, new Uint8Array(0), { limits: defaultLimits, handler }));

export const connectByNode: Http2Sides["connect"] = (port, options) => new NodeHttp2Client({ host: "127.0.0.1", port, ...options });
