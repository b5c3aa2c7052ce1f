/**
 * The service behind an inbound listener: one endpoint, reached by one client, as a Handler.
 *
 * The trap: it never fails to be made. An endpoint that is away is found out by calls, which fail with a reason, and comes back by itself.
 */
import type { Clock } from "../core/clock.ts";
import type { Closable } from "../core/close-stack.ts";
import type { Handler } from "../core/handler.ts";
import { createGrpcOutbound } from "../protocols/grpc/outbound.ts";
import type { Outbound } from "../protocols/protocol.ts";
import type { HttpClient, ClientState } from "../wire/http-client.ts";

export interface Cluster extends Closable {
  /** "127.0.0.1:50051": for logs, metrics and the admin pages. */
  readonly name: string;
  readonly handler: Handler;
  /** For what is passed on as plain HTTP; undefined where the service does not speak it. */
  readonly plainHttp?: Handler | undefined;
  readonly state: ClientState;
  readonly activeStreams: number;
  readonly pendingStreams: number;
  /** Finishes what is under way and takes no more. */
  drain(graceMs: number): Promise<void>;
}

export interface ClusterOptions {
  readonly scheme: "http" | "https";
  /** host:port */
  readonly authority: string;
  readonly client: HttpClient;
  readonly clock: Clock;
  readonly messageBytes: number;
}

/** Of a service that speaks gRPC. */
export function createCluster(options: ClusterOptions): Cluster {
  return clusterOver(options, createGrpcOutbound(options.client, options));
}

/** Of a service that `outbound` speaks to through the client. */
export function clusterOver(
  {
    authority,
    client,
  }: { readonly authority: string; readonly client: Pick<HttpClient, "state" | "activeStreams" | "pendingStreams" | "drain"> },
  outbound: Outbound,
  plainHttp?: Handler,
): Cluster {
  return {
    name: authority,
    handler: outbound.send,
    plainHttp,
    get state() {
      return client.state;
    },
    get activeStreams() {
      return client.activeStreams;
    },
    get pendingStreams() {
      return client.pendingStreams;
    },
    drain: (graceMs) => client.drain(graceMs),
    close: () => outbound.close(),
  };
}
