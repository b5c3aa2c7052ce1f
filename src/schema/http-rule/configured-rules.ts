/**
 * http rules given beside the schema, for services whose .proto files cannot be changed: `google.api.HttpRule` with a selector, as in the
 * `http: rules:` of a Google service configuration (google/api/http.proto, "gRPC API Configuration").
 *
 * The trap: a rule takes the place of all annotations of its method. Of two rules for one method the last one counts.
 */
import type { HttpBinding } from "../../core/method.ts";
import type { MethodDescriptor, Schema } from "../descriptor.ts";
import { didYouMean } from "../../core/nearest-name.ts";

/** One of the HTTP methods, or `custom`, is set. */
interface HttpRulePattern {
  readonly get?: string | undefined;
  readonly put?: string | undefined;
  readonly post?: string | undefined;
  readonly delete?: string | undefined;
  readonly patch?: string | undefined;
  readonly custom?: { readonly kind: string; readonly path: string } | undefined;
  /** "*", the name of a field, or none. */
  readonly body?: string | undefined;
  /** The response field that is the whole HTTP body, or none. */
  readonly responseBody?: string | undefined;
}

export interface HttpRule extends HttpRulePattern {
  /** "shop.v1.Orders.Get" */
  readonly selector: string;
  readonly additionalBindings?: readonly HttpRulePattern[] | undefined;
}

/** A rule that cannot be used. */
export interface RuleProblem {
  readonly selector: string;
  readonly message: string;
}

/** The schema with `rules` in place of annotations, and what of them is wrong. */
export function withHttpRules(schema: Schema, rules: readonly HttpRule[]): { schema: Schema; problems: readonly RuleProblem[] } {
  const problems: RuleProblem[] = [];
  const names = schema.services.flatMap((service) => service.methods.map((method) => `${service.name}.${method.name}`));
  const bindings = new Map<string, readonly HttpBinding[]>();
  for (const { selector, additionalBindings = [], ...own } of rules) {
    if (!names.includes(selector)) {
      problems.push({ selector, message: `http rule for ${selector}: the schema has no such method${didYouMean(selector, names)}` });
      continue;
    }
    const read = [own, ...additionalBindings].map(readPattern);
    const faulty = read.findIndex((binding) => binding === undefined);
    if (faulty < 0) bindings.set(selector, read as HttpBinding[]);
    else {
      const which = faulty === 0 ? "it" : `additional binding ${faulty}`;
      problems.push({
        selector,
        message: `http rule for ${selector}: ${which} needs exactly one of get, put, post, delete, patch and custom`,
      });
    }
  }
  const services = schema.services.map((service) => {
    const methods = service.methods.map((method) => withBindings(method, bindings.get(`${service.name}.${method.name}`)));
    return { name: service.name, comment: service.comment, methods };
  });
  const { hash, descriptorSet } = schema;
  const changed = {
    hash,
    descriptorSet,
    services,
    message: (name: string) => schema.message(name),
    enum: (name: string) => schema.enum(name),
  };
  return { schema: changed, problems };
}

function readPattern(rule: HttpRulePattern): HttpBinding | undefined {
  const { custom, body = "", responseBody = "" } = rule;
  const kinds = (["get", "put", "post", "delete", "patch"] as const).filter((kind) => rule[kind] !== undefined);
  if (kinds.length + (custom === undefined ? 0 : 1) !== 1) return undefined;
  const kind = kinds[0];
  return kind === undefined
    ? { httpMethod: custom!.kind, template: custom!.path, body, responseBody }
    : { httpMethod: kind.toUpperCase(), template: rule[kind]!, body, responseBody };
}

/** A copy, field by field: methods of a linked schema are not plain objects. */
function withBindings(method: MethodDescriptor, http: readonly HttpBinding[] | undefined): MethodDescriptor {
  if (http === undefined) return method;
  const { path, service, name, input, output, clientStreaming, serverStreaming, unary, idempotency, deprecated, comment } = method;
  return { path, service, name, input, output, clientStreaming, serverStreaming, unary, idempotency, deprecated, comment, http };
}
