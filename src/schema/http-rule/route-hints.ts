/**
 * What a caller whose path is unknown may have meant, found by asking the router about paths that differ from it by one usual mistake.
 *
 * Nothing is guessed: a hint stands here only when the router has a route for the changed path.
 */
import type { Router } from "./router.ts";

/** Schemas with more first segments than this have no common prefix to forget. */
const maxPrefixes = 64;
const maxDropped = 3;

/** For a path that `router` has no route for. In words, the likeliest first. */
export function routeHints<T>(router: Router<T>, httpMethod: string, path: string): string[] {
  const hints: string[] = [];
  const takes = (changed: string): boolean => router.match(httpMethod, changed) !== undefined;

  for (const prefix of firstLiterals(router))
    if (takes(`/${prefix}${path}`)) hints.push(`/${prefix}${path} is known: the prefix is missing`);
  let rest = path;
  for (let dropped = 1; dropped <= maxDropped; dropped++) {
    const slash = rest.indexOf("/", 1);
    if (slash < 0) break;
    rest = rest.slice(slash);
    if (takes(rest)) {
      hints.push(`${rest} is known: ${path.slice(0, path.length - rest.length)} in front of it is no part of the templates`);
      break;
    }
  }
  const merged = path.replace(/\/{2,}/g, "/");
  if (merged !== path && takes(merged)) hints.push(`${merged} is known: an empty segment counts as a segment`);
  const lower = path.toLowerCase();
  if (lower !== path && takes(lower)) hints.push(`${lower} is known: upper and lower case differ`);
  const lastSlash = path.lastIndexOf("/");
  const escaped = `${path.slice(0, lastSlash)}%2F${path.slice(lastSlash + 1)}`;
  if (lastSlash > 0 && takes(escaped))
    hints.push(`${escaped} is known: a slash inside a value is written %2F, unless the variable is {name=**}`);
  return hints;
}

function firstLiterals<T>(router: Router<T>): Iterable<string> {
  const literals = new Set<string>();
  for (const { template } of router.routes) {
    const [first] = template.segments;
    if (first?.kind === "literal" && !first.text.includes(".")) literals.add(first.text);
    if (literals.size >= maxPrefixes) break;
  }
  return literals;
}
