/** Time that jumps from event to event, for simulations of very many of them. What an event sets off is over before the next one. */
import type { Clock, Timer } from "../../src/core/clock.ts";

interface Event {
  readonly atMs: number;
  readonly order: number;
  task: (() => void) | undefined;
}

export class EventClock implements Clock {
  private timeMs = 0;
  private events = 0;
  /** A binary heap: the soonest is the first. */
  private readonly heap: Event[] = [];

  nowMs(): number {
    return this.timeMs;
  }

  wallMs(): number {
    return this.timeMs;
  }

  after(delayMs: number, task: () => void): Timer {
    const event: Event = { atMs: this.timeMs + delayMs, order: this.events++, task };
    this.push(event);
    return { cancel: () => void (event.task = undefined) };
  }

  /** Until no event is left that is due. */
  async run(untilMs: number): Promise<void> {
    while (this.heap.length > 0 && this.heap[0]!.atMs <= untilMs) {
      const { atMs, task } = this.pop();
      if (task === undefined) continue;
      this.timeMs = atMs;
      task();
      // Promises that are settled by it have run then.
      await new Promise((resolve) => setImmediate(resolve));
    }
    this.timeMs = untilMs;
  }

  private push(event: Event): void {
    const { heap } = this;
    let at = heap.push(event) - 1;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (!isSooner(event, heap[parent]!)) break;
      heap[at] = heap[parent]!;
      at = parent;
    }
    heap[at] = event;
  }

  private pop(): Event {
    const { heap } = this;
    const first = heap[0]!;
    const last = heap.pop()!;
    if (heap.length === 0) return first;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= heap.length) break;
      if (child + 1 < heap.length && isSooner(heap[child + 1]!, heap[child]!)) child++;
      if (!isSooner(heap[child]!, last)) break;
      heap[at] = heap[child]!;
      at = child;
    }
    heap[at] = last;
    return first;
  }
}

function isSooner(a: Event, b: Event): boolean {
  return a.atMs < b.atMs || (a.atMs === b.atMs && a.order < b.order);
}
