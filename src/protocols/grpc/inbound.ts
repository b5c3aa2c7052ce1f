/**
 * gRPC calls in (grpc/grpc doc/PROTOCOL-HTTP2.md): over HTTP/2, and over HTTP/1.1 for clients that frame so.
 *
 * Two traps. Everything derived from a header block is kept by the identity of its list, so a client that repeats itself costs one look-up.
 * And errors are HTTP 200 with the status in the head ("Trailers-Only"), except where the request was not gRPC at all.
 */
import { Call, identityEncoding, type MessageEncoding } from "../../core/call.ts";
import { CallError } from "../../core/call-error.ts";
import { errorOfAnswer } from "../shared/codec-failure.ts";
import { Deadline } from "../../core/deadline.ts";
import { IdentityCache } from "../../core/identity-cache.ts";
import type { Messages } from "../../core/messages.ts";
import { SingleMessage } from "../../core/messages.ts";
import { Metadata } from "../../core/metadata.ts";
import type { Method } from "../../core/method.ts";
import type { Payload } from "../../core/payload.ts";
import type { Reply } from "../../core/reply.ts";
import { statusOf, type Status } from "../../core/status.ts";
import type { Exchange, RequestHead } from "../../wire/exchange.ts";
import type { Catalogue, Inbound } from "../protocol.ts";
import { collectBody } from "../shared/collect-body.ts";
import { compressedFlag, envelopeBytes, envelopeLength, envelopePrefix, tooLarge } from "../shared/envelope.ts";
import { MessageBody, payloadOf } from "../shared/message-body.ts";
import { opaqueMethod } from "../shared/opaque-type.ts";
import { parseGrpcTimeout } from "../shared/timeout.ts";
import { grpcTrailers, resetCodeOf } from "./errors.ts";

/** What a request's header block says, apart from the path. */
interface HeadPlan {
  readonly metadata: readonly string[];
  /** -1: none, NaN: malformed. */
  readonly timeoutMs: number;
  readonly encoding: MessageEncoding;
}

const kind = "grpc";
const replyHeaders: readonly string[] = Object.freeze(["content-type", "application/grpc"]);

export function createGrpcInbound(): Inbound {
  const plans = new IdentityCache<readonly string[], HeadPlan>(32);
  const heads = new IdentityCache<readonly string[], readonly string[]>(32);

  function planOf(headers: Metadata): HeadPlan {
    const known = plans.get(headers.flat);
    return known ?? plans.set(headers.flat, readHead(headers.flat));
  }

  /** Response head for the reply's metadata: the same list for the same metadata. */
  function headOf(metadata: Metadata, encoding: string | undefined): readonly string[] {
    if (metadata.size === 0 && encoding === undefined) return replyHeaders;
    const known = encoding === undefined ? heads.get(metadata.flat) : undefined;
    if (known !== undefined) return known;
    const head = [...replyHeaders, ...metadata.flat];
    if (encoding !== undefined) head.push("grpc-encoding", encoding);
    return encoding === undefined ? heads.set(metadata.flat, head) : head;
  }

  return {
    kind,

    accepts(head: RequestHead): boolean {
      return isGrpc(head.headers.get("content-type"));
    },

    decode(x: Exchange, catalogue: Catalogue): Call | Promise<Call> {
      const { head } = x;
      if (head.method !== "POST") throw new CallError("METHOD_NOT_ALLOWED", "gRPC calls are POST requests", { headers: ["allow", "POST"] });
      const plan = planOf(head.headers);
      if (Number.isNaN(plan.timeoutMs))
        throw new CallError("INVALID_TIMEOUT", `grpc-timeout ${JSON.stringify(head.headers.get("grpc-timeout"))} cannot be read`);
      const method = methodAt(head.target, catalogue);
      const deadline = new Deadline(plan.timeoutMs < 0 ? Infinity : x.arrivedAtMs + plan.timeoutMs);
      const caller = { address: x.peer.address, protocol: kind, secure: x.peer.tls !== undefined };
      const limitBytes = catalogue.messageBytes;
      const make = (messages: Messages, requestBytes: number): Call => {
        const call = new Call(method, caller, Metadata.share(plan.metadata), messages, deadline, x.arrivedAtMs);
        call.encoding = plan.encoding;
        call.requestBytes = requestBytes;
        return call;
      };
      if (method.clientStreaming) return make(new MessageBody(x.body, method.input, plan.encoding.request, limitBytes), 0);
      const body = collectBody(x, limitBytes + envelopeBytes, deadline.atMs);
      if (body instanceof Promise)
        return body.then((bytes) => make(onlyMessage(bytes, method, plan.encoding.request, limitBytes), bytes.length));
      return make(onlyMessage(body, method, plan.encoding.request, limitBytes), body.length);
    },

    encode(reply: Reply, call: Call, x: Exchange): Status | Promise<Status> {
      const head = headOf(reply.metadata, reply.encoding);
      const { single } = reply.messages;
      if (single === undefined || reply.ended === undefined) return streamReply(reply, head, call, x);
      let status = reply.ended;
      x.start(200, head);
      try {
        call.responseBytes += writeMessage(single, reply.encoding, x).size;
      } catch (error) {
        status = statusOf(errorOfAnswer(error));
      }
      x.finish(grpcTrailers(status));
      return status;
    },

    reject(error: CallError, x: Exchange): void {
      x.body.cancel();
      const trailers = grpcTrailers(statusOf(error));
      if (error.metadata !== undefined) {
        x.start(200, headOf(error.metadata, undefined));
        x.finish(trailers);
      } else x.respond(200, replyHeaders.concat(trailers), undefined);
    },
  };
}

/** "application/grpc", with "+proto" or parameters; not gRPC-Web. */
function isGrpc(contentType: string | undefined): boolean {
  if (contentType === undefined || !contentType.startsWith("application/grpc")) return false;
  const next = contentType.charCodeAt(16);
  return Number.isNaN(next) || next === 0x2b || next === 0x3b || next === 0x20;
}

function readHead(headers: readonly string[]): HeadPlan {
  const metadata: string[] = [];
  let timeoutMs = -1;
  let request: string | undefined;
  let accept: string | undefined;
  for (let i = 0; i < headers.length; i += 2) {
    const value = headers[i + 1]!;
    switch (headers[i]) {
      case "content-type":
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
  const encoding = request === undefined && accept === undefined ? identityEncoding : { request, accept };
  return { metadata, timeoutMs, encoding };
}

function methodAt(target: string, catalogue: Catalogue): Method {
  const method = catalogue.table?.byPath(target);
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
function onlyMessage(body: Uint8Array, method: Method, encoding: string | undefined, limitBytes: number): SingleMessage {
  if (body.length === 0) throw new CallError("MISSING_MESSAGE", "the request of a unary call holds no message", { source: "caller" });
  if (body.length < envelopeBytes)
    throw new CallError("INVALID_FRAMING", "the request ended in the middle of a message", { source: "caller" });
  const length = envelopeLength(body, 0);
  if (length > limitBytes) throw tooLarge(length, limitBytes, "caller");
  if (body.length < envelopeBytes + length)
    throw new CallError("INVALID_FRAMING", "the request ended in the middle of a message", { source: "caller" });
  if (body.length > envelopeBytes + length)
    throw new CallError("TOO_MANY_MESSAGES", "the request of a unary call holds more than one message", { source: "caller" });
  const envelope = { flags: body[0]!, bytes: body.subarray(envelopeBytes) };
  return new SingleMessage(payloadOf(method.input, envelope, encoding, limitBytes, "caller"));
}

interface Written {
  readonly size: number;
  readonly more: boolean;
}

const written = { size: 0, more: true };

/** Writes one message, compressed as it came where the answer's head allows. The result is overwritten by the next call. */
function writeMessage(payload: Payload, encoding: string | undefined, x: Exchange): Written {
  const { compressed } = payload;
  const pass = compressed !== undefined && compressed.encoding === encoding;
  const bytes = pass ? compressed.bytes : payload.wireView();
  written.size = bytes.length + envelopeBytes;
  written.more = x.write(bytes, envelopePrefix(pass ? compressedFlag : 0, bytes.length));
  return written;
}

async function streamReply(reply: Reply, head: readonly string[], call: Call, x: Exchange): Promise<Status> {
  const { messages } = reply;
  x.start(200, head);
  let status: Status;
  try {
    for (;;) {
      const next = messages.next();
      const payload = next instanceof Promise ? await next : next;
      if (payload === undefined || !x.open) break;
      const { size, more } = writeMessage(payload, reply.encoding, x);
      call.responseBytes += size;
      if (!more) await x.drained();
    }
    status = call.cancelled !== undefined ? statusOf(call.cancelled) : await reply.end;
  } catch (error) {
    messages.cancel();
    status = statusOf(call.cancelled ?? errorOfAnswer(error));
  }
  if (x.open) x.finish(grpcTrailers(status));
  else x.abort(resetCodeOf(status.code));
  return status;
}
