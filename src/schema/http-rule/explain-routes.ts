/**
 * Why a request meets no route, or which: the templates nearest to a path, each with the first thing that does not fit.
 *
 * For people at a terminal: it compares every route, so it is not for the data path.
 */
import { decodeText } from "../percent-decoding.ts";
import type { Route } from "./route-trie.ts";
import type { Router } from "./router.ts";

export interface RouteExplanation<T> {
  readonly route: Route<T>;
  /** Undefined: the path and the HTTP method fit. */
  readonly reason: string | undefined;
  /** Segments that fit, from the left. */
  readonly segmentsMatched: number;
}

/** At most `limit` routes; those that fit first, then by how much of the path fits. */
export function explainRoutes<T>(router: Router<T>, httpMethod: string, path: string, limit: number): RouteExplanation<T>[] {
  const request = router.dissect(path);
  if (request === undefined) return [];
  return router.routes
    .map((route) => explain(route, httpMethod, request.segments, request.verb))
    .sort((a, b) => rank(b) - rank(a))
    .slice(0, limit);
}

function rank<T>({ reason, segmentsMatched, route }: RouteExplanation<T>): number {
  // Of routes that fit equally far the one with fewer segments to go is nearer.
  return (reason === undefined ? 1e6 : 0) + segmentsMatched * 100 - Math.min(99, route.template.segments.length);
}

function explain<T>(route: Route<T>, httpMethod: string, given: readonly string[], verb: string): RouteExplanation<T> {
  const { segments, verb: wantedVerb } = route.template;
  const result = (reason: string | undefined, segmentsMatched: number) => ({ route, reason, segmentsMatched });
  const { restAt } = route;
  const before = restAt < 0 ? segments.length : restAt;
  for (let index = 0; index < before; index++) {
    const text = given[index];
    const segment = segments[index]!;
    const wanted = segment.kind === "literal" ? JSON.stringify(segment.text) : "a segment";
    if (text === undefined) return result(`the path ends where the template wants ${wanted}`, index);
    if (segment.kind === "literal" && !sameText(text, segment.text))
      return result(`segment ${index + 1} is ${JSON.stringify(text)}, the template wants ${wanted}`, index);
  }
  if (restAt < 0 && given.length > segments.length)
    return result(`the path goes on after the template's end: ${JSON.stringify(given[segments.length])}`, segments.length);
  const tail = restAt < 0 ? [] : segments.slice(restAt + 1);
  const tailStart = given.length - tail.length;
  if (tailStart < before && restAt >= 0) return result("the path is too short for what follows **", before);
  for (const [index, segment] of tail.entries())
    if (segment.kind === "literal" && !sameText(given[tailStart + index]!, segment.text))
      return result(`the path does not end as the template wants: ${JSON.stringify(segment.text)}`, before);
  if (verb !== wantedVerb) {
    if (wantedVerb === "") return result(`":${verb}" is a verb of other templates, and this one has none`, given.length);
    return result(`the template wants the verb ":${wantedVerb}"`, given.length);
  }
  const fits = route.httpMethod === "*" || route.httpMethod === httpMethod || (httpMethod === "HEAD" && route.httpMethod === "GET");
  return result(fits ? undefined : `the HTTP method is ${httpMethod}, the binding wants ${route.httpMethod}`, given.length + 1);
}

function sameText(raw: string, text: string): boolean {
  return raw === text || (raw.includes("%") && decodeText(raw) === text);
}
