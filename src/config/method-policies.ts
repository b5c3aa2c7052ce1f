/**
 * Which settings hold for a method: those for all, then every line of `methods` that names it, the more specific later, key by key.
 *
 * A key is a policy kind: a line that sets `timeout` replaces what came before it for `timeout` as a whole, and leaves the others alone.
 */
import type { Config, PolicySettings } from "./schema.ts";

/** How specific a pattern is that fits: a method 3, a service 2, a package 1, everything 0; -1 when it does not fit. */
function fit(pattern: string, method: string): number {
  if (pattern === "*") return 0;
  if (pattern === method) return 3_000_000;
  if (!pattern.endsWith("*") || !method.startsWith(pattern.slice(0, -1))) return -1;
  return (pattern.endsWith("/*") ? 2_000_000 : 1_000_000) + pattern.length;
}

/** @param path the method's: "/shop.v1.Orders/Get" */
export function policiesFor(config: Pick<Config, "policies" | "methods">, path: string): PolicySettings {
  const method = path.slice(1);
  const lines = Object.entries(config.methods)
    .map(([pattern, settings]) => ({ fit: fit(pattern, method), settings }))
    .filter((line) => line.fit >= 0)
    // Stable: of two that are equally specific the later one wins.
    .sort((a, b) => a.fit - b.fit);
  return Object.assign({}, config.policies, ...lines.map((line) => line.settings)) as PolicySettings;
}
