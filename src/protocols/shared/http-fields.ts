/**
 * Header fields of plain HTTP on their way through: what belongs to one connection stops here (RFC 9110, section 7.6.1), what tells the next
 * server of the caller is added.
 *
 * The trap: `x-forwarded-for` is a list that every hop appends to. Only its last entry is this hop's word; what stands before came from outside.
 */
import { CallError } from "../../core/call-error.ts";
import type { Metadata } from "../../core/metadata.ts";
import type { Peer, RequestHead } from "../../wire/exchange.ts";
import { parseServerTimeout } from "./timeout.ts";

/** Of one connection. The wire takes those of requests out itself; these are an answer's, and what slips through in HTTP/2. */
const hopByHop: ReadonlySet<string> = new Set([
  "connection",
  "http2-settings",
  "keep-alive",
  "proxy-authenticate",
  "proxy-authentication-info",
  "proxy-connection",
  "te",
  "trailer",
  "transfer-encoding",
  "upgrade",
]);
/** Written anew for the request at this hop. */
const ownRequestFields: ReadonlySet<string> = new Set([
  ...hopByHop,
  "content-length",
  "expect",
  "host",
  "proxy-authorization",
  "via",
  "x-forwarded-for",
  "x-forwarded-host",
  "x-forwarded-proto",
  "x-server-timeout",
]);

/** What the next server is told: the caller's end-to-end fields, and where they came from. */
export function forwardedFields({ headers, version, scheme, authority }: RequestHead, peer: Peer): string[] {
  const { flat } = headers;
  const fields: string[] = [];
  let chain = "";
  let via = "";
  let proto: string | undefined;
  let host: string | undefined;
  for (let i = 0; i < flat.length; i += 2) {
    const name = flat[i]!;
    const value = flat[i + 1]!;
    if (!ownRequestFields.has(name)) fields.push(name, value);
    else if (name === "x-forwarded-for") chain += `${value}, `;
    else if (name === "via") via += `${value}, `;
    else if (name === "x-forwarded-proto") proto ??= value;
    else if (name === "x-forwarded-host") host ??= value;
  }
  fields.push("x-forwarded-for", chain + peer.address, "x-forwarded-proto", proto ?? scheme);
  if (authority !== "" || host !== undefined) fields.push("x-forwarded-host", host ?? authority);
  fields.push("via", `${via}${version} dragoman`);
  return fields;
}

export interface AnsweredFields {
  /** Frozen where the answer's own list is: it will come again. */
  readonly fields: readonly string[];
  /** -1 when it is not declared. */
  readonly contentLength: number;
}

/** An answer's end-to-end fields; its length is told apart from them. */
export function answeredFields(headers: readonly string[]): AnsweredFields {
  let named: ReadonlySet<string> = hopByHop;
  let contentLength = -1;
  for (let i = 0; i < headers.length; i += 2)
    if (headers[i] === "connection")
      named = new Set([...named, ...headers[i + 1]!.split(",", 64).map((name) => name.trim().toLowerCase())]);
  const fields: string[] = [];
  for (let i = 0; i < headers.length; i += 2) {
    const name = headers[i]!;
    const value = headers[i + 1]!;
    if (name === "content-length") contentLength = /^\d{1,15}$/.test(value) ? Number(value) : contentLength;
    else if (!named.has(name)) fields.push(name, value);
  }
  return { fields: Object.isFrozen(headers) ? Object.freeze(fields) : fields, contentLength };
}

/** How long the caller gives the exchange; Infinity when it does not say. @throws CallError INVALID_TIMEOUT */
export function serverTimeoutOf(headers: Metadata): number {
  const text = headers.get("x-server-timeout");
  if (text === undefined) return Infinity;
  const timeoutMs = parseServerTimeout(text);
  if (timeoutMs === undefined)
    throw new CallError("INVALID_TIMEOUT", `x-server-timeout: ${JSON.stringify(text)} cannot be read`, { source: "caller" });
  return timeoutMs;
}
