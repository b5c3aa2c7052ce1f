/** What is served, as OpenAPI: the same document on the docs page, at the admin listener and on the command line. */
import type { Config } from "../config/schema.ts";
import type { MethodTable } from "../schema/method-table.ts";
import { createOpenApi } from "../schema/openapi/document.ts";

export function describeApi({ schema, problems }: MethodTable, { service, inbound }: Pick<Config, "service" | "inbound">): object {
  return createOpenApi(schema, {
    title: service,
    version: schema.hash.slice(0, 12),
    autoMapping: inbound.binding.autoMapping,
    json: inbound.json,
    problems,
  });
}
