/**
 * The request messages of an enveloped protocol, read from an exchange's body as they are asked for.
 *
 * What is not asked for is not read, and what is not read is not credited to the client: back-pressure from the backend to the caller.
 */
import { CallError } from "../../core/call-error.ts";
import { MessageStream } from "../../core/messages.ts";
import type { MessageType } from "../../core/message-type.ts";
import { Payload } from "../../core/payload.ts";
import type { BodyReader } from "../../wire/exchange.ts";
import { ofBodyFailure, readChunk } from "./collect-body.ts";
import { compressed } from "./compression.ts";
import { compressedFlag, EnvelopeReader, type Envelope } from "./envelope.ts";
import type { MessageForm } from "./enveloped-reply.ts";

/** One received message. @throws CallError when its flags make no sense. */
export function payloadOf(
  type: MessageType,
  envelope: Envelope,
  encoding: string | undefined,
  limitBytes: number,
  source: "caller" | "upstream",
  form: MessageForm = "wire",
): Payload {
  if (envelope.flags === 0) return form === "wire" ? Payload.ofWire(type, envelope.bytes) : Payload.ofJson(type, envelope.bytes);
  const reason = source === "caller" ? "INVALID_FRAMING" : "UPSTREAM_PROTOCOL";
  if (envelope.flags !== compressedFlag)
    throw new CallError(reason, `message with reserved flags 0x${envelope.flags.toString(16)}`, { source });
  if (encoding === undefined || encoding === "identity")
    throw new CallError(reason, "compressed message without a message encoding", { source });
  const content = compressed(encoding, envelope.bytes, limitBytes, source);
  return form === "wire" ? Payload.ofCompressed(type, content) : Payload.ofJson(type, content.open());
}

export class MessageBody extends MessageStream {
  private readonly body: BodyReader;
  private readonly type: MessageType;
  private readonly encoding: string | undefined;
  private readonly limitBytes: number;
  private readonly form: MessageForm;
  private readonly reader: EnvelopeReader;
  private done = false;

  constructor(body: BodyReader, type: MessageType, encoding: string | undefined, limitBytes: number, form: MessageForm = "wire") {
    super();
    this.body = body;
    this.type = type;
    this.encoding = encoding;
    this.limitBytes = limitBytes;
    this.form = form;
    this.reader = new EnvelopeReader(limitBytes, "caller");
  }

  next(): Payload | undefined | Promise<Payload | undefined> {
    for (;;) {
      const envelope = this.reader.take();
      if (envelope !== undefined) return payloadOf(this.type, envelope, this.encoding, this.limitBytes, "caller", this.form);
      if (this.done) return this.atEnd();
      const chunk = readChunk(this.body);
      if (chunk instanceof Promise) return this.later(chunk);
      this.accept(chunk);
    }
  }

  cancel(): void {
    if (this.done) return;
    this.done = true;
    this.body.cancel();
  }

  private async later(pending: Promise<Uint8Array | undefined>): Promise<Payload | undefined> {
    try {
      this.accept(await pending);
    } catch (error) {
      this.done = true;
      throw ofBodyFailure(error);
    }
    return this.next();
  }

  private accept(chunk: Uint8Array | undefined): void {
    if (chunk === undefined) this.done = true;
    else this.reader.push(chunk);
  }

  private atEnd(): undefined {
    if (this.reader.pendingBytes > 0)
      throw new CallError("INVALID_FRAMING", "the request ended in the middle of a message", { source: "caller" });
    return undefined;
  }
}
