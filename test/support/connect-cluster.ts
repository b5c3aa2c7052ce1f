/** A cluster of one Connect server on this machine, as the runtime makes it. */
import { systemClock } from "../../src/core/clock.ts";
import type { Cluster } from "../../src/upstream/cluster.ts";
import { createConnectCluster } from "../../src/upstream/connect-cluster.ts";
import { Http2Client } from "../../src/wire/http2/http2-client.ts";
import { certificate } from "./certificate.ts";

export interface ConnectClusterHow {
  /** For clear text; over TLS it is found out. */
  readonly version?: "1.1" | "2";
  readonly tls?: boolean;
  readonly messageBytes?: number;
}

export function connectClusterAt(port: number, { version = "2", tls = false, messageBytes = 4 << 20 }: ConnectClusterHow = {}): Cluster {
  const host = "127.0.0.1";
  const material = tls ? { ca: certificate } : undefined;
  return createConnectCluster({
    host,
    port,
    authority: `${host}:${port}`,
    tls: material,
    version: tls ? "by-alpn" : version,
    clock: systemClock,
    messageBytes,
    openHttp2: () => new Http2Client({ host, port, tls: material, clock: systemClock }),
  });
}
