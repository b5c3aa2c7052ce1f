/** `dragoman openapi`: the REST interface of a schema as an OpenAPI document, on standard output or in a file. */
import { writeFileSync } from "node:fs";
import { loadConfig, whyUnreadable, type ConfigSource } from "../config/load-config.ts";
import { StartError } from "../runtime/start-error.ts";
import { exitCode } from "./exit-code.ts";
import { loadTable } from "./load-table.ts";
import { version } from "./version.ts";

/** @throws ConfigError, StartError */
export async function openapi(source: ConfigSource, output: string | undefined): Promise<number> {
  const config = await loadConfig(source);
  const [table, { createOpenApi }] = await Promise.all([loadTable(config), import("../schema/openapi/document.ts")]);
  const text = `${JSON.stringify(createOpenApi(table.schema, { title: config.service, version: version() }), undefined, 2)}\n`;
  if (output === undefined) process.stdout.write(text);
  else {
    try {
      writeFileSync(output, text);
    } catch (error) {
      throw new StartError("start", `${output} cannot be written: ${whyUnreadable(error)}`);
    }
  }
  return exitCode.drained;
}
