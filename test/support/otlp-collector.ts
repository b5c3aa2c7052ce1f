/** A collector for tests: takes OTLP over HTTP or gRPC, keeps the spans, answers as it is told. */
import { createServer, type Http2Server, type ServerHttp2Stream, type IncomingHttpHeaders } from "node:http2";
import type { AddressInfo } from "node:net";
import { gunzipSync } from "node:zlib";
import { startHttpServer } from "./http-server.ts";
import { readSpans, type ReadSpan } from "./otlp.ts";

export interface TestCollector {
  /** For `telemetry.otlp`. */
  readonly url: string;
  readonly spans: readonly ReadSpan[];
  /** Paths, a request each. */
  readonly paths: readonly string[];
  /** Bodies of requests for metrics. */
  readonly metrics: readonly Uint8Array[];
  stop(): Promise<void>;
}

export interface HttpCollectorAnswer {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Uint8Array;
}

/** @param answer what the request of this number (from 0) is answered; spans of an answer of 200 are kept */
export async function startHttpCollector(
  answer: (request: number) => HttpCollectorAnswer = () => ({ status: 200 }),
): Promise<TestCollector> {
  const spans: ReadSpan[] = [];
  const paths: string[] = [];
  const metrics: Uint8Array[] = [];
  const server = await startHttpServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      const { status, headers, body } = answer(paths.length);
      paths.push(request.url!);
      const sent = Buffer.concat(chunks);
      const read = request.headers["content-encoding"] === "gzip" ? gunzipSync(sent) : sent;
      if (status === 200 && request.url!.endsWith("/v1/traces")) spans.push(...readSpans(read));
      if (status === 200 && request.url!.endsWith("/v1/metrics")) metrics.push(read);
      response.writeHead(status, { "content-type": "application/x-protobuf", ...headers });
      response.end(body);
    });
  });
  return { url: server.url, spans, paths, metrics, stop: () => server.stop() };
}

/** @param status the `grpc-status` of the request of this number */
export async function startGrpcCollector(status: (request: number) => number = () => 0): Promise<TestCollector> {
  const spans: ReadSpan[] = [];
  const paths: string[] = [];
  const metrics: Uint8Array[] = [];
  const server: Http2Server = createServer();
  server.on("stream", (stream: ServerHttp2Stream, headers: IncomingHttpHeaders) => {
    const chunks: Buffer[] = [];
    stream.on("error", () => undefined);
    stream.on("data", (chunk: Buffer) => chunks.push(chunk));
    stream.on("end", () => {
      const code = status(paths.length);
      const path = headers[":path"] as string;
      paths.push(path);
      const sent = Buffer.concat(chunks);
      const message = sent[0] === 1 ? gunzipSync(sent.subarray(5)) : sent.subarray(5);
      if (code === 0) {
        if (path.includes("TraceService")) spans.push(...readSpans(message));
        else metrics.push(message);
      }
      stream.respond({ ":status": 200, "content-type": "application/grpc" }, { waitForTrailers: true });
      stream.on("wantTrailers", () => stream.sendTrailers({ "grpc-status": String(code) }));
      stream.end(code === 0 ? Buffer.alloc(5) : undefined);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    url: `grpc://127.0.0.1:${(server.address() as AddressInfo).port}`,
    spans,
    paths,
    metrics,
    stop: () => new Promise((resolve) => server.close(() => resolve())),
  };
}
