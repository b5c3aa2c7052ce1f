/** node:http as a backend of the matrix: finds the script of each request and hands it on. */
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { playSocket } from "./socket-backend.ts";
import { traceIdOf, type MatrixBackend, type Script } from "../script.ts";

export async function startHttp1Backend(
  scripts: ReadonlyMap<string, Script>,
  play: (request: IncomingMessage, response: ServerResponse, script: Script) => void,
): Promise<MatrixBackend> {
  const server = createServer((request, response) => {
    const script = scripts.get(traceIdOf(request.headers["traceparent"] as string | undefined));
    if (script === undefined) response.writeHead(500).end();
    else play(request, response, script);
  });
  server.on("upgrade", (request, connection, head) => {
    const script = scripts.get(traceIdOf(request.headers["traceparent"] as string | undefined));
    if (script === undefined) connection.destroy();
    else playSocket(request, connection, head, script);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    upstream: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
