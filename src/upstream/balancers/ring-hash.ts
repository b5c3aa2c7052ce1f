/**
 * The same host for the same key, as long as it is there; when one leaves, only its keys move (Karger et al., "Consistent Hashing").
 *
 * Each host stands at many points of a ring, by its weight; a key belongs to the next point. A call without the key goes anywhere.
 */
import { createHash } from "node:crypto";
import type { Call } from "../../core/call.ts";
import type { Random } from "../../core/random.ts";
import type { UpstreamHost } from "../host.ts";
import type { Balancer, BalancerSpec, BalanceSettings, Choice, HashKey } from "./balancer.ts";

/** Points of a host of weight 1: with so many the shares are within a tenth of one another. */
const pointsPerHost = 160;
const longestRing = 65_536;

export const ringHash: BalancerSpec = {
  kind: "ring-hash",
  summary: "The same host for the same header, cookie or address of the caller.",
  create: ({ hashBy }: BalanceSettings, random) => new RingHash(hashBy, random),
};

interface Point {
  readonly at: number;
  readonly host: UpstreamHost;
}

class RingHash implements Balancer {
  private readonly keyOf: (call: Call) => string | undefined;
  private readonly random: Random;
  private ring: readonly Point[] = [];

  constructor(hashBy: HashKey, random: Random) {
    this.keyOf = keyReader(hashBy);
    this.random = random;
  }

  update(hosts: readonly UpstreamHost[]): void {
    const weight = hosts.reduce((sum, host) => sum + host.weight, 0);
    const scale = Math.min(pointsPerHost, longestRing / weight);
    const ring: Point[] = [];
    for (const host of hosts) {
      const points = Math.max(1, Math.round(host.weight * scale));
      for (let point = 0; point < points; point++) ring.push({ at: hashOf(`${host.address} ${point}`), host });
    }
    this.ring = ring.sort((a, b) => a.at - b.at);
  }

  pick(call: Call, _nowMs: number, choice?: Choice): UpstreamHost | undefined {
    const { ring } = this;
    const key = this.keyOf(call);
    const start = this.pointAfter(key === undefined ? this.random.uint32() : hashOf(key));
    for (let step = 0; step < ring.length; step++) {
      const { host } = ring[(start + step) % ring.length]!;
      if (choice === undefined || choice(host)) return host;
    }
    return undefined;
  }

  private pointAfter(hash: number): number {
    const { ring } = this;
    let low = 0;
    let high = ring.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (ring[middle]!.at < hash) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

function keyReader(hashBy: HashKey): (call: Call) => string | undefined {
  if (hashBy === "address") return ({ caller }) => caller.address;
  const name = hashBy.slice(hashBy.indexOf(":") + 1);
  if (hashBy.startsWith("header:")) return ({ metadata }) => metadata.get(name.toLowerCase());
  return ({ metadata }) => cookieOf(metadata.get("cookie"), name);
}

/** RFC 6265, section 4.2.1. */
function cookieOf(cookies: string | undefined, name: string): string | undefined {
  if (cookies === undefined) return undefined;
  for (const cookie of cookies.split(";", 100)) {
    const equals = cookie.indexOf("=");
    if (equals > 0 && cookie.slice(0, equals).trim() === name) return cookie.slice(equals + 1).trim();
  }
  return undefined;
}

/** 32 bits that nobody can aim at a host without knowing the addresses, and that all sidecars agree on. */
function hashOf(text: string): number {
  return createHash("sha1").update(text).digest().readUInt32BE();
}
