/** When, within a drain, a connection is told to go: not all at once, because their clients will all come back. */
import type { Random } from "../../core/random.ts";

/** Which part of a drain's grace connections are spread over, and no more than this. */
const spreadRatio = 0.5;
const longestSpreadMs = 10_000;

export function drainDelayMs(graceMs: number, random: Random): number {
  return (Math.min(graceMs * spreadRatio, longestSpreadMs) * random.uint32()) / 2 ** 32;
}
