import assert from "node:assert/strict";
import { Call } from "../../../src/core/call.ts";
import { CallError } from "../../../src/core/call-error.ts";
import { Deadline } from "../../../src/core/deadline.ts";
import { MessageList } from "../../../src/core/messages.ts";
import { Metadata } from "../../../src/core/metadata.ts";
import { okStatus } from "../../../src/core/status.ts";
import { opaqueMethod } from "../../../src/protocols/shared/opaque-type.ts";

function someCall(): Call {
  return new Call(
    opaqueMethod("/a.B/C"),
    { address: "::1", protocol: "grpc", secure: false },
    new Metadata(),
    new MessageList([]),
    new Deadline(),
    100,
  );
}

describe("Call", () => {
  it("tells every end observer once, in the order they registered", () => {
    const call = someCall();
    const heard: number[] = [];
    for (let i = 0; i < 6; i++) call.onEnd((_call, end, durationMs) => heard.push(i * 1000 + durationMs + end.code));
    call.finish(okStatus(), 107);
    call.finish(okStatus(), 200);
    assert.deepEqual(heard, [7, 1007, 2007, 3007, 4007, 5007]);
  });

  it("tells every cancel observer once, and late ones at once", () => {
    const call = someCall();
    const heard: string[] = [];
    call.onCancel((error) => heard.push(`first ${error.reason}`));
    call.onCancel((error) => heard.push(`second ${error.reason}`));
    call.cancel(new CallError("DEADLINE_EXCEEDED"));
    call.cancel(new CallError("CALLER_CANCELLED"));
    call.onCancel((error) => heard.push(`late ${error.reason}`));
    assert.deepEqual(heard, ["first DEADLINE_EXCEEDED", "second DEADLINE_EXCEEDED", "late DEADLINE_EXCEEDED"]);
    assert.throws(() => call.throwIfCancelled(), CallError);
  });

  it("cannot be cancelled once it is over", () => {
    const call = someCall();
    let heard = 0;
    call.onCancel(() => heard++);
    call.finish(okStatus());
    call.cancel(new CallError("CALLER_CANCELLED"));
    assert.equal(heard, 0);
    assert.equal(call.cancelled, undefined);
  });

  it("gives an AbortSignal that follows cancellation, before and after", () => {
    const call = someCall();
    const { signal } = call;
    assert.equal(signal.aborted, false);
    call.cancel(new CallError("CALLER_CANCELLED"));
    assert.equal(signal.aborted, true);
    assert.equal((signal.reason as CallError).reason, "CALLER_CANCELLED");
    const late = someCall();
    late.cancel(new CallError("DEADLINE_EXCEEDED"));
    assert.equal(late.signal.aborted, true);
  });

  it("has an id of its own", () => {
    assert.notEqual(someCall().id, someCall().id);
  });
});
