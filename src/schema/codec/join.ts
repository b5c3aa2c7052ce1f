/**
 * A message that lies on the wire in pieces (protobuf merges repeated occurrences of a singular message field) printed as one.
 */
import { grow, reg, SLACK_BYTES } from "./registers.ts";
import type { Printer } from "./transcoder.ts";

/** Prints the message whose body is the concatenation of `ranges` ([start, end, start, end, ...]). */
export function printJoined(print: Printer, ranges: readonly number[], w: number): number {
  if (ranges.length === 2) return print(reg.memory, ranges[0]!, ranges[1]!, w);
  let size = 0;
  for (let i = 0; i < ranges.length; i += 2) size += ranges[i + 1]! - ranges[i]!;
  const m = w + size + SLACK_BYTES > reg.memory.length ? grow(w, size + SLACK_BYTES) : reg.memory;
  let at = w;
  for (let i = 0; i < ranges.length; i += 2) {
    m.copyWithin(at, ranges[i]!, ranges[i + 1]);
    at += ranges[i + 1]! - ranges[i]!;
  }
  const end = print(m, w, at, at);
  reg.memory.copyWithin(w, at, end);
  return end - size;
}
