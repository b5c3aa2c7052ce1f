/**
 * Sends all metrics to the collector, at the same distance each time.
 *
 * They are cumulative, so one that could not be sent is made good by the next, and nothing is kept for later.
 */
import type { Clock, Timer } from "../../core/clock.ts";
import type { Logger } from "../../core/logger.ts";
import type { SendRequest } from "./otlp-exporter.ts";

export interface MetricsPushOptions {
  /** The request as it is now. */
  readonly request: () => Uint8Array;
  readonly send: SendRequest;
  readonly intervalMs: number;
  /** Shown in logs. */
  readonly destination: string;
  readonly clock: Clock;
  readonly logger: Logger;
}

const timeoutMs = 10_000;
const quietMs = 60_000;

export class MetricsPush {
  private readonly options: MetricsPushOptions;
  private timer: Timer | undefined;
  private sending = false;
  private saidAtMs = -Infinity;
  private readonly onTimer = (): void => {
    this.wait();
    if (!this.sending) void this.push();
  };

  constructor(options: MetricsPushOptions) {
    this.options = options;
    this.wait();
  }

  /** Sends them a last time, within `graceMs`. */
  async close(graceMs: number): Promise<void> {
    this.timer?.cancel();
    let timer: Timer | undefined;
    await Promise.race([this.push(), new Promise<void>((resolve) => (timer = this.options.clock.after(graceMs, resolve)))]);
    timer?.cancel();
  }

  private wait(): void {
    this.timer = this.options.clock.after(this.options.intervalMs, this.onTimer);
  }

  private async push(): Promise<void> {
    const { request, send, destination, clock, logger } = this.options;
    this.sending = true;
    const answer = await send(request(), timeoutMs);
    this.sending = false;
    if (answer.outcome === "taken" || clock.nowMs() - this.saidAtMs < quietMs) return;
    this.saidAtMs = clock.nowMs();
    logger.warn(`metrics are not taken by ${destination}; the next ones will say the same and more`, { why: answer.why });
  }
}
