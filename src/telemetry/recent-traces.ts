/**
 * The last traces this process has taken part in, put together from the spans that are kept, and searched.
 *
 * The trap: a trace is more than what one process saw of it. Here are its spans in this process alone, and its duration is theirs.
 */
import { readSpans, type RecentSpan } from "./otlp/read-spans.ts";
import type { SpanRecorder } from "./otlp/span-recorder.ts";

export interface RecentTrace {
  readonly id: string;
  /** Milliseconds since 1970. */
  readonly startMs: number;
  readonly durationMs: number;
  /** A span of it has failed. */
  readonly failed: boolean;
  /** In the order in which they began. */
  readonly spans: readonly RecentSpan[];
}

export interface TraceQuery {
  /** What the trace id begins with. */
  readonly id?: string | undefined;
  /** Part of a span's name or `rpc.method`. */
  readonly method?: string | undefined;
  readonly failed?: boolean | undefined;
  readonly minMs?: number | undefined;
  readonly limit: number;
}

/** The newest first. */
export function recentTraces(recorder: SpanRecorder, query: TraceQuery): RecentTrace[] {
  const byTrace = new Map<string, RecentSpan[]>();
  for (const page of recorder.recent()) {
    for (const span of readSpans(page).reverse()) {
      if (query.id !== undefined && !span.traceId.startsWith(query.id)) continue;
      const spans = byTrace.get(span.traceId);
      if (spans === undefined) byTrace.set(span.traceId, [span]);
      else spans.push(span);
    }
  }
  const found: RecentTrace[] = [];
  for (const [id, spans] of byTrace) {
    if (found.length >= query.limit) break;
    const trace = traceOf(id, spans);
    if (matches(trace, query)) found.push(trace);
  }
  return found;
}

function traceOf(id: string, spans: RecentSpan[]): RecentTrace {
  spans.sort((a, b) => a.startMs - b.startMs || b.durationMs - a.durationMs);
  const startMs = spans[0]!.startMs;
  const endMs = spans.reduce((latest, span) => Math.max(latest, span.startMs + span.durationMs), startMs);
  return { id, startMs, durationMs: Math.round((endMs - startMs) * 1000) / 1000, failed: spans.some(({ failed }) => failed), spans };
}

function matches({ failed, durationMs, spans }: RecentTrace, query: TraceQuery): boolean {
  if (query.failed !== undefined && query.failed !== failed) return false;
  if (query.minMs !== undefined && durationMs < query.minMs) return false;
  const { method } = query;
  return (
    method === undefined || spans.some(({ name, attributes }) => name.includes(method) || String(attributes["rpc.method"]).includes(method))
  );
}
