/** A plain HTTP server for tests: a handler of the test's own on a free port, and what it has seen. */
import { createServer, type IncomingMessage, type RequestListener, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

export interface HttpServer {
  readonly port: number;
  readonly url: string;
  /** Requests so far. */
  readonly seen: readonly IncomingMessage[];
  stop(): Promise<void>;
}

export async function startHttpServer(handle: (request: IncomingMessage, response: ServerResponse) => void): Promise<HttpServer> {
  const seen: IncomingMessage[] = [];
  const listener: RequestListener = (request, response) => {
    seen.push(request);
    request.on("error", () => undefined);
    response.on("error", () => undefined);
    handle(request, response);
  };
  const server: Server = createServer(listener);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return {
    port,
    url: `http://127.0.0.1:${port}`,
    seen,
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
