/** What proto2 and editions add: groups, closed enums, and fields of the wire seen from outside. */
import assert from "node:assert/strict";
import { lastValue, withoutField } from "../../../../src/schema/binding/wire-fields.ts";
import { bindError, binderFor, bound, testSchema, type RuleCase, type TestSchema } from "../../../support/bound.ts";
import { bufBuild } from "../../../support/buf-build.ts";

const edition = `
edition = "2023";
package enc.v1;
import "google/protobuf/timestamp.proto";
import "google/protobuf/wrappers.proto";
enum Closed { option features.enum_type = CLOSED; ONE = 1; TWO = 2; }
message Inner { string name = 1; Inner more = 2 [features.message_encoding = DELIMITED]; Closed closed = 3; repeated Inner list = 4 [features.message_encoding = DELIMITED]; }
message Request {
  Inner group = 1 [features.message_encoding = DELIMITED];
  Inner plain = 2;
  Closed closed = 3;
  repeated Closed choices = 4;
  repeated int32 packed = 5;
  repeated int32 loose = 6 [features.repeated_field_encoding = EXPANDED];
  google.protobuf.StringValue wrapped = 7 [features.message_encoding = DELIMITED];
  map<string, Closed> by_name = 8;
  int32 implicit = 9 [features.field_presence = IMPLICIT];
  repeated Inner groups = 10 [features.message_encoding = DELIMITED];
  string far = 536870911;
}
service Enc { rpc Call(Request) returns (Request); }
`;

describe("encodings", () => {
  let schema: TestSchema;
  before(() => {
    schema = testSchema(bufBuild({ "enc.proto": edition }));
  });
  const rule = (options: RuleCase["options"] = {}): RuleCase => ({ rule: "GET /v1", type: "enc.v1.Request", schema, options });

  const cases = [
    ["group.name=a", { group: { name: "a" } }],
    ["group.name=a&group.closed=TWO", { group: { name: "a", closed: "TWO" } }],
    ["group.more.more.name=a", { group: { more: { more: { name: "a" } } } }],
    ["plain.more.name=a&plain.name=b", { plain: { name: "b", more: { name: "a" } } }],
    ["plain.more.name=" + "x".repeat(300), { plain: { more: { name: "x".repeat(300) } } }],
    ["closed=ONE", { closed: "ONE" }],
    ["closed=2", { closed: "TWO" }],
    ["choices=ONE&choices=2", { choices: ["ONE", "TWO"] }],
    ["packed=1&packed=2", { packed: [1, 2] }],
    ["loose=1&loose=2", { loose: [1, 2] }],
    ["wrapped=a", { wrapped: "a" }],
    ["wrapped=", { wrapped: "" }],
    ["by_name[a]=TWO", { byName: { a: "TWO" } }],
    ["implicit=0", {}],
    ["far=a", { far: "a" }],
    ["groups[0].name=a&groups[1].name=b", { groups: [{ name: "a" }, { name: "b" }] }],
    ["group.list[0].name=a", { group: { list: [{ name: "a" }] } }],
  ] as const;
  for (const [query, message] of cases)
    it(`?${query.slice(0, 60)}`, () => assert.deepEqual(bound(rule({ repeatedMessages: true }), `/v1?${query}`), message));

  for (const query of ["closed=3", "closed=THREE", "group.closed=0", "by_name[a]=9"])
    it(`refuses ?${query}: a closed enum takes its own values only`, () =>
      assert.match(bindError(rule(), `/v1?${query}`).message, /one of ONE, TWO/));

  it("keeps a bounded number of names, however many there are", () => {
    const binder = binderFor(rule());
    for (let bits = 0; bits < 2000; bits++) {
      const names = Array.from({ length: bits % 20 }, () => "more.").join("");
      binder.bind({ captures: [], query: `plain.${names}name=a&%70lain.${"more.".repeat(bits % 7)}closed=ONE` }, undefined);
    }
  });

  describe("one field of a message", () => {
    // {"1":"a","2":{"1":"b","1":"c","3":group{1:5}},"1":"d", 4: fixed32, 5: fixed64}
    const wire = Buffer.from("0a0161" + "120a0a01620a01631b08051c" + "0a0164" + "2501000000" + "290100000000000000", "hex");
    const hex = (bytes: Uint8Array | undefined) => bytes && Buffer.from(bytes).toString("hex");
    const values = [
      [[1], "0164"],
      [[2, 1], "0163"],
      [[4], "01000000"],
      [[5], "0100000000000000"],
      [[2, 9], undefined],
      [[9], undefined],
      [[1, 1], undefined],
    ] as const;
    for (const [numbers, value] of values) it(`${numbers.join(".")} is ${value}`, () => assert.equal(hex(lastValue(wire, numbers)), value));

    it("is taken out wherever it is", () => {
      assert.equal(hex(withoutField(wire, [1])), "120a0a01620a01631b08051c" + "2501000000" + "290100000000000000");
      assert.equal(hex(withoutField(wire, [2, 1])), "0a0161" + "12041b08051c" + "0a0164" + "2501000000" + "290100000000000000");
      assert.equal(hex(withoutField(wire, [9])), hex(wire));
    });

    it("is looked for in broken bytes without harm", () => {
      for (let end = 0; end < wire.length; end++) {
        lastValue(wire.subarray(0, end), [2, 1]);
        withoutField(wire.subarray(0, end), [2, 1]);
      }
    });
  });
});
