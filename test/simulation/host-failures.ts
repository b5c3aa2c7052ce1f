/** Ten hosts behind the product's own balancer, ejection and circuit breakers; some of them fail for a while, at once or by silence. */
import type { Call } from "../../src/core/call.ts";
import { CallError } from "../../src/core/call-error.ts";
import type { Handler } from "../../src/core/handler.ts";
import { circuitBreaker } from "../../src/policies/circuit-breaker.ts";
import { HostBreakers } from "../../src/policies/circuit-breaker/host-breakers.ts";
import type { Services } from "../../src/policies/policy.ts";
import { leastRequest } from "../../src/upstream/balancers/least-request.ts";
import { ServiceCluster } from "../../src/upstream/service-cluster.ts";
import { endpoints, FakeConnection } from "../support/fake-hosts.ts";
import { createPolicyHost, okReply } from "../support/policy-host.ts";
import { seededRandom } from "../support/seeded-random.ts";
import { EventClock } from "./event-clock.ts";
import { drawn, simulateCalls, type Second } from "./simulated-calls.ts";

const hosts = 10;
const callsPerSecond = 200;
const answerMs = 10;
const timeoutMs = 2000;
export const failure = { fromS: 10, toS: 30, endS: 60 };

export interface FailureScenario {
  /** How many of the ten fail. */
  readonly failing: number;
  /** "refuses": connections are refused at once; "silent": no answer ever comes. */
  readonly how: "refuses" | "silent";
  readonly breaks: boolean;
}

export interface FailureResult {
  readonly seconds: readonly Second[];
  /** Attempts at hosts that fail, by second. */
  readonly wasted: readonly number[];
}

export async function simulateFailure(seed: number, { failing, how, breaks }: FailureScenario): Promise<FailureResult> {
  const clock = new EventClock();
  const random = seededRandom(seed);
  const { fromS, toS, endS } = failure;
  const wasted = Array.from({ length: endS + timeoutMs / 1000 + 1 }, () => 0);

  function answerOf(index: number): Handler {
    return (call: Call) =>
      new Promise((resolve, reject) => {
        const nowMs = clock.nowMs();
        call.onCancel(reject);
        if (index >= failing || nowMs < fromS * 1000 || nowMs >= toS * 1000) clock.after(drawn(random, answerMs), () => resolve(okReply()));
        else {
          wasted[Math.floor(nowMs / 1000)]!++;
          if (how === "refuses") reject(new CallError("UPSTREAM_UNREACHABLE", undefined, { source: "upstream" }));
        }
      });
  }

  let opened = 0;
  const cluster = new ServiceCluster({
    name: "simulated",
    balancer: leastRequest.create({ hashBy: "address" }, random),
    clock,
    random,
    connect(endpoint) {
      const connection = new FakeConnection(endpoint);
      connection.handler = answerOf(opened++);
      return connection;
    },
    drainMs: 0,
  });
  cluster.update(endpoints(hosts));
  const services: Services = { ...createPolicyHost(), clock, random, breakers: new HostBreakers(random) };
  const layer = circuitBreaker.create(circuitBreaker.config.parse({}), services);
  const handler = breaks ? layer(cluster.handler) : cluster.handler;
  const seconds = await simulateCalls({ clock, random, handler, rateAt: () => callsPerSecond, forMs: endS * 1000, timeoutMs });
  return { seconds, wasted };
}
