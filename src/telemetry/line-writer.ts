/**
 * Lines to a file, standard output or standard error, without ever making a call wait.
 *
 * Lines collect in one string that is written when it is large enough or 100 ms old, one write under way at a time. The trap: when the disk or
 * the reader of a pipe is slow, the string fills up, and then lines are dropped and counted; memory and calls are worth more than lines.
 */
import { closeSync, open, openSync, write, writeSync } from "node:fs";
import type { Clock, Timer } from "../core/clock.ts";
import type { Logger } from "../core/logger.ts";

export interface LineWriterOptions {
  readonly clock: Clock;
  readonly logger: Logger;
  /** Characters that start a write without waiting for the clock. */
  readonly flushAt?: number;
  /** Characters that may wait while a write is under way. */
  readonly limit?: number;
}

const flushAfterMs = 100;
const retryAfterMs = 20;

export class LineWriter {
  readonly destination: string;
  private readonly clock: Clock;
  private readonly logger: Logger;
  private readonly flushAt: number;
  private readonly limit: number;
  private fd: number;
  private pending = "";
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
  constructor(destination: string, { clock, logger, flushAt = 64 * 1024, limit = 1024 * 1024 }: LineWriterOptions) {
    this.destination = destination;
    this.clock = clock;
    this.logger = logger;
    this.flushAt = flushAt;
    this.limit = limit;
    this.fd = destination === "stdout" ? 1 : destination === "stderr" ? 2 : openSync(destination, "a", 0o640);
  }

  /** Lines that were thrown away because the destination was too slow or failed. */
  get droppedLines(): number {
    return this.dropped;
  }

  /** Appends `line`, which ends in a newline. */
  write(line: string): void {
    const { pending } = this;
    if (pending.length >= this.limit || this.closed) {
      this.dropped++;
      return;
    }
    this.pending = pending + line;
    if (this.pending.length >= this.flushAt) this.flush();
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
    const bytes = Buffer.from(this.pending);
    this.pending = "";
    try {
      for (let at = 0; at < bytes.length;) at += writeSync(this.fd, bytes, at);
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

  private flush(): void {
    if (this.writing || this.pending.length === 0) return;
    const bytes = Buffer.from(this.pending);
    this.pending = "";
    this.writing = true;
    this.writeFrom(bytes, 0);
  }

  private writeFrom(bytes: Buffer, at: number): void {
    write(this.fd, bytes, at, bytes.length - at, null, (error, count) => {
      // A pipe in non-blocking mode whose reader is slow: it is the reader's turn.
      if (error?.code === "EAGAIN") this.clock.after(retryAfterMs, () => this.writeFrom(bytes, at));
      else if (error !== null) this.written(error, bytes, at);
      else if (at + count < bytes.length) this.writeFrom(bytes, at + count);
      else this.written(undefined, bytes, bytes.length);
    });
  }

  private written(error: Error | undefined, bytes: Buffer, at: number): void {
    this.writing = false;
    if (error === undefined) this.failing = false;
    else {
      for (let i = at; i < bytes.length; i++) if (bytes[i] === 0x0a) this.dropped++;
      this.fail(error);
    }
    if (this.closed || this.pending.length >= this.flushAt) this.flush();
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
