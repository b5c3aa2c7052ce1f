/**
 * Endpoints by DNS: addresses of a name (A, AAAA) with a port, or host, port and weight of a service (SRV); asked again when they expire.
 *
 * The trap: a time to live of 0 would ask without a pause, and one of a day would never see a change; both are bounded. Names that only the
 * system knows (/etc/hosts) are no DNS: where the name servers know nothing, the system is asked.
 */
import { lookup, Resolver } from "node:dns/promises";
import type { Endpoint } from "../core/endpoint.ts";
import { pause } from "../core/pause.ts";
import type { Discovery, DiscoveryServices } from "./discovery.ts";

const shortestTtlMs = 1000;
const longestTtlMs = 60_000;
/** What the system's answers live, which say nothing of it. */
const systemTtlMs = 10_000;
const queryTries = 2;
const firstPauseMs = 250;
const longestPauseMs = 15_000;
/** A name with more addresses is a mistake or an attack. */
const mostEndpoints = 1000;

export interface DnsOptions extends DiscoveryServices {
  /** "payments.internal", or "_grpc._tcp.payments.internal" for SRV. */
  readonly name: string;
  /** For addresses; SRV records have their own. */
  readonly port: number;
  /** Name servers, "127.0.0.1:5353"; the system's unless given. */
  readonly servers?: readonly string[] | undefined;
  /** For one question to one name server; it is asked twice. */
  readonly queryTimeoutMs?: number;
}

interface Answer {
  readonly endpoints: readonly Endpoint[];
  readonly ttlMs: number;
}

export function createDnsDiscovery(options: DnsOptions): Discovery {
  const { name, clock, random, onProblem, queryTimeoutMs = 2000 } = options;
  const resolver = new Resolver({ timeout: queryTimeoutMs, tries: queryTries });
  if (options.servers !== undefined) resolver.setServers(options.servers);
  return {
    async *watch(signal) {
      let known = "";
      let pauseMs = firstPauseMs;
      let failing = false;
      while (!signal.aborted) {
        let waitMs: number;
        try {
          const { endpoints, ttlMs } = await resolve(resolver, options);
          const found = JSON.stringify(endpoints);
          if (found !== known && !signal.aborted) yield endpoints;
          known = found;
          waitMs = Math.min(Math.max(ttlMs, shortestTtlMs), longestTtlMs);
          pauseMs = firstPauseMs;
          failing = false;
        } catch (error) {
          if (!failing) onProblem(`${name} cannot be resolved: ${problemOf(error as NodeJS.ErrnoException)}`);
          failing = true;
          // Full jitter: sidecars that lost the same name server must not come back in step.
          waitMs = (random.uint32() / 2 ** 32) * pauseMs;
          pauseMs = Math.min(pauseMs * 2, longestPauseMs);
        }
        await pause(clock, waitMs, signal);
      }
    },
  };
}

async function resolve(resolver: Resolver, { name, port, servers }: DnsOptions): Promise<Answer> {
  if (name.startsWith("_")) return services(resolver, name);
  const found = await Promise.allSettled([resolver.resolve4(name, { ttl: true }), resolver.resolve6(name, { ttl: true })]);
  const records = found.flatMap((result) => (result.status === "fulfilled" ? result.value : []));
  if (records.length > 0)
    return answer(
      records.map(({ address }) => ({ host: address, port })),
      shortest(records),
    );
  const failure = found.find((result) => result.status === "rejected")!;
  // With name servers of one's own the system is not meant.
  if (servers !== undefined || !knowsNothing(failure.reason as NodeJS.ErrnoException)) throw failure.reason;
  const addresses = await lookup(name, { all: true });
  return answer(
    addresses.map(({ address }) => ({ host: address, port })),
    systemTtlMs,
  );
}

/** RFC 2782: of the records with the best priority only. */
async function services(resolver: Resolver, name: string): Promise<Answer> {
  const records = await resolver.resolveSrv(name);
  const best = Math.min(...records.map(({ priority }) => priority));
  const wanted = records.filter(({ priority }) => priority === best).slice(0, mostEndpoints);
  const resolved = await Promise.all(
    wanted.map(async ({ name: host, port, weight }) => ({ port, weight, addresses: await resolver.resolve4(host, { ttl: true }) })),
  );
  const endpoints = resolved.flatMap(({ port, weight, addresses }) =>
    // A weight of 0 asks for very little, which is not nothing.
    addresses.map(({ address }) => ({ host: address, port, weight: Math.max(weight, 1) })),
  );
  return answer(endpoints, shortest(resolved.flatMap(({ addresses }) => addresses)));
}

/** In one order, whatever the name server turns round. */
function answer(endpoints: readonly Endpoint[], ttlMs: number): Answer {
  const sorted = [...endpoints].sort((a, b) => a.host.localeCompare(b.host) || a.port - b.port);
  return { endpoints: sorted.slice(0, mostEndpoints), ttlMs };
}

function shortest(records: readonly { readonly ttl: number }[]): number {
  return Math.min(...records.map(({ ttl }) => ttl)) * 1000;
}

/** The name servers answered, and know no such name or no such record. */
function knowsNothing({ code }: NodeJS.ErrnoException): boolean {
  return code === "ENOTFOUND" || code === "ENODATA";
}

function problemOf({ code, message }: NodeJS.ErrnoException): string {
  const words: Readonly<Record<string, string>> = {
    ENOTFOUND: "there is no such name",
    ENODATA: "the name has no address",
    ETIMEOUT: "the name servers do not answer",
    ECONNREFUSED: "the name servers cannot be reached",
    ESERVFAIL: "the name servers failed",
  };
  return words[code ?? ""] ?? message;
}
