/**
 * The house's own log: one JSON line per event on standard error, written at once.
 *
 * It is for events, not for calls (those are the access log's), so it may block; and it must, or the last words before an exit would be lost.
 */
import { writeSync } from "node:fs";
import type { Clock } from "../core/clock.ts";
import type { Logger } from "../core/logger.ts";

const levels = { debug: 10, info: 20, warn: 30, error: 40 } as const;
export type LogLevel = keyof typeof levels;
export const logLevels = Object.keys(levels) as LogLevel[];

export interface JsonLoggerOptions {
  readonly clock: Clock;
  readonly level?: LogLevel;
  /** Where lines go. */
  readonly write: (line: string) => void;
}

export function createJsonLogger({ clock, level = "info", write }: JsonLoggerOptions): Logger {
  const log = (at: LogLevel, message: string, fields: Readonly<Record<string, unknown>> | undefined): void => {
    if (levels[at] < levels[level]) return;
    write(`${JSON.stringify({ time: new Date(clock.wallMs()).toISOString(), level: at, message, ...fields }, plainly)}\n`);
  };
  return {
    debug: (message, fields) => log("debug", message, fields),
    info: (message, fields) => log("info", message, fields),
    warn: (message, fields) => log("warn", message, fields),
    error: (message, fields) => log("error", message, fields),
  };
}

/** Errors have no enumerable fields of interest; their stack and their causes are what one looks for. */
function plainly(_key: string, value: unknown): unknown {
  if (value instanceof AggregateError && value.errors.length > 0)
    return { stack: value.stack ?? value.message, errors: value.errors as unknown[] };
  if (value instanceof Error)
    return value.cause === undefined ? (value.stack ?? value.message) : { stack: value.stack ?? value.message, cause: value.cause };
  return typeof value === "bigint" ? value.toString() : value;
}

export function writeToStderr(line: string): void {
  try {
    writeSync(2, line);
  } catch {
    // Nobody reads standard error any more, or a full pipe refused it: there is no other place to say so.
  }
}
