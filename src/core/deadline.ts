/**
 * The moment a call must be over, on the monotonic clock.
 *
 * The trap: it is absolute and fixed when the request's headers arrived. Time spent on a slow upload or in a queue is gone.
 * It is its own entry in the timer wheel that enforces it, so a call with a deadline costs no further object.
 */
import { CallError } from "./call-error.ts";
import { WheelEntry } from "./timer-wheel.ts";

export class Deadline extends WheelEntry {
  /** The call that is cancelled when the moment comes; set by whoever schedules the deadline. */
  call: { cancel(error: CallError): void } | undefined = undefined;

  /** @param atMs monotonic milliseconds (`performance.now()`); Infinity when nobody set one. */
  constructor(atMs: number = Infinity) {
    super(atMs);
  }

  /** Brings the deadline forward to `atMs`; a later moment changes nothing. Not for one that is scheduled already. */
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

  override expire(): void {
    this.call?.cancel(new CallError("DEADLINE_EXCEEDED"));
  }
}
