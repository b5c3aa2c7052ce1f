/**
 * `dragoman run`: one configuration as a process. Starts, says where it listens, serves, reloads on SIGHUP, drains on SIGTERM.
 *
 * The traps: the ready line is the first line of standard output and comes when everything listens; a second SIGTERM means now; and what
 * nobody caught ends the process, because a proxy that goes on after a bug is worse than one that is started again.
 */
import { writeSync } from "node:fs";
import { flushCompileCache } from "node:module";
import { loadConfig, type ConfigSource } from "../config/load-config.ts";
import { ConfigError } from "../config/config-error.ts";
import type { Config } from "../config/schema.ts";
import { systemClock } from "../core/clock.ts";
import { CloseStack } from "../core/close-stack.ts";
import type { Logger } from "../core/logger.ts";
import { formatHostPort } from "../core/endpoint.ts";
import { createProcessServices, type ProcessServices } from "../runtime/process-services.ts";
import { createRuntime, type Runtime } from "../runtime/create-runtime.ts";
import { createJsonLogger, writeToStderr, type LogLevel } from "../telemetry/json-logger.ts";
import { steerMemory } from "../runtime/memory.ts";
import { exitCode } from "./exit-code.ts";

const compileCacheAfterMs = 3000;

export interface RunOptions {
  readonly source: ConfigSource;
  readonly logLevel: LogLevel;
}

/** @returns the exit code. @throws ConfigError, StartError when it cannot start */
export async function run({ source, logLevel }: RunOptions): Promise<number> {
  const config = await loadConfig(source);
  const held = new HeldLines();
  const logger = createJsonLogger({ clock: systemClock, level: logLevel, write: held.write });
  const services = createProcessServices(systemClock, logger);
  endOnBugs(logger, services, held);
  const stack = new CloseStack();
  stack.defer(() => services.close());
  // Signals that come while it starts must not be lost, nor kill it half way.
  const signals = new Signals();
  try {
    const runtime = stack.use(await createRuntime(config, services));
    const admin = await openAdmin(runtime, config, logger, stack);
    const { address: inbound, outboundAddress: outbound } = runtime;
    const listeners = { inbound, ...(outbound === undefined ? {} : { outbound }), ...(admin === undefined ? {} : { admin }) };
    writeSync(1, `${JSON.stringify({ event: "ready", listeners })}\n`);
    held.release();
    stack.use(steerMemory());
    keepCompiledCode(stack);
    signals.onReload = () => void reload(runtime, source, services);
    await signals.stop;
    await drain(runtime, signals, logger);
    return exitCode.drained;
  } finally {
    signals.close();
    await stack.close();
  }
}

/** Writes what was compiled so far to the cache the launcher has opened (if it could), when the start is over and nobody waits for it. */
function keepCompiledCode(stack: CloseStack): void {
  const timer = systemClock.after(compileCacheAfterMs, flushCompileCache);
  stack.defer(() => timer.cancel());
}

async function openAdmin(runtime: Runtime, { admin }: Config, logger: Logger, stack: CloseStack): Promise<string | undefined> {
  if (admin.listen === "off") return undefined;
  const { createAdminListener } = await import("../admin/admin-listener.ts");
  const token = admin.token ?? (process.env["DRAGOMAN_ADMIN_TOKEN"] || undefined);
  const listener = stack.use(await createAdminListener({ runtime, listen: admin.listen, token, clock: systemClock, logger }));
  return formatHostPort(listener.address);
}

async function reload(runtime: Runtime, source: ConfigSource, services: ProcessServices): Promise<void> {
  const { logger } = services;
  await services.reopenLogs();
  try {
    await runtime.reload(await loadConfig(source));
    logger.info("configuration reloaded");
  } catch (error) {
    const lines = error instanceof ConfigError ? error.lines : [(error as Error).message];
    logger.error("the new configuration is not used; the old one keeps running", { lines });
  }
}

async function drain(runtime: Runtime, signals: Signals, logger: Logger): Promise<void> {
  const graceMs = runtime.config.drainMs;
  logger.info("draining", { graceMs });
  const outcome = await Promise.race([
    runtime.drain(graceMs).then(() => "drained" as const),
    signals.stopNow.then(() => "stopped" as const),
  ]);
  if (outcome === "stopped") logger.warn("stopped at once by a second signal");
}

/** SIGTERM and SIGINT once: stop; twice: at once. SIGHUP: reload. */
class Signals {
  onReload: () => void = () => {};
  readonly stop: Promise<void>;
  readonly stopNow: Promise<void>;
  private count = 0;
  private readonly onStop: () => void;
  private readonly onHangUp = (): void => this.onReload();

  constructor() {
    let first = (): void => {};
    let second = (): void => {};
    this.stop = new Promise((resolve) => (first = resolve));
    this.stopNow = new Promise((resolve) => (second = resolve));
    this.onStop = () => (++this.count === 1 ? first() : second());
    process.on("SIGTERM", this.onStop).on("SIGINT", this.onStop).on("SIGHUP", this.onHangUp);
  }

  close(): void {
    process.off("SIGTERM", this.onStop).off("SIGINT", this.onStop).off("SIGHUP", this.onHangUp);
  }
}

/** Log lines wait until the program is up: when it cannot start, the one line that says why is all there is to read. */
class HeldLines {
  private lines: string[] | undefined = [];
  readonly write = (line: string): void => {
    if (this.lines === undefined) writeToStderr(line);
    else this.lines.push(line);
  };

  release(): void {
    const { lines } = this;
    this.lines = undefined;
    for (const line of lines ?? []) writeToStderr(line);
  }
}

function endOnBugs(logger: Logger, services: ProcessServices, held: HeldLines): void {
  const end = (what: string, cause: unknown): void => {
    held.release();
    logger.error(`${what}: this is a bug; the process ends`, { cause });
    for (const writer of services.writers.values()) writer.flushSync();
    process.exit(exitCode.failed);
  };
  process.on("uncaughtException", (error) => end("an exception nobody caught", error));
  process.on("unhandledRejection", (reason) => end("a rejection nobody handled", reason));
}
