/**
 * The tree of template segments in which a path is looked up: literal, then `*`, then `**`, depth first (SEMANTICS A1.2).
 *
 * Why no path can make it slow: before a `**` every node has one depth, so a node is visited at most once; what follows a `**` are literals,
 * so they are compared from the end of the path and not at every position. Work is bounded by the templates, not by the path's length.
 */
import type { Template } from "./template.ts";

/** One binding in the router: where it stands and what it leads to. */
export class Route<T> {
  readonly httpMethod: string;
  readonly template: Template;
  readonly value: T;
  /** Index of the `**` among the segments; -1 for none. */
  readonly restAt: number;

  constructor(httpMethod: string, template: Template, value: T) {
    this.httpMethod = httpMethod;
    this.template = template;
    this.value = value;
    this.restAt = template.segments.findIndex((segment) => segment.kind === "rest");
  }
}

/** The routes of one template shape, by HTTP method; "*" stands for the methods not named. */
export class Leaf<T> {
  private readonly httpMethods: string[] = [];
  readonly routes: Route<T>[] = [];
  private anyMethod: Route<T> | undefined;

  /** @returns the route that has this place already, if there is one */
  add(route: Route<T>): Route<T> | undefined {
    const taken = this.routes.find((earlier) => earlier.httpMethod === route.httpMethod);
    if (taken !== undefined) return taken;
    this.httpMethods.push(route.httpMethod);
    this.routes.push(route);
    if (route.httpMethod === "*") this.anyMethod = route;
    return undefined;
  }

  find(httpMethod: string): Route<T> | undefined {
    const { httpMethods } = this;
    for (let index = 0; index < httpMethods.length; index++) if (httpMethods[index] === httpMethod) return this.routes[index];
    return this.anyMethod;
  }
}

/** Above this many literal children a map is faster than comparing one after the other. */
const scanLimit = 6;

/** A node, before or after a `**`: after it, children are the literals in order from the path's end. */
export class TrieNode<T> {
  /** Routes without a verb. */
  leaf: Leaf<T> | undefined;
  private verbs: Map<string, Leaf<T>> | undefined;
  one: TrieNode<T> | undefined;
  rest: TrieNode<T> | undefined;
  private readonly literals: string[] = [];
  private readonly children: TrieNode<T>[] = [];
  private byLiteral: Map<string, TrieNode<T>> | undefined;
  private longestLiteral = 0;

  leafOf(verb: string): Leaf<T> | undefined {
    return verb === "" ? this.leaf : this.verbs?.get(verb);
  }

  openLeaf(verb: string): Leaf<T> {
    if (verb === "") return (this.leaf ??= new Leaf());
    this.verbs ??= new Map();
    let leaf = this.verbs.get(verb);
    if (leaf === undefined) this.verbs.set(verb, (leaf = new Leaf()));
    return leaf;
  }

  openLiteral(literal: string): TrieNode<T> {
    const known = this.literal(literal, 0, literal.length);
    if (known !== undefined) return known;
    const child = new TrieNode<T>();
    this.literals.push(literal);
    this.children.push(child);
    this.longestLiteral = Math.max(this.longestLiteral, literal.length);
    if (this.byLiteral !== undefined) this.byLiteral.set(literal, child);
    else if (this.literals.length > scanLimit) this.byLiteral = new Map(this.literals.map((text, index) => [text, this.children[index]!]));
    return child;
  }

  get hasLiterals(): boolean {
    return this.literals.length > 0;
  }

  /** The child for `text` from `start` up to `end`. Compares in place: a substring and its hash cost more than a few comparisons. */
  literal(text: string, start: number, end: number): TrieNode<T> | undefined {
    const length = end - start;
    if (length > this.longestLiteral) return undefined;
    if (this.byLiteral !== undefined) return this.byLiteral.get(text.slice(start, end));
    const { literals } = this;
    for (let index = 0; index < literals.length; index++) {
      const literal = literals[index]!;
      if (literal.length === length && text.startsWith(literal, start)) return this.children[index];
    }
    return undefined;
  }
}

/** The leaf where `template` belongs, made if need be. */
export function openLeaf<T>(root: TrieNode<T>, template: Template): Leaf<T> {
  const { segments } = template;
  let node = root;
  for (let index = 0; index < segments.length; index++) {
    const segment = segments[index]!;
    if (segment.kind === "literal") node = node.openLiteral(segment.text);
    else if (segment.kind === "one") node = node.one ??= new TrieNode();
    else {
      node = node.rest ??= new TrieNode();
      for (let tail = segments.length - 1; tail > index; tail--) {
        const literal = segments[tail]!;
        if (literal.kind === "literal") node = node.openLiteral(literal.text);
      }
      break;
    }
  }
  return node.openLeaf(template.verb);
}
