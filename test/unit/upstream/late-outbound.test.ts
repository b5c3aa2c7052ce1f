import assert from "node:assert/strict";
import { Call, callerLeft } from "../../../src/core/call.ts";
import { CallError } from "../../../src/core/call-error.ts";
import { Deadline } from "../../../src/core/deadline.ts";
import { MessageList, SingleMessage } from "../../../src/core/messages.ts";
import { Metadata } from "../../../src/core/metadata.ts";
import { Payload } from "../../../src/core/payload.ts";
import { UnaryReply } from "../../../src/core/reply.ts";
import { okStatus } from "../../../src/core/status.ts";
import { opaqueUnaryMethod } from "../../../src/protocols/shared/opaque-type.ts";
import { LateOutbound, type Link } from "../../../src/upstream/late-outbound.ts";
import { WireError } from "../../../src/wire/wire-error.ts";

const method = opaqueUnaryMethod("/a.B/C");

function newCall(): Call {
  const caller = { address: "", protocol: "test", secure: false };
  return new Call(method, caller, new Metadata(), new MessageList([]), new Deadline(), 0);
}

/** A link that answers everything, and counts. */
function newLink(): { readonly link: Link; sent: number; closed: number } {
  const counts = {
    sent: 0,
    closed: 0,
    link: {
      client: { state: "ready", activeStreams: 3, pendingStreams: 2, drain: () => Promise.resolve() } as unknown as Link["client"],
      outbound: {
        send: () => {
          counts.sent++;
          return Promise.resolve(
            new UnaryReply(Metadata.empty, new SingleMessage(Payload.ofWire(method.output, new Uint8Array())), okStatus()),
          );
        },
        close: () => void counts.closed++,
      },
    },
  };
  return counts;
}

describe("LateOutbound", () => {
  it("opens once for all who wait", async () => {
    const counts = newLink();
    const opening = Promise.withResolvers<Link>();
    let opened = 0;
    const late = new LateOutbound(() => (opened++, opening.promise));
    assert.equal(late.state, "idle");
    const calls = [late.send(newCall()), late.send(newCall())];
    assert.deepEqual([late.state, late.pendingStreams, late.activeStreams], ["connecting", 2, 0]);
    opening.resolve(counts.link);
    await Promise.all(calls);
    await late.send(newCall());
    assert.deepEqual([opened, counts.sent], [1, 3]);
    assert.deepEqual([late.state, late.pendingStreams, late.activeStreams], ["ready", 2, 3]);
  });

  it("fails those who wait, and asks again for the next", async () => {
    const counts = newLink();
    const answers: (Link | WireError)[] = [new WireError("connect", "away", { unprocessed: true }), counts.link];
    const late = new LateOutbound(() => {
      const answer = answers.shift()!;
      return answer instanceof WireError ? Promise.reject(answer) : Promise.resolve(answer);
    });
    await assert.rejects(late.send(newCall()), { reason: "UPSTREAM_UNREACHABLE", retry: "safe" });
    assert.equal(late.state, "idle");
    await late.send(newCall());
    assert.equal(counts.sent, 1);
  });

  it("lets who leaves go at once", async () => {
    const counts = newLink();
    const opening = Promise.withResolvers<Link>();
    const late = new LateOutbound(() => opening.promise);
    const call = newCall();
    const waiting = late.send(call);
    call.cancel(callerLeft());
    await assert.rejects(waiting, (error) => error instanceof CallError && error.reason === "CALLER_CANCELLED");
    assert.equal(late.pendingStreams, 0);
    opening.resolve(counts.link);
    await late.send(newCall());
    assert.equal(counts.sent, 1);
  });

  it("closed while it opens, closes what was opened", async () => {
    const counts = newLink();
    const opening = Promise.withResolvers<Link>();
    const late = new LateOutbound(() => opening.promise);
    const waiting = late.send(newCall()).catch(() => undefined);
    await late.close();
    opening.resolve(counts.link);
    await waiting;
    assert.deepEqual([late.state, counts.closed], ["closed", 1]);
    await assert.rejects(late.send(newCall()), { reason: "SHUTTING_DOWN" });
  });
});
