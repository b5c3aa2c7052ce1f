/**
 * Connect calls in (connectrpc.com/docs/protocol): unary by POST and GET, streams in envelopes, protobuf or JSON.
 *
 * The trap: a unary failure has a real HTTP status, a streaming one never has; which of the two a request is, its content type says.
 */
import { Call } from "../../core/call.ts";
import { CallError } from "../../core/call-error.ts";
import { Code } from "../../core/code.ts";
import { Deadline } from "../../core/deadline.ts";
import { SingleMessage, type Messages } from "../../core/messages.ts";
import { Metadata } from "../../core/metadata.ts";
import type { Method } from "../../core/method.ts";
import type { Payload } from "../../core/payload.ts";
import type { Reply } from "../../core/reply.ts";
import { statusOf, type Status } from "../../core/status.ts";
import type { Exchange, RequestHead } from "../../wire/exchange.ts";
import { methodAt, type Catalogue, type Inbound } from "../protocol.ts";
import { callerOf } from "../shared/caller-of.ts";
import { errorOfAnswer } from "../shared/codec-failure.ts";
import { collectBody } from "../shared/collect-body.ts";
import { tooLarge } from "../shared/envelope.ts";
import { writeSingle, writeStream, type MessageForm } from "../shared/enveloped-reply.ts";
import { httpStatusOfCode } from "../shared/http-status.ts";
import { MessageBody } from "../shared/message-body.ts";
import { opaqueMethod, opaqueUnaryMethod } from "../shared/opaque-type.ts";
import { refuseInWords } from "../shared/refuse-in-words.ts";
import { connectError } from "./errors.ts";
import { readRequestFields, type RequestFields } from "./request-fields.ts";
import { formOf, isConnect, kindOf } from "./request-kind.ts";
import { endStream, rejectStream, startStream } from "./streaming.ts";
import { readGetQuery, unaryPayload } from "./unary-request.ts";

const kind = "connect";

export function createConnectInbound(): Inbound {
  return {
    kind,

    accepts: isConnect,

    decode(x: Exchange, catalogue: Catalogue): Call | Promise<Call> {
      const { head } = x;
      const fields = readRequestFields(head.headers.flat);
      if (head.method === "GET") return decodeGet(x, fields, catalogue);
      if (head.method !== "POST")
        throw new CallError("METHOD_NOT_ALLOWED", "calls of this protocol are POST requests", { headers: ["allow", "POST"] });
      const request = kindOf(head);
      if (request === undefined) throw unsupported(head);
      const path = pathOf(head.target);
      const method = methodAt(catalogue, path) ?? (request.streaming ? opaqueMethod(path) : opaqueUnaryMethod(path));
      // An envelope for a unary method, or the reverse, is the wrong content type for it.
      if (method.unary === request.streaming) throw unsupported(head);
      return request.streaming
        ? decodeStream(x, fields, method, request.form, catalogue)
        : decodeUnary(x, fields, method, request.form, catalogue);
    },

    encode(reply: Reply, call: Call, x: Exchange, catalogue: Catalogue): Status | Promise<Status> {
      const form = formOf(x.head);
      if (kindOf(x.head)?.streaming !== true) return encodeUnary(reply, call, x, form, catalogue);
      startStream(x, form, reply.metadata, form === "json" ? undefined : reply.encoding);
      const { single } = reply.messages;
      const end =
        single === undefined || reply.ended === undefined ? writeStream(reply, call, x, form) : writeSingle(single, reply, call, x, form);
      if (!(end instanceof Promise)) {
        endStream(x, end, catalogue.plainErrors);
        return end;
      }
      return end.then((status) => {
        endStream(x, status, catalogue.plainErrors);
        return status;
      });
    },

    reject(error: CallError, x: Exchange, catalogue: Catalogue): void {
      x.body.cancel();
      const request = kindOf(x.head);
      if (request?.streaming === true && error.reason !== "UNSUPPORTED_MEDIA_TYPE")
        rejectStream(x, request.form, error, catalogue.plainErrors);
      else rejectUnary(error, x, catalogue);
    },
  };
}

function decodeUnary(x: Exchange, fields: RequestFields, method: Method, form: MessageForm, catalogue: Catalogue): Call | Promise<Call> {
  const deadline = new Deadline(x.arrivedAtMs + fields.timeoutMs);
  const { messageBytes } = catalogue;
  const body = collectBody(x.head, x.body, messageBytes, deadline.atMs);
  if (body instanceof Promise) return body.then((bytes) => unaryCall(x, fields, method, deadline, form, bytes, messageBytes));
  return unaryCall(x, fields, method, deadline, form, body, messageBytes);
}

function unaryCall(
  x: Exchange,
  fields: RequestFields,
  method: Method,
  deadline: Deadline,
  form: MessageForm,
  bytes: Uint8Array,
  limitBytes: number,
): Call {
  const payload = unaryPayload(method, form, fields.unaryEncoding.request, bytes, limitBytes);
  return callOf(x, fields, method, deadline, new SingleMessage(payload), bytes.length, form);
}

function decodeGet(x: Exchange, fields: RequestFields, catalogue: Catalogue): Call {
  const { target } = x.head;
  const path = pathOf(target);
  const method = methodAt(catalogue, path);
  if (method === undefined) throw new CallError("UNKNOWN_METHOD", undefined, { source: "caller", httpStatus: 404 });
  if (!method.unary || method.idempotency !== "no-side-effects")
    throw new CallError("METHOD_NOT_ALLOWED", `${path} may have side effects: call it by POST`, {
      source: "caller",
      headers: ["allow", "POST"],
    });
  const { form, encoding, message } = readGetQuery(target.slice(path.length + 1));
  if (message.length > catalogue.messageBytes) throw tooLarge(message.length, catalogue.messageBytes, "caller");
  const payload = unaryPayload(method, form, encoding, message, catalogue.messageBytes);
  return callOf(x, fields, method, new Deadline(x.arrivedAtMs + fields.timeoutMs), new SingleMessage(payload), message.length, form);
}

function decodeStream(x: Exchange, fields: RequestFields, method: Method, form: MessageForm, catalogue: Catalogue): Call | Promise<Call> {
  const body = new MessageBody(x.body, method.input, fields.streamEncoding.request, catalogue.messageBytes, form);
  const deadline = new Deadline(x.arrivedAtMs + fields.timeoutMs);
  if (method.clientStreaming) return callOf(x, fields, method, deadline, body, 0, form);
  return onlyMessage(body).then((payload) => callOf(x, fields, method, deadline, new SingleMessage(payload), 0, form));
}

/** A server stream's one request. @throws CallError */
async function onlyMessage(body: MessageBody): Promise<Payload> {
  const payload = await body.next();
  if (payload === undefined)
    throw new CallError("MISSING_MESSAGE", "the request of a server stream holds no message", { source: "caller" });
  if ((await body.next()) !== undefined)
    throw new CallError("TOO_MANY_MESSAGES", "the request of a server stream holds more than one message", { source: "caller" });
  return payload;
}

function callOf(
  x: Exchange,
  fields: RequestFields,
  method: Method,
  deadline: Deadline,
  messages: Messages,
  requestBytes: number,
  form: MessageForm,
): Call {
  const call = new Call(method, callerOf(x.peer, kind), Metadata.share(fields.metadata), messages, deadline, x.arrivedAtMs);
  // JSON has to be opened anyway, so only protobuf crosses as it was compressed.
  if (form === "wire") call.encoding = method.unary ? fields.unaryEncoding : fields.streamEncoding;
  call.requestBytes = requestBytes;
  return call;
}

/** Frozen: the wire keeps their bytes. */
const wireHeaders: readonly string[] = Object.freeze(["content-type", "application/proto"]);
const jsonHeaders: readonly string[] = Object.freeze(["content-type", "application/json"]);

function encodeUnary(reply: Reply, call: Call, x: Exchange, form: MessageForm, catalogue: Catalogue): Status {
  const end = reply.ended!;
  try {
    if (end.code !== Code.OK) throw end.error ?? CallError.of(end);
    const payload = reply.messages.single!;
    const { compressed } = payload;
    const pass = form === "wire" && compressed !== undefined && compressed.encoding === reply.encoding;
    const bytes = pass ? compressed.bytes : form === "wire" ? payload.wireView() : payload.jsonView();
    call.responseBytes = bytes.length;
    const headers = form === "wire" ? wireHeaders : jsonHeaders;
    const encoded = pass ? [...headers, "content-encoding", compressed.encoding] : headers;
    x.respond(200, withMetadata(encoded, reply.metadata, end.trailers), bytes);
    return end;
  } catch (thrown) {
    const error = errorOfAnswer(thrown);
    rejectUnary(error, x, catalogue);
    return statusOf(error);
  }
}

function rejectUnary(error: CallError, x: Exchange, catalogue: Catalogue): void {
  const { reason, code } = error;
  if (reason === "UNSUPPORTED_MEDIA_TYPE" || reason === "METHOD_NOT_ALLOWED") {
    refuseInWords(error, error.httpStatus!, x);
    return;
  }
  const headers = withMetadata(["content-type", "application/json", ...error.headers], error.metadata ?? Metadata.empty, error.trailers);
  const status = code === Code.UNIMPLEMENTED && isUnknown(x.head, catalogue) ? 404 : httpStatusOfCode(code);
  x.respond(status, headers, Buffer.from(JSON.stringify(connectError(error, catalogue.plainErrors))));
}

/** A path that neither the schema knows nor, as it turned out, the upstream. */
function isUnknown({ target }: RequestHead, catalogue: Catalogue): boolean {
  return catalogue.table !== undefined && methodAt(catalogue, pathOf(target)) === undefined;
}

/** The same list where there is nothing to add. */
function withMetadata(headers: readonly string[], metadata: Metadata, trailers: Metadata): readonly string[] {
  if (metadata.size === 0 && trailers.size === 0) return headers;
  const all = [...headers, ...metadata.flat];
  for (const [name, value] of trailers) all.push(`trailer-${name}`, value);
  return all;
}

function pathOf(target: string): string {
  const query = target.indexOf("?");
  return query < 0 ? target : target.slice(0, query);
}

function unsupported(head: RequestHead): CallError {
  return new CallError(
    "UNSUPPORTED_MEDIA_TYPE",
    `content type ${JSON.stringify(head.headers.get("content-type") ?? "")} is not supported for this method`,
    {
      source: "caller",
      headers: ["accept-post", "application/json, application/proto, application/connect+json, application/connect+proto"],
    },
  );
}
