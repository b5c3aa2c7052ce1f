import fc from "fast-check";
import assert from "node:assert/strict";
import { CallError } from "../../../src/core/call-error.ts";
import { EventStreamSplitter } from "../../../src/protocols/rest/backend/event-stream.ts";

/** [type, data] of each event; the error's reason at the end if it failed. */
function eventsOf(text: string | Buffer, chunkBytes = 1 << 20, limitBytes = 1000): (readonly [string, string] | string)[] {
  const splitter = new EventStreamSplitter(limitBytes);
  const bytes = Buffer.from(text);
  const events: (readonly [string, string] | string)[] = [];
  try {
    for (let at = 0; at < bytes.length; at += chunkBytes) {
      splitter.push(Uint8Array.from(bytes.subarray(at, at + chunkBytes)));
      for (let event = splitter.take(); event !== undefined; event = splitter.take())
        events.push([event.type, Buffer.from(event.data).toString()]);
    }
    splitter.end();
  } catch (error) {
    assert.ok(error instanceof CallError);
    events.push(error.reason);
  }
  return events;
}

describe("text/event-stream", () => {
  const cases: [name: string, text: string, events: (readonly [string, string] | string)[]][] = [
    ["one event", "data: a\n\n", [["message", "a"]]],
    ["several lines of data", "data: a\ndata: b\ndata:\n\n", [["message", "a\nb\n"]]],
    ["only one space is taken off", "data:  a \n\n", [["message", " a "]]],
    ["a type", "event: error\ndata: x\n\n", [["error", "x"]]],
    [
      "a type belongs to one event",
      "event: t\ndata: x\n\ndata: y\n\n",
      [
        ["t", "x"],
        ["message", "y"],
      ],
    ],
    ["an event without data is none", "event: t\n\nid: 7\n\ndata: y\n\n", [["message", "y"]]],
    ["comments, ids, retries and unknown fields", ":c\nid: 1\nretry: 5\nzzz: 1\ndatabase: no\ndata: y\n\n", [["message", "y"]]],
    ["data without a colon", "data\n\n", [["message", ""]]],
    [
      "CR, LF and CRLF",
      "data: a\r\rdata: b\r\n\r\ndata: c\n\r\n",
      [
        ["message", "a"],
        ["message", "b"],
        ["message", "c"],
      ],
    ],
    ["a byte order mark", "\ufeffdata: a\n\n", [["message", "a"]]],
    ["a mark anywhere else is text", "data: \ufeffa\n\n", [["message", "\ufeffa"]]],
    ["nothing", "", []],
    ["an event that is not ended", "data: a\n", ["UPSTREAM_PROTOCOL"]],
    ["a line that is not ended", "data: a\n\nda", [["message", "a"], "UPSTREAM_PROTOCOL"]],
    ["a line over the limit", `data: ${"x".repeat(2000)}\n\n`, ["UPSTREAM_MESSAGE_TOO_LARGE"]],
    ["data over the limit", `${"data: xxxxxxxxxx\n".repeat(200)}\n`, ["UPSTREAM_MESSAGE_TOO_LARGE"]],
  ];
  for (const [name, text, events] of cases)
    for (const chunkBytes of [1 << 20, 1, 2, 7])
      it(`${name}, ${chunkBytes} bytes at a time`, () => assert.deepEqual(eventsOf(text, chunkBytes), events));

  it("is the same however it is cut", () => {
    const piece = fc.constantFrom("data: a", "data", ": c", "event: e", "\n", "\n\n", "\r", "\r\n", "é", "data:x\n\n", "\ufeff");
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 20 }), fc.integer({ min: 1, max: 9 }), (pieces, chunkBytes) => {
        const text = pieces.join("");
        assert.deepEqual(eventsOf(text, chunkBytes), eventsOf(text));
      }),
      { numRuns: 500 },
    );
  });
});
