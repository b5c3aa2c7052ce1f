import assert from "node:assert/strict";
import { Code } from "../../../src/core/code.ts";
import type { Call } from "../../../src/core/call.ts";
import { MessageList } from "../../../src/core/messages.ts";
import { Metadata } from "../../../src/core/metadata.ts";
import type { Reply } from "../../../src/core/reply.ts";
import { okStatus, type Status } from "../../../src/core/status.ts";
import type { Inbound } from "../../../src/protocols/protocol.ts";
import { createGrpcInbound } from "../../../src/protocols/grpc/inbound.ts";
import { createDispatcher, type Serving } from "../../../src/runtime/dispatch.ts";
import type { Exchange } from "../../../src/wire/exchange.ts";

const reply: Reply = {
  metadata: Metadata.empty,
  messages: new MessageList([]),
  encoding: undefined,
  ended: undefined,
  end: Promise.resolve(okStatus()),
};

/** An exchange that only remembers how it was broken off. */
function fakeExchange(): Exchange & { aborted: number | undefined } {
  return {
    aborted: undefined,
    open: true,
    arrivedAtMs: 0,
    peer: { address: "::1", port: 1, tls: undefined },
    head: {
      version: "2",
      method: "POST",
      target: "/a.B/C",
      headers: new Metadata(["content-type", "application/grpc"]),
      contentLength: -1,
    },
    body: { whole: () => undefined, read: () => undefined, trailers: undefined, cancel: () => undefined },
    onAbort: () => undefined,
    abort(this: { aborted: number | undefined }, code: number) {
      this.aborted = code;
    },
  } as unknown as Exchange & { aborted: number | undefined };
}

describe("dispatch, when an inbound has a bug", () => {
  const bug = new TypeError("bug");
  const throwing = (): never => {
    throw bug;
  };
  const broken: [how: string, inbound: Partial<Inbound>, answer: () => Promise<Reply>][] = [
    ["throws from encode", { encode: throwing }, () => Promise.resolve(reply)],
    ["rejects from encode", { encode: () => Promise.reject(bug) }, () => Promise.resolve(reply)],
    ["throws from reject", { reject: throwing }, () => Promise.reject(new Error("unreachable"))],
  ];
  for (const [how, inbound, answer] of broken)
    it(`${how}: the one exchange breaks off, the call ends as INTERNAL, the log hears why`, async () => {
      const ended: Status[] = [];
      const faults: unknown[] = [];
      const serving: Serving = {
        table: undefined,
        messageBytes: 100,
        handlerOf: () => (call: Call) => {
          call.onEnd((_call, end) => ended.push(end));
          return answer();
        },
        observed: (handler) => handler,
      };
      const x = fakeExchange();
      const inbounds = [{ ...createGrpcInbound(), ...inbound }];
      createDispatcher({ inbounds, serving: () => serving, onFault: (fault) => faults.push(fault) })(x);
      await new Promise((resolve) => setImmediate(resolve));
      assert.equal(x.aborted, 2);
      assert.deepEqual(faults, [bug]);
      assert.equal(ended.length, 1);
      assert.equal(ended[0]!.code, Code.INTERNAL);
      assert.equal(ended[0]!.error?.cause, bug);
    });
});
