/**
 * HTTP/1.1 answers from an enemy. What must hold of any bytes: nothing is thrown, a request ends exactly once, what it is told is well formed, and
 * how the bytes were cut into packets, or whether the head has been seen before, makes no difference. Reads are poisoned.
 */
import assert from "node:assert/strict";
import type { ResponseSink } from "../../src/wire/http-client.ts";
import { AnswerMemo } from "../../src/wire/http1/answer-memo.ts";
import { ClientConnection, type ConnectionOwner } from "../../src/wire/http1/client-connection.ts";
import { ClientRequest, type RequestOwner } from "../../src/wire/http1/client-request.ts";
import type { WireError } from "../../src/wire/wire-error.ts";
import { fuzz } from "./fuzz-run.ts";
import { cleaned, MemoryChannel, turn } from "./memory-channel.ts";
import { fragment, type Random } from "./mutate.ts";

const limits = { headBytes: 2000, headFields: 20 };
/** Longer inputs may hold so much framing that it matters how far it is counted. */
const longestCompared = 12_000;

class Recorder implements ResponseSink {
  heads: string[] = [];
  body = "";
  end: string | undefined = undefined;

  onHead(status: number, headers: readonly string[]): void {
    assert.ok(this.end === undefined && this.heads.length === 0, "one head, before the end");
    assert.ok(status >= 200 && status <= 999);
    for (let i = 0; i < headers.length; i += 2) {
      assert.match(headers[i]!, /^[!#$%&'*+.^_`|~0-9a-z-]+$/);
      assert.doesNotMatch(headers[i + 1]!, /[\x00-\x08\x0a-\x1f\x7f]/);
      assert.doesNotMatch(headers[i]!, /^(?:connection|transfer-encoding|keep-alive|te|trailer|upgrade)$/);
    }
    this.heads.push(JSON.stringify([status, headers]));
  }

  onData(chunk: Uint8Array): void {
    assert.ok(this.end === undefined && this.heads.length === 1, "a body stands between head and end");
    this.body += Buffer.from(chunk).toString("latin1");
  }

  onEnd(trailers: readonly string[] | undefined): void {
    this.finish(`end ${JSON.stringify(trailers)}`);
  }

  onError(error: WireError): void {
    assert.equal(error.unprocessed, false);
    this.finish(`error ${error.kind}`);
  }

  private finish(end: string): void {
    assert.equal(this.end, undefined, "one end");
    this.end = end;
  }
}

/** One connection, and what becomes of one request on it. */
async function ask(method: string, pieces: readonly Buffer[], heads: AnswerMemo, random?: Random): Promise<Recorder> {
  const channel = new MemoryChannel(random);
  let gone = 0;
  let freed = 0;
  const owner: ConnectionOwner & RequestOwner = {
    limits,
    heads,
    windowBytes: 1 << 20,
    connect(events, onReady) {
      channel.listen(events);
      queueMicrotask(onReady);
      return channel.asChannel;
    },
    onReady: () => undefined,
    onFree: () => freed++,
    onGone: () => gone++,
    onUnanswered: () => assert.fail("a connection's first request is not sent again"),
    place: () => undefined,
    onWithdrawn: () => undefined,
  };
  const connection = new ClientConnection(owner, undefined);
  const sink = new Recorder();
  await turn();
  const template = { method, scheme: "http", authority: "x", path: "/", headers: [] } as const;
  const request = new ClientRequest(owner, template, [], [], sink, Infinity);
  request.end();
  connection.start(request);
  for (const piece of pieces) {
    channel.send(piece);
    if (random?.chance(3) === true) await turn();
  }
  const kept = freed === 1 && gone === 0;
  assert.ok(!kept || sink.end!.startsWith("end"), "only after a whole answer is a connection kept");
  connection.onEnd();
  connection.onClose(undefined);
  assert.ok(sink.end !== undefined, "the request has an end");
  assert.equal(gone, 1);
  assert.ok(!`${sink.heads.join()}${sink.body}${sink.end}`.includes("\xdb"), "poison");
  return sink;
}

async function run(input: Buffer, random: Random): Promise<void> {
  cleaned(input);
  const heads = new AnswerMemo();
  const method = random.pick(["GET", "HEAD", "POST"]);
  const once = await ask(method, [input], heads);
  const again = await ask(method, [input], heads);
  const cut = await ask(method, fragment(input, random), random.chance(2) ? heads : new AnswerMemo(), random);
  assert.deepEqual(again, once, "a head that was seen before makes a difference");
  if (input.length <= longestCompared) assert.deepEqual(cut, once, "packets make a difference");
}

describe("fuzz: HTTP/1.1 answers", () => {
  it("takes any bytes", () => {
    const words = [
      ..."\r\n|\r\n\r\n|\n|\r|\0| |\t|:|0\r\n\r\n|0\r\nx: y\r\n\r\n|5\r\nhello\r\n|5;e=1\r\nhello\r\n|HTTP/1.1 200 OK\r\n|HTTP/1.0 200 OK\r\n|HTTP/1.1 204 No\r\n".split(
        "|",
      ),
      ..."HTTP/1.1 100 Continue\r\n\r\n|HTTP/1.1 103 Hints\r\nlink: x\r\n\r\n|HTTP/1.1 101 Switch\r\n|HTTP/1.1 304 Not\r\n|content-length: 5\r\n|content-length: 0\r\n".split(
        "|",
      ),
      ..."transfer-encoding: chunked\r\n|transfer-encoding: gzip, chunked\r\n|connection: close\r\n|connection: x-a, upgrade\r\nupgrade: x\r\n|keep-alive: timeout=5\r\n".split(
        "|",
      ),
      ..." folded\r\n|x-a: \xff\r\n|x-a : b\r\n|ffffffffffffffff\r\n|-1\r\n|+5\r\n|hello".split("|"),
    ].map((text) => Buffer.from(text, "latin1"));
    return fuzz({ name: "http1-client", run, words });
  }).timeout(60_000);
});
