/**
 * The breakers of all hosts, by host and settings. A reload that keeps a host and its settings finds its breaker as it was.
 *
 * The trap: hosts are held weakly. One that has left takes its breakers along.
 */
import type { Host } from "../../core/host.ts";
import type { Random } from "../../core/random.ts";
import { HostBreaker, type BreakerSettings, type BreakerState } from "./host-breaker.ts";

/** Settings change with reloads; those of long ago are forgotten. */
const mostPerHost = 16;
const worstFirst: readonly BreakerState[] = ["open", "probing"];

interface Kept {
  readonly key: string;
  readonly breaker: HostBreaker;
}

export class HostBreakers {
  private readonly byHost = new WeakMap<Host, Kept[]>();
  private readonly random: Random;

  constructor(random: Random) {
    this.random = random;
  }

  of(host: Host, settings: BreakerSettings): HostBreaker {
    const { failures, successRateRatio, calls, openMs, longestOpenMs } = settings;
    const key = [failures, successRateRatio, calls, openMs, longestOpenMs].join(" ");
    let kept = this.byHost.get(host);
    if (kept === undefined) this.byHost.set(host, (kept = []));
    const known = kept.find((one) => one.key === key);
    if (known !== undefined) return known.breaker;
    const breaker = new HostBreaker(settings, this.random);
    kept.push({ key, breaker });
    if (kept.length > mostPerHost) kept.shift();
    return breaker;
  }

  /** The worst of what its breakers are; closed where it has none. */
  stateOf(host: Host): BreakerState {
    const states = new Set(this.byHost.get(host)?.map(({ breaker }) => breaker.state));
    return worstFirst.find((state) => states.has(state)) ?? "closed";
  }
}
