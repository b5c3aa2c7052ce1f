/**
 * CallError and Status <-> `grpc-status`, `grpc-message`, `grpc-status-details-bin` (grpc/grpc doc/PROTOCOL-HTTP2.md, "Responses").
 *
 * The trap: details of an upstream's error are `google.rpc.Status` bytes that may hold types nobody here knows; they cross as they are.
 */
import { CallError, type ErrorDetail } from "../../core/call-error.ts";
import { Code, codeFromNumber, type Code as StatusCode } from "../../core/code.ts";
import { IdentityCache } from "../../core/identity-cache.ts";
import { Metadata } from "../../core/metadata.ts";
import { okStatus, type Status } from "../../core/status.ts";
import type { WireError } from "../../wire/wire-error.ts";
import { codeOfHttpStatus } from "../shared/http-status.ts";
import { decodeRpcStatus, detailsOf, encodeRpcStatus } from "../shared/rpc-status.ts";

const okTrailers: readonly string[] = Object.freeze(["grpc-status", "0"]);
const trailersOf = new IdentityCache<readonly string[], readonly string[]>();
const statusOfTrailers = new IdentityCache<readonly string[], Status>();

/** The trailer fields that say `status`. The same list again for the same shared metadata, so that its encoded form is found again. */
export function grpcTrailers(status: Status): readonly string[] {
  const { code, trailers } = status;
  if (code === Code.OK && trailers.size === 0) return okTrailers;
  const key = code === Code.OK ? trailers.sharedFlat : undefined;
  const known = key === undefined ? undefined : trailersOf.get(key);
  if (known !== undefined) return known;
  const fields = ["grpc-status", String(code)];
  if (status.message !== "") fields.push("grpc-message", percentEncode(status.message));
  const { error } = status;
  if (error !== undefined && code !== Code.OK) {
    const details = detailsOf(error);
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

/** The error for an upstream that answered without `grpc-status`. */
export function errorOfHttpStatus(httpStatus: number): CallError {
  if (httpStatus === 200)
    return new CallError("UPSTREAM_PROTOCOL", "the upstream's answer ended without a status", { source: "upstream", code: Code.UNKNOWN });
  return new CallError("UPSTREAM_PROTOCOL", `the upstream answered HTTP ${httpStatus} without a gRPC status`, {
    source: "upstream",
    code: codeOfHttpStatus(httpStatus),
  });
}

/** RST_STREAM code -> status, grpc/grpc doc/PROTOCOL-HTTP2.md, "Errors". */
function codeOfReset(http2Code: number): StatusCode {
  switch (http2Code) {
    case 0x7:
      return Code.UNAVAILABLE;
    case 0x8:
      return Code.CANCELLED;
    case 0xb:
      return Code.RESOURCE_EXHAUSTED;
    case 0xc:
      return Code.PERMISSION_DENIED;
    default:
      return Code.INTERNAL;
  }
}

/** The error for an exchange with the upstream that the wire could not finish. */
export function errorOfUpstreamWire(error: WireError): CallError {
  const options = { source: "upstream", cause: error } as const;
  switch (error.kind) {
    case "connect":
      return new CallError("UPSTREAM_UNREACHABLE", undefined, options);
    case "refused":
      return error.http2Code === undefined
        ? new CallError("UPSTREAM_OVERLOADED", undefined, options)
        : new CallError("UPSTREAM_REFUSED", undefined, options);
    case "timeout":
      return new CallError("DEADLINE_EXCEEDED", undefined, error.unprocessed ? { ...options, retry: "safe" } : options);
    case "closed":
      return new CallError("SHUTTING_DOWN", undefined, options);
    case "too-large":
    case "protocol":
      return new CallError("UPSTREAM_PROTOCOL", undefined, options);
    case "reset":
      if (error.unprocessed) return new CallError("UPSTREAM_REFUSED", undefined, options);
      return error.http2Code === undefined
        ? new CallError("UPSTREAM_RESET", undefined, options)
        : new CallError("UPSTREAM_RESET", undefined, { ...options, code: codeOfReset(error.http2Code) });
  }
}

/** RST_STREAM code for a call that ends before its answer is complete. */
export function resetCodeOf(code: StatusCode): number {
  return code === Code.CANCELLED || code === Code.DEADLINE_EXCEEDED ? 0x8 : 0x2;
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
