/**
 * OTLP requests to a collector: protobuf over HTTP, or gRPC, by the clients of our own wire (OTLP specification 1.9).
 *
 * The trap: what may be sent again is for the specification to say, status by status; whatever else the collector answers is its last word.
 */
import { promisify } from "node:util";
import { constants as zlibConstants, gzip } from "node:zlib";
import type { CollectorAddress } from "../config/telemetry-settings.ts";
import { formatHostPort } from "../core/endpoint.ts";
import type { Clock } from "../core/clock.ts";
import { Code, codeName } from "../core/code.ts";
import type { ExportAnswer, SendRequest } from "../telemetry/otlp/otlp-exporter.ts";
import { codeFromTrailers, rejectedItems } from "../telemetry/otlp/export-response.ts";
import type { HttpClient, RequestTemplate, ResponseSink } from "../wire/http-client.ts";
import { Http2Client } from "../wire/http2/http2-client.ts";
import type { WireError } from "../wire/wire-error.ts";

const compress = promisify<Uint8Array, { readonly level: number }, Uint8Array>(gzip);
/** Of an answer that is read; collectors say a few bytes. */
const answerBytes = 64 * 1024;
const none: readonly string[] = Object.freeze([]);

/** What is sent: spans or metrics. */
type OtlpSignal = "traces" | "metrics";

const services: Readonly<Record<OtlpSignal, string>> = {
  traces: "/opentelemetry.proto.collector.trace.v1.TraceService/Export",
  metrics: "/opentelemetry.proto.collector.metrics.v1.MetricsService/Export",
};

/** Statuses after which a request may be sent again. */
const retryableStatus: ReadonlySet<number> = new Set([429, 502, 503, 504]);
const retryableCodes: ReadonlySet<Code> = new Set([
  Code.CANCELLED,
  Code.DEADLINE_EXCEEDED,
  Code.ABORTED,
  Code.OUT_OF_RANGE,
  Code.UNAVAILABLE,
  Code.DATA_LOSS,
  // Only with a time to wait, says the specification; collectors that are full leave it out.
  Code.RESOURCE_EXHAUSTED,
]);

/** A collector, reached by one client. */
export interface OtlpCollector {
  /** Sends requests of one kind. */
  sender(signal: OtlpSignal): SendRequest;
  close(): Promise<void>;
}

export async function connectCollector(address: CollectorAddress, compression: "none" | "gzip", clock: Clock): Promise<OtlpCollector> {
  const isGrpc = address.scheme.startsWith("grpc");
  const compressed = compression === "gzip";
  const client = await clientTo(address, isGrpc, clock);
  return {
    sender(signal) {
      const template = templateOf(address, isGrpc, signal, compressed);
      return async (request, timeoutMs) => {
        const body = compressed ? await compress(request, { level: zlibConstants.Z_BEST_SPEED }) : request;
        const prefix = isGrpc ? grpcPrefix(compressed, body.length) : undefined;
        return new Promise((resolve) => new Sending(isGrpc, clock, resolve).start(client, template, prefix, body, timeoutMs));
      };
    },
    close: async () => client.close(),
  };
}

async function clientTo({ scheme, host, port }: CollectorAddress, isGrpc: boolean, clock: Clock): Promise<HttpClient> {
  const tls = scheme.endsWith("s") ? {} : undefined;
  if (isGrpc) return new Http2Client({ host, port, tls, clock, maxConnections: 1 });
  const { Http1Client } = await import("../wire/http1/http1-client.ts");
  return new Http1Client({ host, port, tls, clock, maxConnections: 2 });
}

function templateOf(
  { scheme, host, port, path }: CollectorAddress,
  isGrpc: boolean,
  signal: OtlpSignal,
  compressed: boolean,
): RequestTemplate {
  const secure = scheme.endsWith("s") ? "https" : "http";
  const authority = formatHostPort({ host, port });
  const common = { method: "POST", scheme: secure, authority } as const;
  if (isGrpc) {
    const encoding = compressed ? ["grpc-encoding", "gzip"] : none;
    return { ...common, path: services[signal], headers: ["content-type", "application/grpc", "te", "trailers", ...encoding] };
  }
  const encoding = compressed ? ["content-encoding", "gzip"] : none;
  return { ...common, path: `${path}/v1/${signal}`, headers: ["host", authority, "content-type", "application/x-protobuf", ...encoding] };
}

/** One request on its way. */
class Sending implements ResponseSink {
  private readonly isGrpc: boolean;
  private readonly clock: Clock;
  private readonly resolve: (answer: ExportAnswer) => void;
  private status = 0;
  private headers: readonly string[] = none;
  private readonly chunks: Uint8Array[] = [];
  private sizeBytes = 0;
  private settled = false;
  private give: (sizeBytes: number) => void = () => undefined;

  constructor(isGrpc: boolean, clock: Clock, resolve: (answer: ExportAnswer) => void) {
    this.isGrpc = isGrpc;
    this.clock = clock;
    this.resolve = resolve;
  }

  start(client: HttpClient, template: RequestTemplate, prefix: Uint8Array | undefined, body: Uint8Array, timeoutMs: number): void {
    const more = this.isGrpc ? none : ["content-length", String(body.length)];
    const stream = client.open(template, none, more, this, this.clock.nowMs() + timeoutMs);
    this.give = (sizeBytes) => stream.consumed(sizeBytes);
    const timer = this.clock.after(timeoutMs, () => {
      stream.cancel();
      this.settle({ outcome: "later", afterMs: undefined, why: `no answer within ${timeoutMs} ms` });
    });
    this.onSettled = () => timer.cancel();
    if (this.settled) return timer.cancel();
    stream.write(body, true, prefix);
  }

  onHead(status: number, headers: readonly string[]): void {
    this.status = status;
    this.headers = headers;
  }

  onData(chunk: Uint8Array): void {
    this.give(chunk.length);
    this.sizeBytes += chunk.length;
    if (this.sizeBytes <= answerBytes) this.chunks.push(chunk);
  }

  onEnd(trailers: readonly string[] | undefined): void {
    this.settle(this.isGrpc ? this.grpcAnswer(trailers ?? this.headers) : this.httpAnswer());
  }

  onError(error: WireError): void {
    this.settle({ outcome: "later", afterMs: undefined, why: error.message });
  }

  private onSettled: () => void = () => undefined;

  private settle(answer: ExportAnswer): void {
    if (this.settled) return;
    this.settled = true;
    this.onSettled();
    this.resolve(answer);
  }

  private httpAnswer(): ExportAnswer {
    const { status } = this;
    if (status >= 200 && status < 300) return { outcome: "taken", rejected: rejectedItems(Buffer.concat(this.chunks)) };
    const why = `the collector answered ${status}`;
    if (retryableStatus.has(status)) return { outcome: "later", afterMs: this.retryAfterMs(), why };
    return { outcome: "refused", why };
  }

  private grpcAnswer(trailers: readonly string[]): ExportAnswer {
    const code = this.status === 200 ? codeFromTrailers(trailers) : Code.UNAVAILABLE;
    if (code === Code.OK) return { outcome: "taken", rejected: rejectedItems(Buffer.concat(this.chunks).subarray(5)) };
    const why = this.status === 200 ? `the collector answered ${codeName(code)}` : `the collector answered HTTP ${this.status}`;
    return retryableCodes.has(code) ? { outcome: "later", afterMs: undefined, why } : { outcome: "refused", why };
  }

  /** RFC 9110, section 10.2.3: seconds, or a date. */
  private retryAfterMs(): number | undefined {
    const at = this.headers.indexOf("retry-after");
    const text = at < 0 ? "" : this.headers[at + 1]!;
    if (/^\d+$/.test(text)) return Number(text) * 1000;
    const date = Date.parse(text);
    return Number.isNaN(date) ? undefined : Math.max(0, date - this.clock.wallMs());
  }
}

function grpcPrefix(compressed: boolean, length: number): Uint8Array {
  const prefix = Buffer.alloc(5);
  prefix[0] = compressed ? 1 : 0;
  prefix.writeUInt32BE(length, 1);
  return prefix;
}
