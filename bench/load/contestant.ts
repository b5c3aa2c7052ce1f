/**
 * What is measured: a program that stands between the load generator and the backend.
 *
 * A contestant that cannot be had on this machine says why (`absent`) and is reported as such; it is never left out unseen.
 */

/** The answers a contestant can give; a scenario asks for one of them. */
export type RestRoute = "rest-get" | "rest-post" | "rest-list" | "rest-stream";
/** One unary call of the greeter by HTTP/1.1 POST. */
export type CallRoute = "grpc-web" | "connect-proto" | "connect-json";
export type GrpcRoute = "grpc" | "grpc-stream";
/** What wrk asks for. */
export type HttpRoute = RestRoute | CallRoute | "pass-through";
/** A WebSocket passed on as it is, or each of its messages as one of a bidirectional gRPC stream. */
export type SocketRoute = "ws-echo" | "ws-grpc";
export type Route = HttpRoute | GrpcRoute | SocketRoute;

/** True when the backend of the route speaks HTTP/1.1 and not gRPC. */
export const isPlainHttp = (route: Route): boolean => route === "pass-through" || route === "ws-echo";

export interface Ports {
  readonly listen: number;
  /** Of the backend that the route wants. */
  readonly backend: number;
}

/** How to start it once it is built. `files` are written to the run's folder first. */
export interface Launch {
  readonly command: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
}

/** A contestant that is at hand, with the version that was found. */
export interface Prepared {
  readonly version: string;
  /** `folder` is a scratch folder of this run for configuration files and logs; `route` is the only one it will be asked for. */
  launch(ports: Ports, folder: string, route: Route): Launch;
}

export interface Absent {
  readonly absent: string;
}

export interface Contestant {
  readonly name: string;
  readonly routes: readonly Route[];
  /** What is switched on while it is measured; printed beside the numbers. */
  readonly on: string;
  /** Builds or finds it. `cache` is a folder that outlives the run. */
  prepare(cache: string): Promise<Prepared | Absent>;
}
