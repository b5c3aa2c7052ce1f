/**
 * What is measured, one line each. `npm run bench -- --only NAME` picks by the name or its beginning.
 */
import type { Route } from "./contestant.ts";

interface WrkScenario {
  readonly kind: "wrk";
  readonly name: string;
  readonly title: string;
  readonly route: Exclude<Route, "grpc">;
  readonly connections: number;
}

interface H2loadScenario {
  readonly kind: "h2load";
  readonly name: string;
  readonly title: string;
  readonly route: "grpc";
  readonly connections: number;
  readonly streams: number;
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
  { kind: "wrk", name: "latency", title: "REST GET, one connection: latency", route: "rest-get", connections: 1 },
  { kind: "footprint", name: "footprint", title: "Start and memory", connections: 10_000 },
];
