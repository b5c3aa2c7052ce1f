/**
 * A REST server behind an inbound listener: calls are transcoded to it by the http rules of its schema (SEMANTICS A1.18).
 *
 * Loaded only where the upstream is one.
 */
import type { ConnectionOptions as TlsOptions } from "node:tls";
import type { Handler } from "../core/handler.ts";
import { createHttpOutbound } from "../protocols/http/outbound.ts";
import { createRestOutbound, type RestOutboundOptions } from "../protocols/rest/outbound.ts";
import { createWebSocketOutbound } from "../protocols/websocket/outbound.ts";
import { passedOnMethod } from "../protocols/websocket/relay/upgrade-call.ts";
import { Http1Client } from "../wire/http1/http1-client.ts";
import { clusterOver, type Cluster } from "./cluster.ts";

export interface RestClusterOptions extends Omit<RestOutboundOptions, "scheme"> {
  readonly host: string;
  readonly port: number;
  /** Node's TLS options; undefined for clear text. */
  readonly tls?: TlsOptions | undefined;
  /** The `host` of what is passed on as plain HTTP. */
  readonly hostSeen?: "caller" | "upstream";
}

export function createRestCluster(options: RestClusterOptions): Cluster {
  const { host, port, tls, clock, authority } = options;
  const client = new Http1Client({ host, port, tls, clock });
  const scheme = tls === undefined ? "http" : "https";
  const seen = { scheme, authority, clock, host: options.hostSeen ?? "caller" } as const;
  const http = createHttpOutbound(client, seen);
  const webSocket = createWebSocketOutbound(client, seen);
  const plainHttp: Handler = (call) => (call.method === passedOnMethod ? webSocket(call) : http(call));
  return clusterOver({ authority, client }, createRestOutbound(client, { ...options, scheme }), plainHttp);
}
