/**
 * What keeps attempts away from hosts whose breaker is open, and from a service that has its fill.
 *
 * The trap: it is asked for several hosts before it is asked why none would do. It remembers the soonest of the moments at which one of them
 * is open again, for `retry-after`.
 */
import { CallError } from "../../core/call-error.ts";
import type { Clock } from "../../core/clock.ts";
import type { Host, HostGate, Outcome } from "../../core/host.ts";
import { formatHostPort } from "../../core/endpoint.ts";
import type { Logger } from "../../core/logger.ts";
import { LimitedLog } from "../../telemetry/limited-log.ts";
import type { PolicyCounters } from "../../telemetry/policy-counters.ts";
import type { BreakerSettings, BreakerState, HostBreaker } from "./host-breaker.ts";
import type { HostBreakers } from "./host-breakers.ts";

export interface BreakerGateOptions {
  readonly settings: BreakerSettings;
  /** Attempts under way at the service; Infinity for no cap. */
  readonly mostActive: number;
  readonly breakers: HostBreakers;
  readonly counters: PolicyCounters;
  readonly logger: Logger;
  readonly clock: Clock;
}

const overCapacityHeaders: readonly string[] = ["retry-after", "1"];

export class BreakerGate implements HostGate {
  private readonly settings: BreakerSettings;
  private readonly mostActive: number;
  private readonly breakers: HostBreakers;
  private readonly byHost = new WeakMap<Host, HostBreaker>();
  private readonly log: LimitedLog;
  private readonly counts;
  private active = 0;
  private lastHost: Host | undefined;
  private lastBreaker: HostBreaker | undefined;
  private askedAtMs = 0;
  private soonestMs = 0;

  constructor({ settings, mostActive, breakers, counters, logger, clock }: BreakerGateOptions) {
    this.settings = settings;
    this.mostActive = mostActive;
    this.breakers = breakers;
    this.log = new LimitedLog(logger, clock);
    const of = (outcome: string) => counters.of("circuit-breaker", outcome);
    this.counts = { opened: of("opened"), closed: of("closed"), refused: of("refused"), overCapacity: of("over-capacity") };
  }

  admits(host: Host, nowMs: number): boolean {
    if (this.active >= this.mostActive) return false;
    const breaker = this.breakerOf(host);
    if (breaker.admits(nowMs)) return true;
    const untilMs = breaker.closedToAllUntilMs;
    this.askedAtMs = nowMs;
    if (this.soonestMs <= nowMs || untilMs < this.soonestMs) this.soonestMs = untilMs;
    return false;
  }

  began(host: Host, nowMs: number): number {
    this.active++;
    return this.breakerOf(host).began(nowMs);
  }

  answered(host: Host, _nowMs: number, ticket: number): void {
    this.tell(host, this.breakerOf(host).answered(ticket));
  }

  ended(host: Host, outcome: Outcome, nowMs: number, ticket: number): void {
    this.active--;
    const changed = this.breakerOf(host).ended(outcome, nowMs, ticket);
    if (changed !== undefined) this.tell(host, changed);
  }

  refusal(): CallError {
    if (this.active >= this.mostActive) {
      this.counts.overCapacity.count++;
      return new CallError("UPSTREAM_OVERLOADED", `${this.active} calls are under way at the service`, { headers: overCapacityHeaders });
    }
    this.counts.refused.count++;
    const seconds = Math.max(1, Math.ceil((this.soonestMs - this.askedAtMs) / 1000));
    return new CallError("CIRCUIT_OPEN", undefined, { headers: ["retry-after", String(seconds)] });
  }

  /** Most services have one host, and calls come in rows: a look-up less. */
  private breakerOf(host: Host): HostBreaker {
    if (host === this.lastHost) return this.lastBreaker!;
    let breaker = this.byHost.get(host);
    if (breaker === undefined) this.byHost.set(host, (breaker = this.breakers.of(host, this.settings)));
    this.lastHost = host;
    this.lastBreaker = breaker;
    return breaker;
  }

  private tell(host: Host, changed: BreakerState | undefined): void {
    if (changed === undefined) return;
    const opened = changed === "open";
    this.counts[opened ? "opened" : "closed"].count++;
    this.log.warn(opened ? "circuit opened" : "circuit closed", { host: formatHostPort(host.endpoint) });
  }
}
