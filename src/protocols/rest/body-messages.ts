/**
 * The request messages of a client stream, read from the body as they are asked for; what a message is, subclasses know.
 *
 * What is not asked for is not read, and what is not read is not credited to the client: that is the back-pressure.
 */
import type { Call } from "../../core/call.ts";
import { CallError } from "../../core/call-error.ts";
import { MessageStream } from "../../core/messages.ts";
import type { Payload } from "../../core/payload.ts";
import type { RouteMatch } from "../../schema/method-table.ts";
import type { BodyReader } from "../../wire/exchange.ts";
import { ofBodyFailure, readChunk } from "../shared/collect-body.ts";

/** Larger pieces of a body that is no JSON would only wait longer. */
export const pieceBytes = 64 << 10;

/** Reads chunks until `take` makes a message of them. */
export abstract class BodyMessages extends MessageStream {
  protected readonly route: RouteMatch;
  private readonly body: BodyReader;
  private done = false;
  private first: Payload | undefined;
  /** Told of the bytes that arrive. */
  private call: Call | undefined;

  constructor(body: BodyReader, route: RouteMatch) {
    super();
    this.body = body;
    this.route = route;
  }

  /** Counts what arrives as bytes of `call`. */
  countFor(call: Call): void {
    this.call = call;
  }

  /** A chunk has come; undefined: the body is over. */
  protected abstract accept(chunk: Uint8Array | undefined): void;
  /** A message of what has come so far. */
  protected abstract take(): Payload | undefined;

  /**
   * Reads the first message ahead, so that a request that is broken from its start never reaches the upstream: a stream that is opened only to
   * be reset counts against all calls of its connection there.
   * @returns undefined when that is done already. @throws CallError, at once or by rejection
   */
  readAhead(deadlineAtMs: number): Promise<void> | undefined {
    const first = this.next();
    if (!(first instanceof Promise)) {
      this.first = first;
      return undefined;
    }
    return this.readLater(first, deadlineAtMs);
  }

  next(): Payload | undefined | Promise<Payload | undefined> {
    const { first } = this;
    if (first !== undefined) {
      this.first = undefined;
      return first;
    }
    for (;;) {
      const message = this.take();
      if (message !== undefined || this.done) return message;
      const chunk = readChunk(this.body);
      if (chunk instanceof Promise) return this.later(chunk);
      this.pass(chunk);
    }
  }

  cancel(): void {
    if (this.done) return;
    this.done = true;
    this.body.cancel();
  }

  private async readLater(first: Promise<Payload | undefined>, deadlineAtMs: number): Promise<void> {
    let timer: NodeJS.Timeout | undefined;
    const overdue = new Promise<never>((_resolve, reject) => {
      if (deadlineAtMs === Infinity) return;
      const error = new CallError("DEADLINE_EXCEEDED", "the deadline passed while the first message was arriving");
      timer = setTimeout(() => reject(error), deadlineAtMs - performance.now()).unref();
    });
    try {
      this.first = await Promise.race([first, overdue]);
    } catch (error) {
      this.cancel();
      throw error;
    } finally {
      clearTimeout(timer);
    }
  }

  private async later(pending: Promise<Uint8Array | undefined>): Promise<Payload | undefined> {
    try {
      this.pass(await pending);
    } catch (error) {
      this.done = true;
      throw ofBodyFailure(error);
    }
    return this.next();
  }

  private pass(chunk: Uint8Array | undefined): void {
    if (chunk === undefined) this.done = true;
    else if (this.call !== undefined) this.call.requestBytes += chunk.length;
    this.accept(chunk);
  }
}
