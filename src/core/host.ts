/**
 * One endpoint of a service as the layers see it: where an attempt went, what it meant to the host, and who may keep attempts away from it.
 *
 * The trap: hosts are told apart by identity. An endpoint that leaves and comes back is another host, with nothing held against it.
 */
import type { CallError } from "./call-error.ts";
import { Code } from "./code.ts";
import type { Endpoint } from "./endpoint.ts";

export interface Host {
  readonly endpoint: Endpoint;
}

/**
 * What an attempt says of the host it went to. "failure": it did not do its work (unreachable, silent, broken off, UNAVAILABLE by its own word).
 * "limited": it works, but has had enough. "unknown": nothing, as when the caller left.
 */
export type Outcome = "success" | "failure" | "limited" | "unknown";

/** Keeps an attempt away from hosts, and hears how attempts there went. One object for all calls of a policy, so that a call pays for a field. */
export interface HostGate {
  /** Whether an attempt may go to `host` now; one that may need not go there. */
  admits(host: Host, nowMs: number): boolean;
  /** The attempt goes to `host`. */
  began(host: Host, nowMs: number): void;
  /** Exactly once for every `began`. */
  ended(host: Host, outcome: Outcome, nowMs: number): void;
  /** What an attempt fails with that no host is open to. */
  refusal(): CallError;
}

/** Failures of the application are the host's success: it answered. */
export function outcomeOf({ code, source, reason }: CallError): Outcome {
  if (source === "caller" || code === Code.CANCELLED) return "unknown";
  if (code === Code.RESOURCE_EXHAUSTED) return source === "upstream" ? "limited" : "unknown";
  if (code === Code.UNAVAILABLE || code === Code.DEADLINE_EXCEEDED) return "failure";
  return reason === "UPSTREAM_PROTOCOL" ? "failure" : "success";
}
