/**
 * Client streams of JSON values, and of pieces of a raw body.
 *
 * Path and query are bound to every message. The trap: messages are converted here and not where they are sent, so that an error can say which
 * one it is about.
 */
import { CallError } from "../../core/call-error.ts";
import type { Payload } from "../../core/payload.ts";
import type { RouteMatch } from "../../schema/method-table.ts";
import type { BodyReader } from "../../wire/exchange.ts";
import { errorOfRequest } from "../shared/codec-failure.ts";
import { BodyMessages, pieceBytes } from "./body-messages.ts";
import { JsonSplitter } from "./json-splitter.ts";

/** Deeper JSON is refused by the codec too. */
const maxDepth = 100;

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
