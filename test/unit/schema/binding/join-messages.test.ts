import assert from "node:assert/strict";
import { joinMessages } from "../../../../src/schema/binding/join-messages.ts";
import { echoSchema } from "../../../support/hop.ts";

const request = echoSchema().message("dragoman.test.v1.EchoRequest")!;
/** nested {number: n} */
const number = (n: number): number[] => [0x2a, 2, 0x08, n];
/** nested {labels {k: v}} */
const label = [0x2a, 8, 0x12, 6, 0x0a, 1, 0x6b, 0x12, 1, 0x76];
const text = [0x0a, 1, 0x61];

describe("joinMessages", () => {
  const cases: [what: string, wire: number[], joined: number[]][] = [
    ["nothing to join", [...text, ...number(5)], [...text, ...number(5)]],
    ["two pieces", [...number(5), ...text, ...label], [0x2a, 10, 0x08, 5, ...label.slice(2), ...text]],
    ["three pieces", [...number(5), ...label, ...number(6)], [0x2a, 12, 0x08, 5, ...label.slice(2), 0x08, 6]],
    ["scalars stay as they are", [...text, ...text], [...text, ...text]],
    ["unknown fields stay", [0x7a, 1, 9, ...number(1), 0x7a, 1, 9], [0x7a, 1, 9, ...number(1), 0x7a, 1, 9]],
    ["empty", [], []],
  ];
  for (const [what, wire, joined] of cases) it(what, () => assert.deepEqual([...joinMessages(Uint8Array.from(wire), request)], joined));
});
