/** Faults on purpose: as often as is set, and by request only of those who may ask. */
import assert from "node:assert/strict";
import { CallError } from "../../../src/core/call-error.ts";
import { PrincipalSlot } from "../../../src/core/principal.ts";
import { fault } from "../../../src/policies/fault.ts";
import { callOf, createPolicyHost, okReply } from "../../support/policy-host.ts";

describe("fault", () => {
  const handlerOf = (settings: Readonly<Record<string, unknown>>, host = createPolicyHost()) =>
    fault.create(fault.config.parse(settings), host)(() => Promise.resolve(okReply()));

  it("ends a share of the calls", async () => {
    const host = createPolicyHost();
    const handler = handlerOf({ abort: { code: "ABORTED", share: "25%" } }, host);
    let ended = 0;
    for (let i = 0; i < 400; i++) {
      try {
        await handler(callOf());
      } catch (error) {
        assert.ok(error instanceof CallError && error.reason === "FAULT_INJECTED" && error.code === 10);
        ended++;
      }
    }
    assert.ok(ended > 60 && ended < 140, `${ended} of 400`);
    assert.equal(host.metrics.policies.of("fault", "aborted").count, ended);
  });

  it("delays calls, and not beyond their end", async () => {
    const host = createPolicyHost();
    const handler = handlerOf({ delay: { by: "300ms" } }, host);
    let over = false;
    const delayed = handler(callOf()).then(() => (over = true));
    host.clock.advance(299);
    await Promise.resolve();
    assert.equal(over, false);
    host.clock.advance(1);
    await delayed;
    const cancelled = callOf();
    const outcome = handler(cancelled);
    cancelled.cancel(new CallError("DEADLINE_EXCEEDED"));
    await assert.rejects(outcome, { reason: "DEADLINE_EXCEEDED" });
    assert.equal(host.clock.timers, 0);
  });

  it("does what a call asks for, where its principal may", async () => {
    const handler = handlerOf({ askedBy: ["chaos"] });
    for (const [id, ends] of [
      ["chaos", true],
      ["alice", false],
      ["", false],
    ] as const) {
      const call = callOf({ metadata: { "dragoman-fault-abort": "DATA_LOSS", "x-a": "1" } });
      call.slots.set(PrincipalSlot, { kind: "jwt", id, claims: {}, expiresAtMs: Infinity });
      if (ends) await assert.rejects(async () => handler(call), { code: 15 });
      else await handler(call);
      assert.deepEqual(call.metadata.flat, ["x-a", "1"]);
    }
  });

  it("believes nobody where nobody is named", async () => {
    const call = callOf({ metadata: { "dragoman-fault-delay": "60000", "dragoman-fault-abort": "DATA_LOSS" } });
    await handlerOf({})(call);
    assert.equal(call.metadata.size, 0);
  });
});
