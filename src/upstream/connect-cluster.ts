/**
 * A Connect server behind an inbound listener, over HTTP/2 or HTTP/1.1; over TLS the server says which (docs/decisions/0010-connect-upstreams.md).
 *
 * The trap: HTTP/1.1 carries streams in both directions only one after the other, so a question that waits for an answer before the next, as
 * reflection does, would wait for ever.
 */
import type { ConnectionOptions as TlsOptions } from "node:tls";
import { CallError } from "../core/call-error.ts";
import type { Clock } from "../core/clock.ts";
import type { Handler } from "../core/handler.ts";
import { createConnectOutbound } from "../protocols/connect/outbound.ts";
import type { Outbound } from "../protocols/protocol.ts";
import type { HttpClient } from "../wire/http-client.ts";
import { Http1Client } from "../wire/http1/http1-client.ts";
import { negotiateHttp } from "../wire/negotiate-http.ts";
import { clusterOver, type Cluster } from "./cluster.ts";
import { LateOutbound, type Link } from "./late-outbound.ts";

export interface ConnectClusterOptions {
  readonly host: string;
  readonly port: number;
  readonly authority: string;
  /** Node's TLS options; undefined for clear text. */
  readonly tls?: TlsOptions | undefined;
  readonly version: "1.1" | "2" | "by-alpn";
  readonly clock: Clock;
  readonly messageBytes: number;
  readonly openHttp2: () => HttpClient;
}

export function createConnectCluster(options: ConnectClusterOptions): Cluster {
  const { authority, version, host, port, tls } = options;
  if (version !== "by-alpn") {
    const { client, outbound } = openLink(options, version);
    return clusterOver({ authority, client }, outbound);
  }
  const late = new LateOutbound(async () => openLink(options, await negotiateHttp({ host, port, tls: tls! })));
  return clusterOver({ authority, client: late }, late);
}

function openLink(options: ConnectClusterOptions, version: "1.1" | "2"): Link {
  const { host, port, tls, clock } = options;
  const scheme = tls === undefined ? "http" : "https";
  if (version === "2") {
    const client = options.openHttp2();
    return { client, outbound: createConnectOutbound(client, { ...options, scheme }) };
  }
  const client = new Http1Client({ host, port, tls, clock });
  return { client, outbound: withoutReflection(createConnectOutbound(client, { ...options, scheme })) };
}

function withoutReflection(outbound: Outbound): Outbound {
  const send: Handler = (call) =>
    call.method.service.startsWith("grpc.reflection.")
      ? Promise.reject(
          new CallError(
            "UNSUPPORTED_STREAMING",
            "the upstream speaks HTTP/1.1, which carries no reflection: its schema must come from a file",
          ),
        )
      : outbound.send(call);
  return { send, close: () => outbound.close() };
}
