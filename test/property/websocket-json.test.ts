/** The members of a JSON object, held to JSON.parse: the same names and values, whatever the white space and the order. */
import assert from "node:assert/strict";
import fc from "fast-check";
import { jsonMembers } from "../../src/protocols/websocket/json-members.ts";

const space = fc.stringMatching(/^[ \t\r\n]{0,3}$/);

describe("property: members of a JSON object", () => {
  it("are those that JSON.parse finds", () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string(), fc.jsonValue(), { maxKeys: 8 }), fc.integer({ min: 0, max: 3 }), (object, indent) => {
        const text = Buffer.from(JSON.stringify(object, undefined, indent));
        const found = Object.fromEntries(jsonMembers(text).map(({ name, value }) => [name, JSON.parse(value.toString()) as unknown]));
        assert.deepEqual(found, JSON.parse(text.toString()));
      }),
    );
  });

  it("may stand in any white space", () => {
    fc.assert(
      fc.property(space, space, space, fc.jsonValue(), (before, between, after, value) => {
        const text = `${before}{${between}"a"${between}:${between}${JSON.stringify(value)}${between}}${after}`;
        assert.equal(jsonMembers(Buffer.from(text))[0]!.value.toString(), JSON.stringify(value));
      }),
    );
  });

  it("are not found where JSON.parse finds no object", () => {
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom(...'{}[]",:\\ 1at') }), (text) => {
        let members;
        try {
          members = jsonMembers(Buffer.from(text));
          for (const { value } of members) JSON.parse(value.toString());
        } catch {
          return; // refused, here or where the value is read
        }
        assert.equal(typeof JSON.parse(text), "object");
      }),
      { numRuns: 2000 },
    );
  });
});
