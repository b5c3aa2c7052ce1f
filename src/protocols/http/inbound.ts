/**
 * Plain HTTP in, for a service that speaks it: what no schema describes is passed on as it is, and its answer back.
 *
 * The trap: it takes only what nobody else can. A path that the schema (or the proxy itself) has a method for is that method's, in whatever
 * protocol it is called; so this side looks at the catalogue, and not at the head alone.
 */
import { Call } from "../../core/call.ts";
import { CallError } from "../../core/call-error.ts";
import { Deadline } from "../../core/deadline.ts";
import { HttpRequestSlot } from "../../core/http-request.ts";
import { MessageList, SingleMessage } from "../../core/messages.ts";
import { Metadata } from "../../core/metadata.ts";
import { Payload } from "../../core/payload.ts";
import type { Reply } from "../../core/reply.ts";
import { statusOf, type Status } from "../../core/status.ts";
import type { Exchange, RequestHead } from "../../wire/exchange.ts";
import { methodAt, type Catalogue, type Inbound } from "../protocol.ts";
import { callerOf } from "../shared/caller-of.ts";
import { errorJson } from "../shared/error-json.ts";
import { serverTimeoutOf } from "../shared/http-fields.ts";
import { httpStatusOfCode } from "../shared/http-status.ts";
import { HttpAnswerSlot, httpMethod } from "./http-call.ts";
import { BodyChunks } from "./body-chunks.ts";
import { forwarded } from "./forwarded.ts";

type Pulled = Payload | undefined | Promise<Payload | undefined>;

const kind = "http";
const none: readonly Payload[] = [];
/** RFC 9113, section 7. */
const internalError = 0x2;
/** CONNECT asks for a tunnel, and TRACE for an echo of headers that are none of the caller's business. */
const refusedMethods: ReadonlySet<string> = new Set(["CONNECT", "TRACE"]);

export function createHttpInbound(): Inbound {
  return {
    kind,

    accepts(head: RequestHead, contentType: string, catalogue?: Catalogue): boolean {
      if (catalogue?.plainHttp !== true || head.upgrade === "websocket" || head.target.charCodeAt(0) !== 0x2f) return false;
      return !isGrpc(contentType) && !isDescribed(head, catalogue);
    },

    decode(x: Exchange, { bodyBytes = Infinity }: Catalogue): Call {
      const { head, peer } = x;
      const { method, target, authority, contentLength, acceptsTrailers } = head;
      if (refusedMethods.has(method))
        throw new CallError("METHOD_NOT_ALLOWED", `${method} is not passed on`, { source: "caller", headers: ["allow", ""] });
      if (contentLength > bodyBytes) throw new CallError("MESSAGE_TOO_LARGE", undefined, { source: "caller" });
      const deadline = new Deadline(x.arrivedAtMs + serverTimeoutOf(head.headers));
      const opaque = httpMethod(method);
      const whole = x.body.whole();
      if (whole !== undefined && whole.length > bodyBytes) throw new CallError("MESSAGE_TOO_LARGE", undefined, { source: "caller" });
      const messages =
        whole === undefined
          ? new BodyChunks(x.body, opaque.input, bodyBytes)
          : whole.length === 0
            ? new MessageList(none)
            : new SingleMessage(Payload.ofWire(opaque.input, whole));
      const metadata = Metadata.share(forwarded(head, peer));
      const call = new Call(opaque, callerOf(peer, kind), metadata, messages, deadline, x.arrivedAtMs);
      if (messages instanceof BodyChunks) messages.call = call;
      else call.requestBytes = whole!.length;
      const length = whole === undefined ? contentLength : whole.length;
      call.slots.set(HttpRequestSlot, { method, target, authority, contentLength: length, acceptsTrailers });
      return call;
    },

    encode(reply: Reply, call: Call, x: Exchange): Status | Promise<Status> {
      const { ended, messages, metadata } = reply;
      // To HEAD the length is said of a body that does not follow.
      if (ended === undefined || !isWhole(ended) || call.cancelled !== undefined || x.head.method === "HEAD")
        return stream(reply, call, x, []);
      const only = messages.next();
      const second = only === undefined || only instanceof Promise ? undefined : messages.next();
      if (only instanceof Promise || second !== undefined) return stream(reply, call, x, only instanceof Promise ? [only] : [only, second]);
      const bytes = only?.wire();
      call.responseBytes = bytes === undefined ? 0 : bytes.length;
      const { status, contentLength } = call.slots.get(HttpAnswerSlot)!;
      if (x.head.version !== "2") x.respond(status, metadata.flat, bytes, ended.trailers.flat);
      else {
        // Frames tell how long it is; only here is it also said, when the server has said it.
        x.start(status, metadata.flat, contentLength);
        if (bytes !== undefined) x.write(bytes);
        x.finish(ended.trailers.flat);
      }
      return ended;
    },

    reject(error: CallError, x: Exchange, catalogue: Catalogue): void {
      x.body.cancel();
      const headers = ["content-type", "application/json", ...error.headers];
      x.respond(error.httpStatus ?? httpStatusOfCode(error.code), headers, Buffer.from(errorJson(error, catalogue)));
    },
  };
}

/** An answer that is still coming, or comes in pieces. Never rejects. @param taken what has been pulled of it already */
async function stream(reply: Reply, call: Call, x: Exchange, taken: readonly Pulled[]): Promise<Status> {
  const { status, contentLength } = call.slots.get(HttpAnswerSlot)!;
  const { messages } = reply;
  x.start(status, reply.metadata.flat, contentLength);
  try {
    for (let index = 0; ; index++) {
      const next = index < taken.length ? taken[index] : messages.next();
      const chunk = next instanceof Promise ? await next : next;
      if (chunk === undefined || !x.open) break;
      const bytes = chunk.wire();
      call.responseBytes += bytes.length;
      if (!x.write(bytes)) await x.drained();
    }
    if (!x.open) messages.cancel();
    const end = call.cancelled === undefined ? await reply.end : statusOf(call.cancelled);
    if (isWhole(end)) x.finish(end.trailers.flat);
    else x.abort(internalError);
    return end;
  } catch (error) {
    messages.cancel();
    // The caller must see that something is missing, and the head has gone.
    if (x.open) x.abort(internalError);
    return statusOf(call.cancelled ?? CallError.of(error));
  }
}

/** The service's own status is no failure of the transport. */
function isWhole({ error }: Status): boolean {
  return error === undefined || error.reason === "UPSTREAM_STATUS";
}

/** A schema has a method for it. */
function isDescribed({ method, target }: RequestHead, catalogue: Catalogue): boolean {
  const query = target.indexOf("?");
  if (methodAt(catalogue, query < 0 ? target : target.slice(0, query)) !== undefined) return true;
  return catalogue.table?.route(method, target).found === true;
}

/** gRPC itself, which an HTTP/1.1 server cannot take; gRPC-Web it can. */
function isGrpc(contentType: string): boolean {
  return contentType.startsWith("application/grpc") && !contentType.startsWith("application/grpc-web");
}
