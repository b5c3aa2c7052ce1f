/**
 * Where spans go: into pages, which wait for the exporter, and of which the last stay as copies to be looked at (`/traces`).
 *
 * The traps: recording never waits and never fails. When the collector is slow the oldest page that waits is given up, and its spans are
 * counted; and a page that the exporter has in hand is nobody else's to write to.
 */
import { Buffer } from "node:buffer";
import type { Clock, Timer } from "../../core/clock.ts";
import { SpanPage, spanOverheadBytes } from "./span-page.ts";

const pageBytes = 64 * 1024;
/** Pages that may wait for the exporter: 2 MiB, of 250 to 350 bytes a span. */
const waitingPages = 32;
const flushAfterMs = 500;

/** Takes full pages. */
export interface SpanSink {
  /** There is something to take. */
  notify(): void;
}

export class SpanRecorder {
  private readonly clock: Clock;
  private page: SpanPage | undefined;
  private readonly waiting: SpanPage[] = [];
  private readonly spare: SpanPage[] = [];
  private readonly kept: Buffer[] = [];
  private keptBytes = 0;
  private keepBytes = 0;
  private sink: SpanSink | undefined;
  private timer: Timer | undefined;
  /** From the monotonic clock to the wall clock. */
  private wallOffsetMs = 0;
  private recordedSpans = 0;
  private lostSpans = 0;
  private readonly onTimer = (): void => {
    this.timer = undefined;
    this.flush();
  };

  constructor(clock: Clock) {
    this.clock = clock;
    this.wallOffsetMs = clock.wallMs() - clock.nowMs();
  }

  /** @param sink exports; undefined for nobody. @param keepBytes how much of what was recorded stays to be looked at */
  configure(sink: SpanSink | undefined, keepBytes: number): void {
    this.flush();
    this.sink = sink;
    this.keepBytes = keepBytes;
    if (sink === undefined) this.done(this.waiting.splice(0));
    this.trimKept();
    if (sink === undefined && keepBytes === 0) this.spare.length = 0;
  }

  /** Spans so far, lost ones included. */
  get recorded(): number {
    return this.recordedSpans;
  }

  /** Spans that were given up because the exporter did not take them in time, or because they were too large. */
  get lost(): number {
    return this.lostSpans;
  }

  /** Spans that wait for the exporter. */
  get waitingSpans(): number {
    return this.waiting.reduce((sum, page) => sum + page.spans, this.sink === undefined ? 0 : (this.page?.spans ?? 0));
  }

  /** Records one span; parameters as in {@link SpanPage.put}, but times are monotonic. */
  record(
    template: Uint8Array,
    place: string,
    parent: string | undefined,
    remote: boolean,
    startMs: number,
    endMs: number,
    more: Uint8Array | undefined,
  ): void {
    this.recordedSpans++;
    const neededBytes = template.length + spanOverheadBytes + (more === undefined ? 0 : more.length);
    let { page } = this;
    if (page === undefined || page.roomBytes < neededBytes) {
      if (neededBytes > pageBytes) {
        this.lostSpans++;
        return;
      }
      page = this.nextPage();
    }
    const offset = this.wallOffsetMs;
    page.put(template, place, parent, remote, startMs + offset, endMs + offset, more);
  }

  /** Hands what was recorded so far to the exporter. */
  flush(): void {
    this.seal();
    this.timer?.cancel();
    this.timer = undefined;
  }

  /** Full pages for the exporter, the oldest first; they come back by {@link done} or {@link giveBack}. */
  take(limit: number): SpanPage[] {
    return this.waiting.splice(0, limit);
  }

  /** They were exported, or given up for good. */
  done(pages: readonly SpanPage[]): void {
    for (const page of pages) this.keep(page);
  }

  /** They could not be exported now; they wait at the head again. */
  giveBack(pages: readonly SpanPage[]): void {
    this.waiting.unshift(...pages);
    this.limitWaiting();
  }

  /** Given up by the exporter. */
  lose(spans: number): void {
    this.lostSpans += spans;
  }

  /** What was kept and what still waits, the newest first, as entries of `ScopeSpans`. The bytes are only valid until the event loop turns. */
  *recent(): IterableIterator<Uint8Array> {
    if (this.keepBytes === 0) return;
    if (this.page !== undefined) yield this.page.content;
    for (let i = this.waiting.length - 1; i >= 0; i--) yield this.waiting[i]!.content;
    for (let i = this.kept.length - 1; i >= 0; i--) yield this.kept[i]!;
  }

  private nextPage(): SpanPage {
    this.seal();
    this.wallOffsetMs = this.clock.wallMs() - this.clock.nowMs();
    if (this.sink !== undefined) this.timer ??= this.clock.after(flushAfterMs, this.onTimer);
    return (this.page = this.spare.pop() ?? new SpanPage(pageBytes));
  }

  private seal(): void {
    const { page } = this;
    if (page === undefined || page.spans === 0) return;
    this.page = undefined;
    if (this.sink === undefined) {
      this.keep(page);
      return;
    }
    this.waiting.push(page);
    this.limitWaiting();
    this.sink.notify();
  }

  private limitWaiting(): void {
    while (this.waiting.length > waitingPages) {
      const oldest = this.waiting.shift()!;
      this.lostSpans += oldest.spans;
      this.keep(oldest);
    }
  }

  /** A copy of its size, so that a page of a quiet second does not take the room of a full one. */
  private keep(page: SpanPage): void {
    if (this.keepBytes > 0) {
      this.kept.push(Buffer.from(page.content));
      this.keptBytes += page.used;
      this.trimKept();
    }
    page.clear();
    // Two are enough for a steady stream; a burst's memory goes back.
    if (this.spare.length < 2) this.spare.push(page);
  }

  private trimKept(): void {
    while (this.keptBytes > this.keepBytes) this.keptBytes -= this.kept.shift()!.length;
  }
}
