import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { readFileSync } from "node:fs";
import { fromBinary, toBinary } from "@bufbuild/protobuf";
import { FileDescriptorSetSchema } from "@bufbuild/protobuf/wkt";
import { canonicalJson } from "../../../../src/core/message-type.ts";
import { buildSchema } from "../../../../src/schema/build-schema.ts";
import { CompiledCodec } from "../../../../src/schema/codec/compiled-codec.ts";
import { InterpretedCodec } from "../../../../src/schema/codec/interpreted-codec.ts";
import type { EnumDescriptor, FieldDescriptor, MessageDescriptor } from "../../../../src/schema/descriptor.ts";

const set = readFileSync(new URL("../../../support/protos/codec/v1/codec.binpb", import.meta.url));

/** What would run, break out or be mistaken if any name became code. */
const hostile = [
  '"];globalThis.broken=1;//',
  "`${globalThis.broken=1}`",
  "*/globalThis.broken=1/*",
  "\n}\nglobalThis.broken=1;{",
  "__proto__",
  "constructor",
  "\u2028\u2029",
  "\ud83d\ude00",
  "\\",
  "",
  "x".repeat(3000),
  "\u0000",
];

describe("codec of a hostile schema", () => {
  for (const name of hostile) {
    it(`takes ${JSON.stringify(name).slice(0, 40)} for a JSON name, and for nothing else`, () => {
      const files = fromBinary(FileDescriptorSetSchema, set);
      const leaf = files.file.flatMap((file) => file.messageType).find((message) => message.name === "Leaf")!;
      leaf.field[0]!.jsonName = name;
      const schema = buildSchema(toBinary(FileDescriptorSetSchema, files));
      const type = schema.message("codec.v1.Leaf")!;
      const jsonName = type.fields[0]!.jsonName;
      const json = `{${JSON.stringify(jsonName)}:"x","count":3}`;
      for (const codec of [new CompiledCodec(type, canonicalJson, schema), new InterpretedCodec(type, canonicalJson, schema)]) {
        const wire = Buffer.from(codec.jsonToWire(Buffer.from(json)));
        assert.equal(wire.toString("hex"), "0a01781003");
        assert.equal(Buffer.from(codec.wireToJson(wire)).toString(), json);
      }
      assert.ok(!("broken" in globalThis));
    });
  }

  /** A descriptor by hand: these names no loader lets through. */
  function forged(name: string, number: number): MessageDescriptor {
    const colour: EnumDescriptor = { name, closed: false, comment: undefined, values: [{ name, number: 1, comment: undefined }] };
    const common = {
      comment: undefined,
      cardinality: "singular",
      key: undefined,
      packed: false,
      explicitPresence: false,
      required: false,
      oneof: name,
      behaviors: [],
      deprecated: false,
      redact: false,
    } as const;
    const fields: FieldDescriptor[] = [{ ...common, name, jsonName: name, number, value: { kind: "enum", enum: colour } }];
    return { name, fields, extensions: [], messageSet: false, comment: undefined, codec: () => assert.fail() };
  }

  for (const name of hostile) {
    it(`takes ${JSON.stringify(name).slice(0, 40)} for any name`, () => {
      const types = { message: () => undefined };
      const type = forged(name, 5);
      const quoted = JSON.stringify(name);
      for (const codec of [new CompiledCodec(type, canonicalJson, types), new InterpretedCodec(type, canonicalJson, types)]) {
        const wire = Buffer.from(codec.jsonToWire(Buffer.from(`{${quoted}:${quoted}}`)));
        assert.equal(wire.toString("hex"), "2801");
        assert.equal(Buffer.from(codec.wireToJson(wire)).toString(), `{${quoted}:${quoted}}`);
      }
      assert.ok(!("broken" in globalThis));
    });
  }

  for (const number of [0, -1, 1.5, 536870912, NaN, "1;globalThis.broken=1" as unknown as number]) {
    it(`refuses ${number} for a field number`, () => {
      const codec = new CompiledCodec(forged("a", number), canonicalJson, { message: () => undefined });
      assert.throws(() => codec.jsonToWire(Buffer.from("{}")), RangeError);
      assert.ok(!("broken" in globalThis));
    });
  }

  it("refuses an enum number that is not one", () => {
    const type = forged("a", 1);
    const field = type.fields[0]!;
    const values = [{ name: "A", number: "0:globalThis.broken=1;//" as unknown as number, comment: undefined }];
    const bad = {
      ...type,
      fields: [{ ...field, value: { kind: "enum", enum: { name: "E", closed: false, values, comment: undefined } } }],
    } as MessageDescriptor;
    const codec = new CompiledCodec(bad, { ...canonicalJson, emitDefaults: true }, { message: () => undefined });
    try {
      codec.jsonToWire(Buffer.from('{"a":"A"}'));
      codec.wireToJson(Buffer.from("0801", "hex"));
    } catch (error) {
      assert.ok(error instanceof RangeError);
    }
    assert.ok(!("broken" in globalThis));
  });
});
