/**
 * Credentials that are not accepted, in a sentence of ours: "it has expired".
 *
 * The trap: `why` goes to the caller and into the log, so nothing the caller sent may be in it; `cause` goes to the log alone.
 */
import type { Reason } from "../core/reasons.ts";

export type CredentialsReason = Extract<
  Reason,
  "INVALID_TOKEN" | "TOKEN_EXPIRED" | "INVALID_API_KEY" | "INVALID_CERTIFICATE" | "KEYS_UNAVAILABLE"
>;

export class CredentialsError extends Error {
  override readonly name = "CredentialsError";
  readonly reason: CredentialsReason;

  constructor(reason: CredentialsReason, why: string, cause?: unknown) {
    const { stackTraceLimit } = Error;
    Error.stackTraceLimit = 0;
    super(why, cause === undefined ? undefined : { cause });
    Error.stackTraceLimit = stackTraceLimit;
    this.reason = reason;
  }
}
