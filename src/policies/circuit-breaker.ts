/**
 * Leaves a host alone that fails, and lets no more calls at a service than it is good for.
 *
 * The trap: nothing is decided here. The attempt gets a gate, which is asked for each host that could be picked, and hears how it went there.
 */
import * as z from "zod/mini";
import type { Handler } from "../core/handler.ts";
import { BreakerGate } from "./circuit-breaker/breaker-gate.ts";
import { definePolicy, duration, percent, setting } from "./policy.ts";

const count = z.int({ error: "expected a whole number" }).check(z.gte(1, "expected at least 1"));

export const circuitBreaker = definePolicy({
  kind: "circuit-breaker",
  scope: "attempt",
  summary: "Leaves a host alone that fails, and caps the calls under way at a service.",
  enabled: "default",
  config: z.strictObject({
    failures: setting(count, 7, "So many failures of a host, one after the other, open its breaker."),
    successRate: setting(percent, "50%", "A host that succeeds less often within ten seconds opens it too. `0%` for never."),
    calls: setting(count, 20, "How many attempts of these ten seconds are the fewest to judge by."),
    open: setting(duration, "1s", "How long it is open the first time; twice as long each time the probe fails."),
    longestOpen: setting(duration, "60s", "How long it is open at most."),
    active: setting(count, 1024, "Unary calls that may be under way at the service; the next ones fail."),
  }),
  create({ active, ...settings }, { breakers, metrics, logger, clock }) {
    const common = { settings, breakers, counters: metrics.policies, logger, clock };
    const unary = new BreakerGate({ ...common, mostActive: active });
    // How long a stream stays open says nothing of the load it is.
    const streams = new BreakerGate({ ...common, mostActive: Infinity });
    return (next: Handler): Handler =>
      (call) => {
        call.gate = call.method.unary ? unary : streams;
        return next(call);
      };
  },
});
