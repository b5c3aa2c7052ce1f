/**
 * The text formats of Prometheus, written by hand: 0.0.4, and OpenMetrics 1.0 for those who ask for exemplars.
 *
 * The traps: all samples of a family must stand together, a histogram's last bucket must equal its count, and OpenMetrics names a counter's
 * family without the `_total` of its samples.
 */
import type { Exemplar } from "./exemplars.ts";
import type { Labels, MetricType, MetricWriter } from "./metric-writer.ts";
import { spanIdFrom, spanIdTo, traceIdFrom, traceIdTo } from "./trace-context.ts";

export type PrometheusFormat = "text" | "openmetrics";

export const contentTypes: Readonly<Record<PrometheusFormat, string>> = {
  text: "text/plain; version=0.0.4; charset=utf-8",
  openmetrics: "application/openmetrics-text; version=1.0.0; charset=utf-8",
};

/** Units that names end in. */
const unitWords: Readonly<Record<string, string>> = { s: "_seconds", By: "_bytes", "1": "_ratio" };

export class PrometheusText implements MetricWriter {
  private readonly lines: string[] = [];
  private readonly openMetrics: boolean;
  /** The family under way as it was named, and as it is written. */
  private given = "";
  private written = "";

  constructor(format: PrometheusFormat = "text") {
    this.openMetrics = format === "openmetrics";
  }

  family(name: string, type: MetricType, help: string, unit = ""): void {
    this.given = name;
    this.written = name.includes(".") ? `${plain(name)}${unitWords[unit] ?? ""}${type === "counter" ? "_total" : ""}` : name;
    const family = this.openMetrics && type === "counter" ? this.written.replace(/_total$/, "") : this.written;
    this.lines.push(`# HELP ${family} ${help}`, `# TYPE ${family} ${type}`);
  }

  sample(name: string, value: number, labels: Labels = {}): void {
    this.lines.push(`${this.nameOf(name)}${labelText(labels)} ${value}`);
  }

  single(name: string, type: MetricType, help: string, value: number): void {
    this.family(name, type, help);
    this.sample(name, value);
  }

  histogram(
    name: string,
    bounds: readonly number[],
    buckets: ArrayLike<number>,
    sum: number,
    labels: Labels,
    exemplars?: readonly (Exemplar | undefined)[],
  ): void {
    const written = this.nameOf(name);
    const bucket = (count: number, le: string, exemplar: Exemplar | undefined): void =>
      void this.lines.push(`${written}_bucket${labelText({ ...labels, le })} ${count}${this.exemplarText(exemplar)}`);
    let count = 0;
    for (const [at, bound] of bounds.entries()) {
      count += buckets[at]!;
      bucket(count, this.bound(bound), exemplars?.[at]);
    }
    count += buckets[bounds.length]!;
    bucket(count, "+Inf", exemplars?.[bounds.length]);
    this.lines.push(`${written}_sum${labelText(labels)} ${sum}`, `${written}_count${labelText(labels)} ${count}`);
  }

  toString(): string {
    return `${this.lines.join("\n")}\n${this.openMetrics ? "# EOF\n" : ""}`;
  }

  private nameOf(name: string): string {
    return name === this.given ? this.written : name;
  }

  /** OpenMetrics wants numbers that look like floats. */
  private bound(bound: number): string {
    return this.openMetrics && Number.isInteger(bound) ? `${bound}.0` : String(bound);
  }

  private exemplarText(exemplar: Exemplar | undefined): string {
    if (exemplar === undefined || !this.openMetrics) return "";
    const { place, durationMs, wallMs } = exemplar;
    const ids = labelText({ trace_id: place.slice(traceIdFrom, traceIdTo), span_id: place.slice(spanIdFrom, spanIdTo) });
    return ` # ${ids} ${durationMs / 1000} ${(wallMs / 1000).toFixed(3)}`;
  }
}

/** The format asked for: OpenMetrics only by those who name it. */
export function formatFor(accept: string): PrometheusFormat {
  return /\bapplication\/openmetrics-text\b/.test(accept) ? "openmetrics" : "text";
}

function plain(name: string): string {
  return name.replaceAll(".", "_");
}

function labelText(labels: Labels): string {
  const parts = Object.entries(labels).map(([name, value]) => `${plain(name)}="${value.replace(/[\\"\n]/g, escapeLabel)}"`);
  return parts.length === 0 ? "" : `{${parts.join(",")}}`;
}

function escapeLabel(character: string): string {
  return character === "\n" ? "\\n" : `\\${character}`;
}
