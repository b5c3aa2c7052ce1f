/** What the table of retries cannot show: where an attempt goes, what is told of it, and what is shared. */
import assert from "node:assert/strict";
import { Call } from "../../../src/core/call.ts";
import { CallError } from "../../../src/core/call-error.ts";
import { Deadline } from "../../../src/core/deadline.ts";
import type { Handler } from "../../../src/core/handler.ts";
import { SingleMessage } from "../../../src/core/messages.ts";
import { Metadata } from "../../../src/core/metadata.ts";
import type { Method } from "../../../src/core/method.ts";
import { Payload } from "../../../src/core/payload.ts";
import { Propagation } from "../../../src/telemetry/propagation.ts";
import { RecordedCall, RecordedCallSlot } from "../../../src/telemetry/recorded-call.ts";
import { RatioSampler } from "../../../src/telemetry/sampler.ts";
import { retry } from "../../../src/policies/retry.ts";
import { endpoints, hostsOf } from "../../support/fake-hosts.ts";
import { createPolicyHost, okReply, unaryMethod, type PolicyHost } from "../../support/policy-host.ts";

const method: Method = { ...unaryMethod, idempotency: "idempotent" };
const down = new CallError("UPSTREAM_UNREACHABLE", undefined, { source: "upstream" });
/** As long as there is a pause to wait for, it is over. */
async function finished<T>(host: PolicyHost, promise: Promise<T>): Promise<T> {
  let over = false;
  const done = promise.finally(() => (over = true));
  done.catch(() => undefined);
  for (let turns = 0; !over && turns < 1000; turns++) {
    await new Promise((resolve) => setImmediate(resolve));
    if (host.clock.timers > 0) host.clock.advance(1000);
  }
  return done;
}

function aCall(): Call {
  const caller = { address: "10.0.0.7", protocol: "grpc", secure: false };
  const message = new SingleMessage(Payload.ofWire(method.input, new Uint8Array(1)));
  return new Call(method, caller, new Metadata(), message, new Deadline(), 1000);
}

describe("retry", () => {
  const layered = (host: PolicyHost, next: Handler, settings: object = {}): Handler =>
    retry.create(retry.config.parse(settings), host)(next);

  it("goes to hosts that the call has not been to", async () => {
    const host = createPolicyHost();
    const hosts = hostsOf(endpoints(3));
    const tried: unknown[] = [];
    const handler = layered(host, (call) => {
      tried.push(call.tried);
      call.host = hosts[tried.length - 1];
      return tried.length < 3 ? Promise.reject(down) : Promise.resolve(okReply());
    });
    const call = aCall();
    await finished(host, handler(call));
    assert.deepEqual(tried, [undefined, [hosts[0]], [hosts[0], hosts[1]]]);
    assert.deepEqual([call.attempt, call.host], [3, hosts[2]]);
  });

  it("counts no attempt that its caller did not wait for", async () => {
    const host = createPolicyHost();
    const call = aCall();
    const reply = layered(host, () => Promise.reject(down))(call);
    await new Promise((resolve) => setImmediate(resolve));
    const left = new CallError("CALLER_CANCELLED", undefined, { source: "caller" });
    call.cancel(left);
    await assert.rejects(reply, (thrown) => thrown === left);
    assert.deepEqual([call.attempt, host.clock.timers], [1, 0]);
  });

  it("takes a throw for a failure, and leaves alone what is no CallError", async () => {
    const host = createPolicyHost();
    let asked = 0;
    const thrown = (error: Error): Promise<unknown> => {
      asked = 0;
      const handler = layered(host, () => {
        asked++;
        throw error;
      });
      return finished(host, handler(aCall()));
    };
    await assert.rejects(thrown(down), (error) => error === down);
    assert.equal(asked, 3);
    const bug = new TypeError("bug");
    await assert.rejects(thrown(bug), (error) => error === bug);
    assert.equal(asked, 1);
  });

  it("asks nobody again whom the proxy itself turned away", async () => {
    const host = createPolicyHost();
    for (const error of [new CallError("NO_ENDPOINTS"), new CallError("UPSTREAM_OVERLOADED", undefined, { source: "upstream" })]) {
      let asked = 0;
      const handler = layered(host, () => (asked++, Promise.reject(error)));
      await assert.rejects(finished(host, handler(aCall())), (thrown) => thrown === error);
      assert.equal(asked, 1);
    }
  });

  it("shares one budget among all layers of a service", async () => {
    const host = createPolicyHost();
    let asked = 0;
    const next: Handler = () => (asked++, Promise.reject(down));
    const budget = { share: "0%", perSecond: 0.1 };
    for (const attempts of [2, 3]) await assert.rejects(finished(host, layered(host, next, { attempts, budget })(aCall())));
    assert.equal(asked, 3);
  });

  it("tells the trace of each retry", async () => {
    const host = createPolicyHost();
    const call = aCall();
    const incoming = new Propagation(["w3c"], new RatioSampler(1)).read([]);
    const recorded = new RecordedCall("00-1-2-01", incoming, [], host.clock);
    call.slots.set(RecordedCallSlot, recorded);
    await assert.rejects(finished(host, layered(host, () => Promise.reject(down))(call)));
    const events = recorded.events!.map((event) => Buffer.from(event).toString("latin1"));
    assert.equal(events.length, 2);
    for (const event of events) assert.match(event, /retry.*dragoman\.attempt.*UPSTREAM_UNREACHABLE.*UNAVAILABLE.*dragoman\.delay_ms/s);
  });
});
