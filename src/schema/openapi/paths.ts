/**
 * Operations of a schema: one per binding and HTTP method, and `POST /pkg.Service/Method` for every method where that is on.
 *
 * The trap: the router asks for the exact HTTP method before it takes a rule of kind `*`, whichever stands first, so those rules are written
 * last and fill what is left.
 */
import type { HttpBinding } from "../../core/method.ts";
import type { MethodDescriptor, Schema, ServiceDescriptor } from "../descriptor.ts";
import { parseTemplate, TemplateError, type Template } from "../http-rule/template.ts";
import { requestBody, response } from "./bodies.ts";
import { jsonPath, pathParameters, queryParameters } from "./parameters.ts";
import { PathNames, type OpenApiPath } from "./path-template.ts";
import type { JsonSchema, SchemaCollection } from "./schema-of-type.ts";

/** The methods that have a place in a path item; others have none until OpenAPI 3.2, whose name for the place is used with an x. */
const knownMethods = new Set(["get", "put", "post", "delete", "options", "head", "patch", "trace"]);
const extraMethods = "x-additionalOperations";
/** What a binding of kind "*" is documented as. */
const anyMethods = ["get", "put", "post", "delete", "patch"] as const;

type PathItem = Record<string, JsonSchema | Record<string, JsonSchema>>;

/** Whether a binding that the schema holds is answered. */
export type IsServed = (method: MethodDescriptor, binding: HttpBinding) => boolean;

/** A binding on its way into the document. */
interface Route {
  readonly service: ServiceDescriptor;
  readonly method: MethodDescriptor;
  readonly binding: HttpBinding;
  readonly template: Template;
  readonly path: OpenApiPath;
  /** `POST /pkg.Service/Method`, which nobody wrote down. */
  readonly automatic: boolean;
}

export function describePaths(
  schema: Schema,
  schemas: SchemaCollection,
  autoMapping: boolean,
  isServed: IsServed,
): Record<string, PathItem> {
  const writer = new PathsWriter(schema, schemas);
  for (const service of schema.services)
    for (const method of service.methods)
      for (const binding of method.http) if (isServed(method, binding)) writer.place(service, method, binding, false);
  if (autoMapping)
    for (const service of schema.services)
      for (const method of service.methods)
        writer.place(service, method, { httpMethod: "POST", template: method.path, body: "*", responseBody: "" }, true);
  return writer.finish();
}

class PathsWriter {
  private readonly schemas: SchemaCollection;
  private readonly names = new PathNames();
  private readonly items = new Map<string, PathItem>();
  private readonly routes: Route[] = [];
  private readonly operationIds = new Set<string>();
  /** Short names of services that more than one package has. */
  private readonly ambiguous: ReadonlySet<string>;

  constructor(schema: Schema, schemas: SchemaCollection) {
    this.schemas = schemas;
    const names = schema.services.map(shortName);
    this.ambiguous = new Set(names.filter((name, i) => names.indexOf(name) !== i));
  }

  /** Paths stand in the order in which their rules do. */
  place(service: ServiceDescriptor, method: MethodDescriptor, binding: HttpBinding, automatic: boolean): void {
    const template = templateOf(binding);
    if (template === undefined) return;
    const path = this.names.pathOf(template, (field) => jsonPath(method.input, field, this.schemas));
    if (!this.items.has(path.path)) this.items.set(path.path, {});
    this.routes.push({ service, method, binding, template, path, automatic });
  }

  finish(): Record<string, PathItem> {
    for (const route of this.routes) if (route.binding.httpMethod !== "*") this.write(route, route.binding.httpMethod);
    for (const route of this.routes) if (route.binding.httpMethod === "*") for (const each of anyMethods) this.write(route, each);
    return Object.fromEntries(this.items);
  }

  private write(route: Route, httpMethod: string): void {
    const item = this.items.get(route.path.path)!;
    const isKnown = knownMethods.has(httpMethod.toLowerCase());
    const place = isKnown ? item : ((item[extraMethods] ??= {}) as Record<string, JsonSchema>);
    const key = isKnown ? httpMethod.toLowerCase() : httpMethod;
    // Of two bindings with one method and path the first answers.
    if (!Object.hasOwn(place, key)) place[key] = this.operation(route, key);
  }

  private operation(route: Route, httpMethod: string): JsonSchema {
    const { service, method, binding, template, path } = route;
    const bound = new Set(template.variables.map(({ fieldPath }) => fieldPath.join(".")));
    const parameters = pathParameters(method.input, path.parameters, this.schemas);
    if (binding.body !== "*") parameters.push(...queryParameters(method.input, bound, binding.body, this.schemas));
    const body = requestBody(method, binding, bound, this.schemas);
    const [summary, ...description] = (method.comment ?? "").split(/\n\s*\n|(?<=\.)\s+(?=\S)/);
    return {
      tags: [service.name],
      operationId: this.operationId(route),
      ...(summary !== "" && { summary: summary!.replaceAll("\n", " ") }),
      ...(description.length > 0 && { description: method.comment }),
      ...(method.deprecated && { deprecated: true }),
      "x-grpc-method": method.path,
      ...(!method.unary && { "x-grpc-streaming": streaming(method) }),
      ...(parameters.length > 0 && { parameters }),
      ...(body !== undefined && { requestBody: body }),
      responses: {
        "200": response(method, binding, httpMethod, this.schemas),
        default: { $ref: "#/components/responses/Error" },
      },
    };
  }

  private operationId({ service, method, automatic }: Route): string {
    const short = shortName(service);
    const base = `${this.ambiguous.has(short) ? service.name.replaceAll(".", "_") : short}_${method.name}`;
    // Apart from the numbers, so that one more rule does not rename it.
    const first = automatic && method.http.length > 0 ? `${base}_rpc` : base;
    let id = first;
    for (let n = 2; this.operationIds.has(id); n++) id = `${first}_${n}`;
    this.operationIds.add(id);
    return id;
  }
}

function streaming({ clientStreaming, serverStreaming }: MethodDescriptor): "client" | "server" | "both" {
  return clientStreaming && serverStreaming ? "both" : clientStreaming ? "client" : "server";
}

/** Undefined for a template that is none: the method table reports it, with file and column. */
function templateOf({ template }: HttpBinding): Template | undefined {
  try {
    return parseTemplate(template);
  } catch (error) {
    if (error instanceof TemplateError) return undefined;
    throw error;
  }
}

function shortName({ name }: ServiceDescriptor): string {
  return name.slice(name.lastIndexOf(".") + 1);
}
