/**
 * How many calls a service is good for at once, found out by how long they take (Netflix's gradient, as Envoy's adaptive concurrency has it).
 *
 * The trap: what a call takes without a queue can only be measured while there is none, so the limit is held at three for fifty calls. That
 * refuses calls; it is done when calls are refused anyway, never in quiet times.
 */
import type { Random } from "../../core/random.ts";

export interface GradientLimitOptions {
  readonly random: Random;
  /** The limit at first, before anything is known. */
  readonly initial: number;
  readonly most: number;
  /** So much slower than without a queue is not slow yet. */
  readonly bufferRatio: number;
  /** How long what was measured holds. */
  readonly measureEveryMs: number;
  /** Told each time it has been measured. */
  readonly onMeasured: () => void;
}

const fewest = 3;
const windowMs = 100;
/** A window with fewer calls is made longer. */
const fewestInWindow = 25;
const samplesOfMeasuring = 50;
/** A slow service is not held back for all fifty. */
const fewestMeasured = 5;
const longestMeasuringMs = 1000;
const measuringJitter = 0.15;
/** At the least limit for so many windows, what was measured is doubted. */
const windowsAtFewest = 5;
const mostSamples = 1024;

export class GradientLimit {
  private readonly options: GradientLimitOptions;
  private readonly samples = new Float64Array(mostSamples);
  private count = 0;
  private windowEndsAtMs = 0;
  private mostActive = 0;
  /** What a call takes without a queue. */
  private fastestMs: number | undefined;
  private limit: number;
  private measuringSinceMs: number | undefined;
  private measureAgainAtMs = -Infinity;
  private atFewest = 0;

  constructor(options: GradientLimitOptions) {
    this.options = options;
    this.limit = options.initial;
  }

  get current(): number {
    return this.measuringSinceMs === undefined ? Math.floor(this.limit) : fewest;
  }

  /** A call was refused: the limit matters, and is measured anew where that was long ago. */
  refused(nowMs: number): void {
    if (this.measuringSinceMs === undefined && nowMs >= this.measureAgainAtMs) this.measure(nowMs);
  }

  /** A call has ended. @param startedAtMs monotonic @param active calls under way, this one included */
  add(startedAtMs: number, nowMs: number, active: number): void {
    const { measuringSinceMs } = this;
    // It began in the crowd of before.
    if (measuringSinceMs !== undefined && startedAtMs < measuringSinceMs) return;
    if (this.count === 0) {
      this.windowEndsAtMs = nowMs + windowMs;
      this.mostActive = 0;
    }
    if (active > this.mostActive) this.mostActive = active;
    if (this.count < mostSamples) this.samples[this.count++] = nowMs - startedAtMs;
    if (measuringSinceMs !== undefined) this.measured(nowMs, measuringSinceMs);
    else if (nowMs >= this.windowEndsAtMs && this.count >= fewestInWindow) this.adapt(nowMs);
  }

  private measure(nowMs: number): void {
    this.measuringSinceMs = nowMs;
    this.count = this.atFewest = 0;
  }

  private measured(nowMs: number, sinceMs: number): void {
    if (this.count < samplesOfMeasuring && (this.count < fewestMeasured || nowMs - sinceMs < longestMeasuringMs)) return;
    this.fastestMs = this.median();
    this.measuringSinceMs = undefined;
    const { measureEveryMs, random, onMeasured } = this.options;
    // Sidecars of the same service must not all hold it at three in the same moment.
    this.measureAgainAtMs = nowMs + measureEveryMs * (1 + (random.uint32() / 2 ** 32) * measuringJitter);
    onMeasured();
  }

  private adapt(nowMs: number): void {
    const { most, bufferRatio } = this.options;
    const nowTakesMs = Math.max(this.median(), Number.MIN_VALUE);
    // Nothing was ever refused: the limit at first has not been too low.
    if (this.fastestMs === undefined) return;
    const gradient = Math.min(2, Math.max(0.5, (this.fastestMs * (1 + bufferRatio)) / nowTakesMs));
    // Half of it was not needed: nothing says that the service is good for more.
    if (gradient >= 1 && this.mostActive < this.limit / 2) return;
    const reduced = this.limit * gradient;
    // Room for a queue that is short: without it the limit could not grow.
    this.limit = Math.min(most, Math.max(fewest, reduced + Math.sqrt(reduced)));
    this.atFewest = this.limit === fewest ? this.atFewest + 1 : 0;
    if (this.atFewest >= windowsAtFewest) this.measure(nowMs);
  }

  private median(): number {
    const sorted = this.samples.subarray(0, this.count).sort();
    this.count = 0;
    return sorted[sorted.length >> 1]!;
  }
}
