/**
 * The answer side of the protocols that put messages into gRPC's envelopes: messages written as they come, at the pace of the reader.
 *
 * The trap: a compressed message crosses untouched only if the answer's head announced its encoding; otherwise it is opened here.
 */
import type { Call } from "../../core/call.ts";
import type { Payload } from "../../core/payload.ts";
import type { Reply } from "../../core/reply.ts";
import { statusOf, type Status } from "../../core/status.ts";
import { errorOfAnswer } from "./codec-failure.ts";
import { compressedFlag, envelopeBytes, envelopePrefix } from "./envelope.ts";

/** How a message is written: as protobuf or as JSON. */
export type MessageForm = "wire" | "json";

/** Where messages go: an exchange, or what a protocol puts before it. */
export interface EnvelopeSink {
  readonly open: boolean;
  write(chunk: Uint8Array, prefix: Uint8Array): boolean;
  drained(): Promise<void>;
}

/** Writes the one message of a unary reply, counts it, and says how the call ended. */
export function writeSingle(payload: Payload, reply: Reply, call: Call, sink: EnvelopeSink, form: MessageForm = "wire"): Status {
  try {
    writeMessage(payload, reply.encoding, call, sink, form);
    return reply.ended!;
  } catch (error) {
    return statusOf(errorOfAnswer(error));
  }
}

/** Writes a stream's messages until it ends, the reader leaves or the call is cancelled, and says how it ended. */
export async function writeStream(reply: Reply, call: Call, sink: EnvelopeSink, form: MessageForm = "wire"): Promise<Status> {
  const { messages } = reply;
  try {
    for (;;) {
      const next = messages.next();
      const payload = next instanceof Promise ? await next : next;
      if (payload === undefined || !sink.open) break;
      if (!writeMessage(payload, reply.encoding, call, sink, form)) await sink.drained();
    }
    if (!sink.open) messages.cancel();
    return call.cancelled !== undefined ? statusOf(call.cancelled) : await reply.end;
  } catch (error) {
    messages.cancel();
    return statusOf(call.cancelled ?? errorOfAnswer(error));
  }
}

/** @returns false when the sink wants a pause. */
function writeMessage(payload: Payload, encoding: string | undefined, call: Call, sink: EnvelopeSink, form: MessageForm): boolean {
  const { compressed } = payload;
  const pass = form === "wire" && compressed !== undefined && compressed.encoding === encoding;
  const bytes = pass ? compressed.bytes : form === "wire" ? payload.wireView() : payload.jsonView();
  call.responseBytes += bytes.length + envelopeBytes;
  return sink.write(bytes, envelopePrefix(pass ? compressedFlag : 0, bytes.length));
}
