/**
 * REST calls in: a binding is found for method and path, path, query and body become one request message, the answer goes back as JSON.
 *
 * The trap: the body is not parsed here. It travels as JSON bytes and is checked where it is converted, so an error in it arrives as the
 * failure of the call, not of decoding.
 */
import { Call } from "../../core/call.ts";
import { CallError } from "../../core/call-error.ts";
import { Deadline } from "../../core/deadline.ts";
import { Metadata } from "../../core/metadata.ts";
import { MessageList, SingleMessage, type Messages } from "../../core/messages.ts";
import { didYouMean } from "../../core/nearest-name.ts";
import { slot } from "../../core/slots.ts";
import type { Payload } from "../../core/payload.ts";
import type { Reply } from "../../core/reply.ts";
import type { Status } from "../../core/status.ts";
import type { Binder } from "../../schema/binding/binder.ts";
import { isJsonType } from "../../schema/binding/form-part.ts";
import type { RouteMatch } from "../../schema/method-table.ts";
import type { BodyReader, Exchange, RequestHead } from "../../wire/exchange.ts";
import type { Catalogue, Inbound } from "../protocol.ts";
import { callerOf } from "../shared/caller-of.ts";
import { errorOfRequest } from "../shared/codec-failure.ts";
import { collectBody } from "../shared/collect-body.ts";
import { decodedBody } from "./content-decoding.ts";
import { writeError } from "./errors.ts";
import { profileHeader, readRequestHeaders, type RequestFields } from "./headers.ts";
import { isForm, overridingMethod, withQuery } from "./method-override.ts";
import { bindBody, unsupportedType } from "./request-body.ts";
import { JsonMessages, RawMessages } from "./request-stream.ts";
import { FormMessages } from "./form-messages.ts";
import { BodyMessages } from "./body-messages.ts";
import { writeLate, writeSingle } from "./single-answer.ts";
import { writeStream } from "./stream-reply.ts";

const kind = "rest";
/** One message a line, or one behind the other: never one array of messages. */
const lineTypes: ReadonlySet<string> = new Set([
  "application/x-ndjson",
  "application/ndjson",
  "application/jsonl",
  "application/json-lines",
]);

const noBytes = new Uint8Array(0);

/** Set only where the answer is not simply the response message as canonical JSON. */
const ResponseShape = slot<Binder>("rest.response-shape");

export function createRestInbound(): Inbound {
  return {
    kind,

    /** Last of the inbounds: whatever nobody else took is answered as REST, be it by a 404. */
    accepts: () => true,

    decode(x: Exchange, catalogue: Catalogue): Call | Promise<Call> {
      const { head } = x;
      const httpMethod = catalogue.methodOverride === true ? overridingMethod(head) : head.method;
      const found = routeOf(httpMethod, head.target, catalogue);
      const fields = readRequestHeaders(head.headers.flat);
      const chosen = fields.profile !== undefined || fields.acceptProfile !== undefined;
      const route = chosen ? profiled(found, fields) : found;
      const deadline = new Deadline(x.arrivedAtMs + fields.timeoutMs);
      const source = fields.contentEncoding === undefined ? x.body : decodedBody(x.body, fields.contentEncoding);
      if (route.method.clientStreaming) {
        const messages = requestMessages(head, source, route, fields.contentType, catalogue.messageBytes);
        const call = makeCall(x, route, fields, deadline, messages);
        if (!(messages instanceof BodyMessages)) return call;
        messages.countFor(call);
        // Where both sides stream, the upstream may be the one to speak first; and nothing is wrong with any first piece of a raw body.
        if (route.method.serverStreaming || messages instanceof RawMessages) return call;
        return messages.readAhead(deadline.atMs)?.then(() => call) ?? call;
      }
      const body = collectBody(head, source, catalogue.messageBytes, deadline.atMs);
      if (httpMethod !== head.method && route.binder.binding.body === "" && isForm(fields.contentType)) {
        const call = (form: Uint8Array): Call => {
          const asked = routeOf(httpMethod, withQuery(head.target, form), catalogue);
          return toCall(x, chosen ? profiled(asked, fields) : asked, fields, deadline, noBytes);
        };
        return body instanceof Promise ? body.then(call) : call(body);
      }
      if (body instanceof Promise) return body.then((bytes) => toCall(x, route, fields, deadline, bytes));
      return toCall(x, route, fields, deadline, body);
    },

    encode(reply: Reply, call: Call, x: Exchange, catalogue: Catalogue): Status | Promise<Status> {
      const shape = call.hasSlots ? call.slots.get(ResponseShape) : undefined;
      if (call.method.serverStreaming) return writeStream(reply, call, x, shape, catalogue);
      const end = reply.ended;
      if (end === undefined) return writeLate(reply, call, x, shape, catalogue);
      return writeSingle(reply, reply.messages.single!, end, call, x, shape, catalogue);
    },

    reject: writeError,
  };
}

/** The route with the JSON profile that the client chose. @throws CallError BAD_REQUEST when it named one by a header that is ours, and there is none */
function profiled(route: RouteMatch, { profile, acceptProfile }: RequestFields): RouteMatch {
  const { binder } = route;
  const chosen = binder.profiled(profile ?? acceptProfile!);
  if (chosen !== undefined) return route.boundBy(chosen);
  if (profile === undefined) return route;
  const hint = didYouMean(profile, binder.profileNames);
  throw new CallError("BAD_REQUEST", `header ${profileHeader}: no JSON profile ${JSON.stringify(profile.slice(0, 64))}${hint}`, {
    source: "caller",
  });
}

/** @throws CallError */
function routeOf(method: string, target: string, { table, own }: Catalogue): RouteMatch {
  const found = table?.route(method, target);
  if (found?.found === true) return found;
  const answeredHere = own?.route(method, target);
  if (answeredHere?.found === true) return answeredHere;
  const allow = [...(found?.allow ?? []), ...(answeredHere?.allow ?? [])];
  if (table === undefined && allow.length === 0) throw new CallError("NO_SCHEMA");
  throw missed(method, target, allow);
}

/** The messages of a client stream. @throws CallError */
function requestMessages(
  head: RequestHead,
  body: BodyReader,
  route: RouteMatch,
  contentType: string | undefined,
  limitBytes: number,
): Messages {
  const { binder, method } = route;
  if (binder.binding.body === "") {
    if (body.whole()?.length !== 0) throw new CallError("UNEXPECTED_BODY", undefined, { source: "caller" });
    return new MessageList([binder.bind(route, undefined)]);
  }
  if (method.serverStreaming && head.version !== "2")
    throw new CallError("UNSUPPORTED_STREAMING", `${method.path} streams both ways: use HTTP/2, or a WebSocket on this path`, {
      source: "caller",
      httpStatus: 400,
    });
  // Path and query are bound to every message; what is wrong with them is the fault of none, and there may be none.
  if (route.captures.length > 0 || route.query !== "") binder.bind(route, undefined);
  if (binder.rawBody) return new RawMessages(body, route, contentType ?? "");
  const type = (contentType ?? "").replace(/\s*;.*$/s, "").toLowerCase();
  if (lineTypes.has(type)) return new JsonMessages(body, route, limitBytes, "values");
  if (isJsonType(type)) return new JsonMessages(body, route, limitBytes, "any");
  if (type === "multipart/form-data") return new FormMessages(body, route, contentType!, limitBytes);
  if (head.contentLength <= 0 && body.whole()?.length === 0) return new MessageList([]);
  throw unsupportedType(contentType, "application/json, application/x-ndjson, multipart/form-data");
}

function toCall(x: Exchange, route: RouteMatch, fields: RequestFields, deadline: Deadline, body: Uint8Array): Call {
  const { binder } = route;
  // The two usual ways first; everything else is decided by content type and binding.
  let payload =
    body.length === 0 && !binder.rawBody
      ? binder.bind(route, undefined)
      : fields.contentType === "application/json" && !binder.rawBody
        ? binder.bind(route, body)
        : bindBody(route, fields.contentType, body);
  if (binder.events !== undefined && fields.lastEventId !== undefined) payload = resumed(payload, binder, fields.lastEventId);
  const call = makeCall(x, route, fields, deadline, new SingleMessage(payload));
  call.requestBytes = body.length;
  return call;
}

/** @throws CallError */
function resumed(request: Payload, { events, method }: Binder, lastEventId: string): Payload {
  try {
    return events!.resumed(request, lastEventId);
  } catch (error) {
    throw errorOfRequest(error, method);
  }
}

function makeCall(x: Exchange, { binder, method }: RouteMatch, fields: RequestFields, deadline: Deadline, messages: Messages): Call {
  const call = new Call(method, callerOf(x.peer, kind), Metadata.share(fields.metadata), messages, deadline, x.arrivedAtMs);
  call.binding = binder.binding;
  if (binder.shapesResponse) call.slots.set(ResponseShape, binder);
  return call;
}

function missed(httpMethod: string, target: string, allow: readonly string[]): CallError {
  const takes = [...allow, "OPTIONS"].sort().join(", ");
  // RFC 9110, section 9.3.7; the same for the server as a whole. (A rule of its own for OPTIONS would have been found.)
  if (httpMethod === "OPTIONS" && (allow.length > 0 || target === "*"))
    return new CallError("METHOD_NOT_ALLOWED", undefined, {
      source: "caller",
      httpStatus: 204,
      headers: target === "*" ? [] : ["allow", takes],
    });
  if (allow.length === 0) return new CallError("UNKNOWN_PATH", undefined, { source: "caller" });
  return new CallError("METHOD_NOT_ALLOWED", `this path does not take ${httpMethod}, but ${takes}`, {
    source: "caller",
    headers: ["allow", takes],
  });
}
