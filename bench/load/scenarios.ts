/**
 * What is measured, one line each. `npm run bench -- --only NAME` picks by the name or its beginning.
 */
import type { GrpcRoute, HttpRoute, SocketRoute } from "./contestant.ts";
import { STREAM_LENGTH } from "./payloads.ts";

/** The contestant that the others are compared with. */
export const OURS = "dragoman";

interface Load {
  readonly name: string;
  readonly title: string;
  readonly connections: number;
  /** Costs are given for one of so many messages of an answer, not for the request. */
  readonly messages?: number;
  /** What is counted, where it is not a request or a message. */
  readonly unit?: string;
  /** We are measured on this route too, in the same rounds: what ours is to be compared with. */
  readonly beside?: { readonly route: HttpRoute; readonly title: string };
}

interface WrkScenario extends Load {
  readonly kind: "wrk";
  readonly route: HttpRoute;
}

interface H2loadScenario extends Load {
  readonly kind: "h2load";
  readonly route: GrpcRoute;
  readonly streams: number;
}

interface SocketScenario extends Load {
  readonly kind: "sockets";
  readonly route: SocketRoute;
}

interface FootprintScenario {
  readonly kind: "footprint";
  readonly name: string;
  readonly title: string;
}

export interface OpenSocketsScenario {
  readonly kind: "open-sockets";
  readonly name: string;
  readonly title: string;
  readonly routes: readonly SocketRoute[];
}

export type LoadScenario = WrkScenario | H2loadScenario | SocketScenario;
export type Scenario = LoadScenario | FootprintScenario | OpenSocketsScenario;

const restGet = { route: "rest-get", title: "REST GET" } as const;

export const scenarios: readonly Scenario[] = [
  { kind: "wrk", name: "rest-get", title: "REST GET, 10 headers, 64 connections", route: "rest-get", connections: 64 },
  { kind: "wrk", name: "rest-post", title: "REST POST, 0.9 KB each way, 64 connections", route: "rest-post", connections: 64 },
  { kind: "wrk", name: "rest-list", title: "REST GET of a 90 KB list, 16 connections", route: "rest-list", connections: 16 },
  { kind: "h2load", name: "grpc-4x16", title: "gRPC pass-through, 4 connections x 16 streams", route: "grpc", connections: 4, streams: 16 },
  { kind: "h2load", name: "grpc-64x1", title: "gRPC pass-through, 64 connections x 1 stream", route: "grpc", connections: 64, streams: 1 },
  {
    kind: "wrk",
    name: "stream-ndjson",
    title: `Server stream as JSON, ${STREAM_LENGTH} messages of 100 bytes, 16 connections`,
    route: "rest-stream",
    connections: 16,
    messages: STREAM_LENGTH,
  },
  {
    kind: "h2load",
    name: "stream-grpc",
    title: `Server stream as gRPC, ${STREAM_LENGTH} messages of 100 bytes, 4 connections x 4 streams`,
    route: "grpc-stream",
    connections: 4,
    streams: 4,
    messages: STREAM_LENGTH,
  },
  { kind: "wrk", name: "grpc-web", title: "gRPC-Web unary, 64 connections", route: "grpc-web", connections: 64, beside: restGet },
  {
    kind: "wrk",
    name: "connect-proto",
    title: "Connect unary, protobuf, 64 connections",
    route: "connect-proto",
    connections: 64,
    beside: restGet,
  },
  {
    kind: "wrk",
    name: "connect-json",
    title: "Connect unary, JSON, 64 connections",
    route: "connect-json",
    connections: 64,
    beside: restGet,
  },
  { kind: "wrk", name: "pass-through", title: "HTTP/1.1 pass-through, 10 headers, 64 connections", route: "pass-through", connections: 64 },
  {
    kind: "sockets",
    name: "ws-echo",
    title: "WebSocket pass-through, 64 sockets, 100 bytes there and back",
    route: "ws-echo",
    connections: 64,
    unit: "round trip",
  },
  {
    kind: "sockets",
    name: "ws-grpc",
    title: "WebSocket to a bidirectional gRPC stream, 64 sockets, 100 bytes of JSON there and back",
    route: "ws-grpc",
    connections: 64,
    unit: "round trip",
  },
  { kind: "wrk", name: "latency", title: "REST GET, one connection: latency", route: "rest-get", connections: 1 },
  { kind: "footprint", name: "footprint", title: "Start and memory" },
  { kind: "open-sockets", name: "ws-10k", title: "Memory with open WebSockets", routes: ["ws-grpc", "ws-echo"] },
];
