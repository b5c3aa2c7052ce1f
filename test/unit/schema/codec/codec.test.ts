import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { canonicalJson, CodecError, type JsonProfile } from "../../../../src/core/message-type.ts";
import { buildSchema } from "../../../../src/schema/build-schema.ts";
import { createCodec, type FieldAwareCodec } from "../../../../src/schema/codec/codec-factory.ts";
import { CompiledCodec } from "../../../../src/schema/codec/compiled-codec.ts";
import { InterpretedCodec } from "../../../../src/schema/codec/interpreted-codec.ts";
import { reg } from "../../../../src/schema/codec/registers.ts";
import type { MessageDescriptor } from "../../../../src/schema/descriptor.ts";

const setPath = fileURLToPath(new URL("../../../support/protos/codec/v1/codec.binpb", import.meta.url));
const schema = buildSchema(readFileSync(setPath));
const everything = schema.message("codec.v1.Everything")!;
const legacy = schema.message("codec.v1.Legacy")!;

const kinds = {
  compiled: (type: MessageDescriptor, profile: Partial<JsonProfile> = {}) =>
    new CompiledCodec(type, { ...canonicalJson, ...profile }, schema),
  interpreted: (type: MessageDescriptor, profile: Partial<JsonProfile> = {}) =>
    new InterpretedCodec(type, { ...canonicalJson, ...profile }, schema),
};

function text(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString();
}

function there(codec: FieldAwareCodec, json: string): Buffer {
  return Buffer.from(codec.jsonToWire(Buffer.from(json)));
}

function back(codec: FieldAwareCodec, wire: Uint8Array): string {
  return text(codec.wireToJson(wire));
}

function refusal(work: () => unknown): CodecError {
  try {
    work();
  } catch (error) {
    assert.ok(error instanceof CodecError, String(error));
    return error;
  }
  return assert.fail("nothing was refused");
}

for (const [kind, make] of Object.entries(kinds)) {
  describe(`codec, ${kind}`, () => {
    describe("reads and prints", () => {
      const cases: readonly (readonly [type: MessageDescriptor, json: string, printed?: string])[] = [
        [everything, "{}"],
        [everything, ' \n{ "aString" : "x" }\t', '{"aString":"x"}'],
        [everything, '{"an_int64":12}', '{"anInt64":"12"}'],
        [everything, '{"anInt64":9007199254740993}', '{"anInt64":"9007199254740993"}'],
        [everything, '{"anInt64":"-9223372036854775808"}'],
        [everything, '{"aUint64":"18446744073709551615"}'],
        [everything, '{"aUint64":1e19}', '{"aUint64":"10000000000000000000"}'],
        [everything, '{"anInt32":1e2,"aSint32":-2.50e1}', '{"anInt32":100,"aSint32":-25}'],
        [everything, '{"anInt32":-0,"aDouble":-0}', '{"aDouble":-0}'],
        [everything, '{"aDouble":0.1,"aFloat":0.1}'],
        [everything, '{"aFloat":3.4028235e+38}'],
        [everything, '{"aDouble":1.7976931348623157e+308}'],
        [everything, '{"aDouble":"NaN","aFloat":"-Infinity"}'],
        [everything, '{"someBytes":"-_8"}', '{"someBytes":"+/8="}'],
        [everything, '{"someBytes":"+\\/8="}', '{"someBytes":"+/8="}'],
        [everything, '{"aString":"\\u00e9\\ud83d\\ude00\\u0000\\/"}', '{"aString":"é😀\\u0000/"}'],
        [everything, '{"a\\u0053tring":"escaped name"}', '{"aString":"escaped name"}'],
        [everything, '{"aColour":1}', '{"aColour":"RED"}'],
        [everything, '{"aColour":77}'],
        [everything, '{"optInt32":0,"optString":"","optBool":false,"optColour":"COLOUR_UNSPECIFIED"}'],
        [everything, '{"anInt32":0,"aString":"","aBool":false,"aColour":0,"someBytes":""}', "{}"],
        [everything, '{"kind/child":{"child":{"anInt32":5}}}', '{"kind/child":{"kind/child":{"anInt32":5}}}'],
        [everything, '{"manyInt32":[1,-2,300],"manyBool":[true,false],"manyLoose":[1,2]}'],
        [everything, '{"int32Leaf":{"-1":{"name":"x"},"7":{}},"boolDouble":{"true":1.5},"stringString":{"":"","k":"v"}}'],
        [everything, '{"oneNull":null}'],
        [everything, '{"oneValue":null}'],
        [everything, '{"oneString":null,"oneInt64":"3"}', '{"oneInt64":"3"}'],
        [everything, '{"timestamp":"2026-11-23T10:15:30.5+01:00"}', '{"timestamp":"2026-11-23T09:15:30.500Z"}'],
        [everything, '{"timestamp":"0001-01-01T00:00:00Z","duration":"-0.000000001s","fieldMask":"a.fooBar,b"}'],
        [everything, '{"struct":{"a":[1,null,true,"x",{}],"b":-1.5e-7},"value":null,"listValue":[[]],"empty":{}}'],
        [
          everything,
          '{"int64Value":"0","stringValue":"","boolValue":false,"manyInt64Value":["1",2]}',
          '{"int64Value":"0","stringValue":"","boolValue":false,"manyInt64Value":["1","2"]}',
        ],
        [everything, '{"any":{"count":4,"@type":"x/codec.v1.Leaf"}}', '{"any":{"@type":"x/codec.v1.Leaf","count":4}}'],
        [everything, '{"any":{"@type":"x/google.protobuf.Duration","value":"1s"}}'],
        [
          everything,
          '{"any":{"value":{"@type":"x/codec.v1.Leaf"},"@type":"x/google.protobuf.Any"}}',
          '{"any":{"@type":"x/google.protobuf.Any","value":{"@type":"x/codec.v1.Leaf"}}}',
        ],
        [legacy, '{"number":0,"moods":["GLAD"],"inner":{"note":"n","deeper":{"text":"t"}},"part":[{"size":1},{}]}'],
        [legacy, '{"[codec.v1.title]":"t","[codec.v1.sizes]":[1,2],"[codec.v1.cousin]":{"text":"c"}}'],
      ];
      for (const [type, json, printed = json] of cases) it(json, () => assert.equal(back(make(type), there(make(type), json)), printed));
    });

    describe("refuses, and says where", () => {
      const cases: readonly (readonly [json: string, path: string, offset: number, message: RegExp])[] = [
        ['{"manyLeaf":[{},{"name":1}]}', "manyLeaf[1].name", 24, /^expected a string for codec.v1.Leaf.name, got 1$/],
        ['{"manyLeaf":[{"nam":1}]}', "manyLeaf[0]", 14, /^unknown field "nam" in codec.v1.Leaf \(did you mean name\?\)$/],
        ['{"int32Leaf":{"x":{}}}', "int32Leaf", 15, /expected an integer/],
        ['{"int32Leaf":{"1":{},"1":{}}}', "int32Leaf", 21, /key "1" is in the map twice/],
        ['{"stringString":{"a":"x","\\u0061":"y"}}', "stringString", 25, /twice/],
        ['{"stringString":{"k":null}}', 'stringString["k"]', 21, /expected a value/],
        ['{"anInt32":1.5}', "anInt32", 11, /expected an integer for codec.v1.Everything.an_int32, got 1.5/],
        ['{"anInt32":2147483648}', "anInt32", 11, /from -2147483648 to 2147483647/],
        ['{"aUint64":"-1"}', "aUint64", 12, /unsigned integer of 64 bits/],
        ['{"anInt64":"9223372036854775808"}', "anInt64", 12, /integer of 64 bits/],
        ['{"anInt64":1e1000000000}', "anInt64", 11, /integer of 64 bits/],
        ['{"aFloat":1e39}', "aFloat", 10, /range of a float/],
        ['{"aDouble":1e309}', "aDouble", 11, /range of a double/],
        ['{"aDouble":NaN}', "aDouble", 11, /expected a number/],
        ['{"anInt32":01}', "anInt32", 12, /leading zero/],
        ['{"aBool":"true"}', "aBool", 9, /expected true or false/],
        ['{"aColour":"MAUVE"}', "aColour", 11, /expected a value of codec.v1.Colour \(COLOUR_UNSPECIFIED, RED, GREEN/],
        ['{"aColour":"GREN"}', "aColour", 11, /did you mean GREEN\?/],
        ['{"oneString":"x","oneInt64":1}', "oneInt64", 17, /"oneString" and "oneInt64" exclude one another/],
        ['{"aString":"x","a_string":"y"}', "aString", 15, /field "a_string" of codec.v1.Everything is set twice/],
        ['{"aString":"\\ud800"}', "aString", 12, /lone surrogate/],
        ['{"aString":"a\u0001"}', "aString", 13, /control character/],
        ['{"aString":"x"', "", 14, /expected ',' or '}'/],
        ['{"aString":"x', "aString", 13, /unterminated string/],
        ['{"aString":"x",}', "", 15, /name of a field/],
        ['{"aString":"x"} x', "", 16, /something follows/],
        ["{// no\n}", "", 1, /name of a field/],
        ["[]", "", 0, /expected an object for codec.v1.Everything, got an array/],
        ["", "", 0, /got the end of the input/],
        ['{"someBytes":"a"}', "someBytes", 13, /base64/],
        ['{"timestamp":"2023-02-29T00:00:00Z"}', "timestamp", 13, /a day that exists/],
        ['{"timestamp":"2023-01-01t00:00:00z"}', "timestamp", 13, /a string like/],
        ['{"timestamp":"9999-12-31T23:59:59-00:01"}', "timestamp", 13, /year 1 to year 9999/],
        ['{"duration":"315576000001s"}', "duration", 12, /at most 315576000000s/],
        ['{"fieldMask":"foo_bar"}', "fieldMask", 13, /lowerCamelCase/],
        ['{"manyInt32":[1,null]}', "manyInt32[1]", 16, /expected a value/],
        ['{"any":{"@type":"x/none.Such","a":1}}', "any", 16, /the schema has no message type "none.Such"/],
        ['{"any":{"a":1}}', "any", 7, /needs "@type"/],
        ['{"struct":{"a":1,"a":2}}', "struct", 17, /duplicate name "a"/],
      ];
      for (const [json, path, offset, message] of cases)
        it(json, () => {
          const error = refusal(() => make(everything).jsonToWire(Buffer.from(json)));
          assert.match(error.message, message);
          assert.deepEqual([error.path, error.offset], [path, offset]);
        });

      it("text that is not UTF-8", () => {
        const json = Buffer.concat([Buffer.from('{"aString":"'), Buffer.of(0xc3), Buffer.from('"}')]);
        assert.match(refusal(() => make(everything).jsonToWire(json)).message, /UTF-8/);
      });

      it("more than 100 levels, in messages, Structs and groups", () => {
        const nested = (n: number): string => `${'{"kind/child":'.repeat(n)}{}${"}".repeat(n)}`;
        assert.equal(back(make(everything), there(make(everything), nested(99))), nested(99));
        assert.match(refusal(() => there(make(everything), nested(100))).message, /100 levels/);
        assert.match(refusal(() => there(make(everything), `{"value":${"[".repeat(200)}${"]".repeat(200)}}`)).message, /100 levels/);
        assert.match(refusal(() => back(make(everything), Buffer.alloc(5000, Buffer.of(0x83, 0x3f)))).message, /100 levels/);
        let wire = Buffer.alloc(0);
        for (let i = 0; i < 100; i++) wire = Buffer.concat([Buffer.of(0xa2, 0x01), varint(wire.length), wire]);
        assert.match(refusal(() => back(make(everything), wire)).message, /100 levels/);
      });
    });

    describe("prints wire of any order", () => {
      const cases: readonly (readonly [name: string, type: MessageDescriptor, hex: string, printed: string])[] = [
        ["the last of a singular field", everything, "28012802", '{"anInt32":2}'],
        ["a default after a value", everything, "28012800", "{}"],
        ["a list in two runs", everything, "9a0201612801" + "9a020162", '{"manyString":["a","b"],"anInt32":1}'],
        ["packed and not packed", everything, "fa0102010228" + "01" + "f80103", '{"manyInt32":[1,2,3],"anInt32":1}'],
        ["not packed and then packed", everything, "f80103fa01020102", '{"manyInt32":[3,1,2]}'],
        ["a message in two pieces", everything, "9a01030a01612801" + "9a01021005", '{"leaf":{"name":"a","count":5},"anInt32":1}'],
        ["the last member of a oneof", everything, "ea030161f00305", '{"oneInt64":"5"}'],
        ["a map key twice", everything, "9a03060a016b120161" + "9a03060a016b120162", '{"stringString":{"k":"b"}}'],
        ["a map entry turned round", everything, "9a03061201760a016b", '{"stringString":{"k":"v"}}'],
        ["a map entry without key and value", everything, "9a0300a2030408011200", '{"stringString":{"":""},"int32Leaf":{"1":{}}}'],
        [
          "unknown fields of every wire type",
          everything,
          "a00601" + "a90601020304050607" + "08" + "b206021234" + "bb06bb0608" + "01bc06bc06" + "c50601020304" + "2801",
          '{"anInt32":1}',
        ],
        ["a known field of another wire type", everything, "2a01002801", '{"anInt32":1}'],
        ["a closed enum's unknown numbers", legacy, "1809" + "200120092002", '{"moods":["GLUM","GLAD"]}'],
        ["a lenient string", legacy, "1202c328", '{"text":"\ufffd("}'],
        ["superfluous bytes in a varint", everything, "2881808000", '{"anInt32":1}'],
      ];
      for (const [name, type, hex, printed] of cases)
        it(name, () =>
          assert.equal(back(make(type), Buffer.from(hex.replace("a90601020304050607", "a906010203040506" + "07"), "hex")), printed),
        );
    });

    describe("refuses wire", () => {
      const cases: readonly (readonly [name: string, hex: string, path: string, message: RegExp])[] = [
        ["cut off in a varint", "2880", "", /malformed protobuf/],
        ["cut off in a string", "4a0561", "", /runs past the end/],
        ["that reaches into its neighbour", "9a01021080" + "2801", "leaf", /malformed protobuf/],
        ["field number 0", "0001", "", /not a field tag/],
        ["an end of group alone", "2c", "", /malformed protobuf/],
        ["with a varint of eleven bytes", "28ffffffffffffffffffffff01", "", /longer than 10 bytes/],
        ["that is not UTF-8 where it must be", "4a01c3", "aString", /not valid UTF-8/],
        ["with a time after year 9999", "c204" + "0708ffffffffff7f", "timestamp", /year 1 to 9999/],
        ["with a Value of NaN", "e204" + "0911000000000000f87f", "value", /NaN/],
      ];
      for (const [name, hex, path, message] of cases)
        it(name, () => {
          const error = refusal(() => back(make(everything), Buffer.from(hex, "hex")));
          assert.match(error.message, message);
          assert.equal(error.path, path);
        });
    });

    describe("profiles", () => {
      it("print names, enum numbers and defaults as told", () => {
        const leaf = schema.message("codec.v1.Leaf")!;
        assert.equal(back(make(leaf, { emitDefaults: true }), Buffer.alloc(0)), '{"name":"","count":0}');
        const wire = there(make(everything), '{"aColour":"RED","kind/child":{}}');
        assert.equal(back(make(everything, { protoNames: true, enumNumbers: true }), wire), '{"a_colour":1,"child":{}}');
        const all = JSON.parse(back(make(everything, { emitDefaults: true }), wire)) as Record<string, unknown>;
        assert.deepEqual([all["aString"], all["anInt64"], all["manyLeaf"], all["stringString"], all["aColour"]], ["", "0", [], {}, "RED"]);
        assert.ok(!("leaf" in all) && !("optInt32" in all) && !("oneString" in all) && !("timestamp" in all));
      });

      it("print safe 64-bit integers as numbers, the others and map keys as strings", () => {
        const asNumbers = make(everything, { int64Numbers: true });
        const max = "9007199254740991";
        const fields = ["anInt64", "aSint64", "aSfixed64"].flatMap((name) => [
          [name, max, true] as const,
          [name, `-${max}`, true] as const,
        ]);
        const cases = [
          ...fields,
          ["anInt64", "9007199254740992", false],
          ["aSint64", "-9007199254740992", false],
          ["aSfixed64", "-9223372036854775808", false],
          ["aUint64", max, true],
          ["aFixed64", max, true],
          ["aUint64", "9007199254740992", false],
          ["aFixed64", "18446744073709551615", false],
          ["int64Value", "-1", true],
          ["int64Value", "9223372036854775807", false],
        ] as const;
        for (const [name, value, safe] of cases)
          assert.equal(back(asNumbers, there(make(everything), `{"${name}":"${value}"}`)), `{"${name}":${safe ? value : `"${value}"`}}`);
        const whole = '{"manySint64":[-1,2],"uint64Bytes":{"5":"AQ=="},"fixed32Int64":{"1":7},"manyInt64Value":[0]}';
        assert.equal(back(asNumbers, there(asNumbers, whole)), whole);
        const all = JSON.parse(back(make(everything, { int64Numbers: true, emitDefaults: true }), Buffer.alloc(0))) as Record<
          string,
          unknown
        >;
        assert.deepEqual([all["anInt64"], all["aFixed64"], all["anInt32"]], [0, 0, 0]);
        const field = everything.fields.find(({ name }) => name === "an_int64")!;
        assert.equal(text(asNumbers.fieldWireToJson(field, Buffer.from("1805", "hex"))), "5");
        assert.equal(text(asNumbers.fieldWireToJson(field, Buffer.alloc(0))), "0");
      });

      it("print enum names without their prefix, and read them either way", () => {
        const short = make(everything, { stripEnumPrefix: true });
        for (const name of ["UNSPECIFIED", "COLOUR_UNSPECIFIED"])
          assert.equal(back(short, there(short, `{"optColour":"${name}"}`)), '{"optColour":"UNSPECIFIED"}');
        assert.equal(back(short, there(short, '{"manyColour":["RED",-5]}')), '{"manyColour":["RED","NEGATIVE"]}');
        assert.match(refusal(() => there(short, '{"aColour":"UNSPECIFED"}')).message, /did you mean UNSPECIFIED/);
        assert.match(refusal(() => there(make(everything), '{"aColour":"UNSPECIFIED"}')).message, /expected a value of codec.v1.Colour/);
        const all = make(everything, { stripEnumPrefix: true, emitDefaults: true });
        assert.match(back(all, Buffer.alloc(0)), /"aColour":"UNSPECIFIED"/);
      });

      it("read enum names in any case", () => {
        const lax = make(everything, { caseInsensitiveEnums: true });
        for (const name of ["green", "GREEN", "Green", "gReEn"])
          assert.equal(back(lax, there(lax, `{"aColour":"${name}"}`)), '{"aColour":"GREEN"}');
        assert.equal(back(lax, there(lax, '{"sint64Colour":{"1":"blue"}}')), '{"sint64Colour":{"1":"BLUE"}}');
        refusal(() => there(lax, '{"aColour":"greene"}'));
        const both = make(everything, { caseInsensitiveEnums: true, stripEnumPrefix: true });
        for (const name of ["unspecified", "Colour_Unspecified"])
          assert.equal(back(both, there(both, `{"optColour":"${name}"}`)), '{"optColour":"UNSPECIFIED"}');
        const field = everything.fields.find((each) => each.name === "opt_colour")!;
        assert.equal(back(lax, lax.fieldJsonToWire(field, Buffer.from('"red"'))), '{"optColour":"RED"}');
      });

      it("skip unknown fields and enum names, when told so", () => {
        const lax = make(everything, { ignoreUnknown: true });
        assert.equal(
          back(lax, there(lax, '{"no":[{"a":"\\n"},1e5,null,true],"anInt32":1,"aColour":"NO","manyColour":["RED","NO"]}')),
          '{"anInt32":1,"manyColour":["RED"]}',
        );
        assert.match(refusal(() => there(lax, '{"no":[1,]}')).message, /malformed JSON/);
        assert.match(refusal(() => there(lax, '{"no":01}')).message, /malformed JSON/);
      });
    });

    describe("single fields", () => {
      const cases: readonly (readonly [field: string, json: string, whole: string])[] = [
        ["leaf", '{"name":"x"}', '{"leaf":{"name":"x"}}'],
        ["many_leaf", '[{"name":"x"},{}]', '{"manyLeaf":[{"name":"x"},{}]}'],
        ["int32_leaf", '{"1":{"name":"x"}}', '{"int32Leaf":{"1":{"name":"x"}}}'],
        ["a_string", '"x"', '{"aString":"x"}'],
        ["many_int32", "[1,2]", '{"manyInt32":[1,2]}'],
        ["timestamp", '"2026-11-23T00:00:00Z"', '{"timestamp":"2026-11-23T00:00:00Z"}'],
        ["one_string", '"x"', '{"oneString":"x"}'],
      ];
      for (const [name, json, whole] of cases)
        it(name, () => {
          const codec = make(everything);
          const field = everything.fields.find((each) => each.name === name)!;
          const wire = Buffer.from(codec.fieldJsonToWire(field, Buffer.from(` ${json} `)));
          assert.equal(back(codec, wire), whole);
          assert.equal(text(codec.fieldWireToJson(field, Buffer.concat([Buffer.from("2805", "hex"), wire]))), json);
        });

      it("that are not set print their default, and null sets nothing", () => {
        const codec = make(everything);
        const unset = (name: string): string =>
          text(
            codec.fieldWireToJson(
              everything.fields.find((each) => each.name === name)!,
              Buffer.alloc(0),
            ),
          );
        assert.deepEqual(["leaf", "many_leaf", "int32_leaf", "a_string", "an_int64", "a_colour", "value"].map(unset), [
          "{}",
          "[]",
          "{}",
          '""',
          '"0"',
          '"COLOUR_UNSPECIFIED"',
          "null",
        ]);
        assert.equal(
          codec.fieldJsonToWire(
            everything.fields.find((each) => each.name === "leaf")!,
            Buffer.from("null"),
          ).length,
          0,
        );
      });

      it("end where their value ends, and name themselves", () => {
        const codec = make(everything);
        const leaf = everything.fields.find((each) => each.name === "leaf")!;
        for (const json of ['{},"aString":"x"', "{}}", "{} {}", ""]) refusal(() => codec.fieldJsonToWire(leaf, Buffer.from(json)));
        assert.equal(refusal(() => codec.fieldJsonToWire(leaf, Buffer.from('{"name":1}'))).path, "leaf.name");
      });
    });

    it("takes its own result as input, twice, and large ones", () => {
      const codec = make(everything);
      const json = `{"manyString":[${Array.from({ length: 20_000 }, (_, i) => `"${"é\\n".repeat(i % 90)}"`).join()}]}`;
      const wire = codec.jsonToWire(Buffer.from(json));
      const printed = text(codec.wireToJson(wire));
      assert.equal(printed, json);
      const small = codec.wireToJson(codec.jsonToWire(codec.wireToJson(codec.jsonToWire(Buffer.from('{"anInt32":"7"}')))));
      assert.equal(text(small), '{"anInt32":7}');
      assert.equal(refusal(() => codec.jsonToWire(codec.wireToJson(Buffer.from("2805", "hex")).subarray(1))).offset, 0);
    });
  });
}

describe("codec memory", () => {
  it("has room for the worst that JSON can become", () => {
    const n = 50_000;
    for (const codec of [kinds.compiled(everything), kinds.interpreted(everything)]) {
      const wire = there(codec, `{"farValues":[${"0,".repeat(n - 1)}0]}`);
      assert.equal(wire.length, n * 15);
      assert.deepEqual(wire.subarray(-15), wire.subarray(0, 15));
    }
  });

  it("does not stay large", () => {
    const codec = kinds.compiled(everything);
    const json = Buffer.from(`{"aString":"${"x".repeat(3_000_000)}"}`);
    const wire = codec.jsonToWire(json);
    assert.ok(reg.memory.length < 100_000);
    assert.ok(Buffer.from(codec.wireToJson(wire)).equals(json));
    assert.ok(reg.memory.length < 100_000);
  });

  it("grows while it prints", () => {
    const codec = kinds.compiled(everything);
    const control = "\u0001".repeat(200_000);
    const wire = there(codec, JSON.stringify({ manyString: [control, "y"], aString: control }));
    assert.deepEqual(JSON.parse(back(codec, wire)), { manyString: [control, "y"], aString: control });
  });
});

describe("codec factory", () => {
  it("compiles where it may", () => assert.ok(createCodec(everything, canonicalJson, schema) instanceof CompiledCodec));

  it("walks descriptors where code must not be generated from strings", () => {
    const script = `
      import { readFileSync } from "node:fs";
      import { buildSchema } from "./src/schema/build-schema.ts";
      const codec = buildSchema(readFileSync(process.argv[1])).message("codec.v1.Everything").codec();
      const json = '{"aString":"x","manyLeaf":[{"count":2}]}';
      process.stdout.write(codec.constructor.name + " " + Buffer.from(codec.wireToJson(codec.jsonToWire(Buffer.from(json)))));`;
    const root = fileURLToPath(new URL("../../../../", import.meta.url));
    const args = ["--disallow-code-generation-from-strings", "--input-type=module", "-e", script, setPath];
    const out = execFileSync(process.execPath, args, { cwd: root, encoding: "utf8" });
    assert.equal(out, 'InterpretedCodec {"aString":"x","manyLeaf":[{"count":2}]}');
  });
});

function varint(n: number): Buffer {
  const bytes: number[] = [];
  for (; n > 127; n >>>= 7) bytes.push((n & 127) | 128);
  return Buffer.from([...bytes, n]);
}

describe("codec, compiled, takes ordinary input without help", () => {
  const inputs: readonly (readonly [MessageDescriptor, string])[] = [
    [
      everything,
      '{"aDouble":1.5,"anInt64":"-5","aUint64":"7","aBool":true,"aString":"é\\n","someBytes":"AQID","aColour":"BLUE","leaf":{"name":"x"}}',
    ],
    [
      everything,
      '{"optInt32":0,"manyInt32":[1,2],"manyString":["a","b"],"manyColour":["RED",2],"manyLeaf":[{},{"count":1}],"manyLoose":[1,2]}',
    ],
    [everything, '{"stringString":{"a":"b","c":"d"},"int32Leaf":{"1":{}},"boolDouble":{"true":1},"sint64Colour":{"-1":"RED"}}'],
    [
      everything,
      '{"oneLeaf":{"name":"x"},"timestamp":"2026-11-23T00:00:00Z","duration":"1s","fieldMask":"aB","struct":{"a":[1]},"value":null}',
    ],
    [
      everything,
      '{"int64Value":"1","stringValue":"x","any":{"@type":"x/codec.v1.Leaf","count":1},"manyTimestamp":["2026-11-23T00:00:00Z"],"far":"x"}',
    ],
    [legacy, '{"number":0,"mood":"GLAD","moods":["GLUM"],"inner":{"note":"x"},"part":[{"size":1},{"size":2}],"[codec.v1.title]":"x"}'],
  ];
  for (const [type, json] of inputs)
    it(json, () => {
      const codec = kinds.compiled(type);
      const { jsonToWire, wireToJson } = InterpretedCodec.prototype;
      InterpretedCodec.prototype.jsonToWire = InterpretedCodec.prototype.wireToJson = () => assert.fail("gave up");
      try {
        back(codec, there(codec, json));
      } finally {
        Object.assign(InterpretedCodec.prototype, { jsonToWire, wireToJson });
      }
    });
});
