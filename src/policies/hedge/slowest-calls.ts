/**
 * How long all but the slowest twentieth of a method's calls take, from a histogram that forgets.
 *
 * The trap: until enough has been seen there is no answer, and nobody may act on a guess.
 */
import { bucketBoundsSeconds, bucketCount, bucketOf } from "../../telemetry/duration-buckets.ts";

const fewest = 50;
/** So many, and what is older counts half. */
const halvedAt = 1000;

export class SlowestCalls {
  private readonly buckets = new Float64Array(bucketCount);
  private total = 0;

  add(durationMs: number): void {
    const { buckets } = this;
    buckets[bucketOf(durationMs)]!++;
    if (++this.total < halvedAt) return;
    this.total = 0;
    for (let at = 0; at < bucketCount; at++) this.total += buckets[at]! /= 2;
  }

  /** Upper bound of the bucket that the 95th of a hundred falls into; Infinity while too few have been seen. */
  get p95Ms(): number {
    if (this.total < fewest) return Infinity;
    let seen = 0;
    for (let at = 0; at < bucketCount; at++) {
      seen += this.buckets[at]!;
      if (seen >= this.total * 0.95) return (bucketBoundsSeconds[at] ?? Infinity) * 1000;
    }
    return Infinity;
  }
}
