/**
 * REST calls in: a binding is found for method and path, path, query and body become one request message, the answer goes back as JSON.
 *
 * The trap: the body is not parsed here. It travels as JSON bytes and is checked where it is converted, so an error in it arrives as the
 * failure of the call, not of decoding.
 */
import { Call } from "../../core/call.ts";
import { CallError } from "../../core/call-error.ts";
import { Deadline } from "../../core/deadline.ts";
import { SingleMessage } from "../../core/messages.ts";
import { slot } from "../../core/slots.ts";
import type { Payload } from "../../core/payload.ts";
import type { Reply } from "../../core/reply.ts";
import { Code } from "../../core/code.ts";
import { statusOf, type Status } from "../../core/status.ts";
import type { Binder } from "../../schema/binding/binder.ts";
import type { RouteMatch } from "../../schema/method-table.ts";
import type { Exchange } from "../../wire/exchange.ts";
import type { Catalogue, Inbound } from "../protocol.ts";
import { errorOfAnswer } from "../shared/codec-failure.ts";
import { collectBody } from "../shared/collect-body.ts";
import { errorBody, httpStatusOf, type ResolveType } from "./errors.ts";
import { addAnswerHeaders, readRequestHeaders, requestedStatus, type RequestFields } from "./headers.ts";
import { streamFormOf } from "./stream-form.ts";
import { writeStreamReply } from "./stream-reply.ts";

const kind = "rest";
const jsonHeaders: readonly string[] = Object.freeze(["content-type", "application/json"]);

/** Set only where the answer is one field of the response message. */
const ResponseField = slot<Binder>("rest.response-field");

export function createRestInbound(): Inbound {
  return {
    kind,

    /** Last of the inbounds: whatever nobody else took is answered as REST, be it by a 404. */
    accepts: () => true,

    decode(x: Exchange, catalogue: Catalogue): Call | Promise<Call> {
      const { head } = x;
      if (catalogue.table === undefined) throw new CallError("NO_SCHEMA");
      const route = catalogue.table.route(head.method, head.target);
      if (!route.found) throw missed(head.method, route.allow);
      const { method } = route;
      if (method.clientStreaming)
        throw new CallError("UNSUPPORTED_STREAMING", `${method.path} takes a stream of requests; call it by gRPC or Connect`);
      const fields = readRequestHeaders(head.headers.flat);
      const deadline = new Deadline(x.arrivedAtMs + fields.timeoutMs);
      const body = collectBody(head, x.body, catalogue.messageBytes, deadline.atMs);
      if (body instanceof Promise) return body.then((bytes) => toCall(x, route, fields, deadline, bytes));
      return toCall(x, route, fields, deadline, body);
    },

    encode(reply: Reply, call: Call, x: Exchange, catalogue: Catalogue): Status | Promise<Status> {
      const end = reply.ended;
      if (end === undefined) {
        return writeStreamReply(reply, call, x, {
          form: streamFormOf(x.head.headers.get("accept")),
          json: (payload) => jsonOf(payload, call),
          errorJson: (error) => errorBody(error, resolverOf(catalogue)).toString("utf8"),
          reject: (error) => this.reject(error, x, catalogue),
        });
      }
      if (end.code !== Code.OK) {
        this.reject(end.error ?? CallError.of(end), x, catalogue);
        return end;
      }
      try {
        const json = jsonOf(reply.messages.single!, call);
        call.responseBytes = json.length;
        if (reply.metadata.size === 0 && end.trailers.size === 0) x.respond(200, jsonHeaders, json);
        else x.respond(requestedStatus(reply.metadata), answerHeaders(reply, end), json);
        return end;
      } catch (thrown) {
        const error = errorOfAnswer(thrown);
        this.reject(error, x, catalogue);
        return statusOf(error);
      }
    },

    reject(error: CallError, x: Exchange, catalogue: Catalogue): void {
      x.body.cancel();
      const headers = [...jsonHeaders, ...error.headers];
      if (error.code === Code.UNAUTHENTICATED && !error.headers.includes("www-authenticate")) headers.push("www-authenticate", "Bearer");
      if (error.metadata !== undefined) addAnswerHeaders(headers, error.metadata, "");
      addAnswerHeaders(headers, error.trailers, "trailer-");
      x.respond(httpStatusOf(error), headers, errorBody(error, resolverOf(catalogue)));
    },
  };
}

/** The answer's message, or the one field of it that the binding names. Valid until the next conversion. */
function jsonOf(payload: Payload, call: Call): Uint8Array {
  const binder = call.hasSlots ? call.slots.get(ResponseField) : undefined;
  return binder === undefined ? payload.jsonView() : binder.responseJson(payload);
}

function resolverOf(catalogue: Catalogue): ResolveType {
  return (name) => catalogue.table?.schema.message(name);
}

function toCall(x: Exchange, route: RouteMatch, fields: RequestFields, deadline: Deadline, body: Uint8Array): Call {
  const { binder, method } = route;
  if (body.length > 0 && !isJson(fields.contentType))
    throw new CallError(
      "UNSUPPORTED_MEDIA_TYPE",
      `content type ${JSON.stringify(fields.contentType ?? "")} is not supported: send application/json`,
    );
  const payload = binder.bind(route, body.length === 0 ? undefined : body);
  const caller = { address: x.peer.address, protocol: kind, secure: x.peer.tls !== undefined };
  const call = new Call(method, caller, fields.metadata, new SingleMessage(payload), deadline, x.arrivedAtMs);
  call.requestBytes = body.length;
  if (binder.responseField !== undefined) call.slots.set(ResponseField, binder);
  return call;
}

function missed(httpMethod: string, allow: readonly string[]): CallError {
  if (allow.length === 0) return new CallError("UNKNOWN_PATH", undefined, { source: "caller" });
  return new CallError("METHOD_NOT_ALLOWED", `this path does not take ${httpMethod}, but ${allow.join(", ")}`, {
    source: "caller",
    headers: ["allow", allow.join(", ")],
  });
}

/** "application/json", "application/*+json", with or without parameters. */
function isJson(contentType: string | undefined): boolean {
  return contentType === "application/json" || (contentType !== undefined && /^application\/([\w.-]+\+)?json\s*(;|$)/i.test(contentType));
}

function answerHeaders(reply: Reply, end: Status): string[] {
  const headers = [...jsonHeaders];
  addAnswerHeaders(headers, reply.metadata, "");
  addAnswerHeaders(headers, end.trailers, "trailer-");
  return headers;
}
