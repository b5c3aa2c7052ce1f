import assert from "node:assert/strict";
import type { Call } from "../../../src/core/call.ts";
import { Metadata } from "../../../src/core/metadata.ts";
import { trace } from "../../../src/policies/trace.ts";
import { SentTraceparent } from "../../../src/telemetry/trace-context.ts";
import { callOf, createPolicyHost, okReply, type CallOptions } from "../../support/policy-host.ts";

const parent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

interface Sent {
  readonly call: Call;
  /** What the next hop gets. */
  readonly metadata: Metadata;
}

async function sent(metadata: CallOptions["metadata"], settings: object = {}): Promise<Sent> {
  const handler = trace.create(trace.config.parse(settings), createPolicyHost())(() => Promise.resolve(okReply()));
  const call = callOf(metadata === undefined ? {} : { metadata });
  await handler(call);
  return { call, metadata: new Metadata([...call.metadata.flat, ...call.hopFields!]) };
}

describe("trace", () => {
  it("continues the caller's trace with a new parent id and tells the log", async () => {
    const { call, metadata } = await sent({ traceparent: parent, "x-a": "1" });
    const next = metadata.get("traceparent")!;
    assert.match(next, /^00-4bf92f3577b34da6a3ce929d0e0e4736-[0-9a-f]{16}-01$/);
    assert.notEqual(next, parent);
    assert.equal(call.slots.get(SentTraceparent), next);
    assert.equal(metadata.get("x-a"), "1");
  });

  it("leaves a list that comes again the object it is, with or without the caller's trace in it", async () => {
    const layer = trace.create(trace.config.parse({}), createPolicyHost());
    const handler = layer(() => Promise.resolve(okReply()));
    for (const shared of [
      ["x-a", "1"],
      ["x-a", "1", "traceparent", parent],
    ]) {
      const lists = new Set<unknown>();
      const traces = new Set<unknown>();
      for (let i = 0; i < 3; i++) {
        const call = callOf();
        call.metadata.replaceBy(shared);
        await handler(call);
        assert.deepEqual(call.metadata.flat, ["x-a", "1"]);
        lists.add(call.metadata.flat);
        traces.add(call.hopFields![1]);
      }
      assert.deepEqual([lists.size, traces.size], [1, 3]);
    }
  });

  it("begins a trace where there is none, flagged as random, sampled by its setting", async () => {
    assert.match((await sent({})).metadata.get("traceparent")!, /^00-[0-9a-f]{32}-[0-9a-f]{16}-03$/);
    assert.match((await sent({}, { sampling: "0%" })).metadata.get("traceparent")!, /-02$/);
  });

  it("begins anew when traceparent came twice, and then tracestate goes too", async () => {
    const { metadata } = await sent([
      ["traceparent", parent],
      ["traceparent", parent],
      ["tracestate", "a=1"],
    ]);
    assert.equal(metadata.getAll("traceparent").length, 1);
    assert.ok(!metadata.get("traceparent")!.includes("4bf92f35"));
    assert.equal(metadata.has("tracestate"), false);
  });

  it("keeps a valid tracestate, combined in order, and drops a broken one without dropping the trace", async () => {
    const kept = await sent([
      ["traceparent", parent],
      ["tracestate", "a=1, b=2"],
      ["tracestate", "c=3"],
    ]);
    assert.deepEqual(kept.metadata.getAll("tracestate"), ["a=1,b=2,c=3"]);
    const broken = await sent({ traceparent: parent, tracestate: "no equals" });
    assert.equal(broken.metadata.has("tracestate"), false);
    assert.match(broken.metadata.get("traceparent")!, /^00-4bf92f35/);
  });

  it("carries baggage with or without a trace, up to its limits", async () => {
    assert.equal((await sent({ baggage: "user=7,plan=a" })).metadata.get("baggage"), "user=7,plan=a");
    const many = Array.from({ length: 80 }, (_, at) => `k${at}=v`).join(",");
    assert.equal((await sent({ baggage: many })).metadata.get("baggage")!.split(",").length, 64);
  });
});
