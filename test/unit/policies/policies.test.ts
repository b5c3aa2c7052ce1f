/** What each policy does, beyond the contract. trace has a file of its own. */
import assert from "node:assert/strict";
import { CallError } from "../../../src/core/call-error.ts";
import { okStatus, statusOf } from "../../../src/core/status.ts";
import { accessLog } from "../../../src/policies/access-log.ts";
import { deadline } from "../../../src/policies/deadline.ts";
import { metrics } from "../../../src/policies/metrics.ts";
import { rescue } from "../../../src/policies/rescue.ts";
import { timeout } from "../../../src/policies/timeout.ts";
import { trace } from "../../../src/policies/trace.ts";
import { opaqueUnaryMethod } from "../../../src/protocols/shared/opaque-type.ts";
import { callOf, createPolicyHost, okReply, streamMethod } from "../../support/policy-host.ts";

describe("rescue", () => {
  it("turns an unknown throw, at once or later, into INTERNAL, keeps its text from the caller and logs the cause", async () => {
    const host = createPolicyHost();
    const cause = new TypeError("secret: undefined is not a function");
    const layer = rescue.create({}, host);
    const early = layer(() => {
      throw cause;
    });
    const late = layer(() => Promise.reject(cause));
    for (const handler of [early, late])
      await assert.rejects(handler(callOf()), (thrown: CallError) => {
        assert.equal(thrown.reason, "INTERNAL");
        assert.ok(!thrown.message.includes("secret"));
        assert.equal(thrown.cause, cause);
        return true;
      });
    assert.equal(host.logged.length, 2);
    assert.equal(host.logged[0]!.fields!["cause"], cause);
  });

  it("logs at most ten a second and says how many it kept back", async () => {
    const host = createPolicyHost();
    const handler = rescue.create({}, host)(() => Promise.reject(new Error("x")));
    for (let i = 0; i < 25; i++) await assert.rejects(handler(callOf()));
    assert.equal(host.logged.length, 10);
    host.clock.advance(1000);
    await assert.rejects(handler(callOf()));
    assert.equal(host.logged.length, 11);
    assert.equal(host.logged[10]!.fields!["suppressed"], 15);
  });
});

describe("timeout", () => {
  const handlerOf = (total: string) =>
    timeout.create(timeout.config.parse({ total }), createPolicyHost())(() => Promise.resolve(okReply()));

  it("bounds a unary call from the arrival of its headers", async () => {
    const call = callOf({ nowMs: 500 });
    await handlerOf("2s")(call);
    assert.equal(call.deadline.atMs, 2500);
  });

  it("never gives a caller more than it asked for", async () => {
    const call = callOf({ nowMs: 500, deadlineMs: 600 });
    await handlerOf("2s")(call);
    assert.equal(call.deadline.atMs, 600);
  });

  it("leaves streams alone", async () => {
    const call = callOf({ method: streamMethod });
    await handlerOf("2s")(call);
    assert.equal(call.deadline.isSet, false);
  });
});

describe("deadline", () => {
  it("cancels the call when its moment comes, and not before", async () => {
    const host = createPolicyHost();
    const call = callOf({ deadlineMs: host.clock.nowMs() + 500 });
    void deadline.create({}, host)(() => new Promise(() => {}))(call);
    host.clock.advance(499);
    assert.equal(call.cancelled, undefined);
    host.clock.advance(20);
    assert.equal(call.cancelled!.reason, "DEADLINE_EXCEEDED");
  });

  it("forgets a call the moment it ends", async () => {
    const host = createPolicyHost();
    const call = callOf({ deadlineMs: host.clock.nowMs() + 500 });
    await deadline.create({}, host)(() => Promise.resolve(okReply()))(call);
    assert.equal(host.timers.size, 1);
    call.finish(okStatus());
    assert.equal(host.timers.size, 0);
  });

  it("refuses a call whose deadline has passed without asking the upstream", () => {
    const host = createPolicyHost();
    const handler = deadline.create({}, host)(() => assert.fail("the upstream was asked"));
    assert.throws(() => void handler(callOf({ deadlineMs: host.clock.nowMs() })), { reason: "DEADLINE_EXCEEDED", retry: "never" });
  });
});

describe("metrics", () => {
  it("counts calls under way, then by method and code, with bytes, duration and reason", async () => {
    const host = createPolicyHost();
    host.metrics.setKnown(new Set(["/shop.v1.Orders/Get"]));
    const handler = metrics.create({}, host)(() => Promise.resolve(okReply()));
    const calls = [callOf(), callOf()];
    for (const call of calls) await handler(call);
    assert.deepEqual([...host.metrics.active()], [{ protocol: "rest", calls: 2 }]);
    calls[0]!.requestBytes = 10;
    calls[0]!.responseBytes = 20;
    calls[0]!.finish(okStatus(), 1005);
    calls[1]!.finish(statusOf(new CallError("UPSTREAM_RESET", undefined, { source: "upstream" })), 1006);
    assert.deepEqual([...host.metrics.active()], [{ protocol: "rest", calls: 0 }]);
    const [row] = [...host.metrics.rows()];
    assert.deepEqual([row!.method, row!.requestBytes, row!.responseBytes], ["shop.v1.Orders/Get", 10, 20]);
    assert.deepEqual(
      [...row!.codes()].map(({ code, sumMs }) => [code, sumMs]),
      [
        ["OK", 5],
        ["UNAVAILABLE", 6],
      ],
    );
    assert.deepEqual([...host.metrics.failures()], [{ reason: "UPSTREAM_RESET", source: "upstream", count: 1 }]);
  });
});

describe("access log", () => {
  const logged = async (host = createPolicyHost(), call = callOf(), withTrace = false): Promise<Record<string, unknown>[]> => {
    const layer = accessLog.create(accessLog.config.parse({ path: "calls.log" }), host);
    const inner = layer(() => Promise.resolve(okReply()));
    await (withTrace ? trace.create(trace.config.parse({}), host)(inner) : inner)(call);
    call.requestBytes = 5;
    call.responseBytes = 7;
    call.finish(call.cancelled === undefined ? okStatus() : statusOf(call.cancelled), 1012.34567);
    return host.written.get("calls.log")!.map((line) => {
      assert.ok(line.endsWith("}\n") && line.indexOf("\n") === line.length - 1, "one line");
      return JSON.parse(line) as Record<string, unknown>;
    });
  };

  it("writes one line with what one looks for", async () => {
    const host = createPolicyHost();
    host.clock.advance(7);
    const call = callOf();
    assert.deepEqual(await logged(host, call), [
      {
        time: "2026-11-23T10:00:00.007Z",
        id: call.id,
        protocol: "rest",
        method: "shop.v1.Orders/Get",
        peer: "10.0.0.7",
        code: "OK",
        durationMs: 12.346,
        requestBytes: 5,
        responseBytes: 7,
        attempt: 1,
      },
    ]);
  });

  it("names reason and source of a failure, and the trace", async () => {
    const call = callOf({ metadata: { traceparent: "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01" } });
    call.cancel(new CallError("CALLER_CANCELLED", undefined, { source: "caller" }));
    const [line] = await logged(createPolicyHost(), call, true);
    assert.deepEqual(
      [line!["code"], line!["reason"], line!["source"], line!["trace"]],
      ["CANCELLED", "CALLER_CANCELLED", "caller", "4bf92f3577b34da6a3ce929d0e0e4736"],
    );
  });

  it("shows neither metadata nor messages, and escapes what a caller made up", async () => {
    const method = opaqueUnaryMethod(`/a"b\n\u2028\u202e/${"x".repeat(1000)}`);
    const host = createPolicyHost();
    const [line] = await logged(host, callOf({ method, metadata: { authorization: "Bearer secret-token", cookie: "s=secret" } }));
    const text = host.written.get("calls.log")!.join("");
    assert.ok(!text.includes("secret"));
    assert.match(text, /^[\x20-\x7e\n]*$/);
    assert.ok((line!["method"] as string).length < 300);
  });

  it("keeps time across seconds", async () => {
    const host = createPolicyHost();
    await logged(host);
    host.clock.advance(1999);
    await logged(host);
    const times = host.written.get("calls.log")!.map((line) => (JSON.parse(line) as { time: string }).time);
    assert.deepEqual(times, ["2026-11-23T10:00:00.000Z", "2026-11-23T10:00:01.999Z"]);
  });
});
