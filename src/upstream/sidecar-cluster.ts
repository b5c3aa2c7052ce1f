/**
 * Another sidecar: gRPC goes to it over HTTP/2, and everything else as it came, over HTTP/1.1; it translates for the service behind it.
 *
 * Both to the same port, which tells them apart. HTTP/1.1 connections are made when the first such request comes.
 */
import type { ConnectionOptions as TlsOptions } from "node:tls";
import type { Clock } from "../core/clock.ts";
import { createHttpOutbound } from "../protocols/http/outbound.ts";
import { Http1Client } from "../wire/http1/http1-client.ts";
import { Http2Client } from "../wire/http2/http2-client.ts";
import { createCluster, type Cluster } from "./cluster.ts";

export interface SidecarClusterOptions {
  readonly host: string;
  readonly port: number;
  /** host:port */
  readonly authority: string;
  /** Node's TLS options; undefined for clear text. */
  readonly tls: TlsOptions | undefined;
  readonly clock: Clock;
  readonly messageBytes: number;
}

export function createSidecarCluster({ host, port, authority, tls, clock, messageBytes }: SidecarClusterOptions): Cluster {
  const scheme = tls === undefined ? "http" : "https";
  const http2 = new Http2Client({ host, port, tls: tls && { ...tls, ALPNProtocols: ["h2"] }, clock });
  const http1 = new Http1Client({ host, port, tls: tls && { ...tls, ALPNProtocols: ["http/1.1"] }, clock });
  const grpc = createCluster({ scheme, authority, client: http2, clock, messageBytes });
  return {
    name: authority,
    handler: grpc.handler,
    plainHttp: createHttpOutbound(http1, { scheme, authority, clock, host: "caller" }),
    get state() {
      return http2.state === "ready" ? "ready" : http1.state === "ready" ? "ready" : http2.state;
    },
    get activeStreams() {
      return http2.activeStreams + http1.activeStreams;
    },
    get pendingStreams() {
      return http2.pendingStreams + http1.pendingStreams;
    },
    async drain(graceMs) {
      await Promise.all([http2.drain(graceMs), http1.drain(graceMs)]);
    },
    close() {
      http2.close();
      return http1.close();
    },
  };
}
