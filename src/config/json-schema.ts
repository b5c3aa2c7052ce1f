/** The configuration as JSON Schema, for editors: `dragoman check --schema > dragoman.schema.json`. */
import * as z from "zod/mini";
import { configSchema } from "./schema.ts";

export function configJsonSchema(): Record<string, unknown> {
  return { ...z.toJSONSchema(configSchema, { io: "input", unrepresentable: "any" }), title: "Dragoman configuration" };
}
