/**
 * gRPC, Connect and REST clients in front, a node:http server behind: one hop that transcodes to REST, over real sockets. Begins and ends with the
 * suite it is called in.
 *
 * The service is dragoman.transcoding.v1.Transcoding; the backend says what a test tells it to, and keeps what it was asked.
 */
import {
  createServer,
  type IncomingHttpHeaders,
  type IncomingMessage,
  type RequestListener,
  type Server,
  type ServerResponse,
} from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import * as grpc from "@grpc/grpc-js";
import { loadSync } from "@grpc/proto-loader";
import { systemClock } from "../../src/core/clock.ts";
import type { Handler } from "../../src/core/handler.ts";
import { canonicalJson, type JsonProfile } from "../../src/core/message-type.ts";
import type { Schema } from "../../src/schema/descriptor.ts";
import type { Cluster } from "../../src/upstream/cluster.ts";
import { createRestCluster } from "../../src/upstream/rest-cluster.ts";
import { startHop, type Hop, type HopOptions } from "./hop.ts";
import { transcodingSchema } from "./transcoding-server.ts";

const root = join(import.meta.dirname, "../..");

/** What the backend was asked. */
export interface SeenRequest {
  readonly method: string;
  readonly url: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

export interface UnaryOutcome {
  readonly reply: Record<string, unknown> | undefined;
  readonly error: grpc.ServiceError | undefined;
  readonly metadata: grpc.Metadata;
  readonly trailers: grpc.Metadata;
}

export interface ReverseOptions {
  readonly messageBytes?: number;
  readonly json?: Partial<JsonProfile>;
  /** Around the call to the backend, as policies stand there. */
  readonly around?: (next: Handler) => Handler;
  readonly table?: HopOptions["table"];
  readonly schema?: Schema;
}

/** A cluster of one REST server on this machine. */
export function restClusterAt(port: number, { messageBytes = 4 << 20, json, schema = transcodingSchema() }: ReverseOptions = {}): Cluster {
  const options = {
    host: "127.0.0.1",
    port,
    authority: `127.0.0.1:${port}`,
    clock: systemClock,
    messageBytes,
    json: { ...canonicalJson, ...json },
    resolve: (name: string) => schema.message(name),
    hostSeen: "upstream" as const,
  };
  return createRestCluster(options);
}

export class ReverseHop {
  /** All that the backend was asked, in order. */
  readonly requests: SeenRequest[] = [];
  /** Connections to the backend that were closed while it was answering. */
  broken = 0;
  hop!: Hop;
  cluster!: Cluster;
  server!: Server;
  client!: grpc.Client & Record<string, (...args: unknown[]) => unknown>;
  private listener: RequestListener = (_request, response) => void response.end("{}");
  private readonly stops: (() => unknown)[] = [];

  static inSuite(options: ReverseOptions = {}): ReverseHop {
    const it = new ReverseHop();
    before(() => it.start(options));
    beforeEach(() => {
      it.requests.length = 0;
      it.broken = 0;
      it.answer((_seen, response) => response.writeHead(200, { "content-type": "application/json" }).end("{}"));
    });
    after(() => it.stop());
    return it;
  }

  async start(options: ReverseOptions): Promise<void> {
    this.server = createServer((request, response) => {
      response.on("close", () => {
        if (!response.writableFinished) this.broken++;
      });
      this.listener(request, response);
    });
    await new Promise<void>((resolve) => this.server.listen(0, "127.0.0.1", resolve));
    this.stops.unshift(() => {
      this.server.closeAllConnections();
      return new Promise((resolve) => this.server.close(resolve));
    });
    const schema = options.schema ?? transcodingSchema();
    const cluster = (this.cluster = restClusterAt((this.server.address() as AddressInfo).port, { ...options, schema }));
    this.stops.unshift(() => cluster.close());
    const { around = (next) => next } = options;
    this.hop = await startHop({
      handler: around(cluster.handler),
      schema,
      table: options.table,
      messageBytes: options.messageBytes ?? 4 << 20,
    });
    this.stops.unshift(() => this.hop.stop());
    this.client = transcodingClient(this.hop.port) as typeof this.client;
    this.stops.unshift(() => this.client.close());
  }

  async stop(): Promise<void> {
    for (const stop of this.stops.splice(0)) await stop();
  }

  get base(): string {
    return `http://127.0.0.1:${this.hop.port}`;
  }

  /** How the backend answers once it has read the request. */
  answer(answer: (seen: SeenRequest, response: ServerResponse) => unknown): void {
    this.listener = (request, response) =>
      void this.see(request).then(
        (seen) => answer(seen, response),
        () => undefined,
      );
  }

  /** The same for one JSON text. */
  answerJson(json: unknown, status = 200, headers: Record<string, string | string[]> = {}): void {
    const text = typeof json === "string" ? json : JSON.stringify(json);
    this.answer((_seen, response) => response.writeHead(status, { "content-type": "application/json", ...headers }).end(text));
  }

  /** How the backend takes requests, bodies included. */
  serve(listener: RequestListener): void {
    this.listener = listener;
  }

  get lastRequest(): SeenRequest {
    const last = this.requests.at(-1);
    if (last === undefined) throw new Error("the backend was not asked");
    return last;
  }

  /** A unary call by grpc-js. */
  call(method: string, message: object, metadata: Record<string, string> = {}, options: grpc.CallOptions = {}): Promise<UnaryOutcome> {
    return new Promise((resolve) => {
      let initial = new grpc.Metadata();
      let trailers = new grpc.Metadata();
      let outcome: Pick<UnaryOutcome, "reply" | "error">;
      const call = this.client[method]!(message, metadataOf(metadata), options, (error: grpc.ServiceError | null, reply?: object) => {
        outcome = { error: error ?? undefined, reply: reply as Record<string, unknown> | undefined };
      }) as grpc.ClientUnaryCall;
      call.on("metadata", (received: grpc.Metadata) => (initial = received));
      call.on("status", (status: grpc.StatusObject) => {
        trailers = status.metadata;
        setImmediate(() => resolve({ ...outcome, metadata: initial, trailers }));
      });
    });
  }

  /** A server stream by grpc-js, read to its end. */
  async list(method: string, message: object): Promise<{ messages: Record<string, unknown>[]; status: grpc.StatusObject }> {
    const stream = this.client[method]!(message) as grpc.ClientReadableStream<Record<string, unknown>>;
    const messages: Record<string, unknown>[] = [];
    const status = new Promise<grpc.StatusObject>((resolve) => stream.on("status", resolve));
    stream.on("data", (each: Record<string, unknown>) => messages.push(each)).on("error", () => undefined);
    return { status: await status, messages };
  }

  /** A client stream by grpc-js. */
  collect(method: string, messages: readonly object[]): Promise<UnaryOutcome> {
    return new Promise((resolve) => {
      let metadata = new grpc.Metadata();
      const call = this.client[method]!((error: grpc.ServiceError | null, reply?: object) => {
        const outcome = { error: error ?? undefined, reply: reply as Record<string, unknown> | undefined };
        setImmediate(() => resolve({ ...outcome, metadata, trailers: error?.metadata ?? new grpc.Metadata() }));
      }) as grpc.ClientWritableStream<object>;
      call.on("metadata", (received: grpc.Metadata) => (metadata = received)).on("error", () => undefined);
      for (const message of messages) call.write(message);
      call.end();
    });
  }

  private async see(request: IncomingMessage): Promise<SeenRequest> {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const { method = "", url = "", headers } = request;
    const seen = { method, url, headers, body: Buffer.concat(chunks).toString() };
    this.requests.push(seen);
    return seen;
  }
}

/** A grpc-js client of the service. */
export function transcodingClient(port: number): grpc.Client {
  const definition = loadSync("transcoding.proto", {
    includeDirs: [join(root, "test/support/protos"), join(root, "protos")],
    longs: String,
    enums: String,
    defaults: false,
    oneofs: false,
  });
  const loaded = grpc.loadPackageDefinition(definition) as unknown as {
    dragoman: { transcoding: { v1: { Transcoding: grpc.ServiceClientConstructor } } };
  };
  return new loaded.dragoman.transcoding.v1.Transcoding(`127.0.0.1:${port}`, grpc.credentials.createInsecure(), {
    "grpc.max_receive_message_length": -1,
    "grpc.enable_retries": 0,
  });
}

function metadataOf(entries: Record<string, string>): grpc.Metadata {
  const metadata = new grpc.Metadata();
  for (const [name, value] of Object.entries(entries)) metadata.set(name, name.endsWith("-bin") ? Buffer.from(value) : value);
  return metadata;
}
