/**
 * Lines to a file, standard output or standard error, without ever making a call wait.
 *
 * Lines collect as bytes that are written when they are many enough or 100 ms old, one write under way at a time. The trap: when the disk or
 * the reader of a pipe is slow they pile up, and then lines are dropped and counted; memory and calls are worth more than lines.
 */
import { Buffer } from "node:buffer";
import { closeSync, open, openSync, write, writeSync } from "node:fs";
import type { Clock, Timer } from "../core/clock.ts";
import type { Logger } from "../core/logger.ts";
import { LineBytes } from "./line-bytes.ts";

export interface LineWriterOptions {
  readonly clock: Clock;
  readonly logger: Logger;
  /** So many bytes start a write without waiting for the clock. */
  readonly flushAtBytes?: number;
  /** Bytes that may wait while a write is under way. */
  readonly limitBytes?: number;
}

const flushAfterMs = 100;
const retryAfterMs = 20;
/** Room behind `flushAtBytes`, so that the line that passes it mostly has room too. */
const slackBytes = 4 * 1024;

export class LineWriter {
  readonly destination: string;
  private readonly clock: Clock;
  private readonly logger: Logger;
  private readonly flushAtBytes: number;
  private readonly limitBytes: number;
  private fd: number;
  /** Where lines are put; undefined until there is one, so that a log nobody writes to has no memory. */
  private page: LineBytes | undefined = undefined;
  /** Pages that are full and wait for their turn. */
  private readonly full: LineBytes[] = [];
  private waitingBytes = 0;
  /** A page that was written, to be used again. */
  private spare: LineBytes | undefined = undefined;
  private writing = false;
  private timer: Timer | undefined;
  private dropped = 0;
  private failing = false;
  private closed = false;
  private whenIdle: (() => void)[] = [];
  private readonly onTimer = (): void => {
    this.timer = undefined;
    this.flush();
  };

  /** @param destination "stdout", "stderr" or the path of a file, which is appended to. @throws the system's error when it cannot be opened */
  constructor(destination: string, { clock, logger, flushAtBytes = 64 * 1024, limitBytes = 1024 * 1024 }: LineWriterOptions) {
    this.destination = destination;
    this.clock = clock;
    this.logger = logger;
    this.flushAtBytes = flushAtBytes;
    this.limitBytes = limitBytes;
    this.fd = destination === "stdout" ? 1 : destination === "stderr" ? 2 : openSync(destination, "a", 0o640);
  }

  /** Lines that were thrown away because the destination was too slow or failed. */
  get droppedLines(): number {
    return this.dropped;
  }

  /** Appends `line`, which ends in a newline. */
  write(line: string): void {
    const lengthBytes = Buffer.byteLength(line);
    const page = this.begin(lengthBytes);
    if (page === undefined) return;
    page.bytes.write(line, page.used);
    page.used += lengthBytes;
    this.end();
  }

  /**
   * Room for a line of at most `lengthBytes`, to be put together in place and finished by {@link end} at once.
   * @returns undefined when the line is to be dropped, which is then counted
   */
  begin(lengthBytes: number): LineBytes | undefined {
    if (this.closed) return this.drop();
    const { page } = this;
    if (page !== undefined && page.roomBytes >= lengthBytes) return page;
    if (page !== undefined && page.used > 0) {
      if (!this.writing) this.flush();
      else if (this.waitingBytes + page.used > this.limitBytes) return this.drop();
      else {
        this.full.push(page);
        this.waitingBytes += page.used;
        this.page = undefined;
      }
    }
    return (this.page = this.blank(lengthBytes));
  }

  /** The line that was begun is whole. */
  end(): void {
    if (this.page!.used >= this.flushAtBytes) this.flush();
    else this.timer ??= this.clock.after(flushAfterMs, this.onTimer);
  }

  /** Opens the file anew under its path, after something has moved the old one away. What was written before goes to the old file. */
  async reopen(): Promise<void> {
    if (this.closed || !this.isFile) return;
    const fd = await new Promise<number>((resolve, reject) =>
      open(this.destination, "a", 0o640, (error, opened) => (error === null ? resolve(opened) : reject(error))),
    );
    await this.idle();
    const old = this.fd;
    this.fd = fd;
    closeSync(old);
  }

  /** Writes what waits, within `graceMs`, and closes. */
  async close(graceMs = 2000): Promise<void> {
    if (this.closed) return;
    this.closed = true;
    this.timer?.cancel();
    this.flush();
    await Promise.race([this.idle(), new Promise<void>((resolve) => this.clock.after(graceMs, resolve))]);
    if (this.isFile && !this.writing) closeSync(this.fd);
  }

  /** Writes what waits at once, for a process that is about to end. Loses at most the part that is under way. */
  flushSync(): void {
    const pages = this.full.splice(0);
    if (this.page !== undefined) pages.push(this.page);
    this.waitingBytes = 0;
    this.page = undefined;
    try {
      for (const { bytes, used } of pages) for (let at = 0; at < used;) at += writeSync(this.fd, bytes, at, used - at);
    } catch (error) {
      this.fail(error);
    }
  }

  private get isFile(): boolean {
    return this.fd > 2;
  }

  private idle(): Promise<void> {
    return this.writing ? new Promise((resolve) => this.whenIdle.push(resolve)) : Promise.resolve();
  }

  private drop(): undefined {
    this.dropped++;
  }

  private blank(lengthBytes: number): LineBytes {
    const { spare } = this;
    this.spare = undefined;
    if (spare !== undefined && spare.roomBytes >= lengthBytes) return spare;
    return new LineBytes(Math.max(this.flushAtBytes + slackBytes, lengthBytes));
  }

  private flush(): void {
    if (this.writing) return;
    let next = this.full.shift();
    if (next !== undefined) this.waitingBytes -= next.used;
    else {
      next = this.page;
      if (next === undefined || next.used === 0) return;
      this.page = undefined;
    }
    this.writing = true;
    this.writeFrom(next, 0);
  }

  private writeFrom(page: LineBytes, at: number): void {
    write(this.fd, page.bytes, at, page.used - at, null, (error, count) => {
      // A pipe in non-blocking mode whose reader is slow: it is the reader's turn.
      if (error?.code === "EAGAIN") this.clock.after(retryAfterMs, () => this.writeFrom(page, at));
      else if (error !== null) this.written(error, page, at);
      else if (at + count < page.used) this.writeFrom(page, at + count);
      else this.written(undefined, page, page.used);
    });
  }

  private written(error: Error | undefined, page: LineBytes, at: number): void {
    this.writing = false;
    if (error === undefined) this.failing = false;
    else {
      for (let i = at; i < page.used; i++) if (page.bytes[i] === 0x0a) this.dropped++;
      this.fail(error);
    }
    page.used = 0;
    this.spare = page;
    if (this.closed || this.full.length > 0 || (this.page !== undefined && this.page.used >= this.flushAtBytes)) this.flush();
    if (this.writing) return;
    const waiting = this.whenIdle;
    this.whenIdle = [];
    for (const resolve of waiting) resolve();
  }

  /** Says so once, not once per line, until a write succeeds again. */
  private fail(error: unknown): void {
    if (this.failing) return;
    this.failing = true;
    this.logger.error(`cannot write to ${this.destination}; lines are dropped until it works again`, { cause: error });
  }
}
