/**
 * Calls out to a REST backend, by the same `google.api.http` rules that bring REST calls in, read the other way (SEMANTICS A1.18).
 *
 * A unary call resolves when the answer has been read and rejects when the backend's status is no success; a server stream resolves with the head.
 * The trap: a message is a view of the codec's memory when it has just been printed, so it is written before anything else is awaited.
 */
import type { Call } from "../../core/call.ts";
import { CallError } from "../../core/call-error.ts";
import type { Clock } from "../../core/clock.ts";
import type { JsonProfile } from "../../core/message-type.ts";
import { SingleMessage } from "../../core/messages.ts";
import { Metadata } from "../../core/metadata.ts";
import type { Method } from "../../core/method.ts";
import { Payload } from "../../core/payload.ts";
import { UnaryReply, type Reply } from "../../core/reply.ts";
import { okStatus } from "../../core/status.ts";
import type { ClientStream, HttpClient } from "../../wire/http-client.ts";
import type { Outbound } from "../protocol.ts";
import { tooLarge } from "../shared/envelope.ts";
import { readGrpcStatus } from "../shared/grpc-status.ts";
import { onlyMessage } from "../shared/only-message.ts";
import { collectAnswer, collectUpTo, openedBody } from "./backend/body.ts";
import { errorOfBackend, type TypeResolver } from "./backend/errors.ts";
import { BackendExchange, type BackendHead } from "./backend/exchange.ts";
import { answerFields, requestFields, trailerFields, type AnswerFields } from "./backend/fields.ts";
import { answerFormOf, BackendMessages } from "./backend/messages.ts";
import { RequestPlan, type PlannedRequest, type Route } from "./backend/request-plan.ts";
import { uploadMessages } from "./backend/upload.ts";

export interface RestOutboundOptions {
  readonly scheme: "http" | "https";
  /** host:port */
  readonly authority: string;
  readonly clock: Clock;
  /** Largest message accepted from the backend, as JSON. */
  readonly messageBytes: number;
  /** How the backend wants its JSON. */
  readonly json: JsonProfile;
  /** The schema's types, for the details of errors. */
  readonly resolve: TypeResolver;
}

/** Longer ones are refused by most servers. */
const targetBytes = 16 << 10;
/** Of an error's body; what is longer is no `google.rpc.Status`. */
const errorBytes = 1 << 20;
const none: readonly string[] = Object.freeze([]);
const takesTrailers: readonly string[] = Object.freeze(["te", "trailers"]);

export function createRestOutbound(client: HttpClient, options: RestOutboundOptions): Outbound {
  const { clock, json } = options;
  const plans = new WeakMap<Method, RequestPlan>();

  function planOf(method: Method): RequestPlan {
    let plan = plans.get(method);
    if (plan === undefined) plans.set(method, (plan = new RequestPlan(method, { json, repeatedMessages: false, targetBytes })));
    return plan;
  }

  function open(call: Call, { route, request }: PlannedRequest, contentType: string | undefined, exchange: BackendExchange): ClientStream {
    const { scheme, authority } = options;
    const { method, deadline } = call;
    const accept = route.reader.raw ? "*/*" : method.serverStreaming ? acceptStream : "application/json";
    const remainingMs = deadline.isSet ? deadline.remainingMs(clock.nowMs()) : Infinity;
    const template = { method: request.httpMethod, scheme, authority, path: request.target, headers: none };
    const headers = requestFields(call, accept, contentType, remainingMs);
    return client.open(template, headers, method.serverStreaming ? takesTrailers : none, exchange, deadline.atMs);
  }

  function sendSingle(call: Call, message: Payload, exchange: BackendExchange): Route {
    const planned = planOf(call.method).expand(message);
    const { bytes, contentType } = planned.request.body;
    const stream = open(call, planned, contentType, exchange);
    if (bytes === undefined) stream.end();
    else stream.write(bytes, true);
    exchange.begin(stream);
    return planned.route;
  }

  async function sendStream(call: Call, exchange: BackendExchange): Promise<Route> {
    const plan = planOf(call.method);
    // Nothing has been asked of the backend yet, so the head settles only when the call is cancelled.
    const first = await Promise.race([call.messages.next(), exchange.head as Promise<never>]);
    const planned = plan.expand(first ?? emptyOf(call));
    const raw = planned.route.expander.rule.rawBody;
    const stream = open(call, planned, raw ? planned.request.body.contentType : "application/x-ndjson", exchange);
    exchange.begin(stream);
    void uploadMessages(call, plan, planned, first, stream, exchange);
    return planned.route;
  }

  return {
    async send(call: Call): Promise<Reply> {
      const { deadline, method } = call;
      if (deadline.isSet && deadline.remainingMs(clock.nowMs()) <= 0)
        throw new CallError("DEADLINE_EXCEEDED", undefined, { retry: "never" });
      call.throwIfCancelled();
      const exchange = new BackendExchange(call);
      try {
        const route = method.clientStreaming ? await sendStream(call, exchange) : sendSingle(call, await onlyMessage(call), exchange);
        const head = await exchange.head;
        if (head.status < 200 || head.status > 299) throw await failureOf(call, head, exchange, options);
        const fields = answerFields(head.headers, head.status);
        return method.serverStreaming
          ? streamReply(call, route, fields, exchange, options)
          : await unaryReply(route, fields, exchange, options);
      } catch (error) {
        exchange.cancel();
        throw call.cancelled ?? CallError.of(error);
      }
    },
    close: () => client.close(),
  };
}

/** Messages as soon as they are there; an array, if it must be. */
const acceptStream = "application/x-ndjson, text/event-stream;q=0.9, application/json;q=0.8";

function emptyOf({ method }: Call): Payload {
  return Payload.ofWire(method.input, new Uint8Array(0));
}

async function unaryReply(
  { reader }: Route,
  fields: AnswerFields,
  exchange: BackendExchange,
  { messageBytes }: RestOutboundOptions,
): Promise<Reply> {
  if (fields.contentLength > messageBytes) throw tooLarge(fields.contentLength, messageBytes, "upstream");
  const bytes = await collectAnswer(exchange, fields.contentEncoding, messageBytes);
  const status = readGrpcStatus(exchange.trailerList);
  if (status?.error !== undefined) throw status.error;
  const trailers = new Metadata([...fields.trailers.flat, ...trailerFields(exchange.trailerList).flat]);
  return new UnaryReply(
    fields.metadata,
    new SingleMessage(messageOf(reader, fields, bytes)),
    okStatus(trailers.size === 0 ? undefined : trailers),
  );
}

function messageOf(reader: Route["reader"], { contentType }: AnswerFields, bytes: Uint8Array): Payload {
  if (reader.raw) return reader.ofRaw(contentType, bytes);
  if (bytes.length === 0) return reader.ofNothing();
  const form = answerFormOf(typeOf(contentType));
  if (form !== "any" && form !== "values") throw wrongType(contentType, "JSON");
  return reader.ofJson(bytes);
}

function streamReply(
  call: Call,
  { reader }: Route,
  fields: AnswerFields,
  exchange: BackendExchange,
  { messageBytes, resolve }: RestOutboundOptions,
): Reply {
  const { metadata, contentType, contentLength } = fields;
  const form = reader.raw ? "raw" : contentLength === 0 ? "any" : answerFormOf(typeOf(contentType));
  if (form === undefined) throw wrongType(contentType, "a stream of JSON");
  const body = openedBody(exchange, fields.contentEncoding);
  const messages = new BackendMessages(call, { exchange, body, form, contentType, reader, limitBytes: messageBytes, resolve });
  return { metadata, messages, encoding: undefined, ended: undefined, end: messages.end };
}

/** The backend's status as an error, with as much of its body as helps. */
async function failureOf(
  call: Call,
  { status, headers }: BackendHead,
  exchange: BackendExchange,
  { resolve }: RestOutboundOptions,
): Promise<CallError> {
  const { metadata, trailers, contentType, contentEncoding } = answerFields(headers);
  let body: Uint8Array = new Uint8Array(0);
  try {
    body = (await collectUpTo(exchange, contentEncoding, errorBytes)).bytes;
  } catch (error) {
    // The status has been said; a body that cannot be read takes nothing from it.
    if (call.cancelled !== undefined) throw error;
  }
  return errorOfBackend({ status, contentType, body, metadata, trailers }, resolve);
}

function typeOf(contentType: string | undefined): string {
  return (contentType ?? "")
    .replace(/\s*;.*$/s, "")
    .trim()
    .toLowerCase();
}

function wrongType(contentType: string | undefined, expected: string): CallError {
  const type = JSON.stringify((contentType ?? "").slice(0, 100));
  return new CallError("UPSTREAM_PROTOCOL", `the upstream answered ${type} where ${expected} was expected`, { source: "upstream" });
}
