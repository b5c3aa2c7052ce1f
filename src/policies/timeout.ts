/**
 * Bounds how long a unary call may take, whatever the caller asked for.
 *
 * The trap: it only brings the call's deadline forward; `deadline` enforces it. Time counts from the arrival of the request's headers, so a
 * slow upload eats its own time. A stream has no total: it may last as long as both sides talk.
 */
import type { Handler } from "../core/handler.ts";
import * as z from "zod/mini";
import { definePolicy, duration, setting } from "./policy.ts";

export const timeout = definePolicy({
  kind: "timeout",
  scope: "call",
  summary: "Ends unary calls that take too long, even where the caller allows more.",
  enabled: "default",
  shorthand: "total",
  config: z.strictObject({
    total: setting(duration, "15s", "Longest a unary call may take, from the arrival of its headers."),
  }),
  create({ totalMs }) {
    return (next: Handler): Handler =>
      (call) => {
        if (call.method.unary) call.deadline.tighten(call.arrivedAtMs + totalMs);
        return next(call);
      };
  },
});
