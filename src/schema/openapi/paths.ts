/** Operations of a schema: one per binding and HTTP method, and `POST /pkg.Service/Method` for every method where that is on. */
import type { HttpBinding } from "../../core/method.ts";
import type { MessageDescriptor, MethodDescriptor, Schema, ServiceDescriptor } from "../descriptor.ts";
import { parseTemplate, TemplateError, type Template } from "../http-rule/template.ts";
import { fieldAt, pathParameters, queryParameters } from "./parameters.ts";
import { PathNames, type OpenApiPath } from "./path-template.ts";
import type { JsonSchema, SchemaCollection } from "./schema-of-type.ts";

/** The methods that have a place in a path item; others have none until OpenAPI 3.2, whose name for the place is used with an x. */
const knownMethods = new Set(["get", "put", "post", "delete", "options", "head", "patch", "trace"]);
const extraMethods = "x-additionalOperations";
/** What a binding of kind "*" is documented as. */
const anyMethods = ["get", "put", "post", "delete", "patch"] as const;

const httpBody = "google.api.HttpBody";
const binary: JsonSchema = { "*/*": { schema: { type: "string", format: "binary" } } };

type PathItem = Record<string, JsonSchema | Record<string, JsonSchema>>;

export function describePaths(schema: Schema, schemas: SchemaCollection, autoMapping: boolean): Record<string, PathItem> {
  const writer = new PathsWriter(schema, schemas);
  for (const service of schema.services)
    for (const method of service.methods) for (const binding of method.http) writer.addBinding(service, method, binding);
  if (autoMapping)
    for (const service of schema.services)
      for (const method of service.methods)
        writer.addBinding(service, method, { httpMethod: "POST", template: method.path, body: "*", responseBody: "" });
  return writer.finish();
}

class PathsWriter {
  private readonly schemas: SchemaCollection;
  private readonly names = new PathNames();
  private readonly items = new Map<string, PathItem>();
  private readonly operationIds = new Set<string>();
  /** Short names of services that more than one package has. */
  private readonly ambiguous: ReadonlySet<string>;

  constructor(schema: Schema, schemas: SchemaCollection) {
    this.schemas = schemas;
    const names = schema.services.map(shortName);
    this.ambiguous = new Set(names.filter((name, i) => names.indexOf(name) !== i));
  }

  finish(): Record<string, PathItem> {
    return Object.fromEntries(this.items);
  }

  addBinding(service: ServiceDescriptor, method: MethodDescriptor, binding: HttpBinding): void {
    const template = templateOf(binding);
    if (template === undefined) return;
    const path = this.names.pathOf(template);
    const item = this.items.get(path.path) ?? {};
    this.items.set(path.path, item);
    const methods = binding.httpMethod === "*" ? anyMethods : [binding.httpMethod.toLowerCase()];
    for (const httpMethod of methods) {
      const isKnown = knownMethods.has(httpMethod);
      const place = isKnown ? item : ((item[extraMethods] ??= {}) as Record<string, JsonSchema>);
      const key = isKnown ? httpMethod : binding.httpMethod;
      // Of two bindings with one method and path the first answers.
      if (Object.hasOwn(place, key)) continue;
      place[key] = this.operation(service, method, binding, template, path, httpMethod);
    }
  }

  private operation(
    service: ServiceDescriptor,
    method: MethodDescriptor,
    binding: HttpBinding,
    template: Template,
    path: OpenApiPath,
    httpMethod: string,
  ): JsonSchema {
    const bound = new Set(template.variables.map(({ fieldPath }) => fieldPath.join(".")));
    const parameters = pathParameters(method.input, path.parameters, this.schemas);
    if (binding.body !== "*") parameters.push(...queryParameters(method.input, bound, binding.body, this.schemas));
    const requestBody = this.requestBody(method, binding, bound);
    const [summary, ...description] = (method.comment ?? "").split(/\n\s*\n|(?<=\.)\s+(?=\S)/);
    return {
      tags: [service.name],
      operationId: this.operationId(service, method),
      ...(summary !== "" && { summary: summary!.replaceAll("\n", " ") }),
      ...(description.length > 0 && { description: method.comment }),
      ...(method.deprecated && { deprecated: true }),
      ...(parameters.length > 0 && { parameters }),
      ...(requestBody !== undefined && { requestBody }),
      responses: {
        "200": { description: "OK", ...(httpMethod !== "head" && { content: this.responseContent(method, binding) }) },
        default: { $ref: "#/components/responses/Error" },
      },
    };
  }

  private requestBody(method: MethodDescriptor, binding: HttpBinding, bound: ReadonlySet<string>): JsonSchema | undefined {
    if (binding.body === "") return undefined;
    const { input } = method;
    if (binding.body === "*") {
      if (input.name === httpBody) return { required: true, content: binary };
      const schema = input.fields.some(({ name }) => bound.has(name))
        ? this.schemas.messageWithout(input, bound)
        : this.schemas.message(input);
      return { required: true, content: streamContent(schema, method.clientStreaming, false) };
    }
    const field = fieldAt(input, binding.body);
    if (field === undefined) return undefined;
    if (isHttpBody(field.value.kind === "message" ? field.value.message : undefined)) return { required: true, content: binary };
    return { required: true, content: streamContent(this.schemas.field(field), method.clientStreaming, false) };
  }

  private responseContent(method: MethodDescriptor, binding: HttpBinding): JsonSchema {
    const { output } = method;
    const field = binding.responseBody === "" ? undefined : fieldAt(output, binding.responseBody);
    if (isHttpBody(field === undefined ? output : field.value.kind === "message" ? field.value.message : undefined)) return binary;
    const schema = field === undefined ? this.schemas.message(output) : this.schemas.field(field);
    return streamContent(schema, method.serverStreaming, true);
  }

  private operationId(service: ServiceDescriptor, method: MethodDescriptor): string {
    const short = shortName(service);
    const base = `${this.ambiguous.has(short) ? service.name.replaceAll(".", "_") : short}_${method.name}`;
    let id = base;
    for (let n = 2; this.operationIds.has(id); n++) id = `${base}_${n}`;
    this.operationIds.add(id);
    return id;
  }
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

/** One message, or the forms a stream of them takes (SEMANTICS A1.12, A1.13). */
function streamContent(schema: JsonSchema, streaming: boolean, isResponse: boolean): JsonSchema {
  if (!streaming) return { "application/json": { schema } };
  return {
    "application/json": { schema: { type: "array", items: schema } },
    "application/x-ndjson": { schema },
    ...(isResponse && { "text/event-stream": { schema } }),
  };
}

function isHttpBody(message: MessageDescriptor | undefined): boolean {
  return message?.name === httpBody;
}

function shortName({ name }: ServiceDescriptor): string {
  return name.slice(name.lastIndexOf(".") + 1);
}
