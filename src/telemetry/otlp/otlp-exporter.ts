/**
 * Sends what is recorded to a collector, a batch at a time, and never more than one under way (OTLP specification, "Failures").
 *
 * The traps: pages it has in hand go back to the head of the line when the collector says "later", and the line is what is bounded, so a
 * collector that is away costs no memory beyond it; and of what is lost the log says one line a minute, the metric all of it.
 */
import type { Clock, Timer } from "../../core/clock.ts";
import type { Logger } from "../../core/logger.ts";
import type { RequestEnvelope } from "./export-request.ts";
import type { SpanRecorder, SpanSink } from "./span-recorder.ts";

/** What became of a request. */
export type ExportAnswer =
  | { readonly outcome: "taken"; /** Spans the collector has refused all the same. */ readonly rejected: number }
  /** It may be sent again, not before `afterMs` where the collector named a time. */
  | { readonly outcome: "later"; readonly afterMs: number | undefined; readonly why: string }
  | { readonly outcome: "refused"; readonly why: string };

/** Never rejects: what cannot be sent is "later". */
export type SendRequest = (request: Uint8Array, timeoutMs: number) => Promise<ExportAnswer>;

export interface OtlpExporterOptions {
  readonly recorder: SpanRecorder;
  readonly envelope: RequestEnvelope;
  readonly send: SendRequest;
  /** Shown in logs: "http://127.0.0.1:4318/v1/traces". */
  readonly destination: string;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** 512 KiB of spans: well below what collectors take at a time (4 MiB). */
const batchPages = 8;
const timeoutMs = 10_000;
const firstBackoffMs = 500;
const longestBackoffMs = 30_000;
/** Longest wait a collector can ask for. */
const longestAskedMs = 300_000;
const quietMs = 60_000;

export class OtlpExporter implements SpanSink {
  private readonly options: OtlpExporterOptions;
  private sending: Promise<void> | undefined;
  private retryTimer: Timer | undefined;
  private backoffMs = firstBackoffMs;
  private exportedSpans = 0;
  private refusedSpans = 0;
  private saidAtMs = -Infinity;
  private saidLost = 0;
  private closed = false;

  constructor(options: OtlpExporterOptions) {
    this.options = options;
  }

  /** Spans the collector has taken. */
  get exported(): number {
    return this.exportedSpans;
  }

  /** Spans the collector has refused. */
  get refused(): number {
    return this.refusedSpans;
  }

  notify(): void {
    // While it backs off, the line grows and loses its oldest; looking at it is the time to say so.
    if (this.retryTimer !== undefined) this.sayLoss("the collector does not take them");
    else this.start();
  }

  /** Sends what waits, within `graceMs`, and stops. */
  async close(graceMs: number): Promise<void> {
    const { recorder, clock } = this.options;
    recorder.flush();
    // One more try, also for a collector that was away until now.
    this.cancelRetry();
    this.start();
    let timer: Timer | undefined;
    await Promise.race([this.sending!, new Promise<void>((resolve) => (timer = clock.after(graceMs, resolve)))]);
    timer?.cancel();
    this.closed = true;
    this.cancelRetry();
  }

  private cancelRetry(): void {
    this.retryTimer?.cancel();
    this.retryTimer = undefined;
  }

  private start(): void {
    this.sending ??= this.sendAll().finally(() => (this.sending = undefined));
  }

  private async sendAll(): Promise<void> {
    const { recorder, envelope, send } = this.options;
    for (;;) {
      const pages = this.closed ? [] : recorder.take(batchPages);
      if (pages.length === 0) break;
      const spans = pages.reduce((sum, page) => sum + page.spans, 0);
      const answer = await send(envelope.around(pages.map((page) => page.content)), timeoutMs);
      if (answer.outcome === "later") {
        recorder.giveBack(pages);
        this.retryAfter(answer.afterMs, answer.why);
        break;
      }
      recorder.done(pages);
      this.backoffMs = firstBackoffMs;
      if (answer.outcome === "taken") {
        this.exportedSpans += spans - answer.rejected;
        if (answer.rejected > 0) this.refuse(answer.rejected, "the collector has rejected them");
      } else this.refuse(spans, answer.why);
    }
  }

  private refuse(spans: number, why: string): void {
    this.refusedSpans += spans;
    this.sayLoss(why);
  }

  private retryAfter(afterMs: number | undefined, why: string): void {
    if (this.closed) return;
    // Full jitter, so that sidecars that lost the same collector do not come back in step.
    const backoffMs = this.backoffMs * (0.5 + Math.random() / 2);
    this.backoffMs = Math.min(this.backoffMs * 2, longestBackoffMs);
    const waitMs = Math.max(Math.min(afterMs ?? 0, longestAskedMs), backoffMs);
    this.retryTimer = this.options.clock.after(waitMs, () => {
      this.retryTimer = undefined;
      this.notify();
    });
    this.say(`spans cannot be exported to ${this.options.destination} now; trying again`, { why });
  }

  private sayLoss(why: string): void {
    const lost = this.options.recorder.lost + this.refusedSpans;
    if (lost > this.saidLost) this.say(`spans are lost on the way to ${this.options.destination}`, { why, lost });
  }

  private say(message: string, fields: Readonly<Record<string, unknown>>): void {
    const nowMs = this.options.clock.nowMs();
    if (nowMs - this.saidAtMs < quietMs) return;
    this.saidAtMs = nowMs;
    this.saidLost = this.options.recorder.lost + this.refusedSpans;
    this.options.logger.warn(message, fields);
  }
}
