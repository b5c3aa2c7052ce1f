/**
 * A hop without its sockets: from a parsed request to its answer, with the policies that are on by default. What the house costs between wire
 * and wire; the engines have benches of their own.
 */
import { readFileSync } from "node:fs";
import type { Bench } from "tinybench";
import { systemClock } from "../../src/core/clock.ts";
import { Metadata } from "../../src/core/metadata.ts";
import { policies } from "../../src/policies/index.ts";
import { createInbounds } from "../../src/protocols/index.ts";
import { createDispatcher } from "../../src/runtime/dispatch.ts";
import { Pipelines } from "../../src/runtime/pipelines.ts";
import { buildSchema } from "../../src/schema/build-schema.ts";
import { createMethodTable } from "../../src/schema/method-table.ts";
import { createCluster } from "../../src/upstream/cluster.ts";
import { UpstreamHost } from "../../src/upstream/host.ts";
import { toOneHost } from "../../src/upstream/one-host.ts";
import type { BodyReader, Exchange, Peer, RequestHead } from "../../src/wire/exchange.ts";
import type { ClientState, ClientStream, HttpClient, RequestTemplate, ResponseSink } from "../../src/wire/http-client.ts";
import { realServices } from "./real-services.ts";

const empty = new Uint8Array(0);
/** HelloReply {message: "world"} behind its prefix. */
const reply = Buffer.from([0, 0, 0, 0, 7, 0x0a, 5, 0x77, 0x6f, 0x72, 0x6c, 0x64]);
const replyHead = Object.freeze(["content-type", "application/grpc"]);
const replyTrailers = Object.freeze(["grpc-status", "0"]);

/** An upstream that answers as soon as the request is whole. */
class InstantClient implements HttpClient, ClientStream {
  readonly state: ClientState = "ready";
  readonly activeStreams = 0;
  readonly pendingStreams = 0;
  onDrain: (() => void) | undefined;
  private sink: ResponseSink | undefined;

  open(_template: RequestTemplate, _headers: readonly string[], _more: readonly string[], sink: ResponseSink): ClientStream {
    this.sink = sink;
    return this;
  }
  write(): boolean {
    const sink = this.sink!;
    sink.onHead(200, replyHead);
    sink.onData(reply);
    sink.onEnd(replyTrailers);
    return true;
  }
  end(): void {}
  consumed(): void {}
  cancel(): void {}
  drain(): Promise<void> {
    return Promise.resolve();
  }
  close(): void {}
}

class MemoryExchange implements Exchange, BodyReader {
  readonly head: RequestHead;
  readonly peer: Peer = { address: "127.0.0.1", port: 1, tls: undefined };
  readonly arrivedAtMs = performance.now();
  readonly trailers = undefined;
  readonly sent: Uint8Array;
  readonly done: () => void;
  open = true;

  constructor(head: RequestHead, sent: Uint8Array, done: () => void) {
    this.head = head;
    this.sent = sent;
    this.done = done;
  }
  get body(): BodyReader {
    return this;
  }
  whole(): Uint8Array {
    return this.sent;
  }
  read(): undefined {
    return undefined;
  }
  cancel(): void {}
  respond(): void {
    this.finish();
  }
  start(): void {}
  write(): boolean {
    return true;
  }
  drained(): Promise<void> {
    return Promise.resolve();
  }
  finish(): void {
    this.open = false;
    this.done();
  }
  abort(): void {}
  onAbort(): void {}
}

const restHeaders =
  "user-agent|Mozilla/5.0|accept|application/json|accept-language|en|accept-encoding|gzip|authorization|Bearer abc|x-request-id|7b1c2d3e|traceparent|00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01|x-forwarded-for|203.0.113.7|content-type|application/json".split(
    "|",
  );
const grpcHeaders = ["content-type", "application/grpc", "user-agent", "h2load"];

export default function (bench: Bench): void {
  const schema = buildSchema(readFileSync(new URL("../protos/bench.binpb", import.meta.url)));
  const services = realServices(["/helloworld.Greeter/SayHello"]);
  const messageBytes = 4 << 20;
  const cluster = createCluster({
    scheme: "http",
    authority: "127.0.0.1:1",
    client: new InstantClient(),
    clock: systemClock,
    messageBytes,
  });
  const host = new UpstreamHost({ host: "127.0.0.1", port: 1 }, { connection: cluster, joinedAtMs: -Infinity, slowStartMs: 0 });
  const pipelines = new Pipelines({
    policies,
    config: { policies: { "access-log": { path: "/dev/null" } }, methods: {} },
    services,
    target: () => toOneHost(host, cluster.handler, systemClock),
  });
  const serving = {
    table: createMethodTable(schema, { autoMapping: true }),
    messageBytes,
    handlerOf: pipelines.handlerOf.bind(pipelines),
    observed: pipelines.observed.bind(pipelines),
  };
  const onFault = (fault: unknown): void => {
    throw fault as Error;
  };
  const dispatch = createDispatcher({ inbounds: createInbounds(), serving: () => serving, onFault });
  const base = { scheme: "http", authority: "localhost", acceptsTrailers: true, upgrade: undefined } as const;
  const run = (head: RequestHead, sent: Uint8Array): Promise<void> => new Promise((done) => dispatch(new MemoryExchange(head, sent, done)));
  const get = { ...base, version: "1.1", method: "GET", target: "/v1/hello/world", contentLength: -1 } as const;

  bench.add("hop: REST GET, 9 header fields", () => run({ ...get, headers: new Metadata(restHeaders.slice()) }, empty));
  bench.add("hop: REST GET, repeated header block", () => run({ ...get, headers: Metadata.share(restHeaders) }, empty));

  /** Calls of the greeter whose header block is the same list again and again. */
  const unary = (name: string, version: "1.1" | "2", fields: readonly string[], sent: Uint8Array): void => {
    const post = { ...base, version, method: "POST", target: "/helloworld.Greeter/SayHello", contentLength: sent.length };
    bench.add(`hop: ${name} unary, repeated header block`, () => run({ ...post, headers: Metadata.share(fields) }, sent));
  };
  const browserFields = restHeaders.slice(0, -2);
  unary("gRPC", "2", grpcHeaders, reply);
  unary("gRPC-Web", "1.1", [...browserFields, "content-type", "application/grpc-web+proto"], reply);
  unary("Connect protobuf", "1.1", [...browserFields, "content-type", "application/proto"], reply.subarray(5));
  unary(
    "Connect JSON",
    "1.1",
    [...browserFields, "content-type", "application/json", "connect-protocol-version", "1"],
    Buffer.from('{"name":"world"}'),
  );
}
