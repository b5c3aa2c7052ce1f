/**
 * The stack most people would write for REST in front of gRPC: node:http, @grpc/grpc-js and protobufjs.
 *
 *   node server.ts PORT BACKEND
 *
 * It is plain, not naive: one channel, codecs compiled once, the documented wrapper for timestamps, no framework.
 * It is also less than a proxy: no deadline, no metrics, no access log, and four routes by hand.
 */
import { Client, credentials, Metadata, type ServiceError } from "@grpc/grpc-js";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { fileURLToPath } from "node:url";
import protobuf from "protobufjs";

const [port = "0", backend = "127.0.0.1:50051"] = process.argv.slice(2);
const folder = (path: string): string => fileURLToPath(new URL(path, import.meta.url));

interface Timestamp {
  seconds: { toNumber(): number } | number;
  nanos: number;
}

// ProtoJSON writes a timestamp as text. On the way out protobufjs has a hook for such types, on the way in it insists on
// an object, so the order's one timestamp is converted by hand.
protobuf.wrappers[".google.protobuf.Timestamp"] = {
  fromObject(value: Record<string, unknown>) {
    return this.fromObject(value);
  },
  toObject(message: unknown) {
    const { seconds, nanos } = message as Timestamp;
    return new Date(Number(seconds) * 1000 + nanos / 1e6).toISOString() as unknown as Record<string, unknown>;
  },
};

function withTimestamp(order: { createdAt?: unknown }): object {
  if (typeof order.createdAt === "string") {
    const ms = Date.parse(order.createdAt);
    order.createdAt = { seconds: Math.floor(ms / 1000), nanos: (ms - Math.floor(ms / 1000) * 1000) * 1e6 };
  }
  return order;
}

const root = new protobuf.Root();
root.resolvePath = (_origin, target) => {
  if (target === "google/protobuf/descriptor.proto") return folder(`../../../node_modules/protobufjs/${target}`);
  return target.startsWith("google/api/") ? folder(`../../../protos/${target}`) : target; // the other google files are built in
};
root.loadSync([folder("../../protos/helloworld.proto"), folder("../../protos/orders.proto")]);
root.resolveAll();

const CONVERSION = { longs: String, enums: String, bytes: String };

interface Route {
  readonly path: string;
  serialize(request: object): Buffer;
  deserialize(bytes: Buffer): object;
}

function route(path: string, input: string, output: string): Route {
  const request = root.lookupType(input);
  const reply = root.lookupType(output);
  return {
    path,
    serialize: (value) => Buffer.from(request.encode(request.fromObject(value as Record<string, unknown>)).finish()),
    deserialize: (bytes) => reply.toObject(reply.decode(bytes), CONVERSION),
  };
}

const hello = route("/helloworld.Greeter/SayHello", "helloworld.HelloRequest", "helloworld.HelloReply");
const echo = route("/bench.Orders/Echo", "bench.Order", "bench.Order");
const list = route("/bench.Orders/List", "bench.ListOrdersRequest", "bench.OrderList");
const watch = route("/bench.Orders/Watch", "bench.WatchOrdersRequest", "bench.OrderEvent");
const client = new Client(backend, credentials.createInsecure(), { "grpc.max_receive_message_length": -1 });

function send(response: ServerResponse, status: number, value: object): void {
  const body = JSON.stringify(value);
  response.writeHead(status, { "content-type": "application/json", "content-length": Buffer.byteLength(body) });
  response.end(body);
}

function metadataOf(request: IncomingMessage): Metadata {
  const metadata = new Metadata();
  for (const name of ["traceparent", "x-request-id"]) {
    const value = request.headers[name];
    if (typeof value === "string") metadata.set(name, value);
  }
  return metadata;
}

function stream(request: IncomingMessage, response: ServerResponse, { path, serialize, deserialize }: Route, message: object): void {
  const answers = client.makeServerStreamRequest(path, serialize, deserialize, message, metadataOf(request));
  response.writeHead(200, { "content-type": "application/x-ndjson" });
  answers.on("data", (answer: object) => {
    if (response.write(`${JSON.stringify(answer)}\n`)) return;
    answers.pause();
    response.once("drain", () => answers.resume());
  });
  answers.on("end", () => response.end());
  answers.on("error", (error) => response.destroy(error));
  response.on("close", () => answers.cancel());
}

function call(request: IncomingMessage, response: ServerResponse, { path, serialize, deserialize }: Route, message: object): void {
  const metadata = metadataOf(request);
  client.makeUnaryRequest(path, serialize, deserialize, message, metadata, (error: ServiceError | null, reply?: object) => {
    if (error !== null) send(response, 500, { code: error.code, message: error.details, details: [] });
    else send(response, 200, reply!);
  });
}

function post(request: IncomingMessage, response: ServerResponse): void {
  const chunks: Buffer[] = [];
  request.on("data", (chunk: Buffer) => chunks.push(chunk));
  request.on("end", () => {
    try {
      call(request, response, echo, withTimestamp(JSON.parse(Buffer.concat(chunks).toString()) as object));
    } catch (error) {
      send(response, 400, { code: 3, message: String(error), details: [] });
    }
  });
}

const server = createServer((request, response) => {
  const url = request.url ?? "/";
  if (request.method === "POST" && url === "/v1/orders") post(request, response);
  else if (url.startsWith("/v1/hello/")) call(request, response, hello, { name: decodeURIComponent(url.slice(10)) });
  else if (url.startsWith("/v1/orders?")) {
    const pageSize = Number(new URLSearchParams(url.slice(url.indexOf("?"))).get("page_size"));
    call(request, response, list, { pageSize });
  } else if (url.startsWith("/v1/orders:watch?")) {
    const count = Number(new URLSearchParams(url.slice(url.indexOf("?"))).get("count"));
    stream(request, response, watch, { count });
  } else send(response, 404, { code: 5, message: "no such path", details: [] });
});
server.keepAliveTimeout = 3_600_000; // as long as the others keep idle connections
server.listen(Number(port), "127.0.0.1", 1024);
