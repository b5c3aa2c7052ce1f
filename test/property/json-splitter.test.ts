/** Whatever way a body of JSON values is cut into chunks, the same values come out; garbage is refused, never a crash. */
import assert from "node:assert/strict";
import fc from "fast-check";
import { CallError } from "../../src/core/call-error.ts";
import { JsonSplitter } from "../../src/protocols/rest/json-splitter.ts";

function split(body: Uint8Array, cuts: readonly number[], form: "any" | "values" = "any"): string[] {
  const splitter = new JsonSplitter({ limitBytes: 1 << 16, maxDepth: 100, form });
  const values: string[] = [];
  const drain = (): void => {
    for (let value = splitter.take(); value !== undefined; value = splitter.take()) values.push(Buffer.from(value).toString());
  };
  let start = 0;
  for (const cut of [...cuts.map((each) => Math.min(each, body.length)).sort((a, b) => a - b), body.length]) {
    splitter.push(body.slice(start, cut));
    drain();
    start = cut;
  }
  splitter.end();
  drain();
  return values;
}

const space = fc.constantFrom("", " ", "\n", "\r\n\t ");
const value = fc.jsonValue({ maxDepth: 4 }).map((each) => JSON.stringify(each));
/** Values that need nothing between them. */
const nested = fc
  .oneof(fc.dictionary(fc.string(), fc.jsonValue({ maxDepth: 3 })), fc.array(fc.jsonValue({ maxDepth: 3 })))
  .map((each) => JSON.stringify(each));
const cuts = fc.array(fc.nat(400), { maxLength: 12 });

describe("JSON splitter", () => {
  it("arrays", () => {
    fc.assert(
      fc.property(fc.array(value, { maxLength: 8 }), space, cuts, (values, gap, at) => {
        const body = Buffer.from(`${gap}[${gap}${values.join(`${gap},${gap}`)}${gap}]${gap}`);
        assert.deepEqual(split(body, at), values);
      }),
      { numRuns: 500 },
    );
  });

  it("values behind one another", () => {
    fc.assert(
      fc.property(fc.array(nested, { minLength: 1, maxLength: 8 }), space, cuts, (values, gap, at) => {
        const body = Buffer.from(values.join(gap) + gap);
        assert.deepEqual(split(body, at, "values"), values);
      }),
      { numRuns: 500 },
    );
  });

  it("values of every kind, a line each", () => {
    fc.assert(
      fc.property(fc.array(value, { minLength: 1, maxLength: 8 }), cuts, (values, at) => {
        assert.deepEqual(split(Buffer.from(values.join("\n")), at, "values"), values);
      }),
      { numRuns: 500 },
    );
  });

  it("garbage is split the same way however it is cut, or refused", () => {
    const piece = fc.oneof(fc.constantFrom(...'[]{}",:\\ \n0anull'), fc.constantFrom("é", "\\u", '"a"'), fc.string());
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 40 }), cuts, fc.constantFrom("any", "values"), (pieces, at, form) => {
        const body = Buffer.from(pieces.join(""));
        assert.deepEqual(outcome(body, at, form), outcome(body, [], form));
      }),
      { numRuns: 2000 },
    );
  });
});

function outcome(body: Uint8Array, at: readonly number[], form: "any" | "values"): unknown {
  try {
    return split(body, at, form);
  } catch (error) {
    assert.ok(error instanceof CallError, String(error));
    return error.message;
  }
}
