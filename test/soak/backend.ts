/** The services behind the proxies of the soak, as a process of its own: says where they listen, and which calls they saw. */
import { createServer } from "node:http";
import http2, { type ServerOptions } from "node:http2";
import type { AddressInfo } from "node:net";
import { startEchoServer } from "../support/echo-server.ts";
import { startTranscodingServer } from "../support/transcoding-server.ts";

export type FromBackend =
  { readonly ports: { readonly echo: number; readonly bodies: number; readonly plain: number } } | { readonly seen: readonly string[] };

let seen: string[] = [];
const note = (traceparent: unknown): void => {
  if (typeof traceparent === "string") seen.push(traceparent);
};
const say = (message: FromBackend): void => void process.send?.(message);

// Node ends a connection on which more than 33 streams a second are reset for long, and grpc-js has no setting for it. All callers share the
// proxy's connection, and a third of them leave early here: the calls of the others would fail for that, and rightly be reported.
const createHttp2Server = http2.createServer.bind(http2);
(http2 as { createServer: unknown }).createServer = (options: ServerOptions) =>
  createHttp2Server({ ...options, streamResetBurst: 1_000_000, streamResetRate: 1_000_000 } as ServerOptions);

const echo = await startEchoServer(0, (metadata) => note(metadata.get("traceparent")[0]));
const bodies = await startTranscodingServer((metadata) => note(metadata.get("traceparent")[0]));

/** GET or POST /shelves?size=&delay=&status=: so many bytes, so late. */
const plain = createServer((request, response) => {
  note(request.headers["traceparent"]);
  const query = new URL(request.url!, "http://a").searchParams;
  request.on("error", () => undefined);
  response.on("error", () => undefined);
  request.resume();
  request.on("end", () => {
    const timer = setTimeout(
      () => {
        response.statusCode = Number(query.get("status"));
        response.end(Buffer.alloc(Number(query.get("size")), "x"));
      },
      Number(query.get("delay")),
    );
    response.on("close", () => clearTimeout(timer));
  });
});
await new Promise<void>((resolve) => plain.listen(0, "127.0.0.1", resolve));

say({ ports: { echo: echo.port, bodies: bodies.port, plain: (plain.address() as AddressInfo).port } });
setInterval(() => {
  if (seen.length === 0) return;
  say({ seen });
  seen = [];
}, 50).unref();
process.on("disconnect", () => process.exit(0));
