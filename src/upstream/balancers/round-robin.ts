/**
 * One host after the other; the heavier ones more often, and evenly spread.
 *
 * By earliest deadline first (as Envoy and gRPC do it): each host stands at the moment of its next turn, and a turn moves it on by one part of
 * its weight. The start is chance, or all sidecars would begin with the same host.
 */
import type { Call } from "../../core/call.ts";
import type { Random } from "../../core/random.ts";
import type { UpstreamHost } from "../host.ts";
import type { Balancer, BalancerSpec, Choice } from "./balancer.ts";

export const roundRobin: BalancerSpec = {
  kind: "round-robin",
  summary: "One after the other, by weight.",
  create: (_settings, random) => new RoundRobin(random),
};

class RoundRobin implements Balancer {
  private readonly random: Random;
  private hosts: readonly UpstreamHost[] = [];
  /** The next turn of each host of the list. */
  private turns = new Float64Array(0);
  private now = 0;

  constructor(random: Random) {
    this.random = random;
  }

  update(hosts: readonly UpstreamHost[]): void {
    const before = new Map(this.hosts.map((host, at) => [host, this.turns[at]!]));
    this.turns = Float64Array.from(hosts, (host) => before.get(host) ?? this.now + this.random.uint32() / 2 ** 32 / host.weight);
    this.hosts = hosts;
  }

  pick(_call: Call, nowMs: number, choice?: Choice): UpstreamHost | undefined {
    const { hosts, turns } = this;
    let next = -1;
    for (let at = 0; at < turns.length; at++)
      if ((next < 0 || turns[at]! < turns[next]!) && (choice === undefined || choice(hosts[at]!))) next = at;
    if (next < 0) return undefined;
    const host = hosts[next]!;
    // A host that nobody could pick for a while has no turns to make up for.
    this.now = Math.max(this.now, turns[next]!);
    turns[next] = this.now + 1 / (host.weight * host.warmth(nowMs));
    return host;
  }
}
