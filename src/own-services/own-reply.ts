/**
 * Replies that are made here and not fetched: protobuf bytes in, protobuf bytes out; JSON is the inbound side's business as ever.
 *
 * The trap: a caller may leave while nothing is said for hours, so a source that waits must let go when it is told to stop.
 */
import type { Call } from "../core/call.ts";
import { CallError } from "../core/call-error.ts";
import { MessageStream, SingleMessage } from "../core/messages.ts";
import { Metadata } from "../core/metadata.ts";
import { Payload } from "../core/payload.ts";
import { UnaryReply, type Reply } from "../core/reply.ts";
import { okStatus, statusOf, type Status } from "../core/status.ts";
import { errorOfRequest } from "../protocols/shared/codec-failure.ts";
import { SchemaError } from "../schema/files/schema-error.ts";

/** The one request message as protobuf. @throws CallError when it cannot be read, or is not there */
export async function onlyRequest(call: Call): Promise<Uint8Array> {
  const payload = call.messages.single ?? (await call.messages.next());
  if (payload === undefined) throw new CallError("MISSING_MESSAGE", undefined, { source: "caller" });
  return requestBytes(call, payload);
}

/** @throws CallError */
export function requestBytes(call: Call, payload: Payload): Uint8Array {
  try {
    return payload.wire();
  } catch (error) {
    throw errorOfRequest(error, call.method);
  }
}

/** Reads a request by hand. @throws CallError where it is not protobuf */
export function readRequest<T>(read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (error instanceof SchemaError) throw new CallError("INVALID_PROTOBUF", undefined, { source: "caller", cause: error });
    throw error;
  }
}

export function unaryReply(call: Call, bytes: Uint8Array): Reply {
  return new UnaryReply(Metadata.empty, new SingleMessage(Payload.ofWire(call.method.output, bytes)), okStatus());
}

export interface AnswerSource {
  /** The next answer; undefined after the last. @throws CallError */
  next(): Promise<Uint8Array | undefined>;
  /** No more is asked for: a `next` that waits must settle. */
  stop(): void;
}

/** A stream of answers; its end is the source's. */
export function streamReply(call: Call, source: AnswerSource): Reply {
  const messages = new OwnMessages(call, source);
  return { metadata: Metadata.empty, messages, encoding: undefined, ended: undefined, end: messages.end };
}

class OwnMessages extends MessageStream {
  readonly end: Promise<Status>;
  private readonly call: Call;
  private readonly source: AnswerSource;
  private resolveEnd!: (end: Status) => void;

  constructor(call: Call, source: AnswerSource) {
    super();
    this.call = call;
    this.source = source;
    this.end = new Promise((resolve) => (this.resolveEnd = resolve));
    call.onCancel((error) => this.settle(statusOf(error)));
  }

  async next(): Promise<Payload | undefined> {
    try {
      const bytes = await this.source.next();
      if (bytes !== undefined) return Payload.ofWire(this.call.method.output, bytes);
      this.settle(okStatus());
    } catch (error) {
      this.settle(statusOf(CallError.of(error)));
    }
    return undefined;
  }

  cancel(): void {
    this.settle(statusOf(new CallError("CALLER_CANCELLED", undefined, { source: "caller" })));
  }

  private settle(end: Status): void {
    this.resolveEnd(end);
    this.source.stop();
    this.call.messages.cancel();
  }
}
