/** A REST backend's answer, cut into chunks, through the reading side of the outbound: a reply, or an error of the upstream, and an end. */
import { Call } from "../../src/core/call.ts";
import { CallError } from "../../src/core/call-error.ts";
import { systemClock } from "../../src/core/clock.ts";
import { Deadline } from "../../src/core/deadline.ts";
import { canonicalJson } from "../../src/core/message-type.ts";
import { SingleMessage } from "../../src/core/messages.ts";
import { Metadata } from "../../src/core/metadata.ts";
import { Payload } from "../../src/core/payload.ts";
import { createRestOutbound } from "../../src/protocols/rest/outbound.ts";
import type { MethodDescriptor, Schema } from "../../src/schema/descriptor.ts";
import type { ClientStream, HttpClient, ResponseSink } from "../../src/wire/http-client.ts";
import { WireError } from "../../src/wire/wire-error.ts";

export interface ScriptedAnswer {
  readonly status: number;
  readonly headers: readonly string[];
  readonly body: Uint8Array;
  readonly trailers: readonly string[] | undefined;
  readonly chunkBytes: number;
  /** It breaks off behind its body. */
  readonly breaks: boolean;
}

export interface Outcome {
  readonly messages: number;
  readonly error: CallError | undefined;
}

/** What ends a call that a backend answered; anything else is a fault of ours. */
const expected = new Set(["UPSTREAM_STATUS", "UPSTREAM_PROTOCOL", "UPSTREAM_MESSAGE", "UPSTREAM_MESSAGE_TOO_LARGE", "UPSTREAM_RESET"]);

/** @throws Error when the call ends in any way that it should not */
export async function fuzzAnswer(answer: ScriptedAnswer, method: MethodDescriptor, schema: Schema): Promise<Outcome> {
  const outbound = createRestOutbound(clientThatAnswers(answer), {
    scheme: "http",
    authority: "x:1",
    clock: systemClock,
    messageBytes: 4096,
    json: canonicalJson,
    resolve: (name) => schema.message(name),
  });
  const request = new SingleMessage(Payload.ofWire(method.input, Buffer.from([0x0a, 1, 0x78])));
  const call = new Call(method, { address: "", protocol: "test", secure: false }, new Metadata(), request, new Deadline(), 0);
  let messages = 0;
  let error: CallError | undefined;
  try {
    const reply = await outbound.send(call);
    for (let message = await reply.messages.next(); message !== undefined; message = await reply.messages.next()) {
      messages++;
      message.json();
    }
    error = (await reply.end).error;
  } catch (thrown) {
    if (!(thrown instanceof CallError)) throw thrown;
    error = thrown;
  }
  if (error !== undefined && !expected.has(error.reason)) throw new Error(`ended with ${error.toString()}`, { cause: error });
  if (error !== undefined && error.message.length > 5000) throw new Error("an unbounded message");
  return { messages, error };
}

function clientThatAnswers(answer: ScriptedAnswer): HttpClient {
  return {
    open(_template, _headers, _more, sink): ClientStream {
      let cancelled = false;
      queueMicrotask(() => play(answer, sink, () => cancelled));
      return {
        write: () => true,
        end: () => undefined,
        onDrain: undefined,
        consumed: () => undefined,
        cancel: () => void (cancelled = true),
      };
    },
    state: "ready",
    activeStreams: 0,
    pendingStreams: 0,
    drain: () => Promise.resolve(),
    close: () => undefined,
  };
}

function play({ status, headers, body, trailers, chunkBytes, breaks }: ScriptedAnswer, sink: ResponseSink, cancelled: () => boolean): void {
  sink.onHead(status, headers);
  for (let at = 0; at < body.length && !cancelled(); at += chunkBytes) sink.onData(Uint8Array.from(body.subarray(at, at + chunkBytes)));
  if (cancelled()) return;
  if (breaks) sink.onError(new WireError("reset", "broken off"));
  else sink.onEnd(trailers);
}
