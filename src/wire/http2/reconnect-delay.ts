/**
 * How long to leave a server alone after a failed attempt to connect: exponential with full jitter, so that clients which failed together do
 * not come back together.
 */
export interface ReconnectDelayOptions {
  readonly baseMs: number;
  readonly maxMs: number;
  /** In [0,1). */
  readonly random: () => number;
}

export class ReconnectDelay {
  private readonly options: ReconnectDelayOptions;
  private failures = 0;
  private untilMs = -Infinity;

  constructor(options: ReconnectDelayOptions) {
    this.options = options;
  }

  /** No attempt before this monotonic time. */
  isWaiting(nowMs: number): boolean {
    return nowMs < this.untilMs;
  }

  failed(nowMs: number): void {
    const { baseMs, maxMs, random } = this.options;
    const ceilingMs = Math.min(maxMs, baseMs * 2 ** Math.min(this.failures++, 30));
    this.untilMs = nowMs + ceilingMs * random();
  }

  succeeded(): void {
    this.failures = 0;
    this.untilMs = -Infinity;
  }
}
