/**
 * Makes the cluster that reaches the upstream: gRPC by our engine or by node:http2, REST over HTTP/1.1, Connect over either.
 *
 * All but our own engine are loaded only when they are asked for.
 */
import { formatHostPort, isConnect, isRest, isSecure, parseUpstream } from "../config/addresses.ts";
import type { Config } from "../config/schema.ts";
import type { Clock } from "../core/clock.ts";
import type { MessageType } from "../core/message-type.ts";
import { createCluster, type Cluster } from "../upstream/cluster.ts";
import type { HttpClient } from "../wire/http-client.ts";
import { Http2Client, type Http2ClientOptions } from "../wire/http2/http2-client.ts";
import { readClientTls } from "./tls-files.ts";

/**
 * @param resolve the schema's types by name, as far as they are known: a REST upstream's errors may hold some
 * @throws StartError when TLS files cannot be used. An upstream that is away is no failure.
 */
export async function createUpstream(
  { inbound, limits }: Pick<Config, "inbound" | "limits">,
  clock: Clock,
  resolve: (name: string) => MessageType | undefined = () => undefined,
): Promise<Cluster> {
  const upstream = parseUpstream(inbound.upstream);
  const { host, port } = upstream;
  const authority = formatHostPort(upstream);
  const tls = isSecure(upstream) ? readClientTls(inbound.upstreamTls, host) : undefined;
  const { messageBytes } = limits;
  if (isRest(upstream)) {
    const { createRestCluster } = await import("../upstream/rest-cluster.ts");
    return createRestCluster({
      host,
      port,
      authority,
      tls,
      clock,
      messageBytes,
      json: inbound.upstreamJson,
      resolve,
      hostSeen: inbound.upstreamHost,
    });
  }
  const openHttp2 = (): Promise<HttpClient> =>
    http2Client(inbound.http2, { host, port, tls: tls && { ...tls, ALPNProtocols: ["h2"] }, clock });
  if (isConnect(upstream)) {
    const { createConnectCluster } = await import("../upstream/connect-cluster.ts");
    const version = tls !== undefined ? "by-alpn" : upstream.scheme === "connect+http1" ? "1.1" : "2";
    return createConnectCluster({ host, port, authority, tls, clock, messageBytes, version, openHttp2 });
  }
  const client = await openHttp2();
  return createCluster({ scheme: tls === undefined ? "http" : "https", authority, client, clock, messageBytes });
}

async function http2Client(engine: "own" | "node", options: Http2ClientOptions): Promise<HttpClient> {
  if (engine === "own") return new Http2Client(options);
  return new (await import("../wire/node-http2/node-http2-client.ts")).NodeHttp2Client(options);
}
