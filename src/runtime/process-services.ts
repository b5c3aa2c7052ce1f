/**
 * What lives as long as the process and is handed from one configuration to the next: counters, timers, open log files.
 *
 * The trap: log files are opened when a policy first asks for them, so a path that cannot be written to fails the configuration that names it.
 */
import type { Clock } from "../core/clock.ts";
import type { Logger } from "../core/logger.ts";
import { systemRandom } from "../core/random.ts";
import { RetryBudget, RetryBudgets } from "../core/retry-budget.ts";
import { TimerWheel } from "../core/timer-wheel.ts";
import { KeySources } from "../identity/key-sources.ts";
import { HostBreakers } from "../policies/circuit-breaker/host-breakers.ts";
import type { Services } from "../policies/policy.ts";
import { CallMetrics } from "../telemetry/call-metrics.ts";
import { LineWriter } from "../telemetry/line-writer.ts";
import { untraced } from "../telemetry/tracing.ts";
import { whyUnreadable } from "../config/load-config.ts";
import { Dialer } from "./dialer.ts";
import { StartError } from "./start-error.ts";
import { Telemetry } from "./telemetry.ts";

export interface ProcessServices extends Services {
  readonly telemetry: Telemetry;
  /** One for each service that is called. */
  readonly retryBudgets: RetryBudgets;
  /** Every open log. */
  readonly writers: ReadonlyMap<string, LineWriter>;
  /** Opens log files anew under their paths. */
  reopenLogs(): Promise<void>;
  close(): Promise<void>;
}

export function createProcessServices(clock: Clock, logger: Logger): ProcessServices {
  const writers = new Map<string, LineWriter>();
  const timers = new TimerWheel(clock);
  const dialer = new Dialer(clock);
  const telemetry = new Telemetry(clock, logger);
  return {
    clock,
    logger,
    random: systemRandom,
    metrics: new CallMetrics(),
    timers,
    keySources: new KeySources(),
    retryBudget: new RetryBudget(),
    retryBudgets: new RetryBudgets(),
    breakers: new HostBreakers(systemRandom),
    dial: (url) => dialer.handlerAt(url),
    tracing: untraced,
    telemetry,
    writers,
    lines(destination) {
      let writer = writers.get(destination);
      if (writer === undefined) writers.set(destination, (writer = openLog(destination, clock, logger)));
      return writer;
    },
    async reopenLogs() {
      for (const writer of writers.values()) {
        try {
          await writer.reopen();
        } catch (error) {
          logger.error(`cannot open ${writer.destination} anew; lines still go to the old file`, { cause: error });
        }
      }
    },
    async close() {
      timers.close();
      await dialer.close();
      await telemetry.close();
      await Promise.all([...writers.values()].map((writer) => writer.close()));
    },
  };
}

/** @throws StartError that says why the file cannot be opened */
function openLog(destination: string, clock: Clock, logger: Logger): LineWriter {
  try {
    return new LineWriter(destination, { clock, logger });
  } catch (error) {
    const why = (error as NodeJS.ErrnoException).code === "ENOENT" ? "its folder does not exist" : whyUnreadable(error);
    throw new StartError("config", `log file ${destination} cannot be opened: ${why}`, { cause: error });
  }
}
