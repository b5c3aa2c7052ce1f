/**
 * Refuses calls at once that would only wait: no more are let at the service than it works on well, which is measured.
 *
 * The trap: it stands before authentication, so that what is refused costs next to nothing. A refusal is RESOURCE_EXHAUSTED and not
 * UNAVAILABLE: nobody on the way tries again, and no breaker takes the service for dead.
 */
import * as z from "zod/mini";
import type { Call } from "../core/call.ts";
import { CallError } from "../core/call-error.ts";
import { Code } from "../core/code.ts";
import type { Handler } from "../core/handler.ts";
import type { Reply } from "../core/reply.ts";
import { definePolicy, duration, percent, setting } from "./policy.ts";
import { GradientLimit } from "./shed/gradient-limit.ts";

const count = z.int({ error: "expected a whole number" }).check(z.gte(3, "expected at least 3"));
const healthService = "grpc.health.v1.Health";
const headers: readonly string[] = ["retry-after", "1"];

export const shed = definePolicy({
  kind: "shed",
  scope: "call",
  summary: "Refuses calls that the service would only keep waiting, by a limit that follows its latency.",
  enabled: "opt-in",
  config: z.strictObject({
    initial: setting(count, 64, "Calls at once at first, before anything is known of the service."),
    most: setting(count, 1000, "Calls at once at most, whatever is measured."),
    buffer: setting(percent, "25%", "How much slower than without a queue the service may be before the limit falls."),
    measureEvery: setting(duration, "60s", "How long what was measured without a queue holds; up to 15% longer, at random."),
  }),
  create({ initial, most, bufferRatio, measureEveryMs }, { clock, random, metrics }) {
    const measured = metrics.policies.of("shed", "measured");
    const limit = new GradientLimit({
      random,
      initial: Math.min(initial, most),
      most,
      bufferRatio,
      measureEveryMs,
      onMeasured: () => void measured.count++,
    });
    const refused = metrics.policies.of("shed", "refused");
    let active = 0;

    const failed = (thrown: unknown, startedAtMs: number): void => {
      // What was not done at all says nothing of how long it takes; what was not done in time does.
      if (thrown instanceof CallError && thrown.code === Code.DEADLINE_EXCEEDED) limit.add(startedAtMs, clock.nowMs(), active);
      active--;
    };

    function counted(next: Handler, call: Call): Promise<Reply> {
      const startedAtMs = clock.nowMs();
      active++;
      let reply: Promise<Reply>;
      try {
        reply = next(call);
      } catch (thrown) {
        failed(thrown, startedAtMs);
        throw thrown;
      }
      reply.then(
        () => {
          limit.add(startedAtMs, clock.nowMs(), active);
          active--;
        },
        (thrown: unknown) => failed(thrown, startedAtMs),
      );
      return reply;
    }

    return (next: Handler): Handler =>
      (call) => {
        const { unary, service } = call.method;
        if (active >= limit.current && service !== healthService) {
          limit.refused(clock.nowMs());
          refused.count++;
          throw new CallError("OVERLOADED", undefined, { headers });
        }
        // How long a stream is open says nothing of how busy the service is.
        return unary ? counted(next, call) : next(call);
      };
  },
});
