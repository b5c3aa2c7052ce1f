/**
 * How a field may be represented on the wire, by its name.
 *
 * `secret`: never indexed by anybody on the way (RFC 7541, section 7.1.3), because the table would let who can add fields guess it.
 * `volatile`: a new value in every message; in the table it would only push the useful ones out.
 * `bulky`: repeats in some traffic (the few paths of a gRPC client) and never in other: goes into the table only as part of a list that repeats.
 */
export type FieldTrait = "plain" | "secret" | "volatile" | "bulky";

const secret = new Set([
  "authorization",
  "proxy-authorization",
  "cookie",
  "set-cookie",
  "x-amz-security-token",
  "x-auth-token",
  "x-csrf-token",
  "x-goog-iam-authorization-token",
]);

const volatile = new Set([
  "age",
  "b3",
  "content-length",
  "content-range",
  "date",
  "etag",
  "expires",
  "grpc-message",
  "grpc-status-details-bin",
  "grpc-timeout",
  "connect-timeout-ms",
  "grpc-trace-bin",
  "idempotency-key",
  "if-match",
  "if-modified-since",
  "if-none-match",
  "if-range",
  "if-unmodified-since",
  "last-modified",
  "location",
  "range",
  "traceparent",
  "tracestate",
  "x-amzn-trace-id",
  "x-b3-parentspanid",
  "x-b3-spanid",
  "x-b3-traceid",
  "x-cloud-trace-context",
  "x-correlation-id",
  "x-request-id",
  "x-request-start",
]);

const bulky = new Set([":path", "referer", "x-forwarded-for", "forwarded", "baggage"]);

export function traitOf(name: string): FieldTrait {
  if (secret.has(name) || name.endsWith("api-key")) return "secret";
  if (volatile.has(name)) return "volatile";
  return bulky.has(name) ? "bulky" : "plain";
}
