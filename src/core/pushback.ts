/**
 * What a failure says of when to try again: `grpc-retry-pushback-ms` (grpc/proposal A6) and `retry-after` (RFC 9110, section 10.2.3).
 *
 * The trap: the two differ in what nobody can read. A pushback that is no number means "do not try again"; a `retry-after` that is none means
 * nothing.
 */
import type { Metadata } from "./metadata.ts";

/** Longest wait that is obeyed; who asks for more asks not to be tried again. */
const longestMs = 300_000;

/**
 * @param wallMs the time of day, for dates
 * @returns milliseconds until the next attempt, "never", or undefined where nothing is said
 */
export function pushbackOf(metadata: Metadata | undefined, trailers: Metadata | undefined, wallMs: number): number | "never" | undefined {
  const pushed = valuesOf("grpc-retry-pushback-ms", metadata, trailers);
  if (pushed.length > 0) return pushed.length === 1 && /^\d{1,10}$/.test(pushed[0]!) ? bounded(Number(pushed[0])) : "never";
  for (const text of valuesOf("retry-after", metadata, trailers)) {
    const delayMs = delayOf(text.trim(), wallMs);
    if (delayMs !== undefined) return bounded(delayMs);
  }
  return undefined;
}

function delayOf(text: string, wallMs: number): number | undefined {
  if (/^\d{1,10}$/.test(text)) return Number(text) * 1000;
  // HTTP-date; Date.parse takes much that is none.
  const atMs = /^[A-Z][a-z]{2,8},? .{10,24}$/.test(text) ? Date.parse(text) : NaN;
  return Number.isNaN(atMs) ? undefined : Math.max(0, atMs - wallMs);
}

function bounded(delayMs: number): number | "never" {
  return delayMs <= longestMs ? delayMs : "never";
}

function valuesOf(name: string, metadata: Metadata | undefined, trailers: Metadata | undefined): readonly string[] {
  const inTrailers = trailers?.has(name) === true ? trailers.getAll(name) : [];
  return metadata?.has(name) === true ? [...inTrailers, ...metadata.getAll(name)] : inTrailers;
}
