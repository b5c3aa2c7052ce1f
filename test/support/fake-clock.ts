/** Time that stands still until the test moves it. Timers run in the order of their moments, inside `advance`. */
import type { Clock, Timer } from "../../src/core/clock.ts";

interface Waiting {
  readonly atMs: number;
  readonly task: () => void;
}

export class FakeClock implements Clock {
  private timeMs: number;
  private readonly waiting = new Set<Waiting>();
  private readonly startWallMs: number;

  constructor(timeMs = 1000, startWallMs = Date.UTC(2026, 10, 23, 10, 0, 0)) {
    this.timeMs = timeMs;
    this.startWallMs = startWallMs - timeMs;
  }

  nowMs(): number {
    return this.timeMs;
  }

  wallMs(): number {
    return this.startWallMs + this.timeMs;
  }

  after(delayMs: number, task: () => void): Timer {
    const entry = { atMs: this.timeMs + delayMs, task };
    this.waiting.add(entry);
    return { cancel: () => void this.waiting.delete(entry) };
  }

  /** Timers that have not run. */
  get timers(): number {
    return this.waiting.size;
  }

  /** Milliseconds until the next of them is due; undefined when there is none. */
  get nextInMs(): number | undefined {
    return this.waiting.size === 0 ? undefined : Math.min(...[...this.waiting].map(({ atMs }) => atMs)) - this.timeMs;
  }

  advance(byMs: number): void {
    const endMs = this.timeMs + byMs;
    for (;;) {
      const due = [...this.waiting].filter((entry) => entry.atMs <= endMs).sort((a, b) => a.atMs - b.atMs)[0];
      if (due === undefined) break;
      this.waiting.delete(due);
      this.timeMs = due.atMs;
      due.task();
    }
    this.timeMs = endMs;
  }
}
