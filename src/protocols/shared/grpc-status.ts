/**
 * Status <-> `grpc-status`, `grpc-message`, `grpc-status-details-bin` (grpc/grpc doc/PROTOCOL-HTTP2.md, "Responses").
 *
 * The trap: details of an upstream's error are `google.rpc.Status` bytes that may hold types nobody here knows; they cross as they are.
 */
import { CallError, type ErrorDetail } from "../../core/call-error.ts";
import { Code, codeFromNumber, type Code as StatusCode } from "../../core/code.ts";
import { IdentityCache } from "../../core/identity-cache.ts";
import { Metadata } from "../../core/metadata.ts";
import { okStatus, type Status } from "../../core/status.ts";
import { decodeRpcStatus, detailsOf, encodeRpcStatus } from "./rpc-status.ts";

const okTrailers: readonly string[] = Object.freeze(["grpc-status", "0"]);
const trailersOf = new IdentityCache<readonly string[], readonly string[]>();
const statusOfTrailers = new IdentityCache<readonly string[], Status>();

/** The trailer fields that say `status`, without details of our own where `plain`. The same list again for the same shared metadata, so that its encoded form is found again. */
export function grpcTrailers(status: Status, plain = false): readonly string[] {
  const { code, trailers } = status;
  if (code === Code.OK && trailers.size === 0) return okTrailers;
  const key = code === Code.OK ? trailers.sharedFlat : undefined;
  const known = key === undefined ? undefined : trailersOf.get(key);
  if (known !== undefined) return known;
  const fields = ["grpc-status", String(code)];
  if (status.message !== "") fields.push("grpc-message", percentEncode(status.message));
  const { error } = status;
  if (error !== undefined && code !== Code.OK) {
    const details = detailsOf(error, plain);
    if (details.length > 0)
      fields.push("grpc-status-details-bin", encodeRpcStatus(code, status.message, details).toString("base64").replace(/=+$/, ""));
  }
  fields.push(...trailers.flat);
  if (key !== undefined) trailersOf.set(key, fields);
  return fields;
}

/** Reads the status from trailer fields (or from the head of a trailers-only answer). Undefined when there is no `grpc-status`. */
export function readGrpcStatus(fields: readonly string[]): Status | undefined {
  const known = statusOfTrailers.get(fields);
  if (known !== undefined) return known;
  let code: StatusCode | undefined;
  let message = "";
  let details: readonly ErrorDetail[] = [];
  const rest: string[] = [];
  for (let i = 0; i < fields.length; i += 2) {
    const value = fields[i + 1]!;
    switch (fields[i]) {
      case "grpc-status":
        code = /^\d{1,9}$/.test(value) ? codeFromNumber(Number(value)) : Code.UNKNOWN;
        break;
      case "grpc-message":
        message = percentDecode(value);
        break;
      case "grpc-status-details-bin":
        details = decodeRpcStatus(Buffer.from(value, "base64"))?.details ?? [];
        break;
      case "content-type":
      case "grpc-encoding":
      case "grpc-accept-encoding":
        break;
      default:
        rest.push(fields[i]!, value);
    }
  }
  if (code === undefined) return undefined;
  const trailers = rest.length === 0 ? Metadata.empty : Metadata.share(rest);
  if (code === Code.OK) {
    const status = okStatus(trailers);
    statusOfTrailers.set(fields, status);
    return status;
  }
  const error = new CallError("UPSTREAM_STATUS", message, { code, source: "upstream", details, trailers });
  return { code, message, trailers, error };
}

/** `grpc-message`: UTF-8, everything but 0x20-0x24 and 0x26-0x7E escaped. */
export function percentEncode(message: string): string {
  if (/^[ -$&-~]*$/.test(message)) return message;
  let text = "";
  for (const byte of Buffer.from(message, "utf8"))
    text +=
      byte >= 0x20 && byte <= 0x7e && byte !== 0x25
        ? String.fromCharCode(byte)
        : "%" + (byte < 16 ? "0" : "") + byte.toString(16).toUpperCase();
  return text;
}

/** The other way; malformed escapes stay as they are, as the protocol demands. */
export function percentDecode(text: string): string {
  if (!text.includes("%")) return text;
  const bytes = Buffer.allocUnsafe(text.length);
  let size = 0;
  for (let i = 0; i < text.length; i++) {
    const hex = text[i] === "%" ? text.slice(i + 1, i + 3) : "";
    if (/^[0-9a-fA-F]{2}$/.test(hex)) {
      bytes[size++] = parseInt(hex, 16);
      i += 2;
    } else bytes[size++] = text.charCodeAt(i);
  }
  return bytes.toString("utf8", 0, size);
}
