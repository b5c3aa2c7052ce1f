/** A service with so many workers and a queue, called at half of what it can do, then at three times as much, then at half again. */
import type { Call } from "../../src/core/call.ts";
import type { Handler } from "../../src/core/handler.ts";
import type { Random } from "../../src/core/random.ts";
import type { Services } from "../../src/policies/policy.ts";
import { shed } from "../../src/policies/shed.ts";
import { createPolicyHost, okReply } from "../support/policy-host.ts";
import { seededRandom } from "../support/seeded-random.ts";
import { EventClock } from "./event-clock.ts";
import { drawn, simulateCalls, type Second } from "./simulated-calls.ts";

const workers = 16;
const workMs = 40;
const timeoutMs = 1000;
/** Calls a second. */
export const capacity = (workers / workMs) * 1000;
export const overload = { factor: 3, fromS: 10, toS: 30, endS: 40 };

/** First come, first served. Work for a caller that has left is done all the same, as most services do it. */
function queueing(clock: EventClock, random: Random): Handler {
  const waiting: (() => void)[] = [];
  let busy = 0;
  const work = (): void => {
    const job = waiting.shift();
    if (job === undefined) return;
    busy++;
    // Half of it is always the same.
    clock.after((workMs + drawn(random, workMs)) / 2, () => {
      busy--;
      job();
      work();
    });
  };
  return (call: Call) =>
    new Promise((resolve, reject) => {
      call.onCancel(reject);
      waiting.push(() => resolve(okReply()));
      if (busy < workers) work();
    });
}

export function simulateOverload(seed: number, sheds: boolean): Promise<readonly Second[]> {
  const clock = new EventClock();
  const random = seededRandom(seed);
  const service = queueing(clock, random);
  const services: Services = { ...createPolicyHost(), clock, random };
  const layer = shed.create(shed.config.parse({}), services);
  const { factor, fromS, toS, endS } = overload;
  const rateAt = (nowMs: number): number => capacity * (nowMs >= fromS * 1000 && nowMs < toS * 1000 ? factor : 0.5);
  return simulateCalls({ clock, random, handler: sheds ? layer(service) : service, rateAt, forMs: endS * 1000, timeoutMs });
}
