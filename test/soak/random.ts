/** Random choices that come again with the same seed. */
import type { Random as Source } from "../../src/core/random.ts";
import { seededRandom } from "../support/seeded-random.ts";

export class Random {
  private readonly source: Source;

  constructor(seed: number) {
    this.source = seededRandom(seed);
  }

  /** In [0, 1). */
  next(): number {
    return this.source.uint32() / 2 ** 32;
  }

  /** From `least` to `most`, both included. */
  whole(least: number, most: number): number {
    return least + Math.floor(this.next() * (most - least + 1));
  }

  oneOf<T>(choices: readonly T[]): T {
    return choices[this.whole(0, choices.length - 1)]!;
  }
}
