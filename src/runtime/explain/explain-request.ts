/**
 * Which template, method, policies and backend a request would meet, what each part of it becomes, and for one that is refused why.
 *
 * The verdict is that of a trial (trial.ts) by the code that serves requests; what is added here only describes it and never overrules it.
 */
import { redact } from "../../config/redact.ts";
import type { Config } from "../../config/schema.ts";
import { codeName } from "../../core/code.ts";
import { CallError } from "../../core/call-error.ts";
import { CodecError } from "../../core/message-type.ts";
import type { Method } from "../../core/method.ts";
import { Metadata } from "../../core/metadata.ts";
import { methodAt, type Catalogue, type Inbound } from "../../protocols/protocol.ts";
import { withoutSecrets } from "../../schema/binding/explain-binding.ts";
import type { Binder } from "../../schema/binding/binder.ts";
import type { MessageDescriptor } from "../../schema/descriptor.ts";
import type { RouteExplanation } from "../../schema/http-rule/explain-routes.ts";
import type { RouteMatch } from "../../schema/method-table.ts";
import type { RequestHead } from "../../wire/exchange.ts";
import { inboundFor } from "../dispatch.ts";
import type { Pipelines } from "../pipelines.ts";
import type { BindingView, BodyView, Explanation, NearView, PartView, RefusalView, RpcView } from "./explanation.ts";
import { readExplainedRequest, type DryRequest, type ExplainedRequest } from "./explained-request.ts";
import { Trial } from "./trial.ts";

export interface ExplainContext {
  readonly config: Config;
  readonly catalogue: Catalogue;
  readonly inbounds: readonly Inbound[];
  readonly pipelines: Pick<Pipelines, "describe" | "answersItself">;
  /** Of the connection to the upstream, where there is one. */
  readonly upstreamState?: string | undefined;
}

const maxNear = 3;
/** Routes that are looked at for others that fit too. */
const maxRivals = 12;

/** @throws UnusableRequest */
export async function explainRequest(request: ExplainedRequest, context: ExplainContext): Promise<Explanation> {
  let dry: DryRequest;
  try {
    dry = readExplainedRequest(request, context.config.limits.uriBytes);
  } catch (error) {
    if (error instanceof CallError) return refusedByWire(request, error, context);
    throw error;
  }
  const { catalogue, inbounds } = context;
  const trial = await Trial.run(dry, context);
  const { head } = dry;
  const found = trial.routed?.route.found === true ? trial.routed.route : undefined;
  const method = trial.call?.method ?? found?.method;
  return {
    request: {
      method: head.method,
      path: head.target.split("?")[0]!,
      httpVersion: head.version,
      contentType: head.headers.get("content-type"),
      bodyBytes: dry.bodyGiven ? dry.body.length : 0,
    },
    ...outcomeOf(trial),
    protocol: trial.dispatched
      ? protocolOf(inbounds, head, catalogue)
      : { kind: "none", because: "it is answered before any protocol is asked" },
    rpc: method && rpcView(method, context),
    binding: found && bindingView(found.binder),
    bindings: found === undefined ? [] : partViews(found),
    body: bodyView(trial, found, dry),
    message: messageOf(trial),
    metadata: [...new Set((trial.call?.metadata ?? Metadata.empty).flat.filter((_, index) => index % 2 === 0))],
    policies: trial.dispatched ? policyViews(context, trial.switched ? method : trial.call?.method) : [],
    upstream: upstreamView(context),
    ...nearby(trial, head, catalogue, found),
    notes: dry.notes,
  };
}

function outcomeOf({ call, switched, error, answer }: Trial): Pick<Explanation, "verdict" | "status" | "error"> {
  if (error === undefined)
    return call === undefined && !switched
      ? { verdict: "answer", status: answer?.status, error }
      : { verdict: "call", status: undefined, error };
  // The status of the error's own: a gRPC error is HTTP 200 as well as the answer to an OPTIONS is 204.
  const isAnswer = error.httpStatus !== undefined && error.httpStatus < 400;
  return { verdict: isAnswer ? "answer" : "refusal", status: answer?.status, error: refusalView(error) };
}

function refusedByWire({ httpMethod, url, body }: ExplainedRequest, error: CallError, context: ExplainContext): Explanation {
  return {
    request: { method: httpMethod, path: url.split("?")[0]!, httpVersion: "1.1", contentType: undefined, bodyBytes: body?.length ?? 0 },
    verdict: "refusal",
    status: error.httpStatus,
    error: refusalView(error),
    protocol: undefined,
    rpc: undefined,
    binding: undefined,
    bindings: [],
    body: undefined,
    message: undefined,
    metadata: [],
    policies: [],
    upstream: upstreamView(context),
    nearest: [],
    hints: [],
    notes: ["the connection refuses it before any protocol looks at it"],
  };
}

function refusalView(error: CallError): RefusalView {
  const { reason, code, message, violations, headers, cause } = error;
  const allow = headers[headers.indexOf("allow") + 1];
  return {
    reason,
    code: codeName(code),
    message,
    field: violations[0]?.field,
    offset: cause instanceof CodecError ? cause.offset : undefined,
    allow: headers.includes("allow") ? allow?.split(", ") : undefined,
  };
}

/** The protocol, and the least of the request's head that makes it that one. */
function protocolOf(inbounds: readonly Inbound[], head: RequestHead, catalogue: Catalogue): Explanation["protocol"] {
  const chosen = inboundFor(inbounds, head, catalogue);
  const { kind } = chosen;
  const path = head.target.split("?")[0]!;
  const bare: RequestHead = { ...head, target: path, headers: Metadata.empty, upgrade: undefined };
  const isChosen = (alike: RequestHead): boolean => inboundFor(inbounds, alike, catalogue) === chosen;
  if (isChosen(bare)) return { kind, because: "no other protocol claims it" };
  for (const [name, value] of head.headers)
    if (isChosen({ ...bare, headers: new Metadata([name, value]) }))
      return { kind, because: name === "content-type" ? `${name}: ${value}` : `the header ${name}` };
  if (isChosen({ ...bare, upgrade: head.upgrade })) return { kind, because: `upgrade: ${head.upgrade}` };
  return { kind, because: isChosen({ ...bare, target: head.target }) ? "its query" : "its header fields together" };
}

function rpcView(method: Method, { catalogue, pipelines }: ExplainContext): RpcView {
  const { path, input, output, unary, serverStreaming, clientStreaming } = method;
  const own = pipelines.answersItself(method);
  if (methodAt(catalogue, path) === undefined) return { path, input: undefined, output: undefined, kind: undefined, known: false, own };
  const kind = unary ? "unary" : !clientStreaming ? "server stream" : !serverStreaming ? "client stream" : "bidirectional stream";
  return { path, input: input.name, output: output.name, kind, known: true, own };
}

function bindingView({ binding: { httpMethod, template, body, responseBody }, method }: Binder): BindingView {
  return { httpMethod, template, body, responseBody, automatic: template === method.path };
}

function partViews(route: RouteMatch): PartView[] {
  return route.binder.explain(route).map(({ error, ...part }) => ({ ...part, error: error?.message }));
}

function bodyView({ call, switched, error }: Trial, found: RouteMatch | undefined, { body, bodyGiven }: DryRequest): BodyView | undefined {
  if (switched) return { becomes: "messages, one for each frame", given: false, converts: undefined };
  const given = bodyGiven && body.length > 0;
  if (found === undefined)
    return call === undefined ? undefined : { becomes: "the message", given, converts: given ? error === undefined : undefined };
  const { binding, rawBody } = found.binder;
  const whole = binding.body === "*" ? "the whole message" : binding.body === "" ? undefined : `the field ${binding.body}`;
  const becomes = rawBody && whole !== undefined ? `${whole}, as it is with its content type` : whole;
  return { becomes, given, converts: given && (error === undefined || isOfBody(error)) ? error === undefined : undefined };
}

/** The parts of the URL were in order, or had not been looked at yet, when the body was found at fault. */
function isOfBody({ reason, cause }: CallError): boolean {
  return cause instanceof CodecError || reason === "UNEXPECTED_BODY" || reason === "UNSUPPORTED_MEDIA_TYPE" || reason === "INVALID_JSON";
}

function messageOf({ message, error }: Trial): unknown {
  if (message === undefined || error !== undefined || !("fields" in message.type)) return undefined;
  return withoutSecrets(message.type as MessageDescriptor, JSON.parse(Buffer.from(message.json()).toString()));
}

function policyViews({ pipelines }: ExplainContext, method: Method | undefined): Explanation["policies"] {
  return pipelines.describe(method?.path).map(({ kind, settings }) => ({ kind, settings: redact(settings) }));
}

function upstreamView({ config, upstreamState }: ExplainContext): Explanation["upstream"] {
  return { service: config.service, url: config.inbound.upstream, state: upstreamState };
}

function nearby(
  { routed, call, error }: Trial,
  head: RequestHead,
  catalogue: Catalogue,
  found: RouteMatch | undefined,
): Pick<Explanation, "nearest" | "hints"> {
  const { table } = catalogue;
  if (table === undefined) return { nearest: [], hints: [] };
  if (found !== undefined) {
    const { httpMethod, target } = routed!;
    const rivals = table.explain(httpMethod, target, maxRivals);
    const later = rivals.filter(({ reason, route }) => reason === undefined && route.value !== found.binder);
    return { nearest: later.slice(0, maxNear).map(nearView), hints: [] };
  }
  if (routed !== undefined && !routed.route.found && call === undefined) {
    const { httpMethod, target, route } = routed;
    const near = table.explain(httpMethod, target, maxRivals);
    const known = route.allow.length > 0;
    // Where the path is known, its HTTP method is what is wrong, unless the path is a slip of the pen away from another one.
    const told = known ? near.filter(({ pathFits, segments }) => pathFits || segments.some(isSlip)) : near;
    const hints = known ? [] : table.hints(httpMethod, target);
    const nearest = (known ? told : leastOff(told)).slice(0, hints.length > 0 ? 1 : maxNear);
    return { nearest: nearest.map(nearView), hints };
  }
  const unknown = call === undefined ? error?.reason === "UNKNOWN_METHOD" : methodAt(catalogue, call.method.path) === undefined;
  return { nearest: unknown ? table.explain("POST", head.target, maxNear).map(nearView) : [], hints: [] };
}

function isSlip({ note }: NearView["segments"][number]): boolean {
  return note?.startsWith("differs ") === true;
}

/** What differs in more places than another one does is no help beside it, nor beside a slip of the pen, nor for another HTTP method. */
function leastOff(near: readonly RouteExplanation<Binder>[]): RouteExplanation<Binder>[] {
  const misfits = ({ segments }: RouteExplanation<Binder>): number => segments.filter(({ fits }) => !fits).length;
  const fewest = Math.min(...near.map(misfits));
  const least = near.filter((each) => misfits(each) === fewest);
  const slips = least.filter(({ segments }) => segments.some(isSlip));
  const likely = slips.length > 0 ? slips : least;
  const sameMethod = likely.filter(({ methodFits }) => methodFits);
  return sameMethod.length > 0 ? sameMethod : likely;
}

function nearView({ route, reason, segments }: RouteExplanation<Binder>): NearView {
  const { httpMethod, template, value } = route;
  return { httpMethod, template: template.text, rpc: value.method.path, reason, segments };
}
