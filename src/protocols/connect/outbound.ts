/**
 * Connect calls out (connectrpc.com/docs/protocol), over any HttpClient: unary by POST, streams in envelopes, protobuf throughout.
 *
 * The trap: unary and streaming are two forms of request, so the kind of a method must be known. One that no schema describes is sent as a stream,
 * unless the caller's protocol said that it is unary.
 */
import type { Call } from "../../core/call.ts";
import { CallError } from "../../core/call-error.ts";
import type { Clock } from "../../core/clock.ts";
import type { Method } from "../../core/method.ts";
import type { Payload } from "../../core/payload.ts";
import type { Reply } from "../../core/reply.ts";
import type { HttpClient, RequestTemplate } from "../../wire/http-client.ts";
import type { Outbound } from "../protocol.ts";
import { onlyMessage } from "../shared/only-message.ts";
import { callFields, sentMetadata } from "./sent-fields.ts";
import { StreamCall } from "./stream-call.ts";
import { UnaryCall } from "./unary-call.ts";

export interface ConnectOutboundOptions {
  readonly scheme: "http" | "https";
  /** host:port */
  readonly authority: string;
  readonly clock: Clock;
  /** Largest message accepted from the upstream. */
  readonly messageBytes: number;
}

const unaryFields: readonly string[] = Object.freeze(["content-type", "application/proto", "connect-protocol-version", "1"]);
const streamFields: readonly string[] = Object.freeze(["content-type", "application/connect+proto", "connect-protocol-version", "1"]);

export function createConnectOutbound(client: HttpClient, options: ConnectOutboundOptions): Outbound {
  const { scheme, authority, clock, messageBytes } = options;
  const templates = new WeakMap<Method, RequestTemplate>();

  function templateOf(method: Method): RequestTemplate {
    let template = templates.get(method);
    if (template === undefined) {
      template = { method: "POST", scheme, authority, path: method.path, headers: method.unary ? unaryFields : streamFields };
      templates.set(method, template);
    }
    return template;
  }

  /** @throws CallError when none is left */
  function remainingOf({ deadline }: Call): number {
    const remainingMs = deadline.isSet ? deadline.remainingMs(clock.nowMs()) : Infinity;
    if (remainingMs <= 0) throw new CallError("DEADLINE_EXCEEDED", undefined, { retry: "never" });
    return remainingMs;
  }

  function sendUnary(call: Call, message: Payload): Promise<Reply> {
    const fields = callFields(call, remainingOf(call), message);
    return new Promise((resolve, reject) => {
      const unary = new UnaryCall(call, messageBytes, resolve, reject);
      unary.start(client.open(templateOf(call.method), sentMetadata(call.metadata), fields, unary, call.deadline.atMs), message);
    });
  }

  return {
    async send(call: Call): Promise<Reply> {
      call.throwIfCancelled();
      if (call.method.unary) return sendUnary(call, call.messages.single ?? (await onlyMessage(call)));
      const fields = callFields(call, remainingOf(call), undefined);
      return new StreamCall(call, messageBytes).start((sink) =>
        client.open(templateOf(call.method), sentMetadata(call.metadata), fields, sink, call.deadline.atMs),
      );
    },
    close: () => client.close(),
  };
}
