/**
 * The one table of things that go wrong: a stable word -> gRPC code, HTTP status, whether trying again is safe, one line for humans.
 *
 * The word is `google.rpc.ErrorInfo.reason`, the metric label, the access-log field and the docs anchor, so a published word is never
 * renamed. HTTP statuses that differ from the code's usual one (404 for an unknown path, 413 for size) are the reason they are listed.
 */
import { Code } from "./code.ts";

/** May the same call be sent again? "safe": it was provably not processed. */
export type RetrySafety = "never" | "safe" | "if-idempotent";

export interface ReasonEntry {
  readonly code: Code;
  readonly httpStatus: number;
  readonly retry: RetrySafety;
  readonly summary: string;
}

const entry = (code: Code, httpStatus: number, retry: RetrySafety, summary: string): ReasonEntry => ({ code, httpStatus, retry, summary });

export const reasons = {
  // The caller's request cannot be understood.
  BAD_REQUEST: entry(Code.INVALID_ARGUMENT, 400, "never", "The request is not well formed."),
  INVALID_JSON: entry(Code.INVALID_ARGUMENT, 400, "never", "The JSON body cannot be read as the method's request message."),
  INVALID_PROTOBUF: entry(Code.INVALID_ARGUMENT, 400, "never", "The request message is not valid protobuf."),
  INVALID_PARAMETER: entry(Code.INVALID_ARGUMENT, 400, "never", "A path or query parameter has a value its field cannot hold."),
  UNKNOWN_FIELD: entry(Code.INVALID_ARGUMENT, 400, "never", "A query parameter or JSON field does not exist in the request message."),
  UNEXPECTED_BODY: entry(Code.INVALID_ARGUMENT, 400, "never", "The method takes no request body here."),
  INVALID_METADATA: entry(Code.INVALID_ARGUMENT, 400, "never", "A header cannot be carried as metadata."),
  INVALID_TIMEOUT: entry(Code.INVALID_ARGUMENT, 400, "never", "The timeout header cannot be read."),
  INVALID_FRAMING: entry(Code.INTERNAL, 400, "never", "The message framing of the protocol is broken."),
  MISSING_MESSAGE: entry(Code.UNIMPLEMENTED, 400, "never", "A unary call carried no message."),
  TOO_MANY_MESSAGES: entry(Code.UNIMPLEMENTED, 400, "never", "A unary call carried more than one message."),
  UNKNOWN_PATH: entry(Code.NOT_FOUND, 404, "never", "No method answers this path."),
  UNKNOWN_SERVICE: entry(Code.NOT_FOUND, 404, "never", "The schema has no such service."),
  UNKNOWN_METHOD: entry(Code.UNIMPLEMENTED, 501, "never", "The schema has no such method."),
  METHOD_NOT_ALLOWED: entry(Code.UNIMPLEMENTED, 405, "never", "The path exists, but not with this HTTP method."),
  UNSUPPORTED_MEDIA_TYPE: entry(Code.INVALID_ARGUMENT, 415, "never", "The content type is not one this method takes."),
  UNSUPPORTED_ENCODING: entry(Code.UNIMPLEMENTED, 415, "never", "The message encoding is not one this proxy can read."),
  UNSUPPORTED_STREAMING: entry(Code.UNIMPLEMENTED, 501, "never", "This protocol cannot carry this kind of stream."),
  MESSAGE_TOO_LARGE: entry(Code.RESOURCE_EXHAUSTED, 413, "never", "A message is larger than the limit."),
  HEADERS_TOO_LARGE: entry(Code.RESOURCE_EXHAUSTED, 431, "never", "The request headers are larger than the limit."),
  URI_TOO_LONG: entry(Code.INVALID_ARGUMENT, 414, "never", "The request URI is longer than the limit."),
  UNSAFE_PATH: entry(Code.INVALID_ARGUMENT, 400, "never", "The path holds escapes that are refused on an external listener."),
  ORIGIN_NOT_ALLOWED: entry(Code.PERMISSION_DENIED, 403, "never", "Pages of this origin may not call the service."),
  REQUEST_TIMEOUT: entry(Code.DEADLINE_EXCEEDED, 408, "never", "The request did not arrive in time."),

  // Who the caller is, and what it may do.
  MISSING_CREDENTIALS: entry(Code.UNAUTHENTICATED, 401, "never", "The call carries no credentials of the kinds that are asked for."),
  INVALID_TOKEN: entry(Code.UNAUTHENTICATED, 401, "never", "The token is not accepted."),
  TOKEN_EXPIRED: entry(Code.UNAUTHENTICATED, 401, "never", "The token has expired."),
  INVALID_API_KEY: entry(Code.UNAUTHENTICATED, 401, "never", "The API key is not accepted."),
  INVALID_CERTIFICATE: entry(Code.UNAUTHENTICATED, 401, "never", "The client certificate is not accepted."),
  KEYS_UNAVAILABLE: entry(Code.UNAVAILABLE, 503, "safe", "The keys that tokens are checked with cannot be had at the moment."),
  NOT_AUTHORIZED: entry(Code.PERMISSION_DENIED, 403, "never", "The principal may not make this call."),
  EXTERNAL_AUTH_DENIED: entry(Code.PERMISSION_DENIED, 403, "never", "The authorization server refused the call."),
  EXTERNAL_AUTH_UNAVAILABLE: entry(Code.UNAVAILABLE, 503, "safe", "The authorization server gave no answer in time."),
  CREDENTIALS_UNAVAILABLE: entry(Code.UNAVAILABLE, 503, "safe", "The credentials for the upstream cannot be had at the moment."),
  FAULT_INJECTED: entry(Code.UNAVAILABLE, 503, "never", "The fault policy ended the call, as it is configured to."),

  // The call ended before an answer came.
  DEADLINE_EXCEEDED: entry(Code.DEADLINE_EXCEEDED, 504, "if-idempotent", "The deadline passed before the upstream answered."),
  CALLER_CANCELLED: entry(Code.CANCELLED, 499, "never", "The caller went away or cancelled the call."),
  SHUTTING_DOWN: entry(Code.UNAVAILABLE, 503, "safe", "The proxy is shutting down."),

  // The upstream.
  NO_SCHEMA: entry(Code.UNAVAILABLE, 503, "safe", "The upstream's schema is not known yet."),
  UNKNOWN_TARGET: entry(Code.UNAVAILABLE, 503, "never", "The call is for a service that is not known here."),
  NO_ENDPOINTS: entry(Code.UNAVAILABLE, 503, "safe", "No endpoint of the service is known, or none is in service."),
  UPSTREAM_UNREACHABLE: entry(Code.UNAVAILABLE, 503, "safe", "No connection to the upstream could be made."),
  UPSTREAM_REFUSED: entry(Code.UNAVAILABLE, 503, "safe", "The upstream refused the call before it looked at it."),
  UPSTREAM_RESET: entry(Code.UNAVAILABLE, 503, "if-idempotent", "The upstream broke off the call."),
  UPSTREAM_OVERLOADED: entry(Code.UNAVAILABLE, 503, "safe", "Too many calls wait for the upstream."),
  OVERLOADED: entry(Code.RESOURCE_EXHAUSTED, 429, "safe", "More calls are under way than the service can do well."),
  CIRCUIT_OPEN: entry(Code.UNAVAILABLE, 503, "safe", "The upstream fails, and is left alone for a moment."),
  UPSTREAM_PROTOCOL: entry(Code.INTERNAL, 502, "if-idempotent", "The upstream's answer breaks its protocol."),
  UPSTREAM_MESSAGE: entry(Code.INTERNAL, 502, "never", "The upstream's message cannot be read with its schema."),
  UPSTREAM_MESSAGE_TOO_LARGE: entry(Code.RESOURCE_EXHAUSTED, 502, "never", "The upstream's message is larger than the limit."),
  UPSTREAM_STATUS: entry(Code.UNKNOWN, 500, "if-idempotent", "The upstream answered with an error of its own."),

  // Us.
  INTERNAL: entry(Code.INTERNAL, 500, "never", "The proxy failed; the log has the cause."),
} as const satisfies Record<string, ReasonEntry>;

export type Reason = keyof typeof reasons;
