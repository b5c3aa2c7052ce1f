/**
 * What a span says of a call, by semantic conventions: `rpc.*` for RPC protocols, `http.*` for REST and plain HTTP.
 *
 * Two traps. A server span is an error only when the server is at fault, a client span whenever the call failed. And `url.path` is left out on
 * purpose: a path carries what callers put into it, and `http.route` names the template.
 */
import type { CallError } from "../core/call-error.ts";
import { Code, codeName, httpStatusOfCode } from "../core/code.ts";
import type { HttpBinding, Method } from "../core/method.ts";
import { spanKind, type SpanShape } from "./otlp/span-template.ts";
import { attribute, ownAttribute } from "./semantic-conventions.ts";

/** How a call ended, as far as its span tells. */
export interface CallEnd {
  readonly code: Code;
  readonly error: CallError | undefined;
}

export interface ServerSide {
  /** As its folder is named. */
  readonly protocol: string;
  readonly secure: boolean;
  readonly method: Method;
  /** The REST binding the request came by. */
  readonly binding: HttpBinding | undefined;
}

export interface ClientSide {
  readonly method: Method;
  /** What the upstream speaks. */
  readonly upstream: "grpc" | "connect" | "http";
  readonly address: string;
  readonly port: number | undefined;
  readonly attempt: number;
}

const other = "_OTHER";
const httpPrefix = "/http/";
/** The method that stands for requests that never reached one. */
const unmatchedPath = "/-/-";
const connect = "connect";

/** gRPC codes for which the server is at fault (semantic conventions, "gRPC", span status). */
const serverFaults: ReadonlySet<Code> = new Set([
  Code.UNKNOWN,
  Code.DEADLINE_EXCEEDED,
  Code.UNIMPLEMENTED,
  Code.INTERNAL,
  Code.UNAVAILABLE,
  Code.DATA_LOSS,
]);

export function isServerFault(code: Code): boolean {
  return serverFaults.has(code);
}

/** @param httpStatus what was answered where that is known by itself; 0: what the code stands for */
export function serverSpan(side: ServerSide, end: CallEnd, httpStatus: number): SpanShape {
  const { protocol, method } = side;
  const isHttp = protocol === "rest" || protocol === "http";
  const said = isHttp ? httpServer(side, statusOf(end, httpStatus)) : rpcServer(protocol, nameOf(method), end);
  const { reason, source } = end.error ?? {};
  return {
    ...said,
    kind: spanKind.server,
    attributes: { ...said.attributes, [ownAttribute.protocol]: protocol, [ownAttribute.reason]: reason, [ownAttribute.source]: source },
  };
}

/** One attempt at the upstream. */
export function clientSpan(side: ClientSide, end: CallEnd): SpanShape {
  const { method, upstream, address, port, attempt } = side;
  const failed = end.code !== Code.OK;
  const { reason, source } = end.error ?? {};
  const said = upstream === "http" ? httpClient(method, end) : rpcClient(upstream, nameOf(method), end);
  return {
    name: said.name,
    kind: spanKind.client,
    attributes: {
      ...said.attributes,
      [attribute.serverAddress]: address,
      [attribute.serverPort]: port,
      [ownAttribute.attempt]: attempt === 1 ? undefined : attempt,
      [ownAttribute.reason]: reason,
      [ownAttribute.source]: source,
    },
    failed,
  };
}

type Said = Pick<SpanShape, "name" | "attributes" | "failed">;

function httpServer({ secure, method, binding }: ServerSide, status: number): Said {
  const httpMethod = httpMethodOf(method, binding);
  const route = binding?.template;
  const verb = httpMethod === other ? "HTTP" : httpMethod;
  const failed = status >= 500;
  return {
    name: route === undefined ? verb : `${verb} ${route}`,
    attributes: {
      [attribute.httpMethod]: httpMethod,
      [attribute.httpRoute]: route,
      [attribute.httpStatus]: status,
      [attribute.urlScheme]: secure ? "https" : "http",
      [attribute.rpcMethod]: binding === undefined ? undefined : nameOf(method),
      [attribute.errorType]: failed ? String(status) : undefined,
    },
    failed,
  };
}

function rpcServer(protocol: string, name: string, end: CallEnd): Said {
  const failed = isServerFault(end.code);
  const isConnect = protocol === connect;
  const code = statusCode(isConnect, end.code);
  return {
    name,
    attributes: {
      [attribute.rpcSystem]: isConnect ? "connectrpc" : "grpc",
      [attribute.rpcMethod]: name,
      [attribute.rpcStatusCode]: code,
      [attribute.networkProtocol]: protocol === "websocket" ? protocol : undefined,
      [attribute.errorType]: failed ? code : undefined,
    },
    failed,
  };
}

function rpcClient(upstream: "grpc" | "connect", name: string, { code }: CallEnd): Omit<Said, "failed"> {
  const isConnect = upstream === connect;
  const said = statusCode(isConnect, code);
  return {
    name,
    attributes: {
      [attribute.rpcSystem]: isConnect ? "connectrpc" : "grpc",
      [attribute.rpcMethod]: name,
      [attribute.rpcStatusCode]: said,
      [attribute.errorType]: code === Code.OK ? undefined : said,
    },
  };
}

function httpClient(method: Method, { code }: CallEnd): Omit<Said, "failed"> {
  const [binding] = method.http;
  const httpMethod = httpMethodOf(method, binding);
  const verb = httpMethod === other ? "HTTP" : httpMethod;
  return {
    name: binding === undefined ? verb : `${verb} ${binding.template}`,
    attributes: {
      [attribute.httpMethod]: httpMethod,
      [attribute.urlTemplate]: binding?.template,
      [attribute.rpcMethod]: method.path.startsWith(httpPrefix) ? undefined : nameOf(method),
      [attribute.errorType]: code === Code.OK ? undefined : codeName(code),
    },
  };
}

function httpMethodOf({ path }: Method, binding: HttpBinding | undefined): string {
  if (binding !== undefined) return binding.httpMethod === "*" ? other : binding.httpMethod;
  const name = path.startsWith(httpPrefix) ? path.slice(httpPrefix.length) : "other";
  return name === "other" ? other : name;
}

/** "shop.v1.Orders/Get" */
function nameOf({ path }: Method): string {
  return path === unmatchedPath ? other : path.slice(1);
}

/** Connect has words of its own, and none for success. */
function statusCode(isConnect: boolean, code: Code): string | undefined {
  if (!isConnect) return codeName(code);
  return code === Code.OK ? undefined : codeName(code).toLowerCase();
}

function statusOf({ code, error }: CallEnd, httpStatus: number): number {
  return httpStatus > 0 ? httpStatus : (error?.httpStatus ?? httpStatusOfCode(code));
}
