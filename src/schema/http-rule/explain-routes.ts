/**
 * Why a request meets no route, or which: the templates nearest to a path, compared with it segment by segment.
 *
 * For people at a terminal: it compares every route, so it is not for the data path. It decides nothing: whether a request is routed, and
 * where, says the router; test/property/explain-routes.test.ts holds the two together.
 */
import { nearestName } from "../../core/nearest-name.ts";
import { decodeText } from "../percent-decoding.ts";
import type { Route } from "./route-trie.ts";
import type { Router } from "./router.ts";
import type { Segment, Template } from "./template.ts";

/** One segment of the path beside what the template has in its place. */
interface SegmentExplanation {
  /** As sent; undefined where the path has ended. What a `**` takes stands in one. */
  readonly path: string | undefined;
  /** `books`, `*`, `{id}`, `{name=shelves/*}`; undefined where the template has ended. */
  readonly template: string | undefined;
  readonly fits: boolean;
  /** Why it does not fit, or a guess at what was meant; undefined when there is nothing to say. */
  readonly note: string | undefined;
}

export interface RouteExplanation<T> {
  readonly route: Route<T>;
  /** Undefined: the path and the HTTP method fit. */
  readonly reason: string | undefined;
  /** The path fits, whatever the HTTP method. */
  readonly pathFits: boolean;
  /** The HTTP method fits, whatever the path. */
  readonly methodFits: boolean;
  readonly segments: readonly SegmentExplanation[];
}

interface Ranked<T> extends RouteExplanation<T> {
  readonly rank: number;
}

/** At most `limit` routes; those that fit first, then by how much of the path fits. */
export function explainRoutes<T>(router: Router<T>, httpMethod: string, path: string, limit: number): RouteExplanation<T>[] {
  const request = router.dissect(path);
  if (request === undefined) return [];
  return router.routes
    .map((route) => new Comparison(route.template, request.segments, request.verb).explain(route, httpMethod))
    .sort((a, b) => b.rank - a.rank)
    .slice(0, limit)
    .map(({ rank: _, ...explanation }) => explanation);
}

/** One template beside one path. */
class Comparison {
  private readonly template: Template;
  private readonly given: readonly string[];
  private readonly verb: string;
  private readonly rows: SegmentExplanation[] = [];
  /** The first thing that does not fit. */
  private reason: string | undefined;
  /** How near the two are: what fits counts for it, a literal more than a wildcard; what is missing or left over counts against it. */
  private score = 0;

  constructor(template: Template, given: readonly string[], verb: string) {
    this.template = template;
    this.given = given;
    this.verb = verb;
  }

  explain<T>(route: Route<T>, httpMethod: string): Ranked<T> {
    this.compare(route.restAt);
    this.compareVerb();
    const pathFits = this.reason === undefined;
    // As the router has it: HEAD falls back to GET.
    const methodFits = route.httpMethod === "*" || route.httpMethod === httpMethod || (httpMethod === "HEAD" && route.httpMethod === "GET");
    const reason = this.reason ?? (methodFits ? undefined : `the HTTP method is ${httpMethod}, the binding wants ${route.httpMethod}`);
    const rank = this.score + (pathFits ? 1e6 : 0) + (methodFits ? 0.5 : 0);
    return { route, reason, pathFits, methodFits, segments: this.rows, rank };
  }

  private compare(restAt: number): void {
    const { given } = this;
    const { segments } = this.template;
    const before = restAt < 0 ? segments.length : restAt;
    for (let index = 0; index < before; index++) this.compareAt(index, index);
    if (restAt < 0) {
      for (const text of given.slice(segments.length)) {
        this.miss(`the path goes on after the template's end: ${JSON.stringify(given[segments.length])}`);
        this.rows.push({ path: text, template: undefined, fits: false, note: "the template has ended" });
      }
      return;
    }
    const tailLength = segments.length - restAt - 1;
    const taken = given.length - before - tailLength;
    if (taken < 0) this.miss("the path is too short for what follows **");
    const rest = taken <= 0 ? undefined : given.slice(before, before + taken).join("/");
    this.rows.push({ path: rest, template: this.segmentText(restAt), fits: taken >= 0, note: taken === 0 ? "no segments" : undefined });
    for (let tail = 0; tail < tailLength; tail++) this.compareAt(restAt + 1 + tail, taken < 0 ? given.length : before + taken + tail);
  }

  private compareAt(index: number, at: number): void {
    const segment = this.template.segments[index]!;
    const path = this.given[at];
    const template = this.segmentText(index);
    const wanted = segment.kind === "literal" ? JSON.stringify(segment.text) : "a segment";
    if (path === undefined) {
      this.miss(`the path ends where the template wants ${wanted}`);
      this.rows.push({ path, template, fits: false, note: "the path has ended" });
    } else if (segment.kind !== "literal" || sameText(path, segment.text)) {
      this.score += segment.kind === "literal" ? 2 : 1;
      this.rows.push({ path, template, fits: true, note: undefined });
    } else {
      const near = likeness(path, segment);
      const behindRest = at !== index || this.rows.some((row) => row.template?.includes("**"));
      this.miss(
        behindRest
          ? `the path does not end as the template wants: ${wanted}`
          : `segment ${at + 1} is ${JSON.stringify(path)}, the template wants ${wanted}`,
        near === undefined ? 0 : 1.2,
      );
      this.rows.push({ path, template, fits: false, note: near ?? "differs" });
    }
  }

  private compareVerb(): void {
    const wanted = this.template.verb;
    const { verb } = this;
    if (verb === wanted) {
      if (verb !== "") this.rows.push({ path: `:${verb}`, template: `:${verb}`, fits: true, note: undefined });
      return;
    }
    if (wanted === "") this.miss(`":${verb}" is a verb of other templates, and this one has none`, -0.5);
    else this.miss(`the template wants the verb ":${wanted}"`, this.endsNear(wanted) ? 1.2 : -0.5);
    this.rows.push({
      path: verb === "" ? undefined : `:${verb}`,
      template: wanted === "" ? undefined : `:${wanted}`,
      fits: false,
      note: wanted === "" ? "this template has no verb" : "the verb is missing",
    });
  }

  /** A misspelt verb is no verb, so it is still part of the last segment. */
  private endsNear(verb: string): boolean {
    const last = this.given.at(-1) ?? "";
    const colon = last.lastIndexOf(":");
    return colon >= 0 && nearestName(last.slice(colon + 1), [verb]) !== undefined;
  }

  private miss(reason: string, worth = -1): void {
    this.reason ??= reason;
    this.score += worth;
  }

  /** As the template's text has it; every segment of a longer variable is shown with the whole of it. */
  private segmentText(index: number): string {
    const { segments, variables } = this.template;
    const own = textOf(segments[index]!);
    const variable = variables.find(({ start, end }) => start <= index && index < end);
    if (variable === undefined) return own;
    const name = variable.fieldPath.join(".");
    if (variable.end - variable.start > 1)
      return `${own} of {${name}=${segments.slice(variable.start, variable.end).map(textOf).join("/")}}`;
    return own === "*" ? `{${name}}` : `{${name}=${own}}`;
  }
}

function textOf(segment: Segment): string {
  return segment.kind === "literal" ? segment.text : segment.kind === "one" ? "*" : "**";
}

/** What was probably meant, in words; undefined when the two have nothing in common. */
function likeness(path: string, segment: Segment & { kind: "literal" }): string | undefined {
  const text = decodeText(path) ?? path;
  if (text.toLowerCase() === segment.text.toLowerCase()) return "differs in case";
  return nearestName(text, [segment.text]) === undefined ? undefined : `differs (did you mean ${segment.text}?)`;
}

function sameText(raw: string, text: string): boolean {
  return raw === text || (raw.includes("%") && decodeText(raw) === text);
}
