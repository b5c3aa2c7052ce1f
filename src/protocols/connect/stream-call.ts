/**
 * One streaming call to a Connect upstream.
 *
 * The trap: HTTP's end is not the stream's. The last message says how the call ended; without it the answer is cut off, and behind it nothing may come.
 */
import { CallError } from "../../core/call-error.ts";
import { statusOf, type Status } from "../../core/status.ts";
import type { Call } from "../../core/call.ts";
import { EnvelopedCall, type EnvelopedAnswerHead } from "../shared/enveloped-call.ts";
import type { Envelope } from "../shared/envelope.ts";
import { errorOfContentType, errorOfHttpStatus } from "./answer-error.ts";
import { readAnswerFields } from "./answer-fields.ts";
import { endStreamFlag, readEndOfStream } from "./end-of-stream.ts";

const contentType = "application/connect+proto";

export class StreamCall extends EnvelopedCall {
  private readonly limitBytes: number;
  private encoding: string | undefined;
  /** What the last message said. */
  private said: Status | undefined;

  constructor(call: Call, limitBytes: number) {
    super(call, limitBytes);
    this.limitBytes = limitBytes;
  }

  protected readHead(httpStatus: number, headers: readonly string[]): EnvelopedAnswerHead | undefined {
    const fields = readAnswerFields(headers);
    if (httpStatus !== 200) this.fail(this.refusal(httpStatus));
    else if (fields.contentType !== contentType) this.fail(errorOfContentType(fields.contentType, contentType));
    if (this.over) return undefined;
    this.encoding = fields.messageEncoding;
    return { metadata: fields.metadata, encoding: fields.messageEncoding };
  }

  override takeEnd(envelope: Envelope): boolean {
    if ((envelope.flags & ~1) !== endStreamFlag) return false;
    this.said = this.withReason(readEndOfStream(envelope, this.encoding, this.limitBytes));
    // HTTP may have ended before anybody read so far.
    if (this.over) this.status = this.said;
    return true;
  }

  protected atEnd(): void {
    const cutOff = (): Status =>
      statusOf(new CallError("UPSTREAM_PROTOCOL", "the upstream's answer ended without the end of its stream", { source: "upstream" }));
    this.settle(this.said ?? cutOff(), false);
  }

  private refusal(httpStatus: number): CallError {
    const { method } = this.call;
    // The path of a method that no schema describes does not say whether it streams.
    if (httpStatus === 415 && method.input.name === "")
      return new CallError("UNKNOWN_METHOD", "the schema does not know this method, and the upstream takes no stream for it", {
        source: "upstream",
      });
    return errorOfHttpStatus(httpStatus);
  }
}
