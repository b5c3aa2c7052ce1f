/**
 * What the call stack costs: a call with ten header fields through nothing, through each policy that is on unless switched off, alone, and through all of those.
 *
 * The budget is 2.5 us for all of them together; the call itself is in every row, so subtract the first.
 */
import type { Bench } from "tinybench";
import { Call } from "../../src/core/call.ts";
import { systemClock } from "../../src/core/clock.ts";
import { Deadline } from "../../src/core/deadline.ts";
import { compose, type Handler } from "../../src/core/handler.ts";
import { silentLogger } from "../../src/core/logger.ts";
import { MessageList } from "../../src/core/messages.ts";
import { Metadata } from "../../src/core/metadata.ts";
import type { Method } from "../../src/core/method.ts";
import { systemRandom } from "../../src/core/random.ts";
import { UnaryReply } from "../../src/core/reply.ts";
import { okStatus } from "../../src/core/status.ts";
import { TimerWheel } from "../../src/core/timer-wheel.ts";
import { KeySources } from "../../src/identity/key-sources.ts";
import { policies } from "../../src/policies/index.ts";
import type { Services } from "../../src/policies/policy.ts";
import { CallMetrics } from "../../src/telemetry/call-metrics.ts";
import { LineWriter } from "../../src/telemetry/line-writer.ts";
import { untraced } from "../../src/telemetry/tracing.ts";

const method = { path: "/shop.v1.Orders/Get", unary: true } as Method;
const caller = { address: "127.0.0.1", protocol: "rest", secure: false };
// Not frozen: copying a frozen array takes 1.1 us instead of 40 ns, and the wire's lists are not frozen either.
const headers =
  "user-agent,curl/8.5.0,accept,*/*,accept-language,en,accept-encoding,gzip,x-request-id,7f3a,cache-control,no-cache,cookie,a=b,dnt,1".split(
    ",",
  );
const noMessages = new MessageList([]);
const reply = new UnaryReply(Metadata.empty, noMessages, okStatus());
const answer: Handler = () => Promise.resolve(reply);

export default function (bench: Bench): void {
  const metrics = new CallMetrics();
  metrics.setKnown(new Set([method.path]));
  const lines = new LineWriter("/dev/null", { clock: systemClock, logger: silentLogger });
  const services: Services = {
    clock: systemClock,
    logger: silentLogger,
    random: systemRandom,
    metrics,
    timers: new TimerWheel(systemClock),
    lines: () => lines,
    tracing: untraced,
    keySources: new KeySources(),
  };
  const usual = policies.filter(({ enabled }) => enabled !== "opt-in");
  const layers = usual.map((policy) => {
    const given = policy.kind === "access-log" ? { path: "/dev/null" } : {};
    return { kind: policy.kind, layer: policy.create(policy.config.parse(given), services) };
  });

  const add = (name: string, handler: Handler): void => {
    bench.add(`policies: ${name}`, async () => {
      const call = new Call(method, caller, Metadata.share(headers), noMessages, new Deadline(), performance.now());
      const { ended } = await handler(call);
      call.finish(ended!);
    });
  };
  add("none", answer);
  for (const { kind, layer } of layers) add(kind, layer(answer));
  add(
    "all",
    compose(
      layers.map(({ layer }) => layer),
      answer,
    ),
  );
}
