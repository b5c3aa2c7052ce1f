/** A request's body as it arrives, piece by piece, within the limit of a body. What is not asked for is not read from the caller. */
import type { Call } from "../../core/call.ts";
import { CallError } from "../../core/call-error.ts";
import { MessageStream } from "../../core/messages.ts";
import type { MessageType } from "../../core/message-type.ts";
import { Payload } from "../../core/payload.ts";
import type { BodyReader } from "../../wire/exchange.ts";
import { ofBodyFailure, readChunk } from "../shared/collect-body.ts";

export class BodyChunks extends MessageStream {
  /** Counts the bytes. */
  call: Call | undefined = undefined;
  private readonly body: BodyReader;
  private readonly type: MessageType;
  private readonly limitBytes: number;
  private readBytes = 0;
  private done = false;

  constructor(body: BodyReader, type: MessageType, limitBytes: number) {
    super();
    this.body = body;
    this.type = type;
    this.limitBytes = limitBytes;
  }

  next(): Payload | undefined | Promise<Payload | undefined> {
    if (this.done) return undefined;
    const chunk = readChunk(this.body);
    return chunk instanceof Promise ? this.later(chunk) : this.taken(chunk);
  }

  cancel(): void {
    if (this.done) return;
    this.done = true;
    this.body.cancel();
  }

  private async later(pending: Promise<Uint8Array | undefined>): Promise<Payload | undefined> {
    try {
      return this.taken(await pending);
    } catch (error) {
      this.done = true;
      throw ofBodyFailure(error);
    }
  }

  private taken(chunk: Uint8Array | undefined): Payload | undefined {
    if (chunk === undefined) {
      this.done = true;
      return undefined;
    }
    this.readBytes += chunk.length;
    if (this.call !== undefined) this.call.requestBytes = this.readBytes;
    if (this.readBytes > this.limitBytes) throw new CallError("MESSAGE_TOO_LARGE", undefined, { source: "caller" });
    return Payload.ofWire(this.type, chunk);
  }
}
