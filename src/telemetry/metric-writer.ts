/**
 * What metrics are written to: one walk over the numbers, whoever wants them and in whatever format.
 *
 * The trap: all samples of a family follow its head at once, and come in no other place. Names with dots are of semantic conventions, and each
 * format spells them in its own way; all others are written as they are.
 */
import type { Exemplar } from "./exemplars.ts";

export type MetricType = "counter" | "gauge" | "histogram";
export type Labels = Readonly<Record<string, string>>;

export interface MetricWriter {
  /** Begins a family. @param unit of UCUM ("s", "By", "{call}"), for names with dots */
  family(name: string, type: MetricType, help: string, unit?: string): void;
  sample(name: string, value: number, labels?: Labels): void;
  /** A family of one sample without labels. */
  single(name: string, type: MetricType, help: string, value: number): void;
  /**
   * One histogram of a family.
   * @param bounds upper bounds without the last, which is infinite
   * @param buckets counts per bucket, not cumulative, the infinite one last
   * @param exemplars by bucket
   */
  histogram(
    name: string,
    bounds: readonly number[],
    buckets: ArrayLike<number>,
    sum: number,
    labels: Labels,
    exemplars?: readonly (Exemplar | undefined)[],
  ): void;
}
