/** Time as a service, so that tests own it. Monotonic time orders things; wall time is for people and logs. */
export interface Timer {
  cancel(): void;
}

export interface Clock {
  /** Monotonic milliseconds, comparable with `performance.now()`. */
  nowMs(): number;
  /** Milliseconds since 1970. */
  wallMs(): number;
  /** Runs `task` once after `delayMs`; does not keep the process alive. */
  after(delayMs: number, task: () => void): Timer;
}

export const systemClock: Clock = {
  nowMs: () => performance.now(),
  wallMs: () => Date.now(),
  after(delayMs, task) {
    // setTimeout takes 31 bits; a longer wait fires at once there.
    const timer = setTimeout(task, Math.min(delayMs, 0x7fffffff));
    timer.unref();
    return { cancel: () => clearTimeout(timer) };
  },
};
