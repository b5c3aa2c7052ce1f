/**
 * Sends a call again whose attempt has failed, where that does no harm: it was not looked at, or doing it twice is doing it once.
 *
 * The traps: a reply whose head is known has been handed on, so of streams only the beginning is tried again; and a retry is load on a service
 * that is in trouble, so all retries of a service share one budget.
 */
import * as z from "zod/mini";
import type { Call } from "../core/call.ts";
import { Code, type CodeName } from "../core/code.ts";
import type { Handler } from "../core/handler.ts";
import { ReplayedMessages } from "../core/replayed-messages.ts";
import type { Reply } from "../core/reply.ts";
import { definePolicy, duration, optional, percent, setting, size } from "./policy.ts";
import { isBoundable, RetriedCall, type RetrySettings } from "./retry/retried-call.ts";

/** Who is told to slow down must not be asked more often; who is gone wants nothing. */
const codeNames = (Object.keys(Code) as CodeName[]).filter(
  (name) => name !== "OK" && name !== "CANCELLED" && name !== "RESOURCE_EXHAUSTED",
);

export const retry = definePolicy({
  kind: "retry",
  scope: "call",
  summary: "Sends failed calls again where that is safe, within a budget.",
  enabled: "default",
  shorthand: "attempts",
  config: z.strictObject({
    attempts: setting(z.int().check(z.gte(2), z.lte(5)), 3, "Attempts in all, the first one included; from 2 to 5."),
    on: setting(
      z.array(z.enum(codeNames)),
      ["UNAVAILABLE"],
      "The codes on which an idempotent call is sent again. What was provably not looked at is sent again whatever the code.",
    ),
    perTryTimeout: optional(
      duration,
      "Longest an attempt at an idempotent unary call may take. The last attempt has all the time that is left.",
    ),
    backOff: setting(
      z.strictObject({
        base: setting(
          duration,
          "25ms",
          "The wait before the first retry is anything below this; before the second below three times this, then seven.",
        ),
        max: setting(duration, "250ms", "The longest of these waits."),
      }),
      {},
      "How long is waited before a retry, unless the upstream says it.",
    ),
    budget: setting(
      z.strictObject({
        share: setting(percent, "20%", "Retries for so many of the calls of the last ten seconds,"),
        perSecond: setting(z.number().check(z.gte(0), z.lte(1000)), 10, "and so many a second beside."),
      }),
      {},
      "What retries of all methods of a service may add to its load.",
    ),
    replay: setting(size, "64KiB", "How much of a request that streams is kept for a retry. A call that has sent more is not tried again."),
  }),
  create({ attempts, on, perTryTimeoutMs, backOff, budget, replayBytes }, services) {
    const { retryBudget } = services;
    const settings: RetrySettings = {
      attempts,
      codes: new Set<Code>(on.map((name) => Code[name])),
      perTryTimeoutMs,
      baseMs: backOff.baseMs,
      maxMs: backOff.maxMs,
      budget: { ratio: budget.shareRatio, perSecond: budget.perSecond },
    };

    return (next: Handler): Handler => {
      const again = (call: Call, thrown: unknown): Promise<Reply> => new RetriedCall(call, next, settings, services).after(thrown);

      /** Of a stream: what an attempt takes of the request is kept until a reply has been handed on. */
      function stream(call: Call): Promise<Reply> {
        const { messages } = call;
        const replayed = messages.single === undefined ? new ReplayedMessages(messages, replayBytes) : undefined;
        if (replayed !== undefined) call.messages = replayed.view();
        const retried = (): RetriedCall => new RetriedCall(call, next, settings, services, replayed);
        let reply: Promise<Reply>;
        try {
          reply = next(call);
        } catch (thrown) {
          return retried().after(thrown);
        }
        return reply.then(
          (answer) => {
            if (call.httpStatus >= 400) return retried().afterAnswer(answer);
            replayed?.commit();
            return answer;
          },
          (thrown: unknown) => retried().after(thrown),
        );
      }

      return (call) => {
        if (call.origin !== undefined) return next(call);
        retryBudget.deposit(call.arrivedAtMs);
        if (!call.method.unary || call.messages.single === undefined) return stream(call);
        if (perTryTimeoutMs !== undefined && isBoundable(call)) return new RetriedCall(call, next, settings, services).first();
        try {
          return next(call).then(undefined, (thrown: unknown) => again(call, thrown));
        } catch (thrown) {
          return again(call, thrown);
        }
      };
    };
  },
});
