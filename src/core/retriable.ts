/**
 * Whether a call may be sent again after an attempt at it has failed.
 *
 * The trap: what is not known to be idempotent goes again only where the upstream provably did not look at it. No setting changes that.
 */
import type { CallError } from "./call-error.ts";
import type { Code } from "./code.ts";
import type { Method } from "./method.ts";

/**
 * "refused": the upstream had the attempt before it and turned it away unseen (REFUSED_STREAM, or above the last id of a GOAWAY).
 * "unsent": it never got there. "failed": it may have been carried out. "fatal": not to be sent again.
 */
export type Retriable = "refused" | "unsent" | "failed" | "fatal";

/** @param codes on which an idempotent call is sent again */
export function retriable(error: CallError, { idempotency }: Method, codes: ReadonlySet<Code>): Retriable {
  // What the proxy itself decided, a limit of ours above all, it would decide again.
  if (error.source !== "upstream" || error.reason === "UPSTREAM_OVERLOADED" || error.retry === "never") return "fatal";
  if (error.reason === "UPSTREAM_REFUSED") return "refused";
  if (error.retry === "safe") return "unsent";
  return idempotency !== "unknown" && codes.has(error.code) ? "failed" : "fatal";
}
