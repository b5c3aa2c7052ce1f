/**
 * `dragoman check CONFIG`: everything `run` would do with a configuration, short of listening and of asking the upstream.
 *
 * The trap: what is only a warning for a running sidecar (a route that cannot be served, two for the same path) is an error here.
 */
import { loadConfig, type ConfigSource } from "../config/load-config.ts";
import { ConfigError } from "../config/config-error.ts";
import { systemClock } from "../core/clock.ts";
import { silentLogger } from "../core/logger.ts";
import { policies } from "../policies/index.ts";
import { Pipelines } from "../runtime/pipelines.ts";
import { createProcessServices } from "../runtime/process-services.ts";
import { readClientTls, readServerTls } from "../runtime/tls-files.ts";
import { isSecure, parseUpstream } from "../config/addresses.ts";
import { describeProblem } from "../schema/method-table.ts";
import { exitCode } from "./exit-code.ts";
import { loadTable } from "./load-table.ts";

/** @throws ConfigError, StartError */
export async function check(source: ConfigSource): Promise<number> {
  const config = await loadConfig(source);
  const { inbound } = config;
  const upstream = parseUpstream(inbound.upstream);
  if (inbound.tls !== undefined) readServerTls(inbound.tls);
  if (isSecure(upstream)) readClientTls("inbound.upstreamTls", inbound.upstreamTls, upstream.host);

  const services = createProcessServices(systemClock, silentLogger);
  try {
    new Pipelines({ policies, config, services, target: () => () => Promise.reject(new Error("nothing is called by a check")) });
  } finally {
    await services.close();
  }

  let routes = "the schema is asked of the upstream when it runs";
  if (typeof inbound.schema === "object") {
    const table = await loadTable(config);
    if (table.problems.length > 0) throw new ConfigError(table.problems.map(describeProblem));
    routes = `${table.schema.services.length} services`;
  }
  console.log(`${source.file ?? "the configuration"} is fine: ${routes}`);
  return exitCode.drained;
}
