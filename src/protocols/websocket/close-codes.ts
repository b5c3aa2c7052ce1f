/** Close codes (RFC 6455, section 7.4, and the registry kept for it), and which one says what went wrong with a frame. */
import { CallError } from "../../core/call-error.ts";
import type { Code } from "../../core/code.ts";
import type { Reason } from "../../core/reasons.ts";

export const CloseCode = {
  normal: 1000,
  /** We, or the page, are going away. */
  goingAway: 1001,
  protocolError: 1002,
  /** A kind of message the other cannot take. */
  unsupportedData: 1003,
  /** Never sent: the close frame held no code. */
  none: 1005,
  invalidData: 1007,
  policyViolation: 1008,
  tooLarge: 1009,
  internalError: 1011,
  serviceRestart: 1012,
  tryAgainLater: 1013,
  /** What a gateway got from the server behind makes no sense: 502 for WebSockets. */
  badGateway: 1014,
  /** The credentials the connection was opened with are over (SEMANTICS A2). */
  credentialsExpired: 4401,
} as const;

/** Plain JSON has no other place for the status of a call. */
export function closeCodeOfStatus(code: Code): number {
  return code === 0 ? CloseCode.normal : 4000 + code;
}

/** Where why a call ended says more than its status, in whatever subprotocol. */
export function closeCodeOfReason(reason: Reason | undefined): number | undefined {
  if (reason === "SHUTTING_DOWN") return CloseCode.goingAway;
  return reason === "TOKEN_EXPIRED" ? CloseCode.credentialsExpired : undefined;
}

/** For an error of `ws`'s receiver, by the codes that its documentation lists. */
export function closeCodeOf(error: Error): number {
  const { code } = error as NodeJS.ErrnoException;
  switch (code) {
    case "WS_ERR_INVALID_UTF8":
      return CloseCode.invalidData;
    case "WS_ERR_UNSUPPORTED_MESSAGE_LENGTH":
    case "WS_ERR_UNSUPPORTED_DATA_PAYLOAD_LENGTH":
      return CloseCode.tooLarge;
    case "WS_ERR_TOO_MANY_BUFFERED_PARTS":
      return CloseCode.policyViolation;
    default:
      // zlib's own errors begin with Z_: the message was not compressed as was agreed.
      return code?.startsWith("Z_") === true ? CloseCode.invalidData : CloseCode.protocolError;
  }
}

/** What the call ends with whose client sent it. */
export function errorOfFrame(closeCode: number, cause?: Error): CallError {
  if (closeCode === CloseCode.tooLarge) return new CallError("MESSAGE_TOO_LARGE", undefined, { source: "caller", cause });
  return new CallError("BAD_REQUEST", "the client broke the WebSocket protocol", { source: "caller", cause });
}
