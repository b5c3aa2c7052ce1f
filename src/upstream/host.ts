/**
 * An endpoint of a service with all that is known of it: its connection, its load, how fast and how well it has answered.
 *
 * The trap: `inService` is about its health alone. Who may be picked is decided by the whole set, which must not run out of hosts.
 */
import type { Endpoint } from "../core/endpoint.ts";
import { formatHostPort } from "../core/endpoint.ts";
import type { Host, Outcome } from "../core/host.ts";
import type { Cluster } from "./cluster.ts";
import { OutcomeWindow } from "../core/outcome-window.ts";
import { PeakEwma } from "./peak-ewma.ts";

/** A host that is new gets a tenth of its share at first. */
const slowStartFloor = 0.1;
/** What a failed attempt counts as, at least, for balancers that prefer fast hosts. */
const failurePenaltyMs = 1000;

export interface UpstreamHostOptions {
  readonly connection: Cluster;
  /** When it joined, monotonic; -Infinity for one that needs no slow start. */
  readonly joinedAtMs: number;
  readonly slowStartMs: number;
}

export class UpstreamHost implements Host {
  /** "127.0.0.1:8080" */
  readonly address: string;
  readonly connection: Cluster;
  readonly latency = new PeakEwma();
  readonly outcomes = new OutcomeWindow();
  /** Attempts under way. */
  active = 0;
  /** As the last health check found it; a host is good until it is known not to be. */
  healthy = true;
  /** Monotonic; 0 when it is not ejected. */
  ejectedUntilMs = 0;
  /** How often it has been ejected, less what has been forgiven. */
  ejections = 0;
  /** Monotonic: when it is forgiven the next one. */
  forgivenAtMs = 0;
  private described: Endpoint;
  private readonly warmAtMs: number;
  private readonly slowStartMs: number;

  constructor(endpoint: Endpoint, { connection, joinedAtMs, slowStartMs }: UpstreamHostOptions) {
    this.described = endpoint;
    this.address = formatHostPort(endpoint);
    this.connection = connection;
    this.slowStartMs = slowStartMs;
    this.warmAtMs = joinedAtMs + slowStartMs;
  }

  get endpoint(): Endpoint {
    return this.described;
  }

  /** What discovery says of it now: the same address, perhaps another weight. */
  redescribe(endpoint: Endpoint): void {
    this.described = endpoint;
  }

  get weight(): number {
    return this.described.weight ?? 1;
  }

  get draining(): boolean {
    return this.described.draining === true;
  }

  get inService(): boolean {
    return this.healthy && this.ejectedUntilMs === 0;
  }

  /** The part of its share that it takes at `nowMs`: it grows from a tenth to the whole while the host warms up (Envoy, "slow start"). */
  warmth(nowMs: number): number {
    if (nowMs >= this.warmAtMs) return 1;
    return Math.max(slowStartFloor, 1 - (this.warmAtMs - nowMs) / this.slowStartMs);
  }

  began(): void {
    this.active++;
  }

  /** @param startedAtMs monotonic */
  ended(outcome: Outcome, startedAtMs: number, nowMs: number): void {
    this.active--;
    if (outcome === "unknown") return;
    // One that refuses at once must not look fast.
    this.latency.add(outcome === "success" ? nowMs - startedAtMs : Math.max(nowMs - startedAtMs, failurePenaltyMs), nowMs);
    this.outcomes.add(outcome, nowMs);
  }
}
