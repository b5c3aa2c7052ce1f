/** What the table of retries cannot show of hedging: who is cancelled, where attempts go, and the delay that is learnt. */
import assert from "node:assert/strict";
import { Call } from "../../../src/core/call.ts";
import type { CallError } from "../../../src/core/call-error.ts";
import { Deadline } from "../../../src/core/deadline.ts";
import { SingleMessage } from "../../../src/core/messages.ts";
import { Metadata } from "../../../src/core/metadata.ts";
import type { Method } from "../../../src/core/method.ts";
import { Payload } from "../../../src/core/payload.ts";
import type { Reply } from "../../../src/core/reply.ts";
import { hedge } from "../../../src/policies/hedge.ts";
import { SlowestCalls } from "../../../src/policies/hedge/slowest-calls.ts";
import { endpoints, hostsOf } from "../../support/fake-hosts.ts";
import { createPolicyHost, okReply, unaryMethod } from "../../support/policy-host.ts";

const method: Method = { ...unaryMethod, idempotency: "idempotent" };

function aCall(): Call {
  const caller = { address: "10.0.0.7", protocol: "grpc", secure: false };
  const message = new SingleMessage(Payload.ofWire(method.input, new Uint8Array(1)));
  return new Call(method, caller, new Metadata(), message, new Deadline(), 1000);
}

describe("hedge", () => {
  it("cancels the attempts that are not needed, and lets the call be", async () => {
    const host = createPolicyHost();
    const cancelled: CallError[] = [];
    const sent: { readonly branch: Call; readonly answer: (reply: Reply) => void }[] = [];
    const hosts = hostsOf(endpoints(3));
    const handler = hedge.create(
      hedge.config.parse({ delay: "10ms", attempts: 3 }),
      host,
    )((branch) => {
      branch.onCancel((error) => cancelled.push(error));
      branch.host = hosts[sent.length];
      return new Promise((resolve) => sent.push({ branch, answer: resolve }));
    });
    const call = aCall();
    const reply = handler(call);
    host.clock.advance(20);
    assert.equal(sent.length, 3);
    assert.deepEqual(
      sent.map(({ branch }) => branch.tried),
      [undefined, [hosts[0]], [hosts[0], hosts[1]]],
    );
    const answer = okReply();
    sent[1]!.answer(answer);
    assert.equal(await reply, answer);
    assert.equal(cancelled.length, 2);
    assert.equal(sent[1]!.branch.cancelled, undefined);
    assert.deepEqual([call.cancelled, call.attempt, call.host], [undefined, 3, hosts[1]]);
    assert.equal(host.clock.timers, 0);
  });

  it("learns its delay from the calls, once there are enough of them", async () => {
    const host = createPolicyHost();
    let attempts = 0;
    let tookMs = 10;
    const handler = hedge.create(
      hedge.config.parse({}),
      host,
    )(() => {
      attempts++;
      return new Promise((resolve) => host.clock.after(tookMs, () => resolve(okReply())));
    });
    const called = async (): Promise<void> => {
      const reply = handler(aCall());
      await Promise.resolve();
      host.clock.advance(tookMs);
      await reply;
    };
    for (let n = 0; n < 50; n++) await called();
    assert.equal(attempts, 50);
    tookMs = 100;
    await called();
    assert.equal(attempts, 52, "it took longer than nearly all before it");
  });

  it("knows the time of 95 in 100, and forgets", () => {
    const slowest = new SlowestCalls();
    for (let n = 0; n < 49; n++) slowest.add(1);
    assert.equal(slowest.p95Ms, Infinity);
    for (let n = 0; n < 46; n++) slowest.add(1);
    for (let n = 0; n < 5; n++) slowest.add(1000);
    assert.ok(slowest.p95Ms >= 1 && slowest.p95Ms <= 1.6, String(slowest.p95Ms));
    for (let n = 0; n < 5000; n++) slowest.add(50);
    assert.ok(slowest.p95Ms >= 50 && slowest.p95Ms <= 75, String(slowest.p95Ms));
  });
});
