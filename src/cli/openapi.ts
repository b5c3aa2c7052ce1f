/** `dragoman openapi`: the REST interface of a schema as an OpenAPI document, on standard output or in a file; the one a running sidecar serves. */
import { writeFileSync } from "node:fs";
import { loadConfig, whyUnreadable, type ConfigSource } from "../config/load-config.ts";
import { StartError } from "../runtime/start-error.ts";
import { exitCode } from "./exit-code.ts";
import { loadTable } from "./load-table.ts";

/** @throws ConfigError, StartError */
export async function openapi(source: ConfigSource, output: string | undefined): Promise<number> {
  const config = await loadConfig(source);
  const [table, { describeApi }] = await Promise.all([loadTable(config), import("../runtime/describe-api.ts")]);
  const text = `${JSON.stringify(describeApi(table, config), undefined, 2)}\n`;
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
