/**
 * The way to a service of one endpoint that is always the same: the one beside a sidecar.
 *
 * Only an attempt with a gate has an account; without one there is nobody to choose another host, and nothing is counted.
 */
import type { Clock } from "../core/clock.ts";
import type { Handler } from "../core/handler.ts";
import { attemptAt } from "./attempt.ts";
import type { UpstreamHost } from "./host.ts";

/** @param handler what carries the call out at `host` */
export function toOneHost(host: UpstreamHost, handler: Handler, clock: Clock): Handler {
  return (call) => {
    const { gate } = call;
    if (gate === undefined) return handler(call);
    const nowMs = clock.nowMs();
    if (!gate.admits(host, nowMs)) throw gate.refusal();
    return attemptAt(host, handler, call, clock, nowMs);
  };
}
