/** A request that may be sent again: what one attempt took, the next one gets too, and the source hears only the last word. */
import assert from "node:assert/strict";
import { CallError } from "../../../src/core/call-error.ts";
import { MessageStream, type Messages } from "../../../src/core/messages.ts";
import { Payload } from "../../../src/core/payload.ts";
import { ReplayedMessages } from "../../../src/core/replayed-messages.ts";
import { opaqueUnaryMethod } from "../../../src/protocols/shared/opaque-type.ts";

const type = opaqueUnaryMethod("/a.B/C").input;
const message = (sizeBytes: number): Payload => Payload.ofWire(type, new Uint8Array(sizeBytes));

/** Gives what is pushed; `undefined` is the end. */
class Source extends MessageStream {
  cancelled = 0;
  asked = 0;
  private readonly ready: (Payload | undefined)[] = [];
  private waiting: PromiseWithResolvers<Payload | undefined> | undefined;

  push(next: Payload | undefined): void {
    const { waiting } = this;
    this.waiting = undefined;
    if (waiting === undefined) this.ready.push(next);
    else waiting.resolve(next);
  }

  break(error: CallError): void {
    this.waiting!.reject(error);
  }

  next(): Payload | undefined | Promise<Payload | undefined> {
    this.asked++;
    if (this.ready.length > 0) return this.ready.shift();
    assert.equal(this.waiting, undefined, "asked twice at once");
    return (this.waiting = Promise.withResolvers<Payload | undefined>()).promise;
  }

  cancel(): void {
    this.cancelled++;
  }
}

async function take(messages: Messages, count: number): Promise<(Payload | undefined)[]> {
  const taken: (Payload | undefined)[] = [];
  for (let n = 0; n < count; n++) taken.push(await messages.next());
  return taken;
}

describe("replayed messages", () => {
  const [a, b, c] = [message(10), message(20), message(30)];

  it("begin again for each view, and go on from the source", async () => {
    const source = new Source();
    const replayed = new ReplayedMessages(source, 100);
    source.push(a);
    source.push(b);
    assert.deepEqual(await take(replayed.view(), 1), [a]);
    assert.deepEqual(await take(replayed.view(), 2), [a, b]);
    source.push(c);
    source.push(undefined);
    assert.deepEqual(await take(replayed.view(), 4), [a, b, c, undefined]);
    assert.deepEqual(await take(replayed.view(), 4), [a, b, c, undefined]);
    assert.equal(source.asked, 4);
  });

  it("give what an attempt before still waited for to the next one", async () => {
    const source = new Source();
    const replayed = new ReplayedMessages(source, 100);
    source.push(a);
    const first = replayed.view();
    await first.next();
    const waited = first.next();
    const second = replayed.view();
    assert.equal(await first.next(), undefined, "it has been left");
    assert.deepEqual(await take(second, 1), [a]);
    const next = second.next();
    source.push(b);
    assert.equal(await next, b);
    await waited;
  });

  it("lose nothing that was asked for before the commit", async () => {
    const source = new Source();
    const replayed = new ReplayedMessages(source, 100);
    const view = replayed.view();
    const waited = view.next();
    replayed.commit();
    source.push(a);
    source.push(b);
    source.push(undefined);
    assert.equal(await waited, a);
    assert.deepEqual(await take(view, 2), [b, undefined]);
  });

  it("commit the call with the byte over the limit", async () => {
    const source = new Source();
    const replayed = new ReplayedMessages(source, 30);
    const view = replayed.view();
    for (const each of [a, b, c]) source.push(each);
    await take(view, 2);
    assert.equal(replayed.committed, false);
    await view.next();
    assert.equal(replayed.committed, true);
    source.push(a);
    assert.equal(await view.next(), a);
  });

  it("tell the source that nobody wants more only when that is so", () => {
    const source = new Source();
    const replayed = new ReplayedMessages(source, 100);
    replayed.view().cancel();
    assert.equal(source.cancelled, 0);
    const last = replayed.view();
    replayed.commit();
    assert.equal(source.cancelled, 0);
    last.cancel();
    assert.equal(source.cancelled, 1);
    const given = new ReplayedMessages(source, 100);
    given.view().cancel();
    given.commit();
    assert.equal(source.cancelled, 2);
  });

  it("fail for each view as the source did", async () => {
    const source = new Source();
    const replayed = new ReplayedMessages(source, 100);
    const error = new CallError("BAD_REQUEST");
    const waited = replayed.view().next() as Promise<unknown>;
    source.break(error);
    await assert.rejects(waited, (thrown) => thrown === error);
    assert.throws(
      () => replayed.view().next(),
      (thrown) => thrown === error,
    );
  });
});
