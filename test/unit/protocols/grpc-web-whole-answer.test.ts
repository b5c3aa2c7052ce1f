import assert from "node:assert/strict";
import { WholeAnswer } from "../../../src/protocols/grpc-web/whole-answer.ts";
import type { Exchange } from "../../../src/wire/exchange.ts";

const headers = ["content-type", "application/grpc-web+proto"];
const prefix = Buffer.from([0, 0, 0, 0, 9]);
const trailers = Buffer.from("trailers");
const roomBytes = 32 * 1024;

/** What was done with the exchange, bytes copied as the wire copies them. */
function recorded(): { x: Exchange; done: string[]; body: () => Buffer } {
  const done: string[] = [];
  const chunks: Buffer[] = [];
  const take = (bytes: Uint8Array | undefined): void => void (bytes !== undefined && chunks.push(Buffer.from(bytes)));
  const x = {
    open: true,
    respond(status: number, list: readonly string[], bytes: Uint8Array | undefined) {
      done.push(`respond ${status} ${list.join("=")}`);
      take(bytes);
    },
    start: (status: number, list: readonly string[]) => void done.push(`start ${status} ${list.join("=")}`),
    write(chunk: Uint8Array, before?: Uint8Array) {
      done.push("write");
      take(before);
      take(chunk);
      return true;
    },
    finish: () => void done.push("finish"),
    drained: () => Promise.resolve(),
  };
  return { x: x as unknown as Exchange, done, body: () => Buffer.concat(chunks) };
}

describe("a whole answer in gRPC-Web", () => {
  for (const [what, size, expected] of [
    ["a message with room", 100, ["respond 200 content-type=application/grpc-web+proto"]],
    ["an empty message", 0, ["respond 200 content-type=application/grpc-web+proto"]],
    ["a message that leaves no room for the trailers", roomBytes - 10, ["start", "write", "write", "finish"]],
    ["a message without room", roomBytes, ["start", "write", "write", "finish"]],
  ] as const)
    it(`of ${what} has all its bytes`, () => {
      const { x, done, body } = recorded();
      const message = Buffer.alloc(size, "m");
      const answer = new WholeAnswer(x, headers);
      assert.equal(answer.write(message, prefix), true);
      answer.finish(trailers);
      assert.deepEqual(body(), Buffer.concat([prefix, message, trailers]));
      assert.deepEqual(
        done.map((step, at) => (expected.length === 1 ? step : at === 0 ? step.split(" ")[0] : step)),
        expected,
      );
    });

  it("of a message that could not be written is its trailers", () => {
    const { x, done, body } = recorded();
    new WholeAnswer(x, headers).finish(trailers);
    assert.deepEqual(body(), trailers);
    assert.equal(done.length, 1);
  });
});
