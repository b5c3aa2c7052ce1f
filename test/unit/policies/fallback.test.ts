/** What stands in for a service that fails: marked, counted, and only for what is named. */
import assert from "node:assert/strict";
import type { Call } from "../../../src/core/call.ts";
import { CallError } from "../../../src/core/call-error.ts";
import type { Handler } from "../../../src/core/handler.ts";
import { fallback } from "../../../src/policies/fallback.ts";
import { echoSchema } from "../../support/hop.ts";
import { callOf, createPolicyHost } from "../../support/policy-host.ts";

const methods = echoSchema().services[0]!.methods;
const unary = methods.find(({ name }) => name === "Unary")!;
const stream = methods.find(({ name }) => name === "Expand")!;
const down = new CallError("UPSTREAM_UNREACHABLE");

describe("fallback", () => {
  const failing =
    (error: Error): Handler =>
    () =>
      Promise.reject(error);
  const handlerOf = (next: Handler, settings: Readonly<Record<string, unknown>> = {}, host = createPolicyHost()): Handler =>
    fallback.create(fallback.config.parse({ message: { text: "instead" }, ...settings }), host)(next);
  const call = (method = unary): Call => callOf({ method });

  it("answers in the service's place, and says so", async () => {
    const host = createPolicyHost();
    for (const next of [
      failing(down),
      () => {
        throw down;
      },
    ]) {
      const reply = await handlerOf(next, {}, host)(call());
      assert.equal(reply.metadata.get("dragoman-fallback"), "static");
      assert.equal(reply.ended?.code, 0);
      assert.equal(Buffer.from(reply.messages.single!.json()).toString(), '{"text":"instead"}');
    }
    assert.equal(host.metrics.policies.of("fallback", "static").count, 2);
  });

  const passed: readonly (readonly [string, CallError, object])[] = [
    ["another code", new CallError("NO_SCHEMA"), { on: ["DATA_LOSS"] }],
    ["the caller's fault", new CallError("CALLER_CANCELLED", undefined, { source: "caller" }), { on: ["CANCELLED"] }],
    ["a message that is none of the method's", down, { message: { nothing: 1 } }],
  ];
  for (const [what, error, settings] of passed)
    it(`leaves the failure as it is: ${what}`, async () => {
      await assert.rejects(
        async () => handlerOf(failing(error), { ...settings })(call()),
        (thrown) => thrown === error,
      );
    });

  it("leaves streams as they are, and says so once", async () => {
    const host = createPolicyHost();
    const handler = handlerOf(failing(down), {}, host);
    for (let round = 0; round < 2; round++) await assert.rejects(async () => handler(call(stream)), { reason: "UPSTREAM_UNREACHABLE" });
    assert.equal(host.logged.length, 1);
  });
});
