/**
 * How many of the attempts of the last ten seconds succeeded: exact counts in ten buckets, no average that one burst could sway.
 *
 * The trap: a bucket is emptied when its second comes round again, so the counts are of nine to ten seconds.
 */
import type { Outcome } from "./host.ts";

const buckets = 10;
const bucketMs = 1000;

export class OutcomeWindow {
  private readonly attempts = new Uint32Array(buckets);
  private readonly failures = new Uint32Array(buckets);
  /** The second that the newest bucket stands for. */
  private second = 0;

  /** What is limited counts as a failure here: a share of refusals is a reason to send less. */
  add(outcome: Outcome, nowMs: number): void {
    this.advance(nowMs);
    const bucket = this.second % buckets;
    this.attempts[bucket]!++;
    if (outcome !== "success") this.failures[bucket]!++;
  }

  /** Attempts and failures within the window. */
  counts(nowMs: number): { readonly attempts: number; readonly failures: number } {
    this.advance(nowMs);
    let attempts = 0;
    let failures = 0;
    for (let bucket = 0; bucket < buckets; bucket++) {
      attempts += this.attempts[bucket]!;
      failures += this.failures[bucket]!;
    }
    return { attempts, failures };
  }

  clear(): void {
    this.attempts.fill(0);
    this.failures.fill(0);
  }

  private advance(nowMs: number): void {
    const second = Math.floor(nowMs / bucketMs);
    const steps = Math.min(second - this.second, buckets);
    for (let step = 1; step <= steps; step++) {
      const bucket = (second - steps + step) % buckets;
      this.attempts[bucket] = this.failures[bucket] = 0;
    }
    if (second > this.second) this.second = second;
  }
}
