/** An OpenAPI 3.1 document of what the REST side of a schema answers (https://spec.openapis.org/oas/v3.1.0). */
import type { Schema } from "../descriptor.ts";
import { describePaths } from "./paths.ts";
import { SchemaCollection, type JsonSchema } from "./schema-of-type.ts";

export interface OpenApiOptions {
  readonly title: string;
  readonly version: string;
  /** URLs the API is reached at. */
  readonly servers?: readonly string[];
  /** List `POST /pkg.Service/Method` too. Default true, as the gateway answers it. */
  readonly autoMapping?: boolean;
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
  const schemas = new SchemaCollection();
  const error = schemas.define("google.rpc.Status", status);
  const paths = describePaths(schema, schemas, options.autoMapping ?? true);
  return {
    openapi: "3.1.0",
    info: { title: options.title, version: options.version },
    ...(options.servers !== undefined && options.servers.length > 0 && { servers: options.servers.map((url) => ({ url })) }),
    tags: schema.services.map(({ name, comment }) => ({ name, ...(comment !== undefined && { description: comment }) })),
    paths,
    components: {
      schemas: schemas.finish(),
      responses: { Error: { description: "An error.", content: { "application/json": { schema: error } } } },
    },
  };
}
