/**
 * Bounds how long a unary call may take, whatever the caller asked for.
 *
 * The trap: it only brings the call's deadline forward; `deadline` enforces it. Time counts from the arrival of the request's headers, so a
 * slow upload eats its own time. A stream has no total: it may last as long as both sides talk.
 */
import type { Handler } from "../core/handler.ts";
import { definePolicy, duration, z } from "./policy.ts";

export const timeout = definePolicy({
  kind: "timeout",
  scope: "call",
  summary: "Ends unary calls that take too long, even where the caller allows more.",
  enabled: "default",
  shorthand: "total",
  config: z.strictObject({
    total: duration.default("15s").describe("Longest a unary call may take, from the arrival of its headers."),
  }),
  create({ totalMs }) {
    return (next: Handler): Handler =>
      (call) => {
        if (call.method.unary) call.deadline.tighten(call.arrivedAtMs + totalMs);
        return next(call);
      };
  },
});
