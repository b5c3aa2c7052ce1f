/**
 * Draws two hosts and takes the one with the lower cost: nearly as good as comparing all of them, at the price of two (Mitzenmacher, "The
 * Power of Two Choices"). It never compares a host with itself, or of two the busier one would be picked a quarter of the time.
 *
 * The trap: weight and warmth are in the draw, and the first one drawn wins a tie; a cost that held them too would count them twice.
 */
import type { Call } from "../../core/call.ts";
import type { Random } from "../../core/random.ts";
import type { UpstreamHost } from "../host.ts";
import type { Balancer, Choice } from "./balancer.ts";
import { WeightedDraw } from "./weighted-draw.ts";

/** What picking the host now would cost; lower is better. */
export type Cost = (host: UpstreamHost, nowMs: number) => number;

export class TwoChoices implements Balancer {
  private readonly costOf: Cost;
  private readonly random: Random;
  private readonly draw: WeightedDraw;
  private hosts: readonly UpstreamHost[] = [];

  constructor(costOf: Cost, random: Random) {
    this.costOf = costOf;
    this.random = random;
    this.draw = new WeightedDraw(random);
  }

  update(hosts: readonly UpstreamHost[]): void {
    this.hosts = hosts;
    this.draw.update(hosts);
  }

  pick(_call: Call, nowMs: number, choice?: Choice): UpstreamHost | undefined {
    if (choice === undefined) return this.better(nowMs);
    const { hosts, costOf } = this;
    let best: UpstreamHost | undefined;
    for (const host of hosts) if (choice(host) && (best === undefined || costOf(host, nowMs) < costOf(best, nowMs))) best = host;
    return best;
  }

  private better(nowMs: number): UpstreamHost | undefined {
    const { hosts, draw } = this;
    const first = draw.draw(nowMs);
    if (first < 0 || hosts.length === 1) return hosts[0];
    let second = draw.draw(nowMs);
    // The same one again: its neighbour, so that two are compared always. Which neighbour is chance, as the draw was.
    if (second === first) second = (first + 1 + (this.random.uint32() % (hosts.length - 1))) % hosts.length;
    const a = hosts[first]!;
    const b = hosts[second]!;
    return this.costOf(b, nowMs) < this.costOf(a, nowMs) ? b : a;
  }
}
