/**
 * Which header fields of an upstream that speaks HTTP are metadata, and which metadata may go to it as header fields.
 *
 * The traps: what belongs to one connection stops at it in both directions (RFC 9110, section 7.6.1); and gRPC has fewer characters for names and
 * values than HTTP, so what it has none for is not handed on.
 */

/** Of a connection or its framing, or written anew at this hop. */
export const hopByHop: ReadonlySet<string> = new Set([
  "connection",
  "content-length",
  "expect",
  "host",
  "http2-settings",
  "keep-alive",
  "proxy-authenticate",
  "proxy-authorization",
  "proxy-connection",
  "te",
  "trailer",
  "transfer-encoding",
  "upgrade",
]);

const metadataName = /^[0-9a-z_.-]+$/;
const metadataText = /^[\x20-\x7e]*$/;
const base64List = /^[A-Za-z0-9+/_=, -]*$/;

/** Whether gRPC can carry it as metadata (grpc/grpc doc/PROTOCOL-HTTP2.md, Custom-Metadata). */
export function isMetadata(name: string, value: string): boolean {
  return metadataName.test(name) && metadataText.test(value) && (!name.endsWith("-bin") || base64List.test(value));
}
