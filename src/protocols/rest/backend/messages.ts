/**
 * The messages of a REST backend's streamed answer, read as they are asked for: JSON (an array, or values one after the other), server-sent events,
 * or pieces of a raw body.
 *
 * The traps: a failure in the middle is a record of the stream, in the forms that transcoders give it; and what was cut off without one must not
 * look like an end.
 */
import type { Call } from "../../../core/call.ts";
import { CallError } from "../../../core/call-error.ts";
import { MessageStream } from "../../../core/messages.ts";
import type { Payload } from "../../../core/payload.ts";
import { okStatus, statusOf, type Status } from "../../../core/status.ts";
import type { BodyReader } from "../../../wire/exchange.ts";
import { readGrpcStatus } from "../../shared/grpc-status.ts";
import { JsonSplitter } from "../json-splitter.ts";
import type { AnswerReader } from "./answer-message.ts";
import { errorOfBody } from "./body.ts";
import { errorOfRecord, type TypeResolver } from "./errors.ts";
import { EventStreamSplitter } from "./event-stream.ts";
import type { BackendExchange } from "./exchange.ts";
import { trailerFields } from "./fields.ts";

/** Deeper JSON is refused by the codec too. */
const maxDepth = 100;
/** Larger pieces would only wait longer. */
const pieceBytes = 64 << 10;

/** "any": a JSON array or values; "values": never an array of messages (NDJSON). */
export type AnswerForm = "any" | "values" | "events" | "raw";

const lineTypes = /^application\/(x-ndjson|ndjson|jsonl|json-lines|x-jsonlines|stream\+json)$/;

/** Undefined: nobody here reads it. @param type without parameters, in lower case */
export function answerFormOf(type: string): AnswerForm | undefined {
  if (type === "text/event-stream") return "events";
  if (lineTypes.test(type)) return "values";
  // Without a type, and where the server knows no better, what is there decides.
  return isJsonLike(type) ? "any" : undefined;
}

/** @param type without parameters, in lower case; "" for none */
function isJsonLike(type: string): boolean {
  return type === "" || type === "text/plain" || /^(application|text)\/([\w.-]+\+)?(x-)?json$/.test(type);
}

export interface BackendMessagesOptions {
  readonly exchange: BackendExchange;
  /** The exchange's body without its content encodings. */
  readonly body: BodyReader;
  readonly form: AnswerForm;
  readonly contentType: string | undefined;
  readonly reader: AnswerReader;
  readonly limitBytes: number;
  readonly resolve: TypeResolver;
}

export class BackendMessages extends MessageStream {
  readonly end: Promise<Status>;
  private readonly call: Call;
  private readonly options: BackendMessagesOptions;
  private readonly splitter: JsonSplitter | EventStreamSplitter | undefined;
  /** Members that wrap a message or an error, where the response type has none of that name. */
  private readonly wraps: boolean;
  private readonly mayFail: boolean;
  private resolveEnd!: (status: Status) => void;
  private piece: Uint8Array | undefined;
  private bodyOver = false;
  private over = false;

  constructor(call: Call, options: BackendMessagesOptions) {
    super();
    this.call = call;
    this.options = options;
    const { form, reader, limitBytes } = options;
    this.end = new Promise((resolve) => (this.resolveEnd = resolve));
    if (form === "events") this.splitter = new EventStreamSplitter(limitBytes);
    else if (form !== "raw") this.splitter = new JsonSplitter({ limitBytes, maxDepth, form });
    this.wraps = !reader.hasMember("result");
    this.mayFail = !reader.hasMember("error");
  }

  next(): Payload | undefined | Promise<Payload | undefined> {
    try {
      while (!this.over) {
        const message = this.take();
        if (message !== undefined) return message;
        if (this.bodyOver) {
          this.finish();
          break;
        }
        const chunk = this.options.body.read();
        if (chunk instanceof Promise) return this.later(chunk);
        this.accept(chunk);
      }
    } catch (error) {
      this.fail(error);
    }
    return undefined;
  }

  cancel(): void {
    if (!this.over) this.fail(this.call.cancelled ?? new CallError("CALLER_CANCELLED"));
  }

  private async later(pending: Promise<Uint8Array | undefined>): Promise<Payload | undefined> {
    try {
      this.accept(await pending);
    } catch (error) {
      this.fail(error);
    }
    return this.next();
  }

  private accept(chunk: Uint8Array | undefined): void {
    const { splitter } = this;
    if (chunk !== undefined) {
      if (splitter === undefined) this.piece = chunk;
      else splitter.push(chunk);
      return;
    }
    // That is also the end of a number or a word that stands last.
    splitter?.end();
    this.bodyOver = true;
  }

  private take(): Payload | undefined {
    const { splitter } = this;
    if (splitter === undefined) return this.takePiece();
    for (;;) {
      const record = splitter instanceof EventStreamSplitter ? this.takeEvent(splitter) : splitter.take();
      if (record === undefined) return undefined;
      const failure = this.mayFail ? soleMember(record, "error") : undefined;
      if (failure !== undefined) throw errorOfRecord(record, this.options.resolve);
      return this.options.reader.ofJson((this.wraps ? soleMember(record, "result") : undefined) ?? record);
    }
  }

  private takeEvent(splitter: EventStreamSplitter): Uint8Array | undefined {
    for (let event = splitter.take(); event !== undefined; event = splitter.take()) {
      if (event.type === "error") throw errorOfRecord(event.data, this.options.resolve);
      // What some streams end with; no message is an array of a word.
      if (event.data.length !== 6 || Buffer.from(event.data).toString("latin1") !== "[DONE]") return event.data;
    }
    return undefined;
  }

  private takePiece(): Payload | undefined {
    const { piece } = this;
    if (piece === undefined || piece.length === 0) return undefined;
    this.piece = piece.length > pieceBytes ? piece.subarray(pieceBytes) : undefined;
    return this.options.reader.ofRaw(this.options.contentType, piece.length > pieceBytes ? piece.subarray(0, pieceBytes) : piece);
  }

  /** The body came to its end; `grpc-status` trailers of a transcoder behind us have the last word. */
  private finish(): void {
    const { trailerList } = this.options.exchange;
    const status = readGrpcStatus(trailerList);
    this.over = true;
    this.resolveEnd(status?.error !== undefined ? statusOf(status.error) : okStatus(trailerFields(trailerList)));
  }

  private fail(thrown: unknown): void {
    this.over = true;
    this.options.body.cancel();
    this.options.exchange.cancel();
    this.resolveEnd(statusOf(this.call.cancelled ?? errorOfBody(thrown, this.options.exchange)));
  }
}

const SPACE = 0x20;
const QUOTE = 0x22;
const COLON = 0x3a;
const OPEN_OBJECT = 0x7b;
const CLOSE_OBJECT = 0x7d;

/** The value of the only member of an object, if that is its name: how grpc-gateway wraps each message. The value is not looked into. */
function soleMember(record: Uint8Array, name: string): Uint8Array | undefined {
  let at = skipSpace(record, 0);
  if (record[at] !== OPEN_OBJECT) return undefined;
  at = skipSpace(record, at + 1);
  if (record[at++] !== QUOTE) return undefined;
  for (let index = 0; index < name.length; index++) if (record[at++] !== name.charCodeAt(index)) return undefined;
  if (record[at++] !== QUOTE) return undefined;
  at = skipSpace(record, at);
  if (record[at++] !== COLON) return undefined;
  let end = record.length;
  while (end > at && record[end - 1] !== CLOSE_OBJECT) end--;
  return record.subarray(at, end - 1);
}

function skipSpace(bytes: Uint8Array, at: number): number {
  while (bytes[at] === SPACE || bytes[at] === 0x0a || bytes[at] === 0x0d || bytes[at] === 0x09) at++;
  return at;
}
