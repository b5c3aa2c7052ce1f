/** .proto files read in the process; buf compiles the same files and is the judge, descriptor by descriptor. */
import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { createFileRegistry, fromBinary, toJson, type JsonValue } from "@bufbuild/protobuf";
import { FileDescriptorProtoSchema, FileDescriptorSetSchema, type FileDescriptorProto } from "@bufbuild/protobuf/wkt";
import { buildSchema } from "../../../../src/schema/build-schema.ts";
import type { Schema } from "../../../../src/schema/descriptor.ts";
import { createProtosSource, type ProtosSourceOptions } from "../../../../src/schema/sources/protos.ts";
import type { SchemaProblem } from "../../../../src/schema/sources/schema-problem.ts";
import { bufBuild, bufBuildShared } from "../../../support/buf-build.ts";
import { until } from "../../../support/until.ts";

const shared = fileURLToPath(new URL("../../../support/protos/", import.meta.url));
const bundled = fileURLToPath(new URL("../../../../protos/", import.meta.url));

describe("protos source", () => {
  let folder: string;

  beforeEach(() => (folder = mkdtempSync(join(tmpdir(), "dragoman-protos-"))));
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  function write(files: Readonly<Record<string, string>>): void {
    for (const [name, text] of Object.entries(files)) {
      mkdirSync(dirname(join(folder, name)), { recursive: true });
      writeFileSync(join(folder, name), text);
    }
  }

  async function load(options: ProtosSourceOptions): Promise<Schema> {
    const abort = new AbortController();
    const { value } = await createProtosSource(options).watch(abort.signal)[Symbol.asyncIterator]().next();
    abort.abort();
    return value as Schema;
  }

  for (const name of ["rich/v1/rich.proto", "rich/v1/old.proto", "rich/v1/edition.proto"])
    it(`says of ${name} what buf says`, async () => {
      const ours = await load({ paths: [join(shared, name)] });
      const theirs = bufBuildShared(name);
      compare(ours.descriptorSet, theirs);
      const judged = buildSchema(theirs);
      assert.deepEqual(comments(ours, judged), comments(judged, judged));
    });

  it("says of our own protos what buf says", async () => {
    for (const name of ["grpc/health/v1/health.proto", "grpc/reflection/v1/reflection.proto", "google/rpc/error_details.proto"]) {
      const ours = await load({ paths: [join(bundled, name)] });
      const names = fromBinary(FileDescriptorSetSchema, ours.descriptorSet).file.map((file) => file.name);
      assert.ok(names.includes(name), names.join());
    }
  });

  it("says what buf says of odd but legal text", async () => {
    const files = {
      "odd/v1/odd.proto": `
        syntax = 'proto3';
        import "odd/v1/more.proto";
        package odd.v1;
        option go_package = "a" "b";
        message package { message odd { message v2 {} v2 v1 = 1; } odd.v2 inner = 1; .odd.v1.package outer = 2; }
        message Message { string message = 1; int32 import = 0x2; optional string option = 03; reserved 5, 7 to 9; }
        message Empty {} ;
        enum Alias { option allow_alias = true; A = 0; B = 0; MINUS = -0x10; reserved -5 to -3, 9; }
        message Far { far.Away away = 1; .odd.v1.far.Away root = 2; map<string, far.Away> by_name = 3; oneof o { option (odd.v1.mark) = "m"; far.Away one = 4; } }
        service S { rpc A(Far) returns (stream far.Away); rpc B(stream .odd.v1.Far) returns (Message) { option (odd.v1.rule).text = "x"; option (odd.v1.rule).on = true; }
          option deprecated = true; }
      `,
      "odd/v1/more.proto": `
        syntax = "proto3"; package odd.v1.far;
        import "google/protobuf/descriptor.proto";
        message Away { bytes b = 1; }
      `,
      "odd/v1/marks.proto": `
        syntax = "proto3"; package odd.v1;
        import "google/protobuf/descriptor.proto";
        extend google.protobuf.OneofOptions { string mark = 50002; }
        extend google.protobuf.MethodOptions { Rule rule = 50002; }
        extend google.protobuf.EnumValueOptions { Rule value_rule = 50002; }
        message Rule { string text = 1; bool on = 2; sint64 z = 3; fixed32 f = 4; double d = 5; float g = 6; bytes b = 7; map<string, int32> m = 8; repeated Rule rules = 9; repeated sint32 numbers = 10; sfixed64 s = 11; uint64 u = 12; }
      `,
      "odd/v1/uses.proto": `
        syntax = "proto3"; package odd.v1;
        import "odd/v1/marks.proto";
        enum E { ZERO = 0 [(value_rule).text = "zero", deprecated = true]; }
        message M { option (.odd.v1.on_message) = {
          text: "it's" on: true z: -3 f: 7 d: -1.5 g: 2.5 b: "\\x01\\xff"
          m { key: "a" value: 1 } m { key: "b" value: 2 }
          rules { text: "one" } rules { rules: [{text: "two"}, {text: "three"}] }
          numbers: [-1, 2] s: -9 u: 12
        }; }
        extend google.protobuf.MessageOptions { Rule on_message = 50003; }
      `.replace("import", `import "google/protobuf/descriptor.proto"; import`),
    };
    files["odd/v1/odd.proto"] = files["odd/v1/odd.proto"].replace("package odd.v1;", `import "odd/v1/marks.proto"; package odd.v1;`);
    write(files);
    const paths = Object.keys(files);
    const ours = await load({ paths: paths.map((name) => join(folder, name)), importPaths: [folder] });
    compare(ours.descriptorSet, bufBuild(files));
  });

  it("finds imports from the folder that the package points to, and google's files without flags", async () => {
    write({
      "deep/protos/shop/v1/orders.proto": `syntax = "proto3"; package shop.v1; import "shop/v1/item.proto"; import "google/api/annotations.proto";
        import "google/rpc/status.proto"; import "google/protobuf/timestamp.proto";
        service Orders { rpc Get(Item) returns (google.rpc.Status) { option (google.api.http) = { get: "/v1/{sku}" }; } }`,
      "deep/protos/shop/v1/item.proto": `syntax = "proto3"; package shop.v1; message Item { string sku = 1; }`,
    });
    const schema = await load({ paths: [join(folder, "deep/protos/shop/v1/orders.proto")] });
    assert.deepEqual(schema.services[0]!.methods[0]!.http, [{ httpMethod: "GET", template: "/v1/{sku}", body: "", responseBody: "" }]);
    assert.ok(fromBinary(FileDescriptorSetSchema, schema.descriptorSet).file.some((file) => file.name === "shop/v1/orders.proto"));
  });

  it("takes an edit, keeps the last good schema through a broken one, and watches imports", async () => {
    write({
      "a.proto": `syntax = "proto3"; package a; import "b.proto"; service S { rpc Do(M) returns (M); }`,
      "b.proto": `syntax = "proto3"; package a; message M { string x = 1; }`,
    });
    const abort = new AbortController();
    const problems: SchemaProblem[] = [];
    const source = createProtosSource({ paths: [join(folder, "a.proto")], intervalMs: 5, onProblem: (problem) => problems.push(problem) });
    const schemas = source.watch(abort.signal)[Symbol.asyncIterator]();
    await schemas.next();
    const next = schemas.next();
    write({ "b.proto": `syntax = "proto3"; package a; message M { string x = ; }` });
    await until(() => problems.length > 0, "a problem");
    assert.equal(problems[0]!.message, `b.proto:1: unexpected ";" as id; the last good schema stays in use`);
    write({ "b.proto": `syntax = "proto3"; package a; message M { string x = 1; int32 y = 2; }` });
    assert.equal(((await next) as IteratorYieldResult<Schema>).value.message("a.M")!.fields.length, 2);
    abort.abort();
  });

  describe("says in one line", () => {
    const cases: readonly [title: string, files: Readonly<Record<string, string>>, message: RegExp][] = [
      [
        "where an unknown import stands and where it was looked for",
        { "a.proto": `syntax = "proto3";\n\nimport "shop/v1/gone.proto";` },
        /^a.proto:3 imports shop\/v1\/gone.proto, which is not in \S+ or the bundled google protos: add the folder it is in with --import-path$/,
      ],
      [
        "where an unknown import of an import stands",
        { "a.proto": `import "b.proto";`, "b.proto": `\nimport "c.proto";` },
        /^b.proto:2 imports c.proto, which/,
      ],
      ["where the text is broken", { "a.proto": `syntax = "proto3";\nmessage M {\n  string x 1;\n}` }, /^a.proto:3: unexpected "1"/],
      ["that the text ends too early", { "a.proto": `syntax = "proto3";\nmessage M {\n` }, /^a.proto:\d: unexpected the end of the file/],
      [
        "which type is unknown",
        { "a.proto": `syntax = "proto3"; package a; message M { Gone gone = 1; }` },
        /^a.proto: field a.M.gone has type Gone, which no file of the schema defines$/,
      ],
      [
        "which option is unknown",
        { "a.proto": `syntax = "proto3"; package a; message M { option (mark) = true; }` },
        /^a.proto: option \(mark\) of a.M is not defined in any import$/,
      ],
      [
        "which value does not fit its option",
        {
          "a.proto": `syntax = "proto3"; package a; import "google/api/annotations.proto"; message M {}
            service S { rpc Do(M) returns (M) { option (google.api.http) = { gett: "/x" }; } }`,
        },
        /^a.proto: option \(google.api.http\) of a.S.Do: google.api.HttpRule has no field gett$/,
      ],
      ["that a name is used twice", { "a.proto": `syntax = "proto3"; message M {} message M {}` }, /^a.proto: duplicate name 'M'/],
      [
        "that files import each other",
        { "a.proto": `import "b.proto";`, "b.proto": `import "a.proto";` },
        /imports \S+, which imports it in turn$/,
      ],
    ];
    for (const [title, files, message] of cases)
      it(title, async () => {
        write(files);
        await assert.rejects(load({ paths: [join(folder, "a.proto")] }), (error: Error) => {
          assert.equal(error.name, "SchemaError", String(error.stack));
          assert.match(error.message, message);
          assert.ok(!error.message.includes("\n"));
          return true;
        });
      });

    it("that a file or folder is not there", async () => {
      await assert.rejects(
        load({ paths: [join(folder, "gone.proto")] }),
        /^SchemaError: cannot read proto file \S+gone.proto: there is no such file$/,
      );
      await assert.rejects(
        load({ paths: [], importPaths: ["/no/such"] }),
        /^SchemaError: import path \/no\/such: there is no such directory$/,
      );
    });
  });
});

/** Every file of both sets, as JSON with all options decoded; comments are compared elsewhere. */
function compare(ours: Uint8Array, theirs: Uint8Array): void {
  const judge = filesOf(theirs);
  const own = filesOf(ours);
  for (const [name, file] of own) {
    if (name.startsWith("google/protobuf/")) continue;
    assert.deepEqual(file, judge.get(name), name);
  }
  for (const name of judge.keys()) assert.ok(own.has(name) || name.startsWith("google/"), name);
}

function filesOf(set: Uint8Array): Map<string, JsonValue> {
  const files = fromBinary(FileDescriptorSetSchema, set);
  const registry = createFileRegistry(files);
  const json = (file: FileDescriptorProto): JsonValue => {
    const { sourceCodeInfo: _, ...rest } = toJson(FileDescriptorProtoSchema, file, { registry }) as Record<string, JsonValue>;
    return mapEntriesLast(rest);
  };
  return new Map(files.file.map((file) => [file.name, json(file)]));
}

/** protoc puts the entry of a map where the field stands; nobody depends on it. */
function mapEntriesLast(value: JsonValue): JsonValue {
  if (Array.isArray(value)) return value.map(mapEntriesLast);
  if (typeof value !== "object" || value === null) return value;
  const object = Object.fromEntries(Object.entries(value).map(([key, each]) => [key, mapEntriesLast(each)]));
  const nested = object["nestedType"] as { options?: { mapEntry?: boolean } }[] | undefined;
  nested?.sort((a, b) => Number(a.options?.mapEntry ?? false) - Number(b.options?.mapEntry ?? false));
  return object;
}

function comments(schema: Schema, listing: Schema): unknown {
  return listing.services.map(({ name }) => {
    const service = schema.services.find((each) => each.name === name)!;
    return [
      service.comment,
      service.methods.map((method) => [
        method.name,
        method.comment,
        // The parser drops indentation, and the well-known files come without comments.
        [method.input, method.output]
          .filter((message) => message.name.startsWith("rich."))
          .map((message) => [message.comment, message.fields.map((field) => [field.name, field.comment])]),
      ]),
    ];
  });
}
