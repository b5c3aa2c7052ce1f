/**
 * All methods of a schema, found by gRPC path or by HTTP method and target (SEMANTICS A1.2, A1.3, A1.9).
 *
 * A binding that cannot be used is left out and listed in `problems`; the rest of the schema is served. Auto-mapped paths are added last,
 * so an annotation that claims one of them has it.
 */
import type { HttpBinding } from "../core/method.ts";
import { defaultBinding, type BindingOptions } from "./binding/binding-options.ts";
import { BindingError, createBinder, type Binder, type BindTarget } from "./binding/binder.ts";
import type { MethodDescriptor, Schema } from "./descriptor.ts";
import { withHttpRules, type HttpRule } from "./http-rule/configured-rules.ts";
import { explainRoutes, type RouteExplanation } from "./http-rule/explain-routes.ts";
import { routeHints } from "./http-rule/route-hints.ts";
import { Router } from "./http-rule/router.ts";
import { TemplateError } from "./http-rule/template.ts";

export interface MethodTableOptions {
  /** Every method also answers POST /pkg.Service/Method with the whole message as body. */
  readonly autoMapping: boolean;
  readonly binding?: Partial<BindingOptions>;
  /** For some methods; over {@link binding}. */
  readonly bindingOf?: (method: MethodDescriptor) => Partial<BindingOptions> | undefined;
  /** Each in place of the annotations of its method. */
  readonly rules?: readonly HttpRule[];
}

export class RouteMatch implements BindTarget {
  readonly found = true;
  readonly binder: Binder;
  readonly method: MethodDescriptor;
  readonly captures: readonly string[];
  readonly query: string;

  constructor(binder: Binder, captures: readonly string[], query: string) {
    this.binder = binder;
    this.method = binder.method;
    this.captures = captures;
    this.query = query;
  }

  /** The same with another binder of the same binding. */
  boundBy(binder: Binder): RouteMatch {
    return new RouteMatch(binder, this.captures, this.query);
  }
}

export class RouteMiss {
  readonly found = false;
  /** HTTP methods that the path would take; none when the path is unknown. */
  readonly allow: readonly string[];

  constructor(allow: readonly string[]) {
    this.allow = allow;
  }
}

/** Why a binding is not served. */
export interface RouteProblem {
  readonly kind: "template" | "binding" | "duplicate" | "rule";
  /** The .proto file with the annotation; undefined for a rule that stands beside the schema, or where it is not known. */
  readonly file: string | undefined;
  readonly httpMethod: string;
  readonly template: string;
  /** Where in the template, from 1. */
  readonly column: number | undefined;
  /** gRPC paths: the method whose binding is left out; for a duplicate the one that has its place comes first. */
  readonly methods: readonly string[];
  readonly message: string;
}

/** The problem in one line, with its place: `shop.proto: /shop.v1.Orders/Get: GET /v1/{id, column 6: ...`. */
export function describeProblem({ kind, file, httpMethod, template, column, methods, message }: RouteProblem): string {
  const origin = file === undefined ? "" : `${file}: `;
  // The other kinds name the method and the binding themselves.
  if (kind !== "template" && kind !== "binding") return origin + message;
  return `${origin}${methods[0]}: ${httpMethod} ${template}${column === undefined ? "" : `, column ${column}`}: ${message}`;
}

export class MethodTable {
  readonly schema: Schema;
  readonly problems: readonly RouteProblem[];
  private readonly methods = new Map<string, MethodDescriptor>();
  private readonly router = new Router<Binder>();

  constructor(schema: Schema, options: MethodTableOptions) {
    const problems: RouteProblem[] = [];
    this.schema = options.rules === undefined || options.rules.length === 0 ? schema : configured(schema, options.rules, problems);
    const binding = { ...defaultBinding, ...options.binding };
    const bindingOf = (method: MethodDescriptor): BindingOptions => {
      const own = options.bindingOf?.(method);
      return own === undefined ? binding : { ...binding, ...own };
    };
    const methods = this.schema.services.flatMap((service) => service.methods);
    for (const method of methods) {
      this.methods.set(method.path, method);
      for (const message of method.httpProblems ?? [])
        problems.push({
          kind: "rule",
          file: method.file,
          httpMethod: "",
          template: "",
          column: undefined,
          methods: [method.path],
          message: `${method.path}: ${message}`,
        });
      for (const rule of method.http) this.add(method, rule, bindingOf(method), problems);
    }
    if (options.autoMapping) for (const method of methods) this.add(method, autoBinding(method), bindingOf(method), problems);
    this.problems = problems;
  }

  /** "/pkg.Service/Method" */
  byPath(path: string): MethodDescriptor | undefined {
    return this.methods.get(path);
  }

  /** @param target path and query in origin form, as sent */
  route(httpMethod: string, target: string): RouteMatch | RouteMiss {
    const mark = target.indexOf("?");
    const path = mark < 0 ? target : target.slice(0, mark);
    const match = this.router.match(httpMethod, path);
    if (match === undefined) return new RouteMiss(this.router.allowedMethods(path));
    return new RouteMatch(match.route.value, match.captures, mark < 0 ? "" : target.slice(mark + 1));
  }

  /** The bindings nearest to a request, best first, and for each that does not match the reason. */
  explain(httpMethod: string, target: string, limit = 5): RouteExplanation<Binder>[] {
    const mark = target.indexOf("?");
    return explainRoutes(this.router, httpMethod, mark < 0 ? target : target.slice(0, mark), limit);
  }

  /** What a request whose path is unknown may have meant. */
  hints(httpMethod: string, target: string): string[] {
    const mark = target.indexOf("?");
    return routeHints(this.router, httpMethod, mark < 0 ? target : target.slice(0, mark));
  }

  private add(method: MethodDescriptor, rule: HttpBinding, options: BindingOptions, problems: RouteProblem[]): void {
    const { httpMethod, template } = rule;
    const problem = (kind: RouteProblem["kind"], message: string, column?: number, methods = [method.path]) =>
      problems.push({ kind, file: method.file, httpMethod, template, column, methods, message });
    try {
      const binder = createBinder(method, rule, options);
      for (const message of binder.events?.problems ?? []) problem("binding", message);
      const taken = this.router.add(httpMethod, binder.template, binder)?.value;
      if (taken === undefined || (taken.method === method && template === method.path)) return;
      const message = `${httpMethod} ${template} has the place of ${taken.binding.template}, bound to ${taken.method.path} already`;
      problem("duplicate", message, undefined, [taken.method.path, method.path]);
    } catch (error) {
      if (error instanceof TemplateError) problem("template", error.message, error.column);
      else if (error instanceof BindingError) problem("binding", error.message, error.column);
      else throw error;
    }
  }
}

export function createMethodTable(schema: Schema, options: MethodTableOptions): MethodTable {
  return new MethodTable(schema, options);
}

function configured(schema: Schema, rules: readonly HttpRule[], problems: RouteProblem[]): Schema {
  const applied = withHttpRules(schema, rules);
  for (const { selector, message } of applied.problems)
    problems.push({ kind: "rule", file: undefined, httpMethod: "", template: "", column: undefined, methods: [selector], message });
  return applied.schema;
}

function autoBinding(method: MethodDescriptor): HttpBinding {
  return { httpMethod: "POST", template: method.path, body: "*", responseBody: "" };
}
