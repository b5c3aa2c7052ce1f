/** Streams as the docs page reads them: the same messages, however they were cut. */
import assert from "node:assert/strict";
import fc from "fast-check";
import { recordReader } from "../../../src/docs-page/ui/records.ts";

const forms: Readonly<Record<string, (messages: readonly string[]) => string>> = {
  "application/json": (messages) => `[${messages.join(",")}]`,
  "application/x-ndjson": (messages) => messages.map((text) => `${text}\n`).join(""),
  "text/event-stream; charset=utf-8": (messages) => `:\n\n${messages.map((text, i) => `id: ${i}\ndata: ${text}\n\n`).join(":\n\n")}`,
};

function read(contentType: string, parts: readonly string[]): string[] {
  const reader = recordReader(contentType)!;
  return parts.flatMap((part) => reader.push(part)).map(({ text }) => text);
}

describe("records of a stream", () => {
  const message = fc.jsonValue().map((value) => JSON.stringify({ value, tricky: '],[{}"\\\\" ,' }));

  for (const [contentType, write] of Object.entries(forms))
    it(`${contentType}: wherever chunks end`, () => {
      fc.assert(
        fc.property(fc.array(message, { maxLength: 6 }), fc.array(fc.nat(400), { maxLength: 12 }), (messages, cuts) => {
          const text = write(messages);
          const ends = [...new Set(cuts.filter((cut) => cut < text.length))].sort((a, b) => a - b);
          const parts = [0, ...ends].map((from, i) => text.slice(from, ends[i] ?? text.length));
          assert.deepEqual(read(contentType, parts), messages);
          assert.deepEqual(read(contentType, [...text]), messages);
        }),
        { numRuns: 60 },
      );
    });

  it("tells the record of a failure from a message", () => {
    const failure = '{"error":{"code":5,"message":"gone","details":[]}}';
    const last = (contentType: string, text: string): boolean => recordReader(contentType)!.push(text).at(-1)!.failed;
    assert.equal(last("application/json", `[{"a":1},${failure}]`), true);
    assert.equal(last("application/x-ndjson", `{"a":1}\n${failure}\n`), true);
    assert.equal(last("text/event-stream", `data: {}\n\nevent: error\ndata: {"code":5}\n\n`), true);
    assert.equal(last("application/json", '[{"error":"mine"}]'), false);
  });

  it("is nothing for a type that is no stream of messages", () => assert.equal(recordReader("text/csv"), undefined));
});
