/**
 * What a balancer is: it knows the hosts in service, and picks one for each attempt.
 *
 * The trap: `update` may come at any time and replaces the list; a pick counts on nothing that an earlier list held.
 */
import type { Call } from "../../core/call.ts";
import type { Random } from "../../core/random.ts";
import type { UpstreamHost } from "../host.ts";

/** Hosts that this attempt must not go to; asked only when the first pick was one of them. */
export type Choice = (host: UpstreamHost) => boolean;

export interface Balancer {
  update(hosts: readonly UpstreamHost[]): void;
  /** @param choice the hosts that will do; all of them without. @returns undefined when there is none */
  pick(call: Call, nowMs: number, choice?: Choice): UpstreamHost | undefined;
}

/** What the settings of a service say of its balancing. */
export interface BalanceSettings {
  /** Ring hash: calls with the same value go to the same host. */
  readonly hashBy: HashKey;
}

/** "header:x-user", "cookie:session" or "address", the caller's. */
export type HashKey = `header:${string}` | `cookie:${string}` | "address";

export interface BalancerSpec {
  /** File name and configuration word. */
  readonly kind: string;
  readonly summary: string;
  create(settings: BalanceSettings, random: Random): Balancer;
}
