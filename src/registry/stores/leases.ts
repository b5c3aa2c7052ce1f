/**
 * Leases of a store that has none of its own: when each runs out, and one timer for the next.
 *
 * The trap: a process that slept (a laptop, a stopped container) must not find every lease run out at once, before anybody could keep them; so
 * time that passed without a tick of ours does not count.
 */
import { randomBytes } from "node:crypto";
import type { Clock, Timer } from "../../core/clock.ts";
import { LeaseError } from "./registry-store.ts";

const tickMs = 500;
/** A tick later than that means that we slept. */
const longestTickMs = 5000;
const mostLeases = 200_000;

interface Lease {
  readonly ttlMs: number;
  expiresAtMs: number;
}

export class Leases {
  private readonly clock: Clock;
  private readonly onExpired: (lease: string) => void;
  private readonly leases = new Map<string, Lease>();
  private timer: Timer | undefined;
  private tickedAtMs: number;

  /** @param onExpired told once of each lease that ran out */
  constructor(clock: Clock, onExpired: (lease: string) => void) {
    this.clock = clock;
    this.onExpired = onExpired;
    this.tickedAtMs = clock.nowMs();
  }

  grant(ttlMs: number, id: string = randomBytes(12).toString("base64url")): string {
    if (this.leases.size >= mostLeases) throw new LeaseError(`${mostLeases} leases are held already`);
    this.leases.set(id, { ttlMs, expiresAtMs: this.clock.nowMs() + ttlMs });
    if (this.timer === undefined) this.tickedAtMs = this.clock.nowMs();
    this.timer ??= this.clock.after(tickMs, () => this.tick());
    return id;
  }

  /** @throws LeaseError */
  keep(id: string): void {
    const lease = this.leases.get(id);
    if (lease === undefined) throw new LeaseError("the lease has run out");
    lease.expiresAtMs = this.clock.nowMs() + lease.ttlMs;
  }

  has(id: string): boolean {
    return this.leases.has(id);
  }

  /** @returns whether there was one */
  drop(id: string): boolean {
    return this.leases.delete(id);
  }

  close(): void {
    this.timer?.cancel();
    this.timer = undefined;
    this.leases.clear();
  }

  private tick(): void {
    const nowMs = this.clock.nowMs();
    const sleptMs = nowMs - this.tickedAtMs - tickMs;
    this.tickedAtMs = nowMs;
    if (sleptMs > longestTickMs) for (const lease of this.leases.values()) lease.expiresAtMs += sleptMs;
    for (const [id, { expiresAtMs }] of this.leases) {
      if (nowMs < expiresAtMs) continue;
      this.leases.delete(id);
      this.onExpired(id);
    }
    this.timer = this.leases.size > 0 ? this.clock.after(tickMs, () => this.tick()) : undefined;
  }
}
