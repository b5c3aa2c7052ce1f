/**
 * The request messages of a client stream, read from the body as they are asked for: JSON values, or pieces of a raw body.
 *
 * What is not asked for is not read, and what is not read is not credited to the client. Path and query are bound to every message. The trap:
 * messages are converted here and not where they are sent, so that an error can say which one it is about.
 */
import { CallError } from "../../core/call-error.ts";
import { MessageStream } from "../../core/messages.ts";
import type { Payload } from "../../core/payload.ts";
import type { RouteMatch } from "../../schema/method-table.ts";
import type { BodyReader } from "../../wire/exchange.ts";
import { WireError } from "../../wire/wire-error.ts";
import { errorOfRequest } from "../shared/codec-failure.ts";
import { ofWireError } from "../shared/collect-body.ts";
import { JsonSplitter } from "./json-splitter.ts";

/** Deeper JSON is refused by the codec too. */
const maxDepth = 100;
/** Larger pieces would only wait longer. */
const pieceBytes = 64 << 10;

/** Reads chunks until `take` makes a message of them. */
abstract class BodyMessages extends MessageStream {
  protected readonly route: RouteMatch;
  private readonly body: BodyReader;
  private done = false;
  private first: Payload | undefined;

  constructor(body: BodyReader, route: RouteMatch) {
    super();
    this.body = body;
    this.route = route;
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
      const chunk = this.body.read();
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
      throw error instanceof WireError ? ofWireError(error) : error;
    }
    return this.next();
  }

  private pass(chunk: Uint8Array | undefined): void {
    if (chunk === undefined) this.done = true;
    this.accept(chunk);
  }
}

/** JSON values in one of the forms of {@link JsonSplitter}. */
export class JsonMessages extends BodyMessages {
  private readonly splitter: JsonSplitter;
  private index = 0;

  constructor(body: BodyReader, route: RouteMatch, limitBytes: number, form: "any" | "values") {
    super(body, route);
    this.splitter = new JsonSplitter({ limitBytes, maxDepth, form });
  }

  protected accept(chunk: Uint8Array | undefined): void {
    if (chunk === undefined) this.splitter.end();
    else this.splitter.push(chunk);
  }

  protected take(): Payload | undefined {
    const value = this.splitter.take();
    if (value === undefined) return undefined;
    try {
      const payload = this.route.binder.bind(this.route, value);
      payload.wire();
      this.index++;
      return payload;
    } catch (error) {
      throw atMessage(errorOfRequest(error, this.route.method), this.index);
    }
  }
}

/** A body that is google.api.HttpBody: each chunk, as it comes, is one message with the body's content type. */
export class RawMessages extends BodyMessages {
  private readonly contentType: string;
  private rest: Uint8Array | undefined;
  private count = 0;

  constructor(body: BodyReader, route: RouteMatch, contentType: string) {
    super(body, route);
    this.contentType = contentType;
  }

  protected accept(chunk: Uint8Array | undefined): void {
    // An empty upload is one empty piece, or path and query would not arrive.
    if (chunk === undefined) this.rest = this.count === 0 ? new Uint8Array(0) : undefined;
    else if (chunk.length > 0) this.rest = chunk;
  }

  protected take(): Payload | undefined {
    const { rest } = this;
    if (rest === undefined) return undefined;
    this.rest = rest.length > pieceBytes ? rest.subarray(pieceBytes) : undefined;
    this.count++;
    const data = rest.length > pieceBytes ? rest.subarray(0, pieceBytes) : rest;
    return this.route.binder.bindRaw(this.route, { contentType: this.contentType, data });
  }
}

function atMessage(error: CallError, index: number): CallError {
  const place = `[${index}]`;
  const violations = error.violations.map(({ field, description }) => ({ field: field === "" ? place : `${place}.${field}`, description }));
  return new CallError(error.reason, `message ${place}: ${error.message}`, {
    source: error.source,
    violations: violations.length === 0 ? [{ field: place, description: error.message }] : violations,
    cause: error.cause,
  });
}
