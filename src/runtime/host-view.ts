/** A host as the admin page `/clusters` and the metrics tell of it. */
import type { BreakerState } from "../policies/circuit-breaker/host-breaker.ts";
import type { UpstreamHost } from "../upstream/host.ts";

export interface HostView {
  /** "127.0.0.1:8080" */
  readonly address: string;
  /** Of its connection. */
  readonly state: string;
  /** Attempts under way. */
  readonly active: number;
  /** Peak moving average; what is new has a guess. */
  readonly latencyMs: number;
  readonly healthy: boolean;
  /** For so long; 0 when it is not ejected. */
  readonly ejectedForMs: number;
  readonly circuit: BreakerState;
}

export function hostView(host: UpstreamHost, circuit: BreakerState, nowMs: number): HostView {
  const { address, connection, active, latency, healthy, ejectedUntilMs } = host;
  return {
    address,
    state: connection.state,
    active,
    latencyMs: Math.round(latency.at(nowMs) * 10) / 10,
    healthy,
    ejectedForMs: Math.max(0, Math.round(ejectedUntilMs - nowMs)),
    circuit,
  };
}
