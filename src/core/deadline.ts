/**
 * The moment a call must be over, on the monotonic clock.
 *
 * The trap: it is absolute and fixed when the request's headers arrived. Time spent on a slow upload or in a queue is gone.
 */
export class Deadline {
  /** Monotonic milliseconds (`performance.now()`); Infinity when nobody set one. */
  atMs: number;

  constructor(atMs: number = Infinity) {
    this.atMs = atMs;
  }

  /** Brings the deadline forward to `atMs`; a later moment changes nothing. */
  tighten(atMs: number): void {
    if (atMs < this.atMs) this.atMs = atMs;
  }

  get isSet(): boolean {
    return this.atMs !== Infinity;
  }

  /** Milliseconds left at `nowMs`: zero or less means over, Infinity means no deadline. */
  remainingMs(nowMs: number): number {
    return this.atMs - nowMs;
  }
}
