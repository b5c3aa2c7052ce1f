/**
 * Connections to servers that policies ask (authorization, say), one to each address; they live as long as the process, whatever is reloaded.
 *
 * Nothing is connected before the first call, and one that fails says so to its caller.
 */
import { isSecure, parseUpstream } from "../config/addresses.ts";
import { formatHostPort } from "../core/endpoint.ts";
import type { Clock } from "../core/clock.ts";
import type { Handler } from "../core/handler.ts";
import { createCluster, type Cluster } from "../upstream/cluster.ts";
import { Http2Client } from "../wire/http2/http2-client.ts";
import { StartError } from "./start-error.ts";
import { readClientTls } from "./tls-files.ts";

const maxServers = 64;
const messageBytes = 1024 * 1024;

export class Dialer {
  private readonly clock: Clock;
  private readonly clusters = new Map<string, Cluster>();

  constructor(clock: Clock) {
    this.clock = clock;
  }

  /** @param url "grpc://host:port", or "grpcs://" with the system's authorities. @throws StartError */
  handlerAt(url: string): Handler {
    let cluster = this.clusters.get(url);
    if (cluster === undefined) {
      if (this.clusters.size >= maxServers) throw new StartError("config", `policies name more than ${maxServers} servers`);
      this.clusters.set(url, (cluster = this.open(url)));
    }
    return cluster.handler;
  }

  async close(): Promise<void> {
    await Promise.all([...this.clusters.values()].map(async (cluster) => cluster.close()));
  }

  private open(url: string): Cluster {
    const { clock } = this;
    const upstream = parseUpstream(url);
    const { host, port, scheme } = upstream;
    if (scheme !== "grpc" && scheme !== "grpcs") throw new StartError("config", `${url}: expected grpc://HOST:PORT or grpcs://HOST:PORT`);
    const tls = isSecure(upstream) ? { ...readClientTls(url, undefined, host), ALPNProtocols: ["h2"] } : undefined;
    const client = new Http2Client({ host, port, tls, clock });
    return createCluster({
      scheme: tls === undefined ? "http" : "https",
      authority: formatHostPort(upstream),
      client,
      clock,
      messageBytes,
    });
  }
}
