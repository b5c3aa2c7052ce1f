/**
 * Takes hosts out of service that fail where the others do not, for a while that grows with each time (Envoy, "outlier detection").
 *
 * The trap: a backend that fails everywhere is no outlier. A host is judged against the others of its set, and never may more than half of
 * them be out: what is left must carry the load.
 */
import type { UpstreamHost } from "./host.ts";
import type { Random } from "../core/random.ts";

/** Below so many attempts in the window nothing is said of a host. */
const fewestAttempts = 20;
const worstSuccessRate = 0.5;
const mostEjectedShare = 0.5;
const baseEjectionMs = 30_000;
const longestEjectionMs = 300_000;
/** A host in service for so long is forgiven one of its ejections. */
const forgivenessMs = 30_000;

export class OutlierDetector {
  private readonly random: Random;

  constructor(random: Random) {
    this.random = random;
  }

  /** Ejects and brings back. @returns whether anything has changed */
  sweep(hosts: readonly UpstreamHost[], nowMs: number): boolean {
    let changed = false;
    for (const host of hosts) if (host.ejectedUntilMs !== 0 && nowMs >= host.ejectedUntilMs) changed = bringBack(host, nowMs);
    for (const host of hosts) forgive(host, nowMs);
    const rated = hosts.filter((host) => host.ejectedUntilMs === 0 && host.outcomes.counts(nowMs).attempts >= fewestAttempts);
    if (rated.length < 2) return changed;
    const rates = rated.map((host) => successRate(host, nowMs)).sort((a, b) => a - b);
    for (const host of rated) {
      const rate = successRate(host, nowMs);
      if (rate >= worstSuccessRate || rate * 2 >= upperMedian(rates)) continue;
      const ejected = hosts.reduce((count, { ejectedUntilMs }) => count + (ejectedUntilMs === 0 ? 0 : 1), 0);
      if (ejected + 1 > hosts.length * mostEjectedShare) break;
      this.eject(host, nowMs);
      changed = true;
    }
    return changed;
  }

  private eject(host: UpstreamHost, nowMs: number): void {
    host.ejections++;
    const durationMs = Math.min(baseEjectionMs * host.ejections, longestEjectionMs);
    // Sidecars that saw the same failure must not all come back in the same moment.
    host.ejectedUntilMs = nowMs + durationMs * (1 + (this.random.uint32() / 2 ** 32) * 0.1);
  }
}

function bringBack(host: UpstreamHost, nowMs: number): true {
  host.ejectedUntilMs = 0;
  host.forgivenAtMs = nowMs + forgivenessMs;
  host.outcomes.clear();
  return true;
}

function forgive(host: UpstreamHost, nowMs: number): void {
  if (host.ejections === 0 || host.ejectedUntilMs !== 0 || nowMs < host.forgivenAtMs) return;
  host.ejections--;
  host.forgivenAtMs = nowMs + forgivenessMs;
}

function successRate(host: UpstreamHost, nowMs: number): number {
  const { attempts, failures } = host.outcomes.counts(nowMs);
  return (attempts - failures) / attempts;
}

/** Of two it is the better one, so that one bad host of two is seen. */
function upperMedian(sorted: readonly number[]): number {
  return sorted[Math.floor(sorted.length / 2)]!;
}
