/** Descriptor sets in, schemas out; protobuf-es reads the same sets and is asked about every field. */
import assert from "node:assert/strict";
import { create, createFileRegistry, fromBinary, ScalarType, toBinary, type DescField } from "@bufbuild/protobuf";
import {
  FieldDescriptorProto_Label as Label,
  FieldDescriptorProto_Type as Type,
  FileDescriptorProtoSchema,
  FileDescriptorSetSchema,
} from "@bufbuild/protobuf/wkt";
import fc from "fast-check";
import { buildSchema } from "../../../src/schema/build-schema.ts";
import type { FieldDescriptor, Schema, ValueType } from "../../../src/schema/descriptor.ts";
import { SchemaError } from "../../../src/schema/files/schema-error.ts";
import { bufBuild, bufBuildShared } from "../../support/buf-build.ts";

describe("buildSchema", () => {
  let set: Uint8Array;
  let schema: Schema;

  before(function () {
    this.timeout(30_000);
    set = bufBuildShared("rich/v1/rich.proto", "rich/v1/old.proto", "rich/v1/edition.proto");
    schema = buildSchema(set);
  });

  it("agrees with protobuf-es about every message, field and enum", () => {
    const registry = createFileRegistry(fromBinary(FileDescriptorSetSchema, set));
    let messages = 0;
    for (const type of registry) {
      if (type.kind === "message") {
        const own = schema.message(type.typeName);
        assert.ok(own !== undefined, type.typeName);
        assert.deepEqual(own.fields.map(summary), type.fields.map(expected), type.typeName);
        messages++;
      } else if (type.kind === "enum") {
        const own = schema.enum(type.typeName);
        assert.ok(own !== undefined, type.typeName);
        assert.equal(own.closed, !type.open, type.typeName);
        assert.deepEqual(
          own.values.map(({ name, number }) => [name, number]),
          type.proto.value.map(({ name, number }) => [name, number]),
        );
      }
    }
    assert.ok(messages > 50);
  });

  it("knows extensions by the message they extend", () => {
    const names = schema.message("rich.v1.Old")!.extensions.map(({ name, jsonName, number }) => [name, jsonName, number]);
    assert.deepEqual(names.sort(), [
      ["[rich.v1.Old.nested_ext]", "[rich.v1.Old.nested_ext]", 101],
      ["[rich.v1.more]", "[rich.v1.more]", 102],
      ["[rich.v1.note]", "[rich.v1.note]", 100],
    ]);
  });

  it("knows the old MessageSet format", () => {
    // On its own: some versions of buf lose this option in a file that imports descriptor.proto.
    const text = 'syntax = "proto2"; package a; message S { option message_set_wire_format = true; extensions 4 to max; } message T {}';
    const alone = buildSchema(bufBuild({ "a.proto": text }));
    assert.equal(alone.message("a.S")!.messageSet, true);
    assert.equal(alone.message("a.T")!.messageSet, false);
  });

  it("reads every http rule, additional and custom ones included", () => {
    const bindings = (name: string): unknown[] =>
      schema.services[0]!.methods.find((method) => method.name === name)!.http.map((b) => [
        b.httpMethod,
        b.template,
        b.body,
        b.responseBody,
      ]);
    assert.deepEqual(bindings("GetThing"), [
      ["GET", "/v1/{name=things/*}", "", ""],
      ["GET", "/v1/{name=shops/*/things/*}", "", ""],
      ["HEAD", "/v1/{name=things/*}", "", ""],
    ]);
    assert.deepEqual(bindings("UpdateThing"), [
      ["PATCH", "/v1/{thing.name=things/*}", "thing", "name"],
      ["PUT", "/v1/{thing.name=things/*}", "thing", ""],
      ["*", "/v1/{thing.name=things/*}:touch", "", ""],
    ]);
    assert.deepEqual(bindings("Chat"), []);
  });

  it("reads methods with their kind, idempotency and deprecation", () => {
    const methods = schema.services[0]!.methods.map((m) => [
      m.path,
      m.clientStreaming,
      m.serverStreaming,
      m.unary,
      m.idempotency,
      m.deprecated,
    ]);
    assert.deepEqual(methods[0], ["/rich.v1.Things/GetThing", false, false, true, "no-side-effects", false]);
    assert.deepEqual(methods[3], ["/rich.v1.Things/UpdateThing", false, false, true, "idempotent", false]);
    assert.deepEqual(methods[4], ["/rich.v1.Things/DeleteThing", false, false, true, "unknown", true]);
    assert.deepEqual(methods[7], ["/rich.v1.Things/Chat", true, true, false, "unknown", false]);
  });

  it("reads behaviours, redaction and comments", () => {
    const field = (name: string): FieldDescriptor => schema.message("rich.v1.Thing")!.fields.find((each) => each.name === name)!;
    assert.deepEqual(field("name").behaviors, ["IDENTIFIER", "REQUIRED"]);
    assert.equal(field("secret").redact, true);
    assert.equal(field("name").redact, false);
    assert.equal(field("name").comment, "Its name: `things/{id}`.");
    assert.equal(schema.message("rich.v1.Thing")!.comment, "A thing with every kind of field.\nSecond line.");
    assert.equal(schema.enum("rich.v1.Thing.State")!.comment, "How far along it is.");
    assert.equal(schema.enum("rich.v1.Thing.State")!.values[1]!.comment, "Being worked on.");
    assert.equal(schema.services[0]!.comment, "Keeps things.");
    assert.equal(schema.services[0]!.methods[0]!.comment, "Gets one.");
    assert.equal(field("big").comment, undefined);
  });

  it("gives one object per type, also through fields", () => {
    const thing = schema.message("rich.v1.Thing")!;
    assert.equal(thing, schema.message("rich.v1.Thing"));
    assert.equal(schema.services[0]!.methods[0]!.output, thing);
    const part = schema.message("rich.v1.Thing.Part")!;
    const parts = part.fields[1]!.value;
    assert.ok(parts.kind === "message" && parts.message === part);
    assert.equal(schema.message("rich.v1.Thing.AttributesEntry"), undefined);
    assert.equal(schema.message("nope"), undefined);
    assert.equal(schema.enum("rich.v1.Thing"), undefined);
  });

  it("hashes what the files say, not their order", () => {
    const files = fromBinary(FileDescriptorSetSchema, set);
    const reversed = toBinary(FileDescriptorSetSchema, { ...files, file: [...files.file].reverse() });
    assert.equal(buildSchema(reversed).hash, schema.hash);
    assert.match(schema.hash, /^[0-9a-f]{64}$/);
    assert.notEqual(buildSchema(set, { services: [] }).hash, schema.hash);
    assert.equal(buildSchema(schema.descriptorSet).hash, schema.hash);
  });

  it("writes the set with dependencies first, each file once", () => {
    const seen = new Set<string>();
    const twice = Buffer.concat([set, set]);
    for (const file of fromBinary(FileDescriptorSetSchema, buildSchema(twice).descriptorSet).file) {
      for (const dependency of file.dependency) assert.ok(seen.has(dependency), `${file.name} before ${dependency}`);
      assert.ok(!seen.has(file.name));
      seen.add(file.name);
    }
  });

  it("fills in google.protobuf files that the set leaves out", () => {
    const files = fromBinary(FileDescriptorSetSchema, set);
    const bare = { ...files, file: files.file.filter((file) => !file.name.startsWith("google/protobuf/")) };
    const filled = buildSchema(toBinary(FileDescriptorSetSchema, bare));
    assert.equal(filled.message("google.protobuf.Timestamp")!.fields.length, 2);
    assert.equal(filled.message("google.protobuf.FieldOptions")!.extensions.length > 0, true);
  });

  it("leaves out services that are not served", () => {
    assert.deepEqual(buildSchema(set, { services: ["other.Service"] }).services, []);
    assert.equal(buildSchema(set, { services: ["rich.v1.Things"] }).services.length, 1);
  });

  describe("refuses, in one line that names the file", () => {
    const field = (name: string, number: number, more: object = {}): object => ({
      name,
      number,
      type: Type.STRING,
      label: Label.OPTIONAL,
      ...more,
    });
    const message = (name: string, ...fields: object[]): object => ({ name, field: fields });
    const file = (name: string, more: object): object => ({ name, package: "a", syntax: "proto3", ...more });
    const cases: readonly [title: string, files: object[], message: RegExp][] = [
      ["no files", [], /^the descriptor set holds no files$/],
      [
        "a missing import",
        [file("a.proto", { dependency: ["b/c.proto"] })],
        /^a.proto imports b\/c.proto, which the set does not hold: make it with all imports included$/,
      ],
      [
        "an import under another path",
        [file("a.proto", { dependency: ["b/c.proto"] }), file("x/b/c.proto", {})],
        /^a.proto imports b\/c.proto, but the set has that file as x\/b\/c.proto: compile both with the same import path/,
      ],
      [
        "imports in a circle",
        [file("a.proto", { dependency: ["b.proto"] }), file("b.proto", { dependency: ["a.proto"] })],
        /^b.proto imports a.proto, which imports it in turn$/,
      ],
      [
        "two files of one name",
        [file("a.proto", { messageType: [message("M")] }), file("a.proto", {})],
        /^a.proto occurs twice in the descriptor set, with different contents$/,
      ],
      [
        "a type defined twice",
        [file("a.proto", { messageType: [message("M")] }), file("b.proto", { messageType: [message("M")] })],
        /^a.proto and b.proto both define a.M: one of them is a copy/,
      ],
      ["a type defined twice in a file", [file("a.proto", { messageType: [message("M"), message("M")] })], /^a.proto defines a.M twice$/],
      [
        "an unknown type",
        [file("a.proto", { messageType: [message("M", field("f", 1, { type: Type.MESSAGE, typeName: ".a.Gone" }))] })],
        /^a.proto: field a.M.f has type a.Gone, which no file of the schema defines$/,
      ],
      [
        "an unknown request type",
        [
          file("a.proto", {
            messageType: [message("M")],
            service: [{ name: "S", method: [{ name: "Do", inputType: ".a.N", outputType: ".a.M" }] }],
          }),
        ],
        /^a.proto: method a.S.Do takes a.N, which no file of the schema defines$/,
      ],
      [
        "an enum as response",
        [
          file("a.proto", {
            messageType: [message("M")],
            enumType: [{ name: "E", value: [{ name: "Z", number: 0 }] }],
            service: [{ name: "S", method: [{ name: "Do", inputType: ".a.M", outputType: ".a.E" }] }],
          }),
        ],
        /^a.proto: method a.S.Do returns a.E, which is an enum$/,
      ],
      [
        "a field number used twice",
        [file("a.proto", { messageType: [message("M", field("f", 1), field("g", 1))] })],
        /^a.proto: field a.M.g has number 1, as has f$/,
      ],
      [
        "a field name used twice",
        [file("a.proto", { messageType: [message("M", field("f", 1), field("f", 2))] })],
        /a.M.f is defined twice/,
      ],
      ["field number 0", [file("a.proto", { messageType: [message("M", field("f", 0))] })], /^a.proto: field a.M.f has number 0$/],
      [
        "a name with code in it",
        [file("a.proto", { messageType: [message("M", field("f`;//", 1))] })],
        /^a.proto: "f`;\/\/" is not a name$/,
      ],
      ["an enum without values", [file("a.proto", { enumType: [{ name: "E" }] })], /^a.proto: enum a.E has no values$/],
      ["an unknown syntax", [file("a.proto", { syntax: "proto4" })], /^a.proto uses syntax "proto4"/],
      [
        "an edition to come",
        [file("a.proto", { syntax: "editions", edition: 1009 })],
        /^a.proto uses edition 2032, which is not supported/,
      ],
      [
        "a oneof that is not there",
        [file("a.proto", { messageType: [message("M", field("f", 1, { oneofIndex: 3 }))] })],
        /^a.proto: field a.M.f belongs to oneof 3, which a.M does not have$/,
      ],
      [
        "a map entry that is none",
        [file("a.proto", { messageType: [{ name: "M", field: [field("key", 1)], options: { mapEntry: true } }] })],
        /^a.proto: a.M is marked as the entry of a map, but is not made like one$/,
      ],
    ];
    for (const [title, files, reason] of cases)
      it(title, () => {
        const bytes = Buffer.concat(
          files.map((init) => {
            const proto = toBinary(FileDescriptorProtoSchema, create(FileDescriptorProtoSchema, init));
            return Buffer.concat([Buffer.from([0x0a]), varint(proto.length), proto]);
          }),
        );
        assert.throws(
          () => buildSchema(bytes),
          (error: Error) => error instanceof SchemaError && reason.test(error.message) && !error.message.includes("\n"),
        );
      });

    it("bytes that are no protobuf", () => {
      assert.throws(() => buildSchema(Buffer.from("syntax = proto3")), SchemaError);
      assert.throws(() => buildSchema(set.subarray(0, set.length - 7)), SchemaError);
    });
  });

  it("takes a chain of imports as long as the limit without recursion", () => {
    const files: Uint8Array[] = [];
    for (let i = 0; i < 8000; i++) {
      const dependency = i === 7999 ? [] : [`f${i + 1}.proto`];
      const proto = toBinary(
        FileDescriptorProtoSchema,
        create(FileDescriptorProtoSchema, { name: `f${i}.proto`, syntax: "proto3", dependency }),
      );
      files.push(Buffer.concat([Buffer.from([0x0a]), varint(proto.length), proto]));
    }
    assert.deepEqual(buildSchema(Buffer.concat(files)).services, []);
  });

  it("survives hostile bytes: a schema or a SchemaError, never anything else", () => {
    const small = bufBuildSmall();
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.nat(small.length - 1), fc.nat(255)), { minLength: 1, maxLength: 12 }), (edits) => {
        const bytes = Uint8Array.from(small);
        for (const [at, value] of edits) bytes[at] = value;
        try {
          const built = buildSchema(bytes);
          for (const service of built.services)
            for (const method of service.methods) void [method.input.fields, method.output.fields, method.comment, method.input.extensions];
        } catch (error) {
          assert.ok(error instanceof SchemaError, String(error));
        }
      }),
      { numRuns: 3000 },
    );
  });
});

function bufBuildSmall(): Uint8Array {
  return bufBuild({
    "s.proto": `syntax = "proto3"; package s;
      // c
      message M { map<string, M> m = 1; oneof o { string a = 2; E e = 3; } repeated int32 r = 4; }
      enum E { Z = 0; }
      service S { rpc Do(M) returns (stream M); }`,
  });
}

function varint(value: number): Uint8Array {
  const bytes: number[] = [];
  for (; value > 0x7f; value >>>= 7) bytes.push((value & 0x7f) | 0x80);
  return Uint8Array.from([...bytes, value]);
}

function summary(field: FieldDescriptor): object {
  const { name, jsonName, number, cardinality, packed, explicitPresence, required, oneof, deprecated } = field;
  return {
    name,
    jsonName,
    number,
    cardinality,
    packed,
    explicitPresence,
    required,
    oneof,
    deprecated,
    value: valueOf(field.value),
    key: field.key,
  };
}

function valueOf(value: ValueType): object {
  if (value.kind === "scalar") return value;
  return value.kind === "enum" ? { enum: value.enum.name } : { message: value.message.name, delimited: value.delimited };
}

function expected(field: DescField): object {
  const singular = field.fieldKind !== "list" && field.fieldKind !== "map";
  return {
    name: field.name,
    jsonName: field.jsonName,
    number: field.number,
    cardinality: singular ? "singular" : field.fieldKind === "list" ? "repeated" : "map",
    packed: field.fieldKind === "list" && field.packed,
    explicitPresence: singular && Number(field.presence) !== 2,
    required: Number(field.presence) === 3,
    oneof: field.oneof?.name,
    deprecated: field.deprecated,
    value: expectedValue(field),
    key:
      field.fieldKind === "map"
        ? { scalar: scalarName(field.mapKey), validateUtf8: field.mapKey === ScalarType.STRING && field.utf8Validation }
        : undefined,
  };
}

function expectedValue(field: DescField): object {
  if (field.message !== undefined)
    return { message: field.message.typeName, delimited: "delimitedEncoding" in field && field.delimitedEncoding };
  if (field.enum !== undefined) return { enum: field.enum.typeName };
  return { kind: "scalar", scalar: scalarName(field.scalar), validateUtf8: field.scalar === ScalarType.STRING && field.utf8Validation };
}

function scalarName(scalar: ScalarType): string {
  return ScalarType[scalar].toLowerCase();
}
