/** Makes the cluster that reaches the service beside us. */
import { isSecure, parseUpstream } from "../config/addresses.ts";
import type { Config } from "../config/schema.ts";
import type { Clock } from "../core/clock.ts";
import type { MessageType } from "../core/message-type.ts";
import type { Cluster } from "../upstream/cluster.ts";
import { loadConnector } from "./connector.ts";
import { readClientTls } from "./tls-files.ts";

/**
 * @param resolve the schema's types by name, as far as they are known
 * @throws StartError when TLS files cannot be used. An upstream that is away is no failure.
 */
export async function createUpstream(
  { inbound, limits }: Pick<Config, "inbound" | "limits">,
  clock: Clock,
  resolve: (name: string) => MessageType | undefined = () => undefined,
): Promise<Cluster> {
  const upstream = parseUpstream(inbound.upstream);
  const { scheme } = upstream;
  const { upstreamTls, upstreamJson: json, upstreamHost: hostSeen, http2 } = inbound;
  const tls = isSecure(upstream) ? readClientTls("inbound.upstreamTls", upstreamTls, upstream.host) : undefined;
  const connect = await loadConnector({ scheme, http2, json, hostSeen, resolve, clock, messageBytes: limits.messageBytes });
  return connect(upstream, tls);
}
