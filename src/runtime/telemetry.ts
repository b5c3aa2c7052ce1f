/**
 * Where spans go, for the whole life of the process: the recorder stays, the exporter changes with the configuration.
 *
 * The trap: spans that were recorded under the old configuration still go to the old collector, for a moment, before the new one takes over.
 */
import { randomUUID } from "node:crypto";
import { hostname } from "node:os";
import { isDeepStrictEqual } from "node:util";
import type { Config } from "../config/schema.ts";
import { formatCollector, parseCollector } from "../config/telemetry-settings.ts";
import type { Clock } from "../core/clock.ts";
import type { Logger } from "../core/logger.ts";
import type { Attributes } from "../telemetry/otlp/proto-bytes.ts";
import { RequestEnvelope } from "../telemetry/otlp/export-request.ts";
import { MetricsPush } from "../telemetry/otlp/metrics-push.ts";
import { OtlpMetrics } from "../telemetry/otlp/otlp-metrics.ts";
import { OtlpExporter } from "../telemetry/otlp/otlp-exporter.ts";
import { SpanRecorder } from "../telemetry/otlp/span-recorder.ts";
import type { MetricWriter } from "../telemetry/metric-writer.ts";
import { ProcessMetrics } from "../telemetry/process-metrics.ts";
import { attribute } from "../telemetry/semantic-conventions.ts";
import type { OtlpCollector } from "./otlp-sender.ts";

/** What the exporter may take to say the last word. */
const graceMs = 2000;

interface Export {
  readonly settings: unknown;
  readonly exporter: OtlpExporter;
  readonly push: MetricsPush | undefined;
  readonly collector: OtlpCollector;
}

/** Writes all there is to count. */
type WriteMetrics = (to: MetricWriter, processMetrics: ProcessMetrics) => void;

export class Telemetry {
  readonly recorder: SpanRecorder;
  private readonly clock: Clock;
  private readonly logger: Logger;
  private readonly instance = randomUUID();
  private current: Export | undefined;
  private readonly processMetrics = new ProcessMetrics();
  private writeMetrics: WriteMetrics = () => undefined;
  /** Of exporters that were replaced. */
  private exportedBefore = 0;
  private refusedBefore = 0;

  constructor(clock: Clock, logger: Logger) {
    this.clock = clock;
    this.logger = logger;
    this.recorder = new SpanRecorder(clock);
  }

  /** Spans that collectors have taken. */
  get exportedSpans(): number {
    return this.exportedBefore + (this.current?.exporter.exported ?? 0);
  }

  /** Spans that collectors have refused. */
  get refusedSpans(): number {
    return this.refusedBefore + (this.current?.exporter.refused ?? 0);
  }

  /** @param write what a collector that takes metrics is sent */
  measure(write: WriteMetrics): void {
    this.writeMetrics = write;
  }

  async configure({ service, telemetry }: Pick<Config, "service" | "telemetry">): Promise<void> {
    const { otlp, compression, metricsMs, resource, tracesBytes } = telemetry;
    const settings = otlp === undefined ? undefined : [otlp, compression, metricsMs, resource, service];
    if (!isDeepStrictEqual(settings, this.current?.settings)) {
      await this.stopExporting();
      if (otlp !== undefined)
        this.current = { settings, ...(await this.startExporting(telemetry, otlp, this.resourceOf(service, resource))) };
    }
    this.recorder.configure(this.current?.exporter, tracesBytes);
  }

  async close(): Promise<void> {
    await this.stopExporting();
    this.processMetrics.close();
  }

  private async startExporting(
    { compression, metricsMs }: Config["telemetry"],
    otlp: string,
    resource: Attributes,
  ): Promise<Omit<Export, "settings">> {
    const { clock, logger, recorder } = this;
    const { connectCollector } = await import("./otlp-sender.ts");
    const address = parseCollector(otlp);
    const destination = formatCollector(address);
    const collector = await connectCollector(address, compression, clock);
    const envelope = new RequestEnvelope(resource);
    const exporter = new OtlpExporter({ recorder, envelope, send: collector.sender("traces"), destination, clock, logger });
    const request = (): Uint8Array => envelope.around([this.metricsNow()]);
    const push =
      metricsMs === undefined
        ? undefined
        : new MetricsPush({ request, send: collector.sender("metrics"), intervalMs: metricsMs, destination, clock, logger });
    return { collector, exporter, push };
  }

  private metricsNow(): Uint8Array {
    const metrics = new OtlpMetrics(performance.timeOrigin, this.clock.wallMs());
    this.writeMetrics(metrics, this.processMetrics);
    return metrics.content();
  }

  private async stopExporting(): Promise<void> {
    const { current } = this;
    if (current === undefined) return;
    await Promise.all([current.exporter.close(graceMs), current.push?.close(graceMs)]);
    this.exportedBefore += current.exporter.exported;
    this.refusedBefore += current.exporter.refused;
    this.current = undefined;
    await current.collector.close();
  }

  private resourceOf(service: string, own: Attributes): Attributes {
    return {
      [attribute.serviceName]: service,
      [attribute.serviceInstanceId]: this.instance,
      [attribute.hostName]: hostname(),
      [attribute.processPid]: process.pid,
      ...own,
    };
  }
}
