/**
 * What every policy must keep to, whatever it does: no call is lost, failures pass, the end is heard once, nothing is held back.
 *
 * A policy that refuses, retries or answers by itself says so in its own tests; here it is given calls it has no reason to touch.
 */
import assert from "node:assert/strict";
import { CallError } from "../../src/core/call-error.ts";
import { Code } from "../../src/core/code.ts";
import type { Handler } from "../../src/core/handler.ts";
import { okStatus, statusOf } from "../../src/core/status.ts";
import type { Policy } from "../../src/policies/policy.ts";
import { callOf, createPolicyHost, okReply, streamMethod, unaryMethod, type PolicyHost } from "../support/policy-host.ts";

export function policyContract(policy: Policy, given: Readonly<Record<string, unknown>>): void {
  const setUp = (next: Handler): { host: PolicyHost; handler: Handler } => {
    const host = createPolicyHost();
    const layer = policy.create(policy.config.parse(given), host);
    return { host, handler: layer(next) };
  };

  describe(`policy ${policy.kind}`, () => {
    before(() => policy.load());

    it("has a kind in kebab-case, a summary of one sentence and described settings", () => {
      assert.match(policy.kind, /^[a-z]+(-[a-z]+)*$/);
      assert.match(policy.summary, /^[A-Z].*\.$/);
      assert.ok(policy.scope === "call" || policy.scope === "attempt");
      if (policy.shorthand !== undefined) assert.ok(policy.shorthand in policy.config.shape, "its shorthand is a setting");
    });

    it("refuses settings it does not have", () => {
      assert.equal(policy.config.safeParse({ ...given, surely_no_setting: 1 }).success, false);
    });

    for (const method of [unaryMethod, streamMethod]) {
      const kind = method === unaryMethod ? "unary" : "streaming";

      it(`hands a ${kind} call on exactly once and gives back its reply`, async () => {
        const reply = okReply();
        const seen: unknown[] = [];
        const { handler } = setUp((call) => {
          seen.push(call);
          return Promise.resolve(reply);
        });
        const call = callOf({ method });
        assert.equal(await handler(call), reply);
        assert.deepEqual(seen, [call]);
        call.finish(okStatus());
      });
    }

    it("passes a rejected CallError on as it is", async () => {
      const error = new CallError("UPSTREAM_STATUS", undefined, { source: "upstream", code: Code.NOT_FOUND });
      const { handler } = setUp(() => Promise.reject(error));
      await assert.rejects(
        async () => handler(callOf()),
        (thrown) => thrown === error,
      );
    });

    it("passes a CallError thrown at once on as it is, by a throw or a rejection", async () => {
      const error = new CallError("NO_SCHEMA");
      const { handler } = setUp(() => {
        throw error;
      });
      await assert.rejects(
        async () => handler(callOf()),
        (thrown) => thrown === error,
      );
    });

    it("hears the end of each call once, and holds nothing afterwards", async () => {
      const { host, handler } = setUp(() => Promise.resolve(okReply()));
      for (let round = 0; round < 3; round++) {
        const call = callOf({ deadlineMs: host.clock.nowMs() + 60_000 });
        await handler(call);
        call.finish(okStatus());
        call.finish(statusOf(new CallError("INTERNAL")));
      }
      assert.equal(host.timers.size, 0);
      assert.ok([...host.metrics.active()].every(({ calls }) => calls === 0));
    });

    it("survives an end that comes before the reply, and a cancelled call", async () => {
      const { host, handler } = setUp((call) => {
        call.cancel(new CallError("CALLER_CANCELLED"));
        call.finish(statusOf(call.cancelled!));
        return Promise.reject(call.cancelled!);
      });
      await assert.rejects(async () => handler(callOf({ deadlineMs: host.clock.nowMs() + 1000 })), { reason: "CALLER_CANCELLED" });
      assert.equal(host.timers.size, 0);
    });

    it("serves many methods from one layer", async () => {
      const host = createPolicyHost();
      const layer = policy.create(policy.config.parse(given), host);
      const handlers = [unaryMethod, streamMethod].map((method) => ({ method, handler: layer(() => Promise.resolve(okReply())) }));
      for (const { method, handler } of [...handlers, ...handlers]) {
        const call = callOf({ method });
        await handler(call);
        call.finish(okStatus());
      }
    });

    it("is composed anew with the services of before: what must outlive a reload does", async () => {
      const host = createPolicyHost();
      for (let generation = 0; generation < 2; generation++) {
        const handler = policy.create(policy.config.parse(given), host)(() => Promise.resolve(okReply()));
        const call = callOf();
        await handler(call);
        call.finish(okStatus());
      }
      assert.ok([...host.metrics.active()].every(({ calls }) => calls === 0));
    });
  });
}
