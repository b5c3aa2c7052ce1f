/** Who is refused when the service has its fill, and how the limit follows what calls take. */
import assert from "node:assert/strict";
import type { Call } from "../../../src/core/call.ts";
import { CallError } from "../../../src/core/call-error.ts";
import type { Reply } from "../../../src/core/reply.ts";
import { shed } from "../../../src/policies/shed.ts";
import { GradientLimit } from "../../../src/policies/shed/gradient-limit.ts";
import { opaqueUnaryMethod } from "../../../src/protocols/shared/opaque-type.ts";
import { callOf, createPolicyHost, okReply, streamMethod } from "../../support/policy-host.ts";

describe("shed", () => {
  const setUp = (settings: Readonly<Record<string, unknown>> = { initial: 3 }) => {
    const host = createPolicyHost();
    const under: PromiseWithResolvers<Reply>[] = [];
    const handler = shed.create(
      shed.config.parse(settings),
      host,
    )(() => {
      const one = Promise.withResolvers<Reply>();
      under.push(one);
      return one.promise;
    });
    const refused = (): number => host.metrics.policies.of("shed", "refused").count;
    const begin = (call: Call = callOf()): Promise<Reply> => {
      const reply = handler(call);
      reply.catch(() => undefined);
      return reply;
    };
    return { host, under, begin, refused };
  };

  it("refuses what is above the limit, in words that nobody tries again on", async () => {
    const { under, begin, refused } = setUp();
    for (let n = 0; n < 3; n++) void begin();
    assert.throws(() => begin(), { reason: "OVERLOADED", code: 8, source: "proxy", headers: ["retry-after", "1"] });
    assert.equal(refused(), 1);
    under[0]!.resolve(okReply());
    await new Promise((resolve) => setImmediate(resolve));
    void begin();
    assert.throws(() => begin(), { reason: "OVERLOADED" });
  });

  it("gives the place of a call back however it ends", async () => {
    const { under, begin } = setUp();
    const host = createPolicyHost();
    const throwing = shed.create(
      shed.config.parse({ initial: 3 }),
      host,
    )(() => {
      throw new CallError("UPSTREAM_RESET");
    });
    for (let n = 0; n < 9; n++) assert.throws(() => throwing(callOf()), { reason: "UPSTREAM_RESET" });
    for (let n = 0; n < 9; n++) {
      void begin();
      under.pop()!.reject(new CallError("DEADLINE_EXCEEDED"));
      await new Promise((resolve) => setImmediate(resolve));
    }
  });

  it("never refuses health checks, and does not count streams", () => {
    const { begin } = setUp();
    for (let n = 0; n < 9; n++) void begin(callOf({ method: streamMethod }));
    for (let n = 0; n < 3; n++) void begin();
    assert.throws(() => begin(callOf({ method: streamMethod })), { reason: "OVERLOADED" });
    void begin(callOf({ method: opaqueUnaryMethod("/grpc.health.v1.Health/Check") }));
  });
});

describe("the limit of shed", () => {
  const aLimit = (initial = 64) => {
    let measured = 0;
    const random = { uint32: () => 0 };
    const limit = new GradientLimit({
      random,
      initial,
      most: 1000,
      bufferRatio: 0.25,
      measureEveryMs: 60_000,
      onMeasured: () => void measured++,
    });
    let nowMs = 0;
    /** Calls that take so long, one each millisecond. */
    const calls = (count: number, tookMs: number, active = Infinity): void => {
      for (let n = 0; n < count; n++) limit.add((nowMs += 1) - tookMs, nowMs, active);
    };
    return { limit, calls, measured: () => measured, pass: (byMs: number) => (nowMs += byMs), now: () => nowMs };
  };

  it("is what it is at first until somebody is refused, however slow calls are", () => {
    const { limit, calls, measured } = aLimit();
    calls(1000, 5);
    calls(1000, 500);
    assert.deepEqual([limit.current, measured()], [64, 0]);
  });

  it("is three while it is measured, over fifty calls that began since", () => {
    const { limit, calls, measured, pass, now } = aLimit();
    pass(1000);
    limit.refused(now());
    assert.equal(limit.current, 3);
    calls(100, 900);
    assert.equal(measured(), 0, "they began before");
    pass(100);
    calls(49, 10);
    assert.deepEqual([limit.current, measured()], [3, 0]);
    calls(1, 10);
    assert.deepEqual([limit.current, measured()], [64, 1]);
    limit.refused(now());
    assert.equal(limit.current, 64, "not again so soon");
    pass(60_000);
    limit.refused(now());
    assert.equal(limit.current, 3);
  });

  const measuredLimit = () => {
    const it = aLimit();
    it.limit.refused(it.now());
    it.pass(20);
    it.calls(50, 10);
    assert.equal(it.measured(), 1);
    return it;
  };

  it("grows while calls are as fast as without a queue, up to the most", () => {
    const { limit, calls } = measuredLimit();
    calls(101, 12);
    assert.ok(limit.current > 64);
    calls(10_000, 10);
    assert.equal(limit.current, 1000);
  });

  it("does not grow while half of it is not needed", () => {
    const { limit, calls } = measuredLimit();
    calls(1000, 10, 31);
    assert.equal(limit.current, 64);
  });

  it("falls while calls wait, by half at most, and is measured anew where it stays at three", () => {
    const { limit, calls, measured } = measuredLimit();
    calls(101, 1000);
    assert.equal(limit.current, 37, "half of 64, and its square root");
    calls(1000, 1000);
    assert.equal(limit.current, 3);
    calls(2000, 1000);
    assert.equal(measured(), 2, "the service has become slower for good");
    assert.ok(limit.current > 10);
  });
});
