/** Waits on the given clock; comes back at once, with nothing thrown, when the signal aborts. */
import type { Clock } from "./clock.ts";

export function pause(clock: Clock, delayMs: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) return resolve();
    const timer = clock.after(delayMs, () => {
      signal.removeEventListener("abort", stop);
      resolve();
    });
    const stop = (): void => {
      timer.cancel();
      resolve();
    };
    signal.addEventListener("abort", stop, { once: true });
  });
}
