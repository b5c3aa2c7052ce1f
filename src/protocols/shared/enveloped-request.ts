/**
 * The request side of the protocols that put messages into gRPC's envelopes (gRPC and gRPC-Web): head, method, messages.
 *
 * The trap: a head plan is shared by all requests whose header block is the same list, so nothing of one call may be kept in it.
 */
import { Call, identityEncoding, type MessageEncoding } from "../../core/call.ts";
import { CallError } from "../../core/call-error.ts";
import { Code } from "../../core/code.ts";
import { Deadline } from "../../core/deadline.ts";
import { SingleMessage, type Messages } from "../../core/messages.ts";
import { Metadata } from "../../core/metadata.ts";
import type { Method } from "../../core/method.ts";
import type { BodyReader, Exchange } from "../../wire/exchange.ts";
import { methodAt, type Catalogue } from "../protocol.ts";
import { callerOf } from "./caller-of.ts";
import { collectBody } from "./collect-body.ts";
import { envelopeBytes, envelopeLength, tooLarge } from "./envelope.ts";
import { MessageBody, payloadOf } from "./message-body.ts";
import { opaqueMethod } from "./opaque-type.ts";
import type { MessageForm } from "./enveloped-reply.ts";
import { subformatOf } from "./subformat.ts";
import { parseGrpcTimeout } from "./timeout.ts";

/** What a request's header block says, apart from the path. */
export interface EnvelopedHead {
  readonly metadata: readonly string[];
  /** -1: none, NaN: malformed. */
  readonly timeoutMs: number;
  /** Undefined: nobody here reads it. */
  readonly form: MessageForm | undefined;
  /** What the request's messages are compressed with. */
  readonly requestEncoding: string | undefined;
  /** What may cross untouched. */
  readonly encoding: MessageEncoding;
}

/** Reads gRPC's header fields and leaves the metadata. */
export function readEnvelopedHead(headers: readonly string[]): EnvelopedHead {
  const metadata: string[] = [];
  let timeoutMs = -1;
  let request: string | undefined;
  let accept: string | undefined;
  let form: MessageForm | undefined = "wire";
  for (let i = 0; i < headers.length; i += 2) {
    const value = headers[i + 1]!;
    switch (headers[i]) {
      case "content-type":
        form = subformatOf(value);
        break;
      case "x-grpc-web":
        break;
      case "grpc-timeout":
        timeoutMs = parseGrpcTimeout(value) ?? NaN;
        break;
      case "grpc-encoding":
        request = value === "identity" ? undefined : value;
        break;
      case "grpc-accept-encoding":
        accept = value;
        break;
      default:
        metadata.push(headers[i]!, value);
    }
  }
  // JSON is opened here, so only protobuf crosses as it was compressed.
  const untouched = form === "wire" && (request !== undefined || accept !== undefined);
  return { metadata, timeoutMs, form, requestEncoding: request, encoding: untouched ? { request, accept } : identityEncoding };
}

/** The call an enveloped request makes: at once where its messages stream or its body is there. @throws CallError */
export function decodeEnveloped(
  x: Exchange,
  body: BodyReader,
  head: EnvelopedHead,
  catalogue: Catalogue,
  protocol: string,
): Call | Promise<Call> {
  if (x.head.method !== "POST")
    throw new CallError("METHOD_NOT_ALLOWED", "calls of this protocol are POST requests", { headers: ["allow", "POST"] });
  if (Number.isNaN(head.timeoutMs))
    throw new CallError("INVALID_TIMEOUT", `grpc-timeout ${JSON.stringify(x.head.headers.get("grpc-timeout"))} cannot be read`);
  if (head.form === undefined) throw unknownForm(x);
  const method = methodOf(x.head.target, catalogue);
  const deadline = new Deadline(head.timeoutMs < 0 ? Infinity : x.arrivedAtMs + head.timeoutMs);
  const limitBytes = catalogue.messageBytes;
  const { form, requestEncoding: request } = head;
  if (method.clientStreaming)
    return callOf(x, method, head, deadline, protocol, new MessageBody(body, method.input, request, limitBytes, form), 0);
  const whole = collectBody(x.head, body, limitBytes + envelopeBytes, deadline.atMs);
  if (whole instanceof Promise)
    return whole.then((bytes) =>
      callOf(x, method, head, deadline, protocol, onlyMessage(bytes, method, request, limitBytes, form), bytes.length),
    );
  return callOf(x, method, head, deadline, protocol, onlyMessage(whole, method, request, limitBytes, form), whole.length);
}

function unknownForm({ head }: Exchange): CallError {
  const contentType = JSON.stringify(head.headers.get("content-type"));
  return new CallError("UNSUPPORTED_MEDIA_TYPE", `content type ${contentType} is not supported: messages are protobuf or JSON`, {
    source: "caller",
    code: Code.UNIMPLEMENTED,
  });
}

function callOf(
  x: Exchange,
  method: Method,
  head: EnvelopedHead,
  deadline: Deadline,
  protocol: string,
  messages: Messages,
  requestBytes: number,
): Call {
  const call = new Call(method, callerOf(x.peer, protocol), Metadata.share(head.metadata), messages, deadline, x.arrivedAtMs);
  call.encoding = head.encoding;
  call.requestBytes = requestBytes;
  return call;
}

/** The schema's method for "/pkg.Service/Method", or an opaque one where the schema has none. @throws CallError for any other path */
function methodOf(target: string, catalogue: Catalogue): Method {
  const method = methodAt(catalogue, target);
  if (method !== undefined) return method;
  // Two segments, nothing more: anything else never was a gRPC path.
  const slash = target.indexOf("/", 1);
  if (
    target.charCodeAt(0) !== 0x2f ||
    slash < 2 ||
    slash === target.length - 1 ||
    target.indexOf("/", slash + 1) !== -1 ||
    target.includes("?")
  )
    throw new CallError("UNKNOWN_METHOD", `malformed method name: ${JSON.stringify(target)}`);
  return opaqueMethod(target);
}

/** The message of a call that has exactly one. @throws CallError */
function onlyMessage(body: Uint8Array, method: Method, encoding: string | undefined, limitBytes: number, form: MessageForm): SingleMessage {
  const source = "caller";
  if (body.length === 0) throw new CallError("MISSING_MESSAGE", "the request of a unary call holds no message", { source });
  if (body.length < envelopeBytes) throw new CallError("INVALID_FRAMING", "the request ended in the middle of a message", { source });
  const length = envelopeLength(body, 0);
  if (length > limitBytes) throw tooLarge(length, limitBytes, source);
  if (body.length < envelopeBytes + length)
    throw new CallError("INVALID_FRAMING", "the request ended in the middle of a message", { source });
  if (body.length > envelopeBytes + length)
    throw new CallError("TOO_MANY_MESSAGES", "the request of a unary call holds more than one message", { source });
  const envelope = { flags: body[0]!, bytes: body.subarray(envelopeBytes) };
  return new SingleMessage(payloadOf(method.input, envelope, encoding, limitBytes, source, form));
}
