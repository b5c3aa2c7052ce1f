/**
 * `dragoman explain METHOD URL`: what a request would meet, without sending it to anybody; of the upstream only the schema is asked for.
 *
 * The exit code says whether the request could be explained, not whether it would be served: that is `verdict` in the output.
 */
import { readFileSync } from "node:fs";
import { ConfigError } from "../config/config-error.ts";
import { loadConfig, whyUnreadable, type ConfigSource } from "../config/load-config.ts";
import { systemClock } from "../core/clock.ts";
import type { Handler } from "../core/handler.ts";
import { silentLogger } from "../core/logger.ts";
import { policies } from "../policies/index.ts";
import { createInbounds } from "../protocols/index.ts";
import { catalogueOf } from "../runtime/catalogue.ts";
import type { ExplainedRequest } from "../runtime/explain/explained-request.ts";
import { explainRequest } from "../runtime/explain/explain-request.ts";
import { explanationText } from "../runtime/explain/explanation-text.ts";
import { UnusableRequest } from "../runtime/explain/unusable-request.ts";
import { OwnAnswers } from "../runtime/own-answers.ts";
import { Pipelines } from "../runtime/pipelines.ts";
import { createProcessServices } from "../runtime/process-services.ts";
import { exitCode } from "./exit-code.ts";
import { loadTable } from "./load-table.ts";

export interface ExplainFlags {
  readonly header?: readonly string[];
  readonly data?: string;
  readonly httpVersion?: "1.1" | "2";
  readonly json?: boolean;
}

export interface ExplainOptions {
  readonly httpMethod: string;
  readonly url: string;
  readonly flags: ExplainFlags;
  readonly source: ConfigSource;
  /** False: only a schema was given, and the upstream of `source` is made up. */
  readonly upstreamKnown: boolean;
}

const nobody: Handler = () => Promise.reject(new Error("nothing is called"));

/** @throws ConfigError, StartError */
export async function explain({ httpMethod, url, flags, source, upstreamKnown }: ExplainOptions): Promise<number> {
  const request: ExplainedRequest = {
    httpMethod,
    url,
    headers: (flags.header ?? []).map(headerOf),
    body: flags.data === undefined ? undefined : bodyOf(flags.data),
    httpVersion: flags.httpVersion,
  };
  const config = await loadConfig(source);
  const table = config.inbound.schema === "none" ? undefined : await loadTable(config);
  const services = createProcessServices(systemClock, silentLogger);
  try {
    const own = new OwnAnswers(systemClock);
    const pipelines = new Pipelines({
      policies,
      config,
      services,
      target: () => nobody,
      own: ({ path }) => own.handlerOf(path, config, { handler: nobody, speaks: () => false }),
    });
    const catalogue = { ...catalogueOf(config, table), own: own.table };
    const context = { config, catalogue, inbounds: createInbounds(), pipelines };
    const explained = await explainRequest(request, context);
    const explanation = upstreamKnown ? explained : { ...explained, upstream: { ...explained.upstream, url: undefined } };
    process.stdout.write(flags.json === true ? `${JSON.stringify(explanation, undefined, 2)}\n` : explanationText(explanation));
  } catch (error) {
    throw error instanceof UnusableRequest ? new ConfigError([error.message]) : error;
  } finally {
    await services.close();
  }
  return exitCode.drained;
}

function headerOf(text: string): [string, string] {
  const colon = text.indexOf(":");
  if (colon <= 0) throw new ConfigError(["-H: expected 'name: value'"]);
  return [text.slice(0, colon), text.slice(colon + 1)];
}

/** `@file`, as curl has it. */
function bodyOf(data: string): Uint8Array {
  if (!data.startsWith("@")) return Buffer.from(data);
  try {
    return readFileSync(data.slice(1));
  } catch (error) {
    throw new ConfigError([`--data: ${data.slice(1)} cannot be read: ${whyUnreadable(error)}`]);
  }
}
