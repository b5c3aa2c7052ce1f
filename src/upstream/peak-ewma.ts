/**
 * A moving average of latency that believes bad news at once and good news slowly (Finagle's and Linkerd's "peak EWMA").
 *
 * The trap: it is read at a moment, and decays until then, or a host that was slow once would never be asked again and so never be forgiven.
 */
const decayMs = 10_000;
const firstGuessMs = 30;

export class PeakEwma {
  private valueMs = firstGuessMs;
  private atMs: number | undefined = undefined;

  add(sampleMs: number, nowMs: number): void {
    const current = this.at(nowMs);
    // The first sample is the best that is known; a worse one than the average is taken as it is.
    if (this.atMs === undefined || sampleMs >= current) this.valueMs = sampleMs;
    else this.valueMs = sampleMs + (this.valueMs - sampleMs) * Math.exp(-(nowMs - this.atMs) / decayMs);
    this.atMs = nowMs;
  }

  /** The average in milliseconds, as it has decayed until `nowMs`. */
  at(nowMs: number): number {
    return this.atMs === undefined ? this.valueMs : this.valueMs * Math.exp(-(nowMs - this.atMs) / decayMs);
  }
}
