/**
 * Sends an idempotent call a second time while the first attempt is still under way, and takes the answer that comes first.
 *
 * The traps: it is load before anything has failed, so it draws on the budget that retries share; and what it sends is not retried (`retry`
 * leaves the attempts of others alone), or one call could become ten.
 */
import * as z from "zod/mini";
import { Code, type CodeName } from "../core/code.ts";
import type { Handler } from "../core/handler.ts";
import { definePolicy, duration, optional, percent, setting } from "./policy.ts";
import { HedgedCall, type HedgeSettings } from "./hedge/hedged-call.ts";
import { SlowestCalls } from "./hedge/slowest-calls.ts";

const codeNames = (Object.keys(Code) as CodeName[]).filter(
  (name) => name !== "OK" && name !== "CANCELLED" && name !== "RESOURCE_EXHAUSTED",
);

export const hedge = definePolicy({
  kind: "hedge",
  scope: "call",
  summary: "Sends idempotent unary calls again when their answer is slow to come, and takes the first answer.",
  enabled: "opt-in",
  shorthand: "delay",
  config: z.strictObject({
    delay: optional(
      duration,
      "How long an answer may take before the next attempt is sent; unless set, as long as 95 % of the method's calls take.",
    ),
    attempts: setting(z.int().check(z.gte(2), z.lte(5)), 2, "Attempts in all, the first one included; from 2 to 5."),
    on: setting(
      z.array(z.enum(codeNames)),
      ["UNAVAILABLE"],
      "The codes that do not end the call: the next attempt is sent at once. Any other failure is the call's.",
    ),
    budget: setting(
      z.strictObject({
        share: setting(percent, "20%", "Further attempts for so many of the calls of the last ten seconds,"),
        perSecond: setting(z.number().check(z.gte(0), z.lte(1000)), 10, "and so many a second beside."),
      }),
      {},
      "What further attempts of all methods of a service, retries among them, may add to its load.",
    ),
  }),
  create({ delayMs, attempts, on, budget }, services) {
    const { retryBudget, clock } = services;
    const codes = new Set<Code>(on.map((name) => Code[name]));
    const terms = { ratio: budget.shareRatio, perSecond: budget.perSecond };

    return (next: Handler): Handler => {
      // One pipeline serves one method.
      const slowest = delayMs === undefined ? new SlowestCalls() : undefined;
      return async (call) => {
        const { method } = call;
        if (!method.unary || method.idempotency === "unknown" || call.origin !== undefined) return next(call);
        retryBudget.deposit(call.arrivedAtMs);
        const settings: HedgeSettings = { delayMs: delayMs ?? slowest!.p95Ms, attempts, codes, budget: terms };
        const beganMs = clock.nowMs();
        const reply = await new HedgedCall(call, next, settings, services).send();
        slowest?.add(clock.nowMs() - beganMs);
        return reply;
      };
    };
  },
});
