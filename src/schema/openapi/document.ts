/** An OpenAPI 3.1 document of what the REST side of a schema answers (https://spec.openapis.org/oas/v3.1.0). */
import type { JsonProfile } from "../../core/message-type.ts";
import type { Schema } from "../descriptor.ts";
import type { RouteProblem } from "../method-table.ts";
import { describePaths, type IsServed } from "./paths.ts";
import { SchemaCollection, type JsonSchema } from "./schema-of-type.ts";

export interface OpenApiOptions {
  readonly title: string;
  readonly version: string;
  /** URLs the API is reached at; none: where the document came from. */
  readonly servers?: readonly string[];
  /** List `POST /pkg.Service/Method` too. Default true, as the gateway answers it. */
  readonly autoMapping?: boolean;
  /** How JSON is printed. */
  readonly json?: Partial<JsonProfile>;
  /** Of the method table: bindings that are not served are not listed. */
  readonly problems?: readonly RouteProblem[];
  /** Security schemes by name, in OpenAPI's form; a call must meet one of them. */
  readonly security?: Readonly<Record<string, JsonSchema>>;
}

const anyDetail: JsonSchema = {
  type: "object",
  properties: { "@type": { type: "string" } },
  required: ["@type"],
  additionalProperties: true,
};

const status: JsonSchema = {
  type: "object",
  description: "Every error, whoever made it, has this form.",
  properties: {
    code: { type: "integer", format: "int32", description: "The gRPC status code." },
    message: { type: "string" },
    details: { type: "array", items: anyDetail },
  },
};

/** Equal schemas and options give equal documents. */
export function createOpenApi(schema: Schema, options: OpenApiOptions): object {
  const { title, version, servers = [], autoMapping = true, json, problems = [], security = {} } = options;
  const schemas = new SchemaCollection(json);
  const error = schemas.define("google.rpc.Status", status);
  const paths = describePaths(schema, schemas, autoMapping, servedBut(problems));
  const schemes = Object.keys(security);
  return {
    openapi: "3.1.0",
    info: { title, version },
    ...(servers.length > 0 && { servers: servers.map((url) => ({ url })) }),
    ...(schemes.length > 0 && { security: schemes.map((name) => ({ [name]: [] })) }),
    tags: schema.services.map(({ name, comment }) => ({ name, ...(comment !== undefined && { description: comment }) })),
    paths,
    components: {
      schemas: schemas.finish(),
      responses: { Error: { description: "An error.", content: { "application/json": { schema: error } } } },
      ...(schemes.length > 0 && { securitySchemes: security }),
    },
  };
}

/** Bindings that cannot be served are known by their words; of two for one path the document itself keeps the first. */
function servedBut(problems: readonly RouteProblem[]): IsServed {
  const key = (method: string, httpMethod: string, template: string): string => `${method} ${httpMethod} ${template}`;
  const unserved = new Set<string>();
  for (const { kind, methods, httpMethod, template } of problems)
    if (kind === "template" || kind === "binding") for (const method of methods) unserved.add(key(method, httpMethod, template));
  return ({ path }, { httpMethod, template }) => !unserved.has(key(path, httpMethod, template));
}
