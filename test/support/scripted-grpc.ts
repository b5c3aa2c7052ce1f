/** A node:http2 server that answers every request as a test scripts it: the backend that does what no gRPC library would. */
import { createServer, type IncomingHttpHeaders, type ServerHttp2Session, type ServerHttp2Stream } from "node:http2";
import type { AddressInfo } from "node:net";
import { once } from "node:events";

export interface ScriptedGrpc {
  readonly port: number;
  /** What the next requests are answered with. */
  answer: (stream: ServerHttp2Stream, headers: IncomingHttpHeaders) => void;
  /** Header fields of the last request. */
  readonly lastHeaders: () => IncomingHttpHeaders;
  stop(): Promise<void>;
}

export async function startScriptedGrpc(): Promise<ScriptedGrpc> {
  let lastHeaders: IncomingHttpHeaders = {};
  const sessions = new Set<ServerHttp2Session>();
  const server = createServer();
  server.on("session", (session) => sessions.add(session));
  server.on("stream", (stream, headers) => {
    lastHeaders = headers;
    stream.on("error", () => undefined);
    scripted.answer(stream, headers);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const scripted: ScriptedGrpc = {
    port: (server.address() as AddressInfo).port,
    answer: (stream) => stream.close(),
    lastHeaders: () => lastHeaders,
    async stop() {
      for (const session of sessions) session.destroy();
      server.close();
      await once(server, "close");
    },
  };
  return scripted;
}
