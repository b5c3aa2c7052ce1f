/**
 * One unary call to a Connect upstream: a bare message each way, or error JSON with a real HTTP status.
 *
 * The trap: a body of no bytes is a message, and is not compressed whatever its head says.
 */
import type { Call } from "../../core/call.ts";
import { CallError } from "../../core/call-error.ts";
import { SingleMessage } from "../../core/messages.ts";
import { Metadata } from "../../core/metadata.ts";
import { Payload } from "../../core/payload.ts";
import { UnaryReply, type Reply } from "../../core/reply.ts";
import { okStatus } from "../../core/status.ts";
import type { ClientStream } from "../../wire/http-client.ts";
import { acceptedOf, compressed } from "../shared/compression.ts";
import { codeOfHttpStatus } from "../shared/http-status.ts";
import { UnaryExchange } from "../shared/unary-exchange.ts";
import { ofOwnDeadline } from "../shared/upstream-wire.ts";
import { errorOfContentType, errorOfHttpStatus } from "./answer-error.ts";
import { readAnswerFields, type AnswerFields } from "./answer-fields.ts";
import { readConnectError } from "./errors.ts";

const contentType = "application/proto";
const nothing = new Uint8Array(0);

export class UnaryCall extends UnaryExchange {
  private readonly limitBytes: number;
  private httpStatus = 0;
  private fields: AnswerFields | undefined;

  constructor(call: Call, limitBytes: number, resolve: (reply: Reply) => void, reject: (error: CallError) => void) {
    super(call, limitBytes, resolve, reject);
    this.limitBytes = limitBytes;
  }

  protected send(stream: ClientStream, message: Payload): void {
    stream.write(message.compressed?.bytes ?? message.wireView(), true);
  }

  onHead(status: number, headers: readonly string[]): void {
    this.httpStatus = status;
    this.fields = readAnswerFields(headers);
  }

  protected atEnd(): void {
    const { call, httpStatus } = this;
    const fields = this.fields!;
    if (httpStatus !== 200) this.fail(ofOwnDeadline(this.failure(fields), call.deadline.remainingMs(performance.now())));
    else if (fields.contentType !== contentType) this.fail(errorOfContentType(fields.contentType, contentType));
    else {
      const { metadata, trailers, contentEncoding } = fields;
      const message = new SingleMessage(this.payload(this.whole() ?? nothing, contentEncoding));
      const encoding = acceptedOf(contentEncoding, call.encoding.accept);
      this.succeed(new UnaryReply(metadataOf(metadata) ?? Metadata.empty, message, okStatus(trailers), encoding));
    }
  }

  private payload(bytes: Uint8Array, encoding: string | undefined): Payload {
    const type = this.call.method.output;
    return encoding === undefined || bytes.length === 0
      ? Payload.ofWire(type, bytes)
      : Payload.ofCompressed(type, compressed(encoding, bytes, this.limitBytes, "upstream"));
  }

  private failure({ metadata, trailers, contentType: type, contentEncoding }: AnswerFields): CallError {
    const { httpStatus } = this;
    const sent = { metadata: metadataOf(metadata), trailers };
    const json = type === "application/json" ? this.errorJson(contentEncoding) : undefined;
    return readConnectError(json, codeOfHttpStatus(httpStatus), sent) ?? errorOfHttpStatus(httpStatus, sent);
  }

  /** Undefined where the body cannot be read: the status has been said, and nothing is taken from it. */
  private errorJson(encoding: string | undefined): unknown {
    try {
      const body = this.whole() ?? nothing;
      const text = encoding === undefined ? body : compressed(encoding, body, this.limitBytes, "upstream").open();
      return JSON.parse(Buffer.from(text.buffer, text.byteOffset, text.length).toString("utf8"));
    } catch (error) {
      if (error instanceof SyntaxError || error instanceof CallError) return undefined;
      throw error;
    }
  }
}

function metadataOf(flat: readonly string[]): Metadata | undefined {
  return flat.length === 0 ? undefined : Metadata.share(flat);
}
