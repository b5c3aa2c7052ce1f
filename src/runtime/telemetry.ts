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
import { OtlpExporter } from "../telemetry/otlp/otlp-exporter.ts";
import { SpanRecorder } from "../telemetry/otlp/span-recorder.ts";
import { attribute } from "../telemetry/semantic-conventions.ts";
import type { OtlpCollector } from "./otlp-sender.ts";

/** What the exporter may take to say the last word. */
const graceMs = 2000;

interface Export {
  readonly settings: unknown;
  readonly exporter: OtlpExporter;
  readonly collector: OtlpCollector;
}

export class Telemetry {
  readonly recorder: SpanRecorder;
  private readonly clock: Clock;
  private readonly logger: Logger;
  private readonly instance = randomUUID();
  private current: Export | undefined;
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

  async configure({ service, telemetry }: Pick<Config, "service" | "telemetry">): Promise<void> {
    const { otlp, compression, resource, tracesBytes } = telemetry;
    const settings = otlp === undefined ? undefined : [otlp, compression, resource, service];
    if (!isDeepStrictEqual(settings, this.current?.settings)) {
      await this.stopExporting();
      if (otlp !== undefined)
        this.current = { settings, ...(await this.startExporting(telemetry, otlp, this.resourceOf(service, resource))) };
    }
    this.recorder.configure(this.current?.exporter, tracesBytes);
  }

  async close(): Promise<void> {
    await this.stopExporting();
  }

  private async startExporting(
    { compression }: Config["telemetry"],
    otlp: string,
    resource: Attributes,
  ): Promise<Omit<Export, "settings">> {
    const { clock, logger, recorder } = this;
    const { connectCollector } = await import("./otlp-sender.ts");
    const address = parseCollector(otlp);
    const collector = await connectCollector(address, compression, clock);
    const exporter = new OtlpExporter({
      recorder,
      envelope: new RequestEnvelope(resource),
      send: collector.sender("traces"),
      destination: formatCollector(address),
      clock,
      logger,
    });
    return { collector, exporter };
  }

  private async stopExporting(): Promise<void> {
    const { current } = this;
    if (current === undefined) return;
    await current.exporter.close(graceMs);
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
