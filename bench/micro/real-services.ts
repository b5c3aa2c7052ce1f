/** What policies are given, as the runtime gives it: real clock and randomness, lines to nowhere. What no policy here asks for is the tests'. */
import { systemClock } from "../../src/core/clock.ts";
import { silentLogger } from "../../src/core/logger.ts";
import { systemRandom } from "../../src/core/random.ts";
import { TimerWheel } from "../../src/core/timer-wheel.ts";
import type { Services } from "../../src/policies/policy.ts";
import { CallMetrics } from "../../src/telemetry/call-metrics.ts";
import { LineWriter } from "../../src/telemetry/line-writer.ts";
import { createPolicyHost } from "../../test/support/policy-host.ts";

/** @param known paths of methods that have metrics of their own */
export function realServices(known: readonly string[]): Services {
  const metrics = new CallMetrics();
  metrics.setKnown(new Set(known));
  const lines = new LineWriter("/dev/null", { clock: systemClock, logger: silentLogger });
  return {
    ...createPolicyHost(),
    clock: systemClock,
    logger: silentLogger,
    random: systemRandom,
    metrics,
    timers: new TimerWheel(systemClock),
    lines: () => lines,
  };
}
