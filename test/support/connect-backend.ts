/**
 * A connect-node server for dragoman.test.v1.Echo (protos/echo.proto) that speaks Connect and nothing else: the backend behind tests of Connect
 * upstreams. It does what test/support/echo-server.ts does.
 *
 * The trap: over HTTP/1.1 connect-node refuses streams in both directions with 505.
 */
import { createServer as createHttp1, type IncomingHttpHeaders } from "node:http";
import { createSecureServer, createServer as createHttp2, type Http2Server, type ServerHttp2Session } from "node:http2";
import { createServer as createHttps } from "node:https";
import type { AddressInfo, Socket } from "node:net";
import { create, type DescMessage, type Message } from "@bufbuild/protobuf";
import { ConnectError, type HandlerContext } from "@connectrpc/connect";
import { compressionBrotli, compressionGzip, connectNodeAdapter } from "@connectrpc/connect-node";
import { certificate, certificateKey } from "./certificate.ts";
import { echoService } from "./connect-client.ts";

interface EchoRequest extends Message {
  text: string;
  count: number;
  failCode: number;
  delayMs: number;
  nested: unknown;
  padding: number;
}

export interface ConnectBackend {
  readonly port: number;
  /** What the last request said. */
  readonly lastHeaders: () => IncomingHttpHeaders;
  readonly requests: () => number;
  /** Calls whose caller left, or whose deadline passed, while they ran. */
  readonly cancelled: () => number;
  /** Milliseconds the last call had left when it arrived; undefined without a deadline. */
  readonly lastTimeoutMs: () => number | undefined;
  stop(): Promise<void>;
}

export interface ConnectBackendOptions {
  readonly version?: "1.1" | "2";
  readonly tls?: boolean;
  readonly port?: number;
  /** Answers of this size and above are compressed, where the caller takes it. */
  readonly compressMinBytes?: number;
}

/** A detail every failure carries: google.protobuf.Duration {seconds: 3}. */
export const failureDetail = { type: "google.protobuf.Duration", value: new Uint8Array([8, 3]) };

export async function startConnectBackend({
  version = "2",
  tls = false,
  port = 0,
  compressMinBytes,
}: ConnectBackendOptions = {}): Promise<ConnectBackend> {
  let lastHeaders: IncomingHttpHeaders = {};
  let lastTimeoutMs: number | undefined;
  let requests = 0;
  let cancelled = 0;
  const service = echoService();
  const response: DescMessage = service.method["unary"]!.output;

  const begin = (context: HandlerContext): void => {
    lastTimeoutMs = context.timeoutMs();
    context.signal.addEventListener("abort", () => cancelled++);
    context.requestHeader.forEach((value, name) => {
      if (name.startsWith("x-")) context.responseHeader.append(name, value);
    });
    context.responseTrailer.set("x-trailer", "tail");
    context.responseTrailer.set("x-trailer-bin", "AAH/");
  };
  const failure = (code: number): ConnectError => {
    const error = new ConnectError(`failed with ${code}: 100% é`, code);
    error.details = [{ ...failureDetail, debug: "ignored" }];
    return error;
  };
  const answer = (request: EchoRequest, index: number): Message =>
    create(response, { text: request.text, index, nested: request.nested, padding: new Uint8Array(request.padding).fill(0x61) });
  const pause = (delayMs: number, { signal }: HandlerContext): Promise<void> =>
    new Promise((resolve) => {
      if (delayMs === 0) return resolve();
      const timer = setTimeout(resolve, delayMs);
      signal.addEventListener("abort", () => resolve(clearTimeout(timer)));
    });

  const handler = connectNodeAdapter({
    grpc: false,
    grpcWeb: false,
    acceptCompression: [compressionGzip, compressionBrotli],
    ...(compressMinBytes === undefined ? {} : { compressMinBytes }),
    routes(router) {
      router.service(service, {
        async unary(request: EchoRequest, context: HandlerContext) {
          begin(context);
          await pause(request.delayMs, context);
          if (request.failCode > 0) throw failure(request.failCode);
          return answer(request, 0);
        },
        async *expand(request: EchoRequest, context: HandlerContext) {
          begin(context);
          for (let index = 0; index < request.count && !context.signal.aborted; index++) yield answer(request, index);
          await pause(request.delayMs, context);
          if (request.failCode > 0) throw failure(request.failCode);
        },
        async collect(stream: AsyncIterable<EchoRequest>, context: HandlerContext) {
          begin(context);
          const texts: string[] = [];
          for await (const request of stream) texts.push(request.text);
          return create(response, { text: texts.join(","), index: texts.length });
        },
        async *chat(stream: AsyncIterable<EchoRequest>, context: HandlerContext) {
          begin(context);
          let index = 0;
          for await (const request of stream) {
            if (request.failCode > 0) throw failure(request.failCode);
            yield answer(request, index++);
          }
        },
      } as never);
    },
  });
  const listener = (request: Parameters<typeof handler>[0], answerTo: Parameters<typeof handler>[1]): void => {
    requests++;
    lastHeaders = request.headers;
    handler(request, answerTo);
  };
  const pem = { cert: certificate, key: certificateKey };
  const server = ((): Http2Server | ReturnType<typeof createHttp1> => {
    if (version === "2") return tls ? createSecureServer(pem, listener) : createHttp2(listener);
    return tls ? createHttps(pem, listener) : createHttp1(listener);
  })();
  const open = new Set<Socket | ServerHttp2Session>();
  const keep = (connection: Socket | ServerHttp2Session): void => {
    open.add(connection);
    connection.on("error", () => undefined).on("close", () => open.delete(connection));
  };
  server.on(tls ? "secureConnection" : "connection", keep);
  server.on("session", keep);
  await new Promise<void>((resolve) => server.listen(port, "127.0.0.1", resolve));
  return {
    port: (server.address() as AddressInfo).port,
    lastHeaders: () => lastHeaders,
    requests: () => requests,
    cancelled: () => cancelled,
    lastTimeoutMs: () => lastTimeoutMs,
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        for (const connection of open) connection.destroy();
      }),
  };
}
