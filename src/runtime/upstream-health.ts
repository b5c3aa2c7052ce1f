/**
 * Whether a call would reach the upstream now: an open connection says so, otherwise one is tried.
 *
 * The trap: anybody may ask, so a try is shared by all who ask meanwhile, and its result counts for a moment.
 */
import type { HostPort } from "../config/addresses.ts";
import type { Clock } from "../core/clock.ts";
import type { Cluster } from "../upstream/cluster.ts";
import { accepts } from "./upstream-probe.ts";

const freshMs = 250;

export class UpstreamHealth {
  private readonly cluster: Pick<Cluster, "state">;
  private readonly address: HostPort;
  private readonly clock: Clock;
  private tried: Promise<boolean> | undefined;
  private triedAtMs = -Infinity;

  constructor(cluster: Pick<Cluster, "state">, address: HostPort, clock: Clock) {
    this.cluster = cluster;
    this.address = address;
    this.clock = clock;
  }

  reaches(): boolean | Promise<boolean> {
    const { state } = this.cluster;
    if (state === "ready") return true;
    if (state === "closed" || state === "backing-off") return false;
    if (this.tried === undefined || this.clock.nowMs() - this.triedAtMs > freshMs) {
      this.triedAtMs = Infinity;
      this.tried = accepts(this.address.host, this.address.port).then((reached) => {
        this.triedAtMs = this.clock.nowMs();
        return reached;
      });
    }
    return this.tried;
  }
}
