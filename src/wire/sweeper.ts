/**
 * One coarse timer that looks at every connection of the thread now and then, instead of a timer for each request.
 *
 * The trap: a limit may be passed by up to one period before anyone notices; periods follow the shortest limit in use.
 */
import type { Clock, Timer } from "../core/clock.ts";

export interface Swept {
  /** Ends whatever has waited too long. */
  sweep(nowMs: number): void;
}

const longestPeriodMs = 1000;
const shortestPeriodMs = 5;

export class Sweeper {
  private readonly clock: Clock;
  private readonly entries = new Set<Swept>();
  private periodMs = longestPeriodMs;
  private timer: Timer | undefined = undefined;

  constructor(clock: Clock) {
    this.clock = clock;
  }

  /** @param shortestLimitMs what `entry` must keep; it is looked at four times as often. */
  add(entry: Swept, shortestLimitMs: number): void {
    this.entries.add(entry);
    const periodMs = Math.max(shortestPeriodMs, Math.min(longestPeriodMs, shortestLimitMs / 4));
    if (periodMs < this.periodMs) {
      this.periodMs = periodMs;
      this.timer?.cancel();
      this.timer = undefined;
    }
    this.timer ??= this.clock.after(this.periodMs, this.run);
  }

  delete(entry: Swept): void {
    this.entries.delete(entry);
  }

  private readonly run = (): void => {
    this.timer = undefined;
    const nowMs = this.clock.nowMs();
    for (const entry of this.entries) entry.sweep(nowMs);
    if (this.entries.size > 0) this.timer ??= this.clock.after(this.periodMs, this.run);
    else this.periodMs = longestPeriodMs;
  };
}

const sweepers = new WeakMap<Clock, Sweeper>();

/** The sweeper of this thread that goes by `clock`. */
export function sweeperOf(clock: Clock): Sweeper {
  let sweeper = sweepers.get(clock);
  if (sweeper === undefined) sweepers.set(clock, (sweeper = new Sweeper(clock)));
  return sweeper;
}
