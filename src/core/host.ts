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
 * "limited": it works, but has had enough, or the caller has. "unknown": nothing, as when the caller left.
 */
export type Outcome = "success" | "failure" | "limited" | "unknown";

/** Keeps an attempt away from hosts, and hears how attempts there went. One object for all calls of a policy, so that a call pays for a field. */
export interface HostGate {
  /** Whether an attempt may go to `host` now; one that may need not go there. */
  admits(host: Host, nowMs: number): boolean;
  /** The attempt goes to `host`. @returns what tells this attempt from those of before, when its end is heard */
  began(host: Host, nowMs: number): number;
  /** The head of a stream's answer is there. Its end may be hours away; that of a unary attempt is heard at once. */
  answered(host: Host, nowMs: number, ticket: number): void;
  /** Exactly once for every `began`. @param ticket what `began` gave */
  ended(host: Host, outcome: Outcome, nowMs: number, ticket: number): void;
  /** What an attempt fails with that no host is open to. */
  refusal(): CallError;
}

/** A caller may set any deadline; one that passed sooner says little of the host. */
const tellingDeadlineMs = 1000;

/** Failures of the application are the host's success: it answered. @param durationMs how long the attempt took */
export function outcomeOf({ code, source, reason }: CallError, durationMs: number): Outcome {
  if (source === "caller" || code === Code.CANCELLED) return "unknown";
  // A full queue, a refused stream: the host is there, and a lighter load would help.
  if (reason === "UPSTREAM_OVERLOADED" || reason === "UPSTREAM_REFUSED") return "limited";
  if (code === Code.RESOURCE_EXHAUSTED) return source === "upstream" ? "limited" : "unknown";
  if (code === Code.DEADLINE_EXCEEDED) return durationMs < tellingDeadlineMs ? "limited" : "failure";
  if (code === Code.UNAVAILABLE) return "failure";
  return reason === "UPSTREAM_PROTOCOL" ? "failure" : "success";
}
