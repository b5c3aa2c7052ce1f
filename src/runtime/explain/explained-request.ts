/**
 * A request as somebody writes it down -> the head and body that a listener would see.
 *
 * What had to be assumed is said in `notes`. The trap: nothing here may make a request look better than it is; what the wire would refuse
 * is refused here by the wire's own rules.
 */
import { CallError } from "../../core/call-error.ts";
import { Metadata } from "../../core/metadata.ts";
import { readRequest } from "../../wire/http2/request-fields.ts";
import type { RequestHead } from "../../wire/exchange.ts";
import { UnusableRequest } from "./unusable-request.ts";

export interface ExplainedRequest {
  readonly httpMethod: string;
  /** A path with its query, or an http or ws URL. */
  readonly url: string;
  readonly headers: readonly (readonly [name: string, value: string])[];
  readonly body?: Uint8Array | undefined;
  /** Undefined: HTTP/2 for gRPC, else HTTP/1.1. */
  readonly httpVersion?: "1.1" | "2" | undefined;
}

export interface DryRequest {
  readonly head: RequestHead;
  readonly body: Uint8Array;
  /** A body was given, not made up. */
  readonly bodyGiven: boolean;
  readonly notes: readonly string[];
}

/** About the connection, or made from the body: the wire keeps them to itself. */
const ofTheWire: ReadonlySet<string> = new Set([
  "connection",
  "keep-alive",
  "proxy-connection",
  "transfer-encoding",
  "content-length",
  "expect",
]);
const absolute = /^(https?|wss?):\/\/([^/?#]*)(.*)$/is;
/** RFC 6455, section 1.3: any 16 bytes. */
const webSocketFields = { "sec-websocket-key": "AAAAAAAAAAAAAAAAAAAAAA==", "sec-websocket-version": "13" };

/** @throws UnusableRequest; CallError for what a listener would refuse */
export function readExplainedRequest({ httpMethod, url, headers, body, httpVersion }: ExplainedRequest, uriBytes: number): DryRequest {
  const notes: string[] = [];
  const { scheme, host, target, webSocket } = readUrl(url, notes);
  let authority = host;
  const fields: string[] = [];
  let upgrade = webSocket ? "websocket" : undefined;
  for (const [given, value] of headers) {
    const name = given.trim().toLowerCase();
    if (name === "upgrade") upgrade = value.trim().toLowerCase();
    else if (name === "host") authority = value.trim();
    else if (!ofTheWire.has(name) && (name !== "te" || value.trim() === "trailers")) fields.push(name, value.trim());
  }
  if (upgrade === "websocket")
    for (const [name, value] of Object.entries(webSocketFields)) if (!fields.includes(name)) fields.push(name, value);
  const typeAt = fields.indexOf("content-type");
  if (body !== undefined && body.length > 0 && typeAt < 0) {
    fields.push("content-type", "application/json");
    notes.push("the body has no content-type: application/json is assumed");
  }
  const contentType = fields.includes("content-type") ? fields[fields.indexOf("content-type") + 1]! : "";
  const version =
    httpVersion ?? (contentType.startsWith("application/grpc") && !contentType.startsWith("application/grpc-web") ? "2" : "1.1");
  const made = body ?? emptyMessage(contentType.toLowerCase(), fields.includes("connect-protocol-version"));
  if (body === undefined && made.length > 0) notes.push("no body is given: one empty message is assumed");

  const read = readRequest([":method", httpMethod, ":path", target, ":scheme", scheme, ":authority", authority, ...fields]);
  if (typeof read === "string") throw new CallError("BAD_REQUEST", `the request is malformed: ${read}`, { source: "caller" });
  if (read.target.length > uriBytes) throw new CallError("URI_TOO_LONG", undefined, { source: "caller" });
  const head: RequestHead = {
    version,
    method: read.method,
    target: read.target,
    scheme,
    authority: read.authority,
    headers: new Metadata([...read.headers]),
    contentLength: made.length,
    acceptsTrailers: read.acceptsTrailers,
    upgrade,
  };
  return { head, body: made, bodyGiven: body !== undefined, notes };
}

function readUrl(url: string, notes: string[]): { scheme: "http" | "https"; host: string; target: string; webSocket: boolean } {
  const [, scheme, authority, rest] = absolute.exec(url) ?? [];
  let target = rest ?? url;
  if (scheme !== undefined && !target.startsWith("/")) target = `/${target}`;
  if (!target.startsWith("/") && target !== "*") throw new UnusableRequest("the URL is neither a path (/v1/...) nor an http or ws URL");
  const hash = target.indexOf("#");
  if (hash >= 0) {
    target = target.slice(0, hash);
    notes.push("what follows # is never sent");
  }
  // What a browser does with characters that no request line can hold.
  const encoded = target.replace(/[^\x21-\x7e]+/gu, (text) => encodeURIComponent(text.toWellFormed()));
  if (encoded !== target) notes.push("spaces and characters beyond ASCII are sent percent-encoded");
  // Credentials in a URL become a header field; they are not for the request's target, and not to be shown.
  const host = authority?.slice(authority.lastIndexOf("@") + 1);
  return {
    scheme: /^(https|wss)$/i.test(scheme ?? "") ? "https" : "http",
    host: host === "" || host === undefined ? "localhost" : host,
    target: encoded,
    webSocket: /^wss?$/i.test(scheme ?? ""),
  };
}

/** The smallest body that has one message in the protocols that frame theirs. */
function emptyMessage(contentType: string, connect: boolean): Uint8Array {
  const json = /\+json\b/.test(contentType);
  const framed = json ? Buffer.from([0, 0, 0, 0, 2, 0x7b, 0x7d]) : Buffer.alloc(5);
  if (contentType.startsWith("application/grpc-web-text")) return Buffer.from(framed.toString("base64"));
  if (contentType.startsWith("application/grpc") || contentType.startsWith("application/connect+")) return framed;
  return connect && contentType.startsWith("application/json") ? Buffer.from("{}") : Buffer.alloc(0);
}
