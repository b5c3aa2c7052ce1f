/**
 * What is measured, one line each. `npm run bench -- --only NAME` picks by the name or its beginning.
 */
import type { GrpcRoute, RestRoute } from "./contestant.ts";
import { STREAM_LENGTH } from "./payloads.ts";

interface WrkScenario {
  readonly kind: "wrk";
  readonly name: string;
  readonly title: string;
  readonly route: RestRoute;
  readonly connections: number;
  /** Costs are given for one of so many messages of an answer, not for the request. */
  readonly messages?: number;
}

interface H2loadScenario {
  readonly kind: "h2load";
  readonly name: string;
  readonly title: string;
  readonly route: GrpcRoute;
  readonly connections: number;
  readonly streams: number;
  readonly messages?: number;
}

interface FootprintScenario {
  readonly kind: "footprint";
  readonly name: string;
  readonly title: string;
  readonly connections: number;
}

export type LoadScenario = WrkScenario | H2loadScenario;
export type Scenario = LoadScenario | FootprintScenario;

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
  { kind: "wrk", name: "latency", title: "REST GET, one connection: latency", route: "rest-get", connections: 1 },
  { kind: "footprint", name: "footprint", title: "Start and memory", connections: 10_000 },
];
