/** A runtime over real sockets for tests: from settings as one would write them, closed with everything it opened. */
import { join } from "node:path";
import { loadConfig, type Override } from "../../src/config/load-config.ts";
import type { Config } from "../../src/config/schema.ts";
import { systemClock } from "../../src/core/clock.ts";
import type { Logger } from "../../src/core/logger.ts";
import { createRuntime, type Runtime } from "../../src/runtime/create-runtime.ts";
import { createProcessServices, type ProcessServices } from "../../src/runtime/process-services.ts";

export const echoDescriptors = join(import.meta.dirname, "protos/echo.binpb");

/** A configuration from dotted keys: `{"inbound.upstream": "grpc://..."}`. */
export function configOf(settings: Readonly<Record<string, unknown>>): Promise<Config> {
  const all = { "inbound.listen": "127.0.0.1:0", "inbound.schema": { descriptors: echoDescriptors }, ...settings };
  const overrides = Object.entries(all).map(([key, value]): Override => ({ origin: key, path: key.split("."), value }));
  return loadConfig({ overrides });
}

export interface RuntimeHost {
  readonly runtime: Runtime;
  readonly services: ProcessServices;
  /** Messages that were logged. */
  readonly logged: string[];
  /** A GET at the inbound listener. */
  get(path: string): Promise<{ readonly status: number; readonly body: string; readonly reason: string | undefined }>;
  stop(): Promise<void>;
}

export async function startRuntime(settings: Readonly<Record<string, unknown>>): Promise<RuntimeHost> {
  const logged: string[] = [];
  const log = (message: string): void => void logged.push(message);
  const logger: Logger = { debug: log, info: log, warn: log, error: log };
  const services = createProcessServices(systemClock, logger);
  let runtime: Runtime;
  try {
    runtime = await createRuntime(await configOf(settings), services);
  } catch (error) {
    await services.close();
    throw error;
  }
  return {
    runtime,
    services,
    logged,
    async get(path) {
      const response = await fetch(`http://${runtime.address}${path}`, {
        headers: { connection: "close" },
        signal: AbortSignal.timeout(5000),
      });
      const body = await response.text();
      return { status: response.status, body, reason: /"reason":"(\w+)"/.exec(body)?.[1] };
    },
    async stop() {
      await runtime.close();
      await services.close();
    },
  };
}
