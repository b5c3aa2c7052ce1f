/**
 * Which traces are recorded: the caller's decision where there is one, else a share of the trace ids.
 *
 * The trap: the share is taken by the trace id alone and by the same arithmetic as OpenTelemetry's TraceIdRatioBased, so that every hop and every
 * SDK with the same share decides alike.
 */
export class RatioSampler {
  private readonly upperBound: number;

  /** @param ratio from 0 to 1 */
  constructor(ratio: number) {
    this.upperBound = ratio >= 1 ? 2 ** 32 : Math.floor(ratio * 0xffffffff);
  }

  /** @param folded the four 32-bit words of the trace id, folded into one by exclusive or */
  takesFolded(folded: number): boolean {
    return folded >>> 0 < this.upperBound;
  }

  /** @param traceId 32 hex digits */
  takes(traceId: string): boolean {
    let folded = 0;
    for (let i = 0; i < 32; i += 8) folded ^= parseInt(traceId.slice(i, i + 8), 16);
    return this.takesFolded(folded);
  }
}
