/**
 * Draws hosts at random, in proportion to their weights and to how warm they are.
 *
 * Equal weights cost one random number; unequal ones a binary search in sums made when the list changed. A host that warms up is drawn like
 * the others and passed over at times: warmth changes all the time, and sums of it would have to be made for each draw.
 */
import type { Random } from "../../core/random.ts";
import type { UpstreamHost } from "../host.ts";

const wholeRange = 2 ** 32;
/** With so many hosts cold in a row, one of them will do. */
const longestRun = 8;

export class WeightedDraw {
  private readonly random: Random;
  private hosts: readonly UpstreamHost[] = [];
  /** Sums of the weights up to each host; undefined when all weigh the same. */
  private sums: Float64Array | undefined;

  constructor(random: Random) {
    this.random = random;
  }

  update(hosts: readonly UpstreamHost[]): void {
    this.hosts = hosts;
    this.sums = hosts.some(({ weight }) => weight !== hosts[0]!.weight) ? sumsOf(hosts) : undefined;
  }

  /** The place of a host in the list; -1 when the list is empty. */
  draw(nowMs: number): number {
    let at = this.one();
    for (let run = 1; run < longestRun && at >= 0; run++) {
      const warmth = this.hosts[at]!.warmth(nowMs);
      if (warmth === 1 || this.random.uint32() < warmth * wholeRange) break;
      at = this.one();
    }
    return at;
  }

  private one(): number {
    const { hosts, sums } = this;
    const share = this.random.uint32() / wholeRange;
    if (sums === undefined) return hosts.length === 0 ? -1 : Math.floor(share * hosts.length);
    const wanted = share * sums[sums.length - 1]!;
    let low = 0;
    let high = sums.length - 1;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (sums[middle]! > wanted) high = middle;
      else low = middle + 1;
    }
    return low;
  }
}

function sumsOf(hosts: readonly UpstreamHost[]): Float64Array {
  const sums = new Float64Array(hosts.length);
  let sum = 0;
  for (let at = 0; at < hosts.length; at++) sums[at] = sum += hosts[at]!.weight;
  return sums;
}
