/** Small messages that hold several fields of one kind, which the compiled codec writes into one function: their code must not collide. */
import assert from "node:assert/strict";
import { create, toBinary } from "@bufbuild/protobuf";
import {
  DescriptorProtoSchema,
  FieldDescriptorProto_Label as Label,
  FieldDescriptorProto_Type as Type,
  FileDescriptorProtoSchema,
  FileDescriptorSetSchema,
  type DescriptorProto,
} from "@bufbuild/protobuf/wkt";
import { canonicalJson } from "../../../../src/core/message-type.ts";
import { buildSchema } from "../../../../src/schema/build-schema.ts";
import { CompiledCodec } from "../../../../src/schema/codec/compiled-codec.ts";
import { InterpretedCodec } from "../../../../src/schema/codec/interpreted-codec.ts";

const names = ["one", "two", "three"];

function messageOf(
  kind: string,
  type: Type,
  label: Label,
  more: { typeName?: string; nestedType?: DescriptorProto[] } = {},
): DescriptorProto {
  const field = names.map((name, index) => ({
    name,
    number: index + 1,
    type,
    label,
    ...(more.typeName === undefined ? {} : { typeName: more.typeName }),
  }));
  return create(DescriptorProtoSchema, { name: kind, field, nestedType: more.nestedType ?? [] });
}

function entry(kind: string): DescriptorProto {
  const field = [
    { name: "key", number: 1, type: Type.STRING, label: Label.OPTIONAL },
    { name: "value", number: 2, type: Type.INT32, label: Label.OPTIONAL },
  ];
  return create(DescriptorProtoSchema, { name: `${kind}Entry`, field, options: { mapEntry: true } });
}

const leaf = messageOf("Leaf", Type.INT32, Label.OPTIONAL);
const mapOf = (kind: string): DescriptorProto =>
  messageOf(kind, Type.MESSAGE, Label.REPEATED, { typeName: `.t.${kind}.${kind}Entry`, nestedType: [entry(kind)] });

const cases: readonly (readonly [DescriptorProto, unknown])[] = [
  [mapOf("Maps"), { a: 1, b: 2 }],
  [messageOf("Lists", Type.INT32, Label.REPEATED), [1, 2]],
  [messageOf("Longs", Type.SINT64, Label.REPEATED), ["1", "-2"]],
  [messageOf("Texts", Type.STRING, Label.REPEATED), ["x", "y"]],
  [messageOf("Text", Type.STRING, Label.OPTIONAL), "x"],
  [messageOf("Bytes", Type.BYTES, Label.OPTIONAL), "AQI="],
  [messageOf("Doubles", Type.DOUBLE, Label.REPEATED), [1.5, 2]],
  [messageOf("Message", Type.MESSAGE, Label.OPTIONAL, { typeName: ".t.Leaf" }), { one: 1 }],
  [messageOf("Messages", Type.MESSAGE, Label.REPEATED, { typeName: ".t.Leaf" }), [{ one: 1 }, { two: 2 }]],
  [messageOf("Group", Type.GROUP, Label.OPTIONAL, { typeName: ".t.Leaf" }), { one: 1 }],
  [messageOf("Groups", Type.GROUP, Label.REPEATED, { typeName: ".t.Leaf" }), [{ one: 1 }, { two: 2 }]],
];

describe("codec of several fields of a kind", () => {
  const messageType = [leaf, ...cases.map(([message]) => message)];
  const file = create(FileDescriptorProtoSchema, { name: "t.proto", package: "t", syntax: "proto2", messageType });
  const schema = buildSchema(toBinary(FileDescriptorSetSchema, create(FileDescriptorSetSchema, { file: [file] })));
  for (const [{ name }, value] of cases)
    for (const options of [{}, { emitDefaults: true }, { protoNames: true, enumNumbers: true }])
      it(`${name} ${Object.keys(options).join(", ")}`, () => {
        const profile = { ...canonicalJson, ...options };
        const type = schema.message(`t.${name}`)!;
        const json = JSON.stringify(Object.fromEntries(names.map((field) => [field, value])));
        const interpreted = new InterpretedCodec(type, profile, schema);
        const wire = Buffer.from(interpreted.jsonToWire(Buffer.from(json)));
        const compiled = new CompiledCodec(type, profile, schema);
        assert.equal(Buffer.from(compiled.jsonToWire(Buffer.from(json))).toString("hex"), wire.toString("hex"));
        assert.equal(Buffer.from(compiled.wireToJson(wire)).toString(), Buffer.from(interpreted.wireToJson(wire)).toString());
      });
});
