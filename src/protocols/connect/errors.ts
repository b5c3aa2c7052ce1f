/**
 * CallError <-> Connect error JSON (connectrpc.com/docs/protocol, "Error Codes" and "Error").
 *
 * The traps: a detail's value is base64 without padding, and its type has no "type.googleapis.com/" before it. And what an upstream says may end up
 * in header fields, so it is bounded, however much was sent.
 */
import { CallError, type CallErrorOptions, type ErrorDetail } from "../../core/call-error.ts";
import { Code, codeName, type Code as StatusCode } from "../../core/code.ts";
import { detailsOf } from "../shared/rpc-status.ts";

const messageCharacters = 4096;
const detailsBytes = 24 << 10;
const maxDetails = 64;
const typePrefix = "type.googleapis.com/";

const codes: ReadonlyMap<unknown, StatusCode> = new Map(Object.values(Code).map((code) => [nameOf(code), code]));

interface ConnectError {
  readonly code: string;
  readonly message?: string;
  readonly details?: readonly { readonly type: string; readonly value: string }[];
}

/** @param plain without details of our own */
export function connectError(error: CallError, plain = false): ConnectError {
  const details = detailsOf(error, plain).map(({ typeUrl, value }) => ({
    type: typeUrl.slice(typeUrl.lastIndexOf("/") + 1),
    value: Buffer.from(value).toString("base64").replace(/=+$/, ""),
  }));
  return {
    code: nameOf(error.code),
    ...(error.message === "" ? {} : { message: error.message }),
    ...(details.length === 0 ? {} : { details }),
  };
}

/** Connect spells one in American, everything else is gRPC's name in lower case. */
function nameOf(code: StatusCode): string {
  return code === Code.CANCELLED ? "canceled" : codeName(code).toLowerCase();
}

/**
 * An upstream's error.
 * @param json what was parsed; undefined is returned where it is no error object
 * @param fallback the code where none is said, or one that nobody knows
 */
export function readConnectError(
  json: unknown,
  fallback: StatusCode,
  options: Pick<CallErrorOptions, "metadata" | "trailers">,
): CallError | undefined {
  if (typeof json !== "object" || json === null || Array.isArray(json)) return undefined;
  const { code, message, details } = json as Readonly<Record<string, unknown>>;
  const known = codes.get(code);
  return new CallError("UPSTREAM_STATUS", typeof message === "string" ? message.slice(0, messageCharacters) : "", {
    ...options,
    source: "upstream",
    code: known === undefined || known === Code.OK ? fallback : known,
    details: Array.isArray(details) ? readDetails(details) : [],
  });
}

function readDetails(list: readonly unknown[]): ErrorDetail[] {
  const details: ErrorDetail[] = [];
  let leftBytes = detailsBytes;
  for (const entry of list.slice(0, maxDetails)) {
    if (typeof entry !== "object" || entry === null) continue;
    const { type, value } = entry as Readonly<Record<string, unknown>>;
    if (typeof type !== "string" || typeof value !== "string") continue;
    leftBytes -= type.length + value.length;
    if (leftBytes < 0) break;
    details.push({ typeUrl: type.includes("/") ? type : typePrefix + type, value: Buffer.from(value, "base64") });
  }
  return details;
}
