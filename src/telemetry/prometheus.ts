/**
 * The Prometheus text format (version 0.0.4), written by hand: families with their help and type, labels escaped, histograms cumulative.
 *
 * The trap: all samples of a family must stand together, and a histogram's last bucket must equal its count.
 */
import type { CallMetrics } from "./call-metrics.ts";
import { bucketBoundsSeconds } from "./duration-buckets.ts";

export type MetricType = "counter" | "gauge" | "histogram";
export type Labels = Readonly<Record<string, string>>;

export class PrometheusText {
  private readonly lines: string[] = [];

  family(name: string, type: MetricType, help: string): void {
    this.lines.push(`# HELP ${name} ${help}`, `# TYPE ${name} ${type}`);
  }

  sample(name: string, value: number, labels: Labels = {}): void {
    this.lines.push(`${name}${labelText(labels)} ${value}`);
  }

  /** A family of one sample without labels. */
  single(name: string, type: MetricType, help: string, value: number): void {
    this.family(name, type, help);
    this.sample(name, value);
  }

  /** One histogram of a family. @param buckets counts per bucket, not cumulative, +Inf last */
  histogram(name: string, bounds: readonly number[], buckets: ArrayLike<number>, sum: number, labels: Labels): void {
    let count = 0;
    for (const [at, bound] of bounds.entries()) {
      count += buckets[at]!;
      this.sample(`${name}_bucket`, count, { ...labels, le: String(bound) });
    }
    count += buckets[bounds.length]!;
    this.sample(`${name}_bucket`, count, { ...labels, le: "+Inf" });
    this.sample(`${name}_sum`, sum, labels);
    this.sample(`${name}_count`, count, labels);
  }

  toString(): string {
    return `${this.lines.join("\n")}\n`;
  }
}

function labelText(labels: Labels): string {
  const parts = Object.entries(labels).map(([name, value]) => `${name}="${value.replace(/[\\"\n]/g, escapeLabel)}"`);
  return parts.length === 0 ? "" : `{${parts.join(",")}}`;
}

function escapeLabel(character: string): string {
  return character === "\n" ? "\\n" : `\\${character}`;
}

/** Calls by protocol, method and code. */
export function writeCallMetrics(text: PrometheusText, metrics: CallMetrics): void {
  const rows = [...metrics.rows()];
  const cells = rows.flatMap((row) => [...row.codes()]);

  text.family("dragoman_calls_total", "counter", "Calls that ended, by their status code.");
  for (const { protocol, method, code, buckets } of cells)
    text.sample(
      "dragoman_calls_total",
      buckets.reduce((sum, count) => sum + count, 0),
      { protocol, method, code },
    );

  text.family("dragoman_call_duration_seconds", "histogram", "From the arrival of the request's headers to the end of the call.");
  for (const { protocol, method, code, buckets, sumMs } of cells)
    text.histogram("dragoman_call_duration_seconds", bucketBoundsSeconds, buckets, sumMs / 1000, { protocol, method, code });

  text.family("dragoman_calls_active", "gauge", "Calls under way.");
  for (const { protocol, calls } of metrics.active()) text.sample("dragoman_calls_active", calls, { protocol });

  text.family("dragoman_request_bytes_total", "counter", "Bytes of request messages as they arrived.");
  for (const { protocol, method, requestBytes } of rows) text.sample("dragoman_request_bytes_total", requestBytes, { protocol, method });

  text.family("dragoman_response_bytes_total", "counter", "Bytes of response messages as they were sent.");
  for (const { protocol, method, responseBytes } of rows) text.sample("dragoman_response_bytes_total", responseBytes, { protocol, method });

  text.family("dragoman_call_failures_total", "counter", "Calls that failed, by reason (docs/reasons.md) and by who is at fault.");
  for (const { reason, source, count } of metrics.failures()) text.sample("dragoman_call_failures_total", count, { reason, source });

  text.family("dragoman_policy_total", "counter", "What policies did, in their own words (docs/policies).");
  for (const { policy, outcome, count } of metrics.policies.all()) text.sample("dragoman_policy_total", count, { policy, outcome });
}
