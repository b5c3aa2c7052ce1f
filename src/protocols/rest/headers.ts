/**
 * HTTP header fields -> metadata, and metadata -> header fields, for REST.
 *
 * The trap: names that begin with `grpc-` steer the gRPC side, so none of them may come in from outside except behind `grpc-metadata-`.
 */
import { CallError } from "../../core/call-error.ts";
import { IdentityCache } from "../../core/identity-cache.ts";
import { Metadata } from "../../core/metadata.ts";
import { parseConnectTimeout, parseGrpcTimeout, parseServerTimeout } from "../shared/timeout.ts";

type Parse = (text: string) => number | undefined;

/** What HTTP itself owns, and what the protocols here read: it stops at this hop. */
const dropped: ReadonlySet<string> = new Set(["accept-charset", "accept-encoding", "content-encoding", "content-language", "content-type"]);
const timeouts: ReadonlyMap<string, Parse> = new Map([
  ["grpc-timeout", parseGrpcTimeout],
  ["connect-timeout-ms", parseConnectTimeout],
  ["x-server-timeout", parseServerTimeout],
]);
const metadataPrefix = "grpc-metadata-";
/** What the connection to the upstream, and the call on it, are made of: a caller that could set them there would break both. */
const reserved: ReadonlySet<string> = new Set([
  ...dropped,
  "accept",
  "connection",
  "content-length",
  "expect",
  "host",
  "keep-alive",
  "proxy-connection",
  "te",
  "trailer",
  "transfer-encoding",
  "upgrade",
]);
/** Names the JSON profile to answer with; `accept` may do the same by a parameter. */
export const profileHeader = "dragoman-profile";
/** The request fields that such an answer varies by. */
export const profileVary = `accept, ${profileHeader}`;

/** What is done with a request's field of some name. */
type Treatment =
  "pass" | "drop" | "content-type" | "content-encoding" | "accept" | "profile" | "last-event-id" | "timeout" | "unwrap" | "check";

const maxRemembered = 512;
const treatments = new Map<string, Treatment>();

/** Found out once for each name: five questions to every field of every request would be most of what reading them costs. */
function treatmentOf(name: string): Treatment {
  const known = treatments.get(name);
  if (known !== undefined) return known;
  const treatment = findTreatment(name);
  if (treatments.size < maxRemembered) treatments.set(name, treatment);
  return treatment;
}

function findTreatment(name: string): Treatment {
  if (name === "content-type" || name === "content-encoding" || name === "accept" || name === "last-event-id") return name;
  if (name === profileHeader) return "profile";
  if (dropped.has(name)) return "drop";
  if (timeouts.has(name)) return "timeout";
  if (name.startsWith("grpc-")) return name.startsWith(metadataPrefix) && name.length > metadataPrefix.length ? "unwrap" : "drop";
  if (!metadataName.test(name)) return "drop";
  return name.endsWith("-bin") ? "check" : "pass";
}

/** What gRPC has characters for (grpc/grpc doc/PROTOCOL-HTTP2.md, Custom-Metadata); HTTP takes more of both. */
const metadataName = /^[0-9a-z_.-]+$/;
const notMetadataText = /[^\x20-\x7e]/;

export interface RequestFields {
  /** Names and values in turn; the same list again for the same headers, so it is shared, not owned. */
  readonly metadata: readonly string[];
  readonly contentType: string | undefined;
  readonly contentEncoding: string | undefined;
  /** The shortest of the timeouts sent; Infinity without one. */
  readonly timeoutMs: number;
  /** The JSON profile that {@link profileHeader} names. */
  readonly profile: string | undefined;
  /** The one that a parameter of `accept` names: perhaps meant for others (RFC 6906), who have profiles too. */
  readonly acceptProfile: string | undefined;
  /** What an EventSource saw last; it goes along as metadata too. */
  readonly lastEventId: string | undefined;
}

/** A client that sends the same head again sends the same list. */
const lastRead = new IdentityCache<readonly string[], RequestFields>(16);

/** @throws CallError INVALID_TIMEOUT, INVALID_METADATA */
export function readRequestHeaders(headers: readonly string[]): RequestFields {
  return lastRead.get(headers) ?? lastRead.set(headers, readFields(headers));
}

function readFields(headers: readonly string[]): RequestFields {
  const metadata: string[] = [];
  let contentType: string | undefined;
  let contentEncoding: string | undefined;
  let timeoutMs = Infinity;
  let profile: string | undefined;
  let acceptProfile: string | undefined;
  let lastEventId: string | undefined;
  for (let i = 0; i < headers.length; i += 2) {
    const name = headers[i]!;
    const value = headers[i + 1]!;
    const treatment = treatmentOf(name);
    if (treatment === "pass") {
      // Fields that were not meant as metadata must not break the call: backends refuse what they cannot read.
      if (!notMetadataText.test(value)) metadata.push(name, value);
      else if (name === "tracestate") addTraceState(metadata, value);
      continue;
    }
    switch (treatment) {
      case "drop":
        break;
      case "content-type":
        contentType = value;
        break;
      case "content-encoding":
        contentEncoding = contentEncoding === undefined ? value : `${contentEncoding}, ${value}`;
        break;
      case "accept":
        acceptProfile ??= profileParameter.exec(value)?.[1];
        break;
      case "profile":
        profile = value;
        break;
      case "last-event-id":
        lastEventId = value;
        if (!notMetadataText.test(value)) metadata.push(name, value);
        break;
      case "timeout":
        timeoutMs = Math.min(timeoutMs, readTimeout(name, value));
        break;
      case "unwrap":
        addPrefixed(metadata, name.slice(metadataPrefix.length), value);
        break;
      case "check":
        checkBinary(value, name);
        metadata.push(name, value);
        break;
    }
  }
  return { metadata, contentType, contentEncoding, timeoutMs, profile, acceptProfile, lastEventId };
}

const profileParameter = /;\s*profile="?([\w-]{1,64})"?\s*(?:[;,]|$)/i;

/** White space between its members may be tabs, which metadata has not. */
function addTraceState(metadata: string[], value: string): void {
  const spaced = value.replaceAll("\t", " ");
  if (!notMetadataText.test(spaced)) metadata.push("tracestate", spaced);
}

function readTimeout(name: string, value: string): number {
  const timeoutMs = timeouts.get(name)!(value);
  if (timeoutMs === undefined)
    throw new CallError("INVALID_TIMEOUT", `${name}: ${JSON.stringify(value)} cannot be read`, { source: "caller" });
  return timeoutMs;
}

function addPrefixed(metadata: string[], name: string, value: string): void {
  if (name.startsWith("grpc-") || reserved.has(name))
    throw new CallError("INVALID_METADATA", `header ${metadataPrefix}${name}: ${name} is reserved`, { source: "caller" });
  if (!metadataName.test(name) || notMetadataText.test(value))
    throw new CallError("INVALID_METADATA", `header ${metadataPrefix}${name} holds what gRPC has no characters for`, { source: "caller" });
  if (name.endsWith("-bin")) checkBinary(value, metadataPrefix + name);
  metadata.push(name, value);
}

/** Base64 of either alphabet, padded or not; several values may be joined by commas. */
function checkBinary(value: string, field: string): void {
  for (const each of value.split(",")) {
    const text = each.trim().replace(/={1,2}$/, "");
    if (!/^[A-Za-z0-9+/_-]*$/.test(text) || text.length % 4 === 1)
      throw new CallError("INVALID_METADATA", `header ${field} is not base64`, { source: "caller" });
  }
}

/** Never copied from metadata into an answer: framing, connection, and what gRPC keeps for itself. */
const unsent: ReadonlySet<string> = new Set([
  "content-type",
  "content-length",
  "content-encoding",
  "transfer-encoding",
  "connection",
  "keep-alive",
  "te",
  "trailer",
  "upgrade",
  "date",
  "x-http-code",
]);

/** Adds metadata to `headers` as header fields, each name behind `prefix`. */
export function addAnswerHeaders(headers: string[], metadata: Metadata, prefix: string): void {
  const { flat } = metadata;
  for (let i = 0; i < flat.length; i += 2) {
    const name = flat[i]!;
    if (!unsent.has(name) && !name.startsWith("grpc-")) headers.push(prefix + name, flat[i + 1]!);
  }
}

/** The HTTP status a backend asked for by `x-http-code`, in its headers or trailers: 200 to 399, anything else is ignored. */
export function requestedStatus(metadata: Metadata, trailers: Metadata = Metadata.empty): number {
  const text = metadata.get("x-http-code") ?? trailers.get("x-http-code");
  return text !== undefined && /^[23]\d\d$/.test(text) ? Number(text) : 200;
}

/** No Content, Reset Content, Not Modified: an answer with such a status has no body (RFC 9110, section 6.4.1). */
export function isBodiless(status: number): boolean {
  return status === 204 || status === 205 || status === 304;
}

/** A content type as a backend gave it; what no header could carry is not handed on. */
export function safeContentType(contentType: string): string {
  return /^[\x21-\x7e][\x20-\x7e]{0,250}$/.test(contentType) ? contentType : "application/octet-stream";
}
