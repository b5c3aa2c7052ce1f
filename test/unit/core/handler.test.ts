import assert from "node:assert/strict";
import { CloseStack } from "../../../src/core/close-stack.ts";
import { compose, type Handler, type Layer } from "../../../src/core/handler.ts";
import { IdentityCache } from "../../../src/core/identity-cache.ts";
import { Deadline } from "../../../src/core/deadline.ts";
import type { Call } from "../../../src/core/call.ts";
import type { Reply } from "../../../src/core/reply.ts";

describe("compose", () => {
  it("runs the first layer outermost", async () => {
    const trace: string[] = [];
    const layer =
      (name: string): Layer =>
      (next) =>
      (call) => {
        trace.push(name);
        return next(call);
      };
    const innermost: Handler = () => {
      trace.push("handler");
      return Promise.resolve({} as Reply);
    };
    await compose([layer("a"), layer("b")], innermost)({} as Call);
    assert.deepEqual(trace, ["a", "b", "handler"]);
  });

  it("of nothing is the handler itself", () => {
    const handler: Handler = () => Promise.reject(new Error("unused"));
    assert.equal(compose([], handler), handler);
  });
});

describe("CloseStack", () => {
  it("closes all in reverse order, even when some fail", async () => {
    const closed: string[] = [];
    const stack = new CloseStack();
    stack.use({ close: () => void closed.push("first") });
    stack.defer(() => Promise.reject(new Error("second")));
    stack.defer(() => void closed.push("third"));
    await assert.rejects(stack.close(), (error: AggregateError) => error.errors.length === 1);
    assert.deepEqual(closed, ["third", "first"]);
    await stack.close();
  });
});

describe("IdentityCache", () => {
  it("finds what was derived from the same object and forgets the oldest", () => {
    const cache = new IdentityCache<object, number>(2);
    const keys = [{}, {}, {}];
    keys.forEach((key, i) => cache.set(key, i));
    assert.equal(cache.get(keys[0]!), undefined);
    assert.equal(cache.get(keys[1]!), 1);
    assert.equal(cache.get(keys[2]!), 2);
    assert.equal(cache.get({}), undefined);
  });
});

describe("Deadline", () => {
  it("only ever comes nearer", () => {
    const deadline = new Deadline();
    assert.equal(deadline.isSet, false);
    deadline.tighten(500);
    deadline.tighten(900);
    assert.equal(deadline.atMs, 500);
    assert.equal(deadline.remainingMs(450), 50);
  });
});
