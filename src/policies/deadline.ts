/**
 * Cancels a call when its deadline passes, whoever set it: the caller, or `timeout`.
 *
 * The trap: the entry leaves the timer wheel the moment the call ends, not when its slot comes round; otherwise every call of the last
 * fifteen seconds would stay in memory.
 */
import type { Call } from "../core/call.ts";
import { CallError } from "../core/call-error.ts";
import type { Handler } from "../core/handler.ts";
import * as z from "zod/mini";
import { definePolicy } from "./policy.ts";

export const deadline = definePolicy({
  kind: "deadline",
  scope: "call",
  summary: "Cancels a call, and the upstream's work on it, when its deadline passes.",
  enabled: "always",
  config: z.strictObject({}),
  create(_config, { clock, timers }) {
    const ended = (call: Call): void => timers.remove(call.deadline);
    return (next: Handler): Handler =>
      (call) => {
        const entry = call.deadline;
        if (entry.atMs === Infinity) return next(call);
        if (entry.atMs <= clock.nowMs()) throw new CallError("DEADLINE_EXCEEDED", undefined, { retry: "never" });
        entry.call = call;
        timers.schedule(entry);
        call.onEnd(ended);
        return next(call);
      };
  },
});
