/**
 * Counts every call: how many, how long, how they ended, what crossed; a sampled one stands as an example.
 *
 * The trap: refusals count too, so this stands outside everything that can refuse; and the numbers outlive a reload, because they are not
 * kept here but in {@link CallMetrics}.
 */
import type { Call } from "../core/call.ts";
import type { Handler } from "../core/handler.ts";
import type { Status } from "../core/status.ts";
import { RecordedCallSlot } from "../telemetry/recorded-call.ts";
import * as z from "zod/mini";
import { definePolicy } from "./policy.ts";

export const metrics = definePolicy({
  kind: "metrics",
  scope: "call",
  summary: "Counts calls by protocol, method and code, with their duration and bytes.",
  enabled: "default",
  seesRefusals: true,
  config: z.strictObject({}),
  create(_config, { metrics: calls, tracing }) {
    const records = tracing.recorder !== undefined;
    const ended = (call: Call, end: Status, durationMs: number): void => {
      const place = records && call.hasSlots ? call.slots.get(RecordedCallSlot)?.place : undefined;
      calls.end(call.caller.protocol, call.method.path, end, durationMs, call, place);
    };
    return (next: Handler): Handler =>
      (call) => {
        calls.start(call.caller.protocol);
        call.onEnd(ended);
        return next(call);
      };
  },
});
