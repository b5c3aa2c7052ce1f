/** Makes the client that reaches the upstream, by our engine or by node:http2, which is loaded only when it is asked for. */
import { formatHostPort, parseUpstream } from "../config/addresses.ts";
import type { Config } from "../config/schema.ts";
import type { Clock } from "../core/clock.ts";
import { createCluster, type Cluster } from "../upstream/cluster.ts";
import type { HttpClient } from "../wire/http-client.ts";
import { Http2Client } from "../wire/http2/http2-client.ts";
import { readClientTls } from "./tls-files.ts";

/** @throws StartError when TLS files cannot be used. An upstream that is away is no failure. */
export async function createUpstream({ inbound, limits }: Pick<Config, "inbound" | "limits">, clock: Clock): Promise<Cluster> {
  const upstream = parseUpstream(inbound.upstream);
  const { host, port } = upstream;
  const secure = upstream.scheme === "grpcs";
  const tls = secure ? { ...readClientTls(inbound.upstreamTls, host), ALPNProtocols: ["h2"] } : undefined;
  const client: HttpClient =
    inbound.http2 === "node"
      ? new (await import("../wire/node-http2/node-http2-client.ts")).NodeHttp2Client({ host, port, tls, clock })
      : new Http2Client({ host, port, tls, clock });
  const scheme = secure ? "https" : "http";
  return createCluster({ scheme, authority: formatHostPort(upstream), client, clock, messageBytes: limits.messageBytes });
}
