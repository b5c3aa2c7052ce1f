/** Calls that arrive at random moments for so long, and what became of them, by the second in which they began. */
import type { Call } from "../../src/core/call.ts";
import { CallError } from "../../src/core/call-error.ts";
import type { Handler } from "../../src/core/handler.ts";
import type { Random } from "../../src/core/random.ts";
import { callOf } from "../support/policy-host.ts";
import type { EventClock } from "./event-clock.ts";

export interface Second {
  calls: number;
  succeeded: number;
  /** Refused by a policy, before anything was tried. */
  refused: number;
  /** Milliseconds, of those that succeeded. */
  readonly latencies: number[];
}

export interface CallsOptions {
  readonly clock: EventClock;
  readonly random: Random;
  readonly handler: Handler;
  /** Calls a second, at a moment. */
  readonly rateAt: (nowMs: number) => number;
  readonly forMs: number;
  /** Callers leave then. */
  readonly timeoutMs: number;
}

/** Between events of a Poisson process, or the time of a piece of work: exponential, with this mean. */
export function drawn(random: Random, mean: number): number {
  return -Math.log((random.uint32() + 1) / 2 ** 32) * mean;
}

export async function simulateCalls({ clock, random, handler, rateAt, forMs, timeoutMs }: CallsOptions): Promise<readonly Second[]> {
  const seconds = Array.from({ length: Math.ceil(forMs / 1000) }, (): Second => ({ calls: 0, succeeded: 0, refused: 0, latencies: [] }));
  const begin = (): void => {
    const startedAtMs = clock.nowMs();
    if (startedAtMs >= forMs) return;
    clock.after(drawn(random, 1000 / rateAt(startedAtMs)), begin);
    const second = seconds[Math.floor(startedAtMs / 1000)]!;
    second.calls++;
    const call = callOf({ nowMs: startedAtMs });
    void outcomeOf(call, handler, clock, timeoutMs).then((thrown) => {
      if (thrown === undefined) {
        second.succeeded++;
        second.latencies.push(clock.nowMs() - startedAtMs);
      } else if (thrown.reason === "CIRCUIT_OPEN" || thrown.reason === "OVERLOADED") second.refused++;
    });
  };
  clock.after(0, begin);
  await clock.run(forMs + timeoutMs);
  return seconds;
}

async function outcomeOf(call: Call, handler: Handler, clock: EventClock, timeoutMs: number): Promise<CallError | undefined> {
  const patience = clock.after(timeoutMs, () => call.cancel(new CallError("DEADLINE_EXCEEDED")));
  try {
    await handler(call);
    return undefined;
  } catch (thrown) {
    return CallError.of(thrown);
  } finally {
    patience.cancel();
  }
}

/** @param share 0.99 for the 99th percentile; 0 of nothing */
export function percentile(values: readonly number[], share: number): number {
  return [...values].sort((a, b) => a - b)[Math.min(values.length - 1, Math.floor(values.length * share))] ?? 0;
}
