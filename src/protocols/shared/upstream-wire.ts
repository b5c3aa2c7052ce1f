/**
 * An exchange with the upstream that the wire could not finish, as the error of the call: a reset stream, a lost connection, none at all.
 *
 * The trap: whether the upstream may have run the call decides about retries, so `unprocessed` must survive the translation.
 */
import { CallError } from "../../core/call-error.ts";
import { Code, type Code as StatusCode } from "../../core/code.ts";
import type { WireError } from "../../wire/wire-error.ts";

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

/**
 * What the upstream is told of a deadline is rounded down and its clock is its own, so it may give up this much before us; it then says
 * CANCEL and nothing else.
 */
const deadlineSlackMs = 10;

/**
 * The status an upstream ended with. It is told our deadline and may be the one to say that it passed; then that is the reason, and not
 * some deadline of the upstream's own.
 * @param remainingMs of the call's deadline
 */
export function ofOwnDeadline(error: CallError, remainingMs: number): CallError {
  if (error.reason !== "UPSTREAM_STATUS" || error.code !== Code.DEADLINE_EXCEEDED || remainingMs > deadlineSlackMs) return error;
  const { message, source, details, metadata, trailers, cause } = error;
  return new CallError("DEADLINE_EXCEEDED", message === "" ? undefined : message, { source, details, metadata, trailers, cause });
}

/** The error for an exchange with the upstream that the wire could not finish. @param remainingMs of the call's deadline */
export function errorOfUpstreamWire(error: WireError, remainingMs = Infinity): CallError {
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
      if (error.http2Code === 0x8 && remainingMs <= deadlineSlackMs) return new CallError("DEADLINE_EXCEEDED", undefined, options);
      return error.http2Code === undefined
        ? new CallError("UPSTREAM_RESET", undefined, options)
        : new CallError("UPSTREAM_RESET", undefined, { ...options, code: codeOfReset(error.http2Code) });
  }
}
