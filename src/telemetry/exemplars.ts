/** Sampled calls that stand for others in a histogram: the last one of each bucket, by its trace. */
import { bucketCount, bucketOf } from "./duration-buckets.ts";

export interface Exemplar {
  /** The `traceparent` of the call's span. */
  readonly place: string;
  readonly durationMs: number;
  /** Since 1970. */
  readonly wallMs: number;
}

/** Of one (protocol, method, code). Only sampled calls come here, so it may allocate. */
export class Exemplars {
  readonly byBucket: (Exemplar | undefined)[] = new Array<Exemplar | undefined>(bucketCount).fill(undefined);

  note(place: string, durationMs: number): void {
    this.byBucket[bucketOf(durationMs)] = { place, durationMs, wallMs: performance.timeOrigin + performance.now() };
  }
}
