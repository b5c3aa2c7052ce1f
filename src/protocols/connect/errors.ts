/**
 * CallError -> Connect error JSON (connectrpc.com/docs/protocol, "Error Codes" and "Error").
 *
 * The trap: a detail's value is base64 without padding, and its type has no "type.googleapis.com/" before it.
 */
import type { CallError } from "../../core/call-error.ts";
import { codeName } from "../../core/code.ts";
import { detailsOf } from "../shared/rpc-status.ts";

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
    // Connect spells it in American, everything else is gRPC's name in lower case.
    code: error.code === 1 ? "canceled" : codeName(error.code).toLowerCase(),
    ...(error.message === "" ? {} : { message: error.message }),
    ...(details.length === 0 ? {} : { details }),
  };
}
