/** The method table of a configuration, loaded once: for commands that look at a schema and do not serve it. */
import type { Config } from "../config/schema.ts";
import { systemClock } from "../core/clock.ts";
import type { MethodTable } from "../schema/method-table.ts";
import { createSchemaSource, SchemaWatch } from "../runtime/schema-watch.ts";
import { tableOptions } from "../runtime/table-options.ts";
import { StartError } from "../runtime/start-error.ts";
import { createUpstream } from "../runtime/upstream-client.ts";

/** @throws StartError that says what to do */
export async function loadTable(config: Config): Promise<MethodTable> {
  const { upstream, schema } = config.inbound;
  const cluster = await createUpstream(config, systemClock);
  let report: SchemaWatch | undefined;
  try {
    const source = await createSchemaSource(schema, {
      upstream,
      handler: cluster.handler,
      clock: systemClock,
      onProblem: (problem) => report?.report(problem),
    });
    if (source === undefined) throw new StartError("config", "inbound.schema is none, so there is nothing to show");
    const watch = (report = new SchemaWatch({ source, tableOptions: tableOptions(config), onTable: () => {} }));
    await watch.first;
    await watch.close();
    if (watch.table !== undefined) return watch.table;
    if (watch.failure !== undefined) throw new StartError("config", watch.failure.message);
    throw new StartError("start", (watch.problem?.message ?? `upstream ${upstream} gave no schema`).replace("; trying again", ""));
  } finally {
    await cluster.close();
  }
}
