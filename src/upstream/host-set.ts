/**
 * The hosts of a service and who of them may be picked: in service, near, and never nobody.
 *
 * The trap: health is an opinion. When less than half of the hosts are thought well, it is the opinion that is doubted, and all of them are
 * asked again ("panic"). What a host's own circuit breaker says holds even then; it is asked for each attempt, by the attempt's gate.
 */
import type { Call } from "../core/call.ts";
import { formatHostPort, type Endpoint } from "../core/endpoint.ts";
import type { Random } from "../core/random.ts";
import type { Balancer } from "./balancers/balancer.ts";
import type { Cluster } from "./cluster.ts";
import { UpstreamHost } from "./host.ts";
import { OutlierDetector } from "./outlier-detector.ts";

const panicShare = 0.5;
const sweepMs = 1000;
/** The hosts of one's own zone are enough while they are so much of an even share. */
const enoughOfEvenShare = 0.5;

export interface HostSetOptions {
  readonly balancer: Balancer;
  readonly random: Random;
  /** Opens the way to an endpoint, without connecting yet. */
  readonly connect: (endpoint: Endpoint) => Cluster;
  /** A host that has left: it finishes what it has. */
  readonly leave: (host: UpstreamHost) => void;
  readonly slowStartMs: number;
  /** Hosts of this zone are preferred; undefined: all are alike. */
  readonly zone?: string | undefined;
  /** Told when hosts came or went. */
  readonly onChange?: (() => void) | undefined;
}

export class HostSet {
  private readonly options: HostSetOptions;
  private readonly detector: OutlierDetector;
  private byAddress = new Map<string, UpstreamHost>();
  private all: readonly UpstreamHost[] = [];
  private choosable: readonly UpstreamHost[] = [];
  private sweptAtMs = -Infinity;
  private panicking = false;

  constructor(options: HostSetOptions) {
    this.options = options;
    this.detector = new OutlierDetector(options.random);
  }

  get hosts(): readonly UpstreamHost[] {
    return this.all;
  }

  /** The only host there is, where there is one and it may be picked. */
  get only(): UpstreamHost | undefined {
    return this.all.length === 1 ? this.choosable[0] : undefined;
  }

  /** Less than half of the hosts are thought well, and so all are asked. */
  get inPanic(): boolean {
    return this.panicking;
  }

  /** What discovery found: hosts that stay keep all that is known of them. */
  update(endpoints: readonly Endpoint[], nowMs: number): void {
    const { connect, leave, slowStartMs, onChange } = this.options;
    const before = this.byAddress;
    // The first hosts are all as cold as one another.
    const joinedAtMs = before.size === 0 ? -Infinity : nowMs;
    const byAddress = new Map<string, UpstreamHost>();
    for (const endpoint of endpoints) {
      const address = formatHostPort(endpoint);
      const known = before.get(address);
      // Another identity at the same address is another host: a connection that was verified for the one is none to the other.
      const stays = known !== undefined && known.endpoint.identity === endpoint.identity;
      if (stays) known.redescribe(endpoint);
      byAddress.set(address, stays ? known : new UpstreamHost(endpoint, { connection: connect(endpoint), joinedAtMs, slowStartMs }));
    }
    this.byAddress = byAddress;
    this.all = [...byAddress.values()];
    for (const [address, host] of before) if (byAddress.get(address) !== host) leave(host);
    this.refresh();
    onChange?.();
  }

  /** Who may be picked is found out again: the health of a host has changed. */
  refresh(): void {
    const { balancer, zone } = this.options;
    const staying = this.all.filter((host) => !host.draining);
    // Better one that is about to leave than nobody.
    const asked = staying.length > 0 ? staying : this.all;
    const inService = asked.filter((host) => host.inService);
    this.panicking = inService.length < asked.length * panicShare;
    this.choosable = nearest(this.panicking ? asked : inService, zone);
    balancer.update(this.choosable);
  }

  /** Where the attempt may go; undefined when its gate admits no host, or there is none. */
  pick(call: Call, nowMs: number): UpstreamHost | undefined {
    if (nowMs >= this.sweptAtMs + sweepMs) this.sweep(nowMs);
    const { balancer } = this.options;
    const { gate, tried } = call;
    const host = balancer.pick(call, nowMs);
    if (host === undefined) return undefined;
    const isOpen = gate === undefined || gate.admits(host, nowMs);
    if (isOpen && (tried === undefined || !tried.includes(host))) return host;
    const admitted = (other: UpstreamHost): boolean => gate === undefined || gate.admits(other, nowMs);
    return (
      balancer.pick(call, nowMs, (other) => !(tried?.includes(other) ?? false) && admitted(other)) ?? balancer.pick(call, nowMs, admitted)
    );
  }

  private sweep(nowMs: number): void {
    this.sweptAtMs = nowMs;
    if (this.all.length > 1 && this.detector.sweep(this.all, nowMs)) this.refresh();
  }
}

function nearest(hosts: readonly UpstreamHost[], zone: string | undefined): readonly UpstreamHost[] {
  if (zone === undefined) return hosts;
  const near = hosts.filter(({ endpoint }) => endpoint.zone === zone);
  const zones = new Set(hosts.map(({ endpoint }) => endpoint.zone)).size;
  return near.length > 0 && near.length * zones >= hosts.length * enoughOfEvenShare ? near : hosts;
}
