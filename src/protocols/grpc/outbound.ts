/**
 * gRPC calls out (grpc/grpc doc/PROTOCOL-HTTP2.md), over any HttpClient.
 *
 * A unary call resolves when its status is known and rejects when that is not OK: a failure is a throw, seen in one place. A streaming call
 * resolves with the head; from then on the outcome is `Reply.end`. The trap: a head that holds `grpc-status` is already the end
 * ("Trailers-Only"), so a streaming call rejects on it too.
 */
import type { Call } from "../../core/call.ts";
import { CallError } from "../../core/call-error.ts";
import { Code } from "../../core/code.ts";
import type { Clock } from "../../core/clock.ts";
import { SingleMessage } from "../../core/messages.ts";
import { Metadata } from "../../core/metadata.ts";
import type { Method } from "../../core/method.ts";
import type { Payload } from "../../core/payload.ts";
import { UnaryReply, type Reply } from "../../core/reply.ts";
import type { ClientStream, HttpClient, RequestTemplate } from "../../wire/http-client.ts";
import type { Outbound } from "../protocol.ts";
import { acceptedOf } from "../shared/compression.ts";
import { compressedFlag, envelopeBytes, envelopeLength, envelopePrefix, tooLarge } from "../shared/envelope.ts";
import { payloadOf } from "../shared/message-body.ts";
import { formatGrpcTimeout } from "../shared/timeout.ts";
import { readGrpcStatus } from "../shared/grpc-status.ts";
import { UnaryExchange } from "../shared/unary-exchange.ts";
import { ofOwnDeadline } from "../shared/upstream-wire.ts";
import { errorOfHttpStatus } from "./errors.ts";
import { readResponseHead, type ResponseHead } from "./response-head.ts";
import { StreamCall } from "./stream-call.ts";

export interface GrpcOutboundOptions {
  readonly scheme: "http" | "https";
  readonly authority: string;
  readonly clock: Clock;
  /** Largest message accepted from the upstream. */
  readonly messageBytes: number;
}

const none: readonly string[] = Object.freeze([]);
const requestHeaders: readonly string[] = Object.freeze(["content-type", "application/grpc", "te", "trailers"]);

export function createGrpcOutbound(client: HttpClient, options: GrpcOutboundOptions): Outbound {
  const { scheme, authority, clock, messageBytes } = options;
  const templates = new WeakMap<Method, RequestTemplate>();

  function templateOf(method: Method): RequestTemplate {
    let template = templates.get(method);
    if (template === undefined) {
      template = { method: "POST", scheme, authority, path: method.path, headers: requestHeaders };
      templates.set(method, template);
    }
    return template;
  }

  return {
    send(call: Call): Promise<Reply> {
      const { method, deadline } = call;
      const single = call.messages.single;
      const remainingMs = deadline.isSet ? deadline.remainingMs(clock.nowMs()) : Infinity;
      if (remainingMs <= 0) return Promise.reject(new CallError("DEADLINE_EXCEEDED", undefined, { retry: "never" }));
      if (call.cancelled !== undefined) return Promise.reject(call.cancelled);
      const more = extraHeaders(call, single, remainingMs);
      if (single === undefined || method.serverStreaming || method.clientStreaming) {
        return new StreamCall(call, messageBytes).start((sink) =>
          client.open(templateOf(method), call.metadata.flat, more, sink, deadline.atMs),
        );
      }
      return new Promise((resolve, reject) => {
        const unary = new UnaryCall(call, messageBytes, resolve, reject);
        unary.start(client.open(templateOf(method), call.metadata.flat, more, unary, deadline.atMs), single);
      });
    },
    close: () => client.close(),
  };
}

function extraHeaders(call: Call, single: Payload | undefined, remainingMs: number): readonly string[] {
  const { encoding, hopFields } = call;
  // Said also where this message is not compressed: an encoding the upstream does not know is its to refuse.
  const request = encoding.request ?? single?.compressed?.encoding;
  if (remainingMs === Infinity && request === undefined && encoding.accept === undefined) return hopFields ?? none;
  const headers: string[] = hopFields === undefined ? [] : hopFields.slice();
  if (remainingMs !== Infinity) headers.push("grpc-timeout", formatGrpcTimeout(remainingMs));
  if (request !== undefined) headers.push("grpc-encoding", request);
  if (encoding.accept !== undefined) headers.push("grpc-accept-encoding", encoding.accept);
  return headers;
}

class UnaryCall extends UnaryExchange {
  private readonly limitBytes: number;
  private httpStatus = 0;
  private head: ResponseHead | undefined;

  constructor(call: Call, limitBytes: number, resolve: (reply: Reply) => void, reject: (error: CallError) => void) {
    super(call, limitBytes + envelopeBytes, resolve, reject);
    this.limitBytes = limitBytes;
  }

  protected send(stream: ClientStream, message: Payload): void {
    const { compressed } = message;
    const bytes = compressed === undefined ? message.wireView() : compressed.bytes;
    stream.write(bytes, true, envelopePrefix(compressed === undefined ? 0 : compressedFlag, bytes.length));
  }

  onHead(status: number, headers: readonly string[]): void {
    this.httpStatus = status;
    this.head = readResponseHead(headers);
  }

  protected atEnd(trailers: readonly string[] | undefined): void {
    const { head, call } = this;
    // A status in the head counts only where the head is all there is.
    const status = trailers !== undefined ? readGrpcStatus(trailers) : this.size === 0 ? head?.status : undefined;
    const sent = head === undefined || head.status !== undefined || head.metadata.length === 0 ? undefined : Metadata.share(head.metadata);
    if (status === undefined || !head!.isGrpc) {
      this.fail(status?.error ?? errorOfHttpStatus(this.httpStatus, head?.isGrpc));
    } else if (status.code !== Code.OK) {
      const error = ofOwnDeadline(status.error!, call.deadline.remainingMs(performance.now()));
      this.fail(sent === undefined ? error : withMetadata(error, sent));
    } else {
      try {
        const { encoding } = head!;
        const payload = onlyMessage(this.whole(), call, encoding, this.limitBytes);
        this.succeed(
          new UnaryReply(sent ?? Metadata.empty, new SingleMessage(payload), status, acceptedOf(encoding, call.encoding.accept)),
        );
      } catch (error) {
        this.fail(CallError.of(error));
      }
    }
  }
}

function onlyMessage(body: Uint8Array | undefined, call: Call, encoding: string | undefined, limitBytes: number): Payload {
  const bad = (message: string): CallError => new CallError("UPSTREAM_PROTOCOL", message, { source: "upstream" });
  if (body === undefined || body.length === 0)
    throw new CallError("UPSTREAM_PROTOCOL", "the upstream answered OK without a message", {
      source: "upstream",
      code: Code.UNIMPLEMENTED,
    });
  if (body.length < envelopeBytes) throw bad("the upstream's answer ended in the middle of a message");
  const length = envelopeLength(body, 0);
  if (length > limitBytes) throw tooLarge(length, limitBytes, "upstream");
  if (body.length < envelopeBytes + length) throw bad("the upstream's answer ended in the middle of a message");
  if (body.length > envelopeBytes + length)
    throw new CallError("UPSTREAM_PROTOCOL", "the upstream answered a unary call with more than one message", {
      source: "upstream",
      code: Code.UNIMPLEMENTED,
    });
  return payloadOf(call.method.output, { flags: body[0]!, bytes: body.subarray(envelopeBytes) }, encoding, limitBytes, "upstream");
}

function withMetadata(error: CallError, metadata: Metadata): CallError {
  const { reason, message, code, source, retry, details, trailers, cause } = error;
  return new CallError(reason, message, { code, source, retry, details, trailers, metadata, cause });
}
