/**
 * Finds the route of a request: HTTP method and path -> route and the raw text its variables captured (SEMANTICS A1.2).
 *
 * Two traps. Captures are still percent-encoded: how they decode depends on the variable, and a bad escape is the binder's 400, not a miss.
 * And a `:verb` that any template registers is cut off every path that ends in it; there is no second try with the colon as plain text.
 */
import { decodeText } from "../percent-decoding.ts";
import { openLeaf, Route, TrieNode, type Leaf } from "./route-trie.ts";
import type { Template } from "./template.ts";

/** The longest request target the wire accepts has fewer segments than this. */
const maxSegments = 16_384;

const noCaptures: readonly string[] = Object.freeze([]);

export class Match<T> {
  readonly route: Route<T>;
  /** One per variable of the template, in order, as they stood in the path. */
  readonly captures: readonly string[];

  constructor(route: Route<T>, captures: readonly string[]) {
    this.route = route;
    this.captures = captures;
  }
}

export class Router<T> {
  private readonly root = new TrieNode<T>();
  /** Paths of templates without variables: one look-up instead of a walk. */
  private readonly exact = new Map<string, Leaf<T>>();
  private readonly verbs = new Set<string>();
  readonly routes: Route<T>[] = [];

  // The walk's state. Matching is synchronous, so one set serves all calls and nothing is allocated but the captures.
  private path = "";
  private httpMethod = "";
  private verb = "";
  private escaped = false;
  private count = 0;
  /** Start of each segment; the one after the last is where a further one would start. */
  private starts = new Int32Array(64);
  private decoded: (string | undefined)[] = [];

  /**
   * Adds a route, unless its place is taken: then the earlier one stays and is returned.
   * Templates that differ only in their variables' names or extents have the same place.
   */
  add(httpMethod: string, template: Template, value: T): Route<T> | undefined {
    const leaf = openLeaf(this.root, template);
    const route = new Route(httpMethod, template, value);
    const taken = leaf.add(route);
    if (taken !== undefined) return taken;
    this.routes.push(route);
    if (template.verb !== "") this.verbs.add(template.verb);
    const path = exactPath(template);
    if (path !== undefined) this.exact.set(path, leaf);
    return undefined;
  }

  /** HEAD falls back to GET, as RFC 9110 section 9.3.2 means it; the caller leaves the body out. */
  match(httpMethod: string, path: string): Match<T> | undefined {
    const found = this.find(httpMethod, path);
    return found === undefined && httpMethod === "HEAD" ? this.find("GET", path) : found;
  }

  /** HTTP methods that `path` would take, sorted; none: the path is unknown. "*" when any would do. */
  allowedMethods(path: string): string[] {
    if (!this.split(path)) return [];
    const allowed = new Set<string>();
    this.collect(this.root, 0, allowed);
    if (allowed.has("GET")) allowed.add("HEAD");
    return [...allowed].sort();
  }

  /** The path as matching sees it: segments still encoded, and the verb that was cut off. For explanations. */
  dissect(path: string): { readonly segments: readonly string[]; readonly verb: string } | undefined {
    if (!this.split(path)) return undefined;
    const segments = Array.from({ length: this.count }, (_, index) => path.slice(this.starts[index], this.starts[index + 1]! - 1));
    return { segments, verb: this.verb };
  }

  private find(httpMethod: string, path: string): Match<T> | undefined {
    const exact = this.exact.get(path);
    if (exact !== undefined) {
      const route = exact.find(httpMethod);
      // `{kind=fixed}` has neither wildcards nor an empty capture; another route of the leaf may be of this kind.
      if (route?.template.variables.length === 0) return new Match(route, noCaptures);
    }
    if (!this.split(path)) return undefined;
    this.httpMethod = httpMethod;
    const route = this.descend(this.root, 0);
    return route === undefined ? undefined : new Match(route, this.capture(route));
  }

  /** Sets the state for `path`: where its segments start, and its verb. False when nothing can match. */
  private split(path: string): boolean {
    if (path.charCodeAt(0) !== 0x2f) return false;
    let end = path.length;
    this.verb = "";
    if (this.verbs.size > 0) {
      const colon = path.lastIndexOf(":");
      if (colon > 0 && path.indexOf("/", colon) < 0) {
        const verb = this.registeredVerb(path.slice(colon + 1));
        if (verb !== undefined) {
          this.verb = verb;
          end = colon;
        }
      }
    }
    while (end > 1 && path.charCodeAt(end - 1) === 0x2f) end--;
    let { starts } = this;
    let count = 0;
    if (end > 1) {
      for (let start = 1; start > 0 && start <= end; start = path.indexOf("/", start) + 1) {
        if (count + 1 >= starts.length) {
          if (count >= maxSegments) return false;
          starts = new Int32Array(starts.length * 2);
          starts.set(this.starts);
          this.starts = starts;
        }
        starts[count++] = start;
      }
    }
    starts[count] = end + 1;
    this.path = path;
    this.count = count;
    this.escaped = path.includes("%");
    if (this.escaped) this.decoded = [];
    return true;
  }

  private registeredVerb(text: string): string | undefined {
    if (this.verbs.has(text)) return text;
    if (!text.includes("%")) return undefined;
    const decoded = decodeText(text);
    return decoded !== undefined && this.verbs.has(decoded) ? decoded : undefined;
  }

  private descend(node: TrieNode<T>, index: number): Route<T> | undefined {
    if (index === this.count) {
      const route = node.leafOf(this.verb)?.find(this.httpMethod);
      return route ?? node.rest?.leafOf(this.verb)?.find(this.httpMethod);
    }
    const child = this.literalChild(node, index);
    if (child !== undefined) {
      const route = this.descend(child, index + 1);
      if (route !== undefined) return route;
    }
    if (node.one !== undefined) {
      const route = this.descend(node.one, index + 1);
      if (route !== undefined) return route;
    }
    return node.rest === undefined ? undefined : this.matchRest(node.rest, this.count - 1, index);
  }

  /** `node` is reached with the segments after `last` compared: the longest tail wins, as `**` takes no more than it must. */
  private matchRest(node: TrieNode<T>, last: number, first: number): Route<T> | undefined {
    if (last >= first) {
      const child = this.literalChild(node, last);
      if (child !== undefined) {
        const route = this.matchRest(child, last - 1, first);
        if (route !== undefined) return route;
      }
    }
    return node.leafOf(this.verb)?.find(this.httpMethod);
  }

  /** Compares as sent, then decoded: `%6d` is `m` (RFC 3986, section 6.2.2.2). */
  private literalChild(node: TrieNode<T>, index: number): TrieNode<T> | undefined {
    const start = this.starts[index]!;
    const end = this.starts[index + 1]! - 1;
    const child = node.literal(this.path, start, end);
    if (child !== undefined || !this.escaped || !node.hasLiterals) return child;
    const text = (this.decoded[index] ??= decodeText(this.path.slice(start, end)) ?? "");
    return text === "" ? undefined : node.literal(text, 0, text.length);
  }

  private capture(route: Route<T>): readonly string[] {
    const { variables, segments } = route.template;
    if (variables.length === 0) return noCaptures;
    const { starts, path } = this;
    // How far what stands behind the `**` is moved: it is one segment in the template, and any number here.
    const shift = this.count - segments.length;
    const captures: string[] = [];
    for (let index = 0; index < variables.length; index++) {
      const variable = variables[index]!;
      const start = route.restAt < 0 || variable.start <= route.restAt ? variable.start : variable.start + shift;
      const end = route.restAt < 0 || variable.end <= route.restAt ? variable.end : variable.end + shift;
      captures.push(start >= end ? "" : path.slice(starts[start], starts[end]! - 1));
    }
    return captures;
  }

  private collect(node: TrieNode<T>, index: number, into: Set<string>): void {
    if (index === this.count) this.collectLeaf(node, into);
    else {
      const child = this.literalChild(node, index);
      if (child !== undefined) this.collect(child, index + 1, into);
      if (node.one !== undefined) this.collect(node.one, index + 1, into);
    }
    let tail = node.rest;
    for (let last = this.count - 1; tail !== undefined; last--) {
      this.collectLeaf(tail, into);
      tail = last >= index ? this.literalChild(tail, last) : undefined;
    }
  }

  private collectLeaf(node: TrieNode<T>, into: Set<string>): void {
    for (const route of node.leafOf(this.verb)?.routes ?? []) into.add(route.httpMethod);
  }
}

/** The one path a template without wildcards takes as it is written, or undefined. */
function exactPath(template: Template): string | undefined {
  let path = "";
  for (const segment of template.segments) {
    // A decoded slash or percent sign would read as another path than the one meant.
    if (segment.kind !== "literal" || /[/%]/.test(segment.text)) return undefined;
    path += "/" + segment.text;
  }
  if (template.verb !== "") return /[/%:]/.test(template.verb) ? undefined : `${path}:${template.verb}`;
  return path === "" ? "/" : path.lastIndexOf(":") > path.lastIndexOf("/") ? undefined : path;
}
