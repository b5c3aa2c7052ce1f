/**
 * Metrics as one `ExportMetricsServiceRequest` (opentelemetry/proto/metrics/v1/metrics.proto): everything cumulative since the process began.
 *
 * Built anew for each push, once a minute or so; nothing of it is on the way of a call.
 */
import { Buffer } from "node:buffer";
import type { Exemplar } from "../exemplars.ts";
import type { Labels, MetricType, MetricWriter } from "../metric-writer.ts";
import { spanIdFrom, spanIdTo, traceIdFrom, traceIdTo } from "../trace-context.ts";
import { attributeFields, bytesField, doubleField, stringField, unixNanoseconds, varintField, wholeField } from "./proto-bytes.ts";

const cumulative = 2;
const dataField = { gauge: 5, counter: 7, histogram: 9 } as const;

interface Family {
  readonly name: string;
  readonly type: MetricType;
  readonly help: string;
  readonly unit: string;
  readonly points: Buffer[];
}

export class OtlpMetrics implements MetricWriter {
  private readonly families: Family[] = [];
  private readonly times: Buffer;

  /** @param startedAtMs wall time from which counters count. @param nowMs wall time */
  constructor(startedAtMs: number, nowMs: number) {
    this.times = Buffer.concat([wholeField(2, unixNanoseconds(startedAtMs)), wholeField(3, unixNanoseconds(nowMs))]);
  }

  family(name: string, type: MetricType, help: string, unit?: string): void {
    this.families.push({ name, type, help, unit: unit ?? unitOf(name), points: [] });
  }

  sample(_name: string, value: number, labels: Labels = {}): void {
    this.add(doubleField(4, value), attributeFields(7, labels));
  }

  single(name: string, type: MetricType, help: string, value: number): void {
    this.family(name, type, help);
    this.sample(name, value);
  }

  histogram(
    _name: string,
    bounds: readonly number[],
    buckets: ArrayLike<number>,
    sum: number,
    labels: Labels,
    exemplars: readonly (Exemplar | undefined)[] = [],
  ): void {
    const counts = Buffer.alloc(8 * buckets.length);
    let count = 0n;
    for (let at = 0; at < buckets.length; at++) {
      counts.writeBigUInt64LE(BigInt(buckets[at]!), 8 * at);
      count += BigInt(buckets[at]!);
    }
    const limits = Buffer.alloc(8 * bounds.length);
    for (const [at, bound] of bounds.entries()) limits.writeDoubleLE(bound, 8 * at);
    this.add(
      wholeField(4, count),
      doubleField(5, sum),
      bytesField(6, counts),
      bytesField(7, limits),
      ...exemplars.flatMap((exemplar) => (exemplar === undefined ? [] : [exemplarField(exemplar)])),
      attributeFields(9, labels),
    );
  }

  /** The entries of `ScopeMetrics.metrics`, as bytes. Families without samples are left out. */
  content(): Buffer {
    return Buffer.concat(this.families.filter(({ points }) => points.length > 0).map(metricField));
  }

  private add(...fields: Uint8Array[]): void {
    this.families.at(-1)!.points.push(bytesField(1, Buffer.concat([this.times, ...fields])));
  }
}

function metricField({ name, type, help, unit, points }: Family): Buffer {
  const data = [...points];
  if (type !== "gauge") data.push(varintField(2, cumulative));
  if (type === "counter") data.push(varintField(3, 1));
  return bytesField(
    2,
    Buffer.concat([stringField(1, name), stringField(2, help), stringField(3, unit), bytesField(dataField[type], Buffer.concat(data))]),
  );
}

function exemplarField({ place, durationMs, wallMs }: Exemplar): Buffer {
  return bytesField(
    8,
    Buffer.concat([
      wholeField(2, unixNanoseconds(wallMs)),
      doubleField(3, durationMs / 1000),
      bytesField(4, Buffer.from(place.slice(spanIdFrom, spanIdTo), "hex")),
      bytesField(5, Buffer.from(place.slice(traceIdFrom, traceIdTo), "hex")),
    ]),
  );
}

/** Of names in Prometheus's style, which end in it. */
function unitOf(name: string): string {
  if (/_seconds(_total)?$/.test(name)) return "s";
  if (/_bytes(_total)?$/.test(name)) return "By";
  return "";
}
