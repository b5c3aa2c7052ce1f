/**
 * A service of several endpoints: each attempt goes to one of them, and what comes of it is remembered.
 *
 * The trap: endpoints are found out while calls arrive. Until discovery has spoken for the first time calls wait for it, for a moment;
 * after that a service without endpoints is a failure at once.
 */
import type { Call } from "../core/call.ts";
import { CallError } from "../core/call-error.ts";
import type { Clock, Timer } from "../core/clock.ts";
import type { Endpoint } from "../core/endpoint.ts";
import type { Handler } from "../core/handler.ts";
import type { Random } from "../core/random.ts";
import type { Reply } from "../core/reply.ts";
import type { ClientState } from "../wire/http-client.ts";
import { attemptAt } from "./attempt.ts";
import type { Balancer } from "./balancers/balancer.ts";
import type { Cluster } from "./cluster.ts";
import type { UpstreamHost } from "./host.ts";
import { HostSet } from "./host-set.ts";

const discoveryWaitMs = 3000;
/** In the order in which one of them speaks for the whole. */
const statesBestFirst: readonly ClientState[] = ["ready", "connecting", "idle", "backing-off", "closed"];

export interface ServiceClusterOptions {
  readonly name: string;
  readonly balancer: Balancer;
  readonly clock: Clock;
  readonly random: Random;
  /** Opens the way to an endpoint, without connecting yet. */
  readonly connect: (endpoint: Endpoint) => Cluster;
  /** How long a host that has left may take to finish what it has. */
  readonly drainMs: number;
  readonly slowStartMs?: number;
  readonly zone?: string | undefined;
}

export class ServiceCluster implements Cluster {
  readonly name: string;
  readonly handler: Handler = (call) => this.attempt(call, handlerOf);
  readonly plainHttp: Handler = (call) => this.attempt(call, plainHttpOf);
  readonly hosts: HostSet;
  private readonly clock: Clock;
  private readonly drainMs: number;
  private readonly leaving = new Set<Promise<void>>();
  private readonly discovered = Promise.withResolvers<void>();
  private readonly patience: Timer;
  private waiting = true;
  private closed = false;

  constructor(options: ServiceClusterOptions) {
    const { name, clock, drainMs, slowStartMs = 30_000, balancer, random, connect, zone } = options;
    this.name = name;
    this.clock = clock;
    this.drainMs = drainMs;
    this.hosts = new HostSet({ balancer, random, connect, zone, slowStartMs, leave: (host) => this.leave(host, this.drainMs) });
    this.patience = clock.after(discoveryWaitMs, () => this.stopWaiting());
  }

  /** What discovery found. */
  update(endpoints: readonly Endpoint[]): void {
    if (this.closed) return;
    this.hosts.update(endpoints, this.clock.nowMs());
    this.stopWaiting();
  }

  get state(): ClientState {
    if (this.closed) return "closed";
    const states = new Set(this.hosts.hosts.map(({ connection }) => connection.state));
    return statesBestFirst.find((state) => states.has(state)) ?? "idle";
  }

  get activeStreams(): number {
    return this.hosts.hosts.reduce((sum, { connection }) => sum + connection.activeStreams, 0);
  }

  get pendingStreams(): number {
    return this.hosts.hosts.reduce((sum, { connection }) => sum + connection.pendingStreams, 0);
  }

  async drain(graceMs: number): Promise<void> {
    for (const host of this.hosts.hosts) this.leave(host, graceMs);
    await Promise.all(this.leaving);
  }

  async close(): Promise<void> {
    if (this.closed) return;
    this.closed = true;
    this.stopWaiting();
    for (const { connection } of this.hosts.hosts) await connection.close();
    await Promise.all(this.leaving);
  }

  private attempt(call: Call, way: (cluster: Cluster) => Handler | undefined): Promise<Reply> {
    if (this.waiting) return this.afterDiscovery(call, way);
    const { clock, hosts } = this;
    const { gate } = call;
    const { only } = hosts;
    if (only !== undefined && gate === undefined) return send(call, only, way);
    const nowMs = clock.nowMs();
    const host = hosts.pick(call, nowMs);
    if (host === undefined)
      throw gate === undefined || hosts.hosts.length === 0
        ? new CallError("NO_ENDPOINTS", `no endpoint of ${this.name} is known`)
        : gate.refusal();
    return attemptAt(host, handlerAt(host, way), call, clock, nowMs);
  }

  private async afterDiscovery(call: Call, way: (cluster: Cluster) => Handler | undefined): Promise<Reply> {
    const left = new Promise<void>((resolve) => call.onCancel(() => resolve()));
    await Promise.race([this.discovered.promise, left]);
    call.throwIfCancelled();
    return this.attempt(call, way);
  }

  private stopWaiting(): void {
    this.waiting = false;
    this.patience.cancel();
    this.discovered.resolve();
  }

  private leave({ connection }: UpstreamHost, graceMs: number): void {
    const left = connection.drain(graceMs).then(() => connection.close());
    this.leaving.add(left);
    void left.finally(() => this.leaving.delete(left));
  }
}

function handlerOf({ handler }: Cluster): Handler {
  return handler;
}

function plainHttpOf({ plainHttp }: Cluster): Handler | undefined {
  return plainHttp;
}

function send(call: Call, host: UpstreamHost, way: (cluster: Cluster) => Handler | undefined): Promise<Reply> {
  call.host = host;
  return handlerAt(host, way)(call);
}

/** @throws CallError when what the host speaks cannot carry the call */
function handlerAt({ connection }: UpstreamHost, way: (cluster: Cluster) => Handler | undefined): Handler {
  const handler = way(connection);
  if (handler === undefined) throw new CallError("UNKNOWN_METHOD");
  return handler;
}
