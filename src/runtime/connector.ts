/**
 * Ways to endpoints that speak a protocol: gRPC by our engine or by node:http2, REST over HTTP/1.1, Connect over either, sidecars by both.
 *
 * All but our own HTTP/2 engine are loaded only when they are asked for; once loaded, a way is opened at once, and nothing connects yet.
 */
import type { ConnectionOptions as TlsOptions } from "node:tls";
import { isConnect, isRest, type HostPort, type UpstreamScheme } from "../config/addresses.ts";
import { formatHostPort } from "../core/endpoint.ts";
import type { Config } from "../config/schema.ts";
import type { Clock } from "../core/clock.ts";
import type { MessageType } from "../core/message-type.ts";
import { createCluster, type Cluster } from "../upstream/cluster.ts";
import type { HttpClient } from "../wire/http-client.ts";
import { Http2Client, type Http2ClientOptions } from "../wire/http2/http2-client.ts";

export interface ConnectorOptions {
  /** "sidecar": what another of us listens to. */
  readonly scheme: UpstreamScheme | "sidecar";
  readonly http2: Config["inbound"]["http2"];
  readonly messageBytes: number;
  readonly clock: Clock;
  /** How JSON is printed for REST. */
  readonly json: Config["inbound"]["upstreamJson"];
  /** The `host` of what is passed on as plain HTTP. */
  readonly hostSeen: Config["inbound"]["upstreamHost"];
  /** The schema's types by name, as far as they are known: the errors of a REST server may hold some. */
  readonly resolve: (name: string) => MessageType | undefined;
}

/** @param tls Node's TLS options; undefined for clear text */
export type Connector = (to: HostPort, tls: TlsOptions | undefined) => Cluster;

export async function loadConnector(options: ConnectorOptions): Promise<Connector> {
  const { scheme, clock, messageBytes, http2 } = options;
  if (scheme === "sidecar") {
    const { createSidecarCluster } = await import("../upstream/sidecar-cluster.ts");
    return ({ host, port }, tls) =>
      createSidecarCluster({ host, port, authority: formatHostPort({ host, port }), tls, clock, messageBytes });
  }
  if (isRest({ scheme })) {
    const { createRestCluster } = await import("../upstream/rest-cluster.ts");
    return ({ host, port }, tls) => createRestCluster({ ...options, host, port, authority: formatHostPort({ host, port }), tls });
  }
  const openHttp2 = await http2Opener(http2);
  if (isConnect({ scheme })) {
    const { createConnectCluster } = await import("../upstream/connect-cluster.ts");
    return ({ host, port }, tls) =>
      createConnectCluster({
        host,
        port,
        authority: formatHostPort({ host, port }),
        tls,
        clock,
        messageBytes,
        version: tls !== undefined ? "by-alpn" : scheme === "connect+http1" ? "1.1" : "2",
        openHttp2: () => openHttp2({ host, port, tls: overHttp2(tls), clock }),
      });
  }
  return ({ host, port }, tls) =>
    createCluster({
      scheme: tls === undefined ? "http" : "https",
      authority: formatHostPort({ host, port }),
      client: openHttp2({ host, port, tls: overHttp2(tls), clock }),
      clock,
      messageBytes,
    });
}

function overHttp2(tls: TlsOptions | undefined): TlsOptions | undefined {
  return tls && { ...tls, ALPNProtocols: ["h2"] };
}

async function http2Opener(engine: "own" | "node"): Promise<(options: Http2ClientOptions) => HttpClient> {
  if (engine === "own") return (options) => new Http2Client(options);
  const { NodeHttp2Client } = await import("../wire/node-http2/node-http2-client.ts");
  return (options) => new NodeHttp2Client(options);
}
