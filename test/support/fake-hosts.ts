/** Hosts without sockets: their connections answer as the test says, and remember what became of them. */
import { Call } from "../../src/core/call.ts";
import { Deadline } from "../../src/core/deadline.ts";
import type { Endpoint } from "../../src/core/endpoint.ts";
import { formatHostPort } from "../../src/core/endpoint.ts";
import type { Handler } from "../../src/core/handler.ts";
import { MessageList } from "../../src/core/messages.ts";
import { Metadata } from "../../src/core/metadata.ts";
import { UnaryReply } from "../../src/core/reply.ts";
import { okStatus } from "../../src/core/status.ts";
import { opaqueMethod } from "../../src/protocols/shared/opaque-type.ts";
import type { Cluster } from "../../src/upstream/cluster.ts";
import { UpstreamHost } from "../../src/upstream/host.ts";
import type { ClientState } from "../../src/wire/http-client.ts";

const method = opaqueMethod("/shop.v1.Orders/Get");

/** A connection that keeps count; `handler` may be exchanged. */
export class FakeConnection implements Cluster {
  readonly name: string;
  handler: Handler = () => Promise.resolve(emptyReply());
  plainHttp: Handler | undefined = undefined;
  state: ClientState = "ready";
  readonly activeStreams = 0;
  readonly pendingStreams = 0;
  drainedWithinMs: number | undefined = undefined;
  closed = false;

  constructor(endpoint: Endpoint) {
    this.name = formatHostPort(endpoint);
  }

  drain(graceMs: number): Promise<void> {
    this.drainedWithinMs = graceMs;
    return Promise.resolve();
  }

  close(): void {
    this.closed = true;
  }
}

export function emptyReply(): UnaryReply {
  return new UnaryReply(Metadata.empty, new MessageList([]), okStatus());
}

/** 10.0.0.1:80, 10.0.0.2:80 and so on. */
export function endpoints(count: number, more: (index: number) => Partial<Endpoint> = () => ({})): Endpoint[] {
  return Array.from({ length: count }, (_, index) => ({ host: `10.0.${index >> 8}.${(index & 255) + 1}`, port: 80, ...more(index) }));
}

/** Hosts that have been there for ever. */
export function hostsOf(list: readonly Endpoint[]): UpstreamHost[] {
  return list.map(
    (endpoint) => new UpstreamHost(endpoint, { connection: new FakeConnection(endpoint), joinedAtMs: -Infinity, slowStartMs: 30_000 }),
  );
}

export function aCall(fields: readonly string[] = [], address = "192.0.2.1"): Call {
  const caller = { address, protocol: "grpc", secure: false };
  return new Call(method, caller, Metadata.share(fields), new MessageList([]), new Deadline(), 0);
}
