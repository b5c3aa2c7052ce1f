/**
 * What is sent and what must come back: one set of requests and expected answers for every contestant.
 *
 * The messages are built with @bufbuild/protobuf from the same descriptor set the contestants load, so the expected JSON
 * does not come from any code under test.
 */
import { createFileRegistry, type DescMessage, fromBinary, fromJson, type JsonValue, toBinary, toJson } from "@bufbuild/protobuf";
import { FileDescriptorSetSchema } from "@bufbuild/protobuf/wkt";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import type { HttpRequest } from "./generators.ts";
import type { CallRoute, GrpcRoute, HttpRoute, RestRoute, SocketRoute } from "./contestant.ts";

export const DESCRIPTORS = fileURLToPath(new URL("../protos/bench.binpb", import.meta.url));
const registry = createFileRegistry(fromBinary(FileDescriptorSetSchema, readFileSync(DESCRIPTORS)));

function message(name: string): DescMessage {
  const found = registry.getMessage(name);
  if (found === undefined) throw new Error(`${DESCRIPTORS} has no ${name}`);
  return found;
}

const LIST_LENGTH = 100;
export const STREAM_LENGTH = 1000;
const TRACEPARENT = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

/** The headers a browser behind a load balancer sends: ten with `Host`, about 520 bytes. */
const BROWSER_HEADERS = [
  ["user-agent", "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36"],
  ["accept", "application/json"],
  ["accept-language", "en-GB,en;q=0.9,de;q=0.8"],
  ["accept-encoding", "identity"],
  ["authorization", "Bearer eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiJiZW5jaCJ9.c2lnbmF0dXJlLW9mLXRoaXMtdG9rZW4"],
  ["cookie", "session=0f8b6f1e2d3c4b5a; theme=dark"],
  ["x-request-id", "7b0c1c9e-6f0e-4f55-9d0a-1f6f3a0f6c11"],
  ["traceparent", TRACEPARENT],
  ["x-forwarded-for", "203.0.113.7"],
] as const;

const ORDER = {
  id: "ord_8f14e45fceea167a",
  version: "1763889330250",
  createdAt: "2026-11-23T09:15:30.250Z",
  status: "PAID",
  customer: {
    name: "Zoë Müller-Lüdenscheidt",
    email: "zoe.mueller@example.com",
    address: { street: "Königstraße 12", city: "Stuttgart", zip: "70173", country: "DE" },
    vip: true,
  },
  items: [
    { sku: "KB-104-ISO", title: 'Keyboard, 104 keys, "quiet"', quantity: 1, price: 89.9, weightG: "1150", tags: ["input", "usb"] },
    { sku: "MN-27-4K", title: "Monitor 27 inch", quantity: 2, price: 329.5, weightG: "6400", tags: ["display", "4k", "office"] },
    { sku: "CB-HDMI-2", title: "Cable HDMI 2 m", quantity: 3, price: 7.25, weightG: "120", tags: ["cable"] },
  ],
  labels: { channel: "web", campaign: "autumn-26", region: "eu-central", note: "Leave it with the neighbours, please ring twice" },
  total: 770.65,
  signature: "q83vEjRWeJCrze8SNFZ4kKvN7xI0VniQq83vEjRWeJA=",
  scores: [3, 1, 4, 1, 5, 9, 2, 6, 5, 35, 897, 9323],
} satisfies JsonValue;

const LIST = {
  orders: Array.from({ length: LIST_LENGTH }, (_, index) => ({ ...ORDER, id: `ord_${String(index).padStart(16, "0")}` })),
  nextPageToken: "b3JkXzAwMDAwMDAwMDAwMDAwOTk",
};

const wire = (type: DescMessage, json: JsonValue): Uint8Array => toBinary(type, fromJson(type, json));

/** A message in gRPC's five byte envelope. */
function envelope(type: DescMessage, json: JsonValue): Buffer {
  const bytes = wire(type, json);
  const head = Buffer.alloc(5);
  head.writeUInt32BE(bytes.length, 1);
  return Buffer.concat([head, bytes]);
}

/** What the backend answers to List. */
export const listAnswer = (): Buffer => envelope(message("bench.OrderList"), LIST);

const EVENT = {
  orderId: "ord_8f14e45fceea167a",
  version: "1763889330250",
  at: "2026-11-23T09:15:30.250Z",
  status: "SHIPPED",
  note: "Left the depot in Stuttgart, arrives tomorrow by noon.",
} satisfies JsonValue;

/** What the backend answers to Watch, again and again. */
export const eventAnswer = (): Buffer => envelope(message("bench.OrderEvent"), EVENT);

export const GRPC_PATHS: Readonly<Record<GrpcRoute, string>> = {
  grpc: "/helloworld.Greeter/SayHello",
  "grpc-stream": "/bench.Orders/Watch",
};
export const GRPC_HEADERS = [
  ["content-type", "application/grpc"],
  ["te", "trailers"],
  ["user-agent", "grpc-bench/1.0"],
  ["grpc-timeout", "5S"],
  ["traceparent", TRACEPARENT],
] as const;
/** What is sent. */
export function grpcBody(route: GrpcRoute): Buffer {
  if (route === "grpc") return envelope(message("helloworld.HelloRequest"), NAME);
  return envelope(message("bench.WatchOrdersRequest"), { count: STREAM_LENGTH });
}

/** What must come back. */
export function grpcAnswer(route: GrpcRoute): Buffer {
  return route === "grpc" ? grpcBody(route) : Buffer.concat(Array.from({ length: STREAM_LENGTH }, eventAnswer));
}

/** A call of the greeter: what a browser's request has, and the protocol's own fields. */
function callRequest(contentType: string, own: readonly [string, string], body: string | Buffer): HttpRequest {
  const fields = BROWSER_HEADERS.filter(([name]) => name !== "cookie" && name !== "accept");
  const path = "/helloworld.Greeter/SayHello";
  return { method: "POST", path, headers: [...fields, ["accept", contentType], ["content-type", contentType], own], body };
}

const NAME = { name: "world" } satisfies JsonValue;

export const HTTP_REQUESTS: Readonly<Record<HttpRoute, HttpRequest>> = {
  "pass-through": { method: "GET", path: "/items/42", headers: BROWSER_HEADERS },
  "grpc-web": callRequest("application/grpc-web+proto", ["x-grpc-web", "1"], envelope(message("helloworld.HelloRequest"), NAME)),
  "connect-proto": callRequest(
    "application/proto",
    ["connect-protocol-version", "1"],
    Buffer.from(wire(message("helloworld.HelloRequest"), NAME)),
  ),
  "connect-json": callRequest("application/json", ["connect-protocol-version", "1"], JSON.stringify(NAME)),
  "rest-get": { method: "GET", path: "/v1/hello/world", headers: BROWSER_HEADERS },
  "rest-post": {
    method: "POST",
    path: "/v1/orders",
    headers: [...BROWSER_HEADERS.filter(([name]) => name !== "cookie"), ["content-type", "application/json"]],
    body: JSON.stringify(ORDER),
  },
  "rest-list": { method: "GET", path: `/v1/orders?page_size=${LIST_LENGTH}`, headers: BROWSER_HEADERS },
  "rest-stream": {
    method: "GET",
    path: `/v1/orders:watch?count=${STREAM_LENGTH}`,
    headers: BROWSER_HEADERS.map(([name, value]) => [name, name === "accept" ? "application/x-ndjson" : value]),
  },
};

/** 100 bytes that a JSON codec writes as they came. */
export const SOCKET_TEXT = JSON.stringify({ text: "x".repeat(89) });

export const SOCKET_PATHS: Readonly<Record<SocketRoute, string>> = { "ws-echo": "/socket", "ws-grpc": "/bench.Chat/Join" };

/** The bytes of the right answer; what follows them in gRPC-Web is the trailers. */
export function expectedBytes(route: Exclude<CallRoute, "connect-json">): Buffer {
  const reply = message("helloworld.HelloReply");
  return route === "grpc-web" ? envelope(reply, { message: "world" }) : Buffer.from(wire(reply, { message: "world" }));
}

/** The canonical JSON of the right answer. */
export function expectedAnswer(route: RestRoute | "connect-json" | "pass-through"): JsonValue {
  const canonical = (name: string, json: JsonValue): JsonValue => toJson(message(name), fromJson(message(name), json));
  if (route === "pass-through") return { id: 42, name: "Keyboard", price: 89.9, a: 1 };
  if (route === "rest-get" || route === "connect-json") return canonical("helloworld.HelloReply", { message: "world" });
  if (route === "rest-stream") return Array.from({ length: STREAM_LENGTH }, () => canonical("bench.OrderEvent", EVENT));
  return route === "rest-post" ? canonical("bench.Order", ORDER) : canonical("bench.OrderList", LIST);
}
