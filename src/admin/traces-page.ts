/**
 * `/traces`: the last sampled traces of this process, searched by id, method, status and duration.
 *
 * What is shown is what was recorded for the collector: no header, no message, no path.
 */
import { durationMs } from "../policies/settings.ts";
import type { Runtime } from "../runtime/create-runtime.ts";
import { recentTraces, type TraceQuery } from "../telemetry/recent-traces.ts";
import { json, type Asked, type Page } from "./page.ts";

const usage: Readonly<Record<string, string>> = {
  id: "a trace id, or how it begins",
  method: "part of a method or of a span's name",
  status: "ok or error",
  min: "shortest duration: 50ms, 1.5s",
  limit: "how many traces, the newest first; 20 unless given",
};
const usualLimit = 20;
const largestLimit = 200;

export function tracesPage(runtime: Pick<Runtime, "config" | "telemetry">, { query }: Asked): Page {
  if (runtime.config.telemetry.tracesBytes === 0)
    return json(200, {
      service: runtime.config.service,
      traces: [],
      note: "no traces are kept: set telemetry.traces, to 1MiB for example",
    });
  const asked = readQuery(new URLSearchParams(query));
  if (typeof asked === "string") return json(400, { code: 3, message: asked, details: [] });
  return json(200, { service: runtime.config.service, traces: recentTraces(runtime.telemetry.recorder, asked) });
}

/** What is wrong with it, as text. */
function readQuery(parameters: URLSearchParams): TraceQuery | string {
  for (const name of parameters.keys())
    if (!(name in usage))
      return `unknown parameter ${JSON.stringify(name.slice(0, 64))}: there are ${Object.entries(usage)
        .map(([known, meaning]) => `${known} (${meaning})`)
        .join("; ")}`;
  const [id, method, status, min, limit] = Object.keys(usage).map((name) => parameters.get(name) ?? undefined);
  if (id !== undefined && !/^[0-9a-f]{1,32}$/.test(id)) return "id: expected up to 32 hex digits in lower case";
  if (status !== undefined && status !== "ok" && status !== "error") return "status: expected ok or error";
  if (limit !== undefined && !/^[1-9]\d{0,2}$/.test(limit)) return `limit: expected a number from 1 to ${largestLimit}`;
  const failed = status === undefined ? undefined : status === "error";
  try {
    const minMs = min === undefined ? undefined : durationMs(min);
    return { id, method, failed, minMs, limit: Math.min(Number(limit ?? usualLimit), largestLimit) };
  } catch (error) {
    return `min: ${(error as RangeError).message}`;
  }
}
