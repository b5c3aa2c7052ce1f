/** The OpenAPI document as other people's programs read it: a validator, and a generator of typed clients whose client then calls the proxy. */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { createClient } from "@hey-api/openapi-ts";
import { compileDemo } from "../../deploy/demo-descriptors.ts";
import { catalog } from "../../src/demo/catalog.ts";
import { startShopServer, type ShopServer } from "../../src/demo/shop-server.ts";
import { buildSchema } from "../../src/schema/build-schema.ts";
import { createMethodTable } from "../../src/schema/method-table.ts";
import { createOpenApi, type OpenApiOptions } from "../../src/schema/openapi/document.ts";
import { bufBuild, bufBuildShared } from "../support/buf-build.ts";
import { checkOpenApi, type Document } from "../support/check-openapi.ts";
import { lintOpenApi } from "../support/lint-openapi.ts";
import { startRuntime, type RuntimeHost } from "../support/runtime-host.ts";

const tsc = fileURLToPath(new URL("../../node_modules/typescript/bin/tsc", import.meta.url));

/** Everything that is allowed and that nobody expects. */
const odd = {
  "odd.proto": `
    syntax = "proto3"; package odd.v1;
    import "google/api/annotations.proto"; import "google/api/field_behavior.proto"; import "google/api/httpbody.proto";
    import "google/protobuf/any.proto"; import "google/protobuf/duration.proto"; import "google/protobuf/empty.proto";
    import "google/protobuf/field_mask.proto"; import "google/protobuf/struct.proto"; import "google/protobuf/timestamp.proto";
    import "google/protobuf/wrappers.proto"; import "google/rpc/status.proto"; import "other.proto"; import "old.proto";

    // Holds itself, <b>says</b> so in \`markup\`,
    //
    // - and
    // - in lists.
    message Self {
      Self self = 1; repeated Self selves = 2; map<string, Self> by_name = 3;
      oneof one { Self first = 4; string second = 5; google.protobuf.NullValue third = 6; }
      oneof another { bool only = 7; }
      optional int32 may_be = 8;
      string id = 9 [(google.api.field_behavior) = REQUIRED];
      string made = 10 [(google.api.field_behavior) = OUTPUT_ONLY, (google.api.field_behavior) = REQUIRED];
      string secret = 11 [(google.api.field_behavior) = INPUT_ONLY];
      string fixed = 12 [(google.api.field_behavior) = IMMUTABLE, deprecated = true];
    }
    message Names {
      string __proto__ = 1; string constructor = 2; string to_string = 3 [json_name = "@toString"]; string with_dollar = 4 [json_name = "a$b c/~"];
      message Object {} Object object = 5; message string_ {} string_ s = 6; int32 class = 7; bool default = 8;
    }
    message Maps {
      map<int32, string> a = 1; map<uint64, bytes> b = 2; map<bool, Kind> c = 3; map<string, google.protobuf.Value> d = 4;
      map<sint64, google.protobuf.Timestamp> e = 5; map<fixed32, google.protobuf.Any> f = 6; map<string, google.protobuf.Int64Value> g = 7;
    }
    message Known {
      google.protobuf.Any any = 1; google.protobuf.Duration duration = 2; google.protobuf.Empty empty = 3; google.protobuf.FieldMask mask = 4;
      google.protobuf.Struct struct = 5; google.protobuf.Value value = 6; google.protobuf.ListValue list = 7; google.protobuf.Timestamp at = 8;
      google.protobuf.DoubleValue d = 9; google.protobuf.UInt64Value u = 10; google.protobuf.BytesValue bytes = 11; google.protobuf.NullValue null = 12;
      google.rpc.Status status = 13; google.api.HttpBody body = 14; repeated google.protobuf.BoolValue bools = 15; repeated google.protobuf.Value values = 16;
    }
    enum Kind { option allow_alias = true; KIND_NONE = 0; /* The **best**. */ KIND_A = 1; KIND_B = 1; KIND_LOW = -2147483648; }
    message Empty {}
    // No methods.
    service Nothing {}
    service Odd {
      rpc Bare(Empty) returns (Empty);
      rpc Deep(Self) returns (Self) { option (google.api.http) = { get: "/v1/{self.self.self.id=a/*/b/**}/tail:verb"
        additional_bindings { get: "/v1/{id}" } additional_bindings { get: "/v1/{self.id}" } additional_bindings { get: "/v1/{id=**}:all" } }; }
      rpc Any(Self) returns (Known) { option (google.api.http) = { custom { kind: "*" path: "/v1/any/{id}" } body: "*" }; }
      rpc Exact(Self) returns (Known) { option (google.api.http) = { get: "/v1/any/{id}" }; }
      rpc Purge(Self) returns (Maps) { option (google.api.http) = { custom { kind: "PURGE" path: "/v1/*/{id}/%C3%A4%20b" } }; }
      rpc Head(Self) returns (Maps) { option (google.api.http) = { custom { kind: "HEAD" path: "/v1/head" } }; }
      rpc Update(UpdateRequest) returns (Self) { option (google.api.http) = { patch: "/v1/update/{self.id}" body: "self" response_body: "selves" }; }
      rpc Mapped(Maps) returns (Maps) { option (google.api.http) = { post: "/v1/mapped" body: "*" response_body: "c" }; }
      rpc Query(Known) returns (Names) { option (google.api.http) = { get: "/v1/query" }; }
      rpc Named(Names) returns (Names) { option (google.api.http) = { post: "/v1/named/{constructor}/{object=things}" body: "*"
        additional_bindings { get: "/v1/named" } }; }
      rpc Up(google.api.HttpBody) returns (google.protobuf.Empty) { option (google.api.http) = { post: "/v1/up" body: "*" }; }
      rpc Part(Known) returns (google.api.HttpBody) { option (google.api.http) = { post: "/v1/part" body: "body" }; }
      rpc Ups(stream google.api.HttpBody) returns (Known) { option (google.api.http) = { post: "/v1/ups" body: "*" response_body: "body" }; }
      rpc Downs(Empty) returns (stream google.api.HttpBody) { option (google.api.http) = { get: "/v1/downs" }; }
      rpc Watch(Self) returns (stream Self) { option (google.api.http) = { get: "/v1/watch" response_body: "by_name" }; }
      rpc Both(stream Self) returns (stream Self) { option (google.api.http) = { post: "/v1/both/{id}" body: "*" }; }
      rpc Bad(Self) returns (Self) { option (google.api.http) = { get: "/v1/{nowhere}" additional_bindings { post: "/v1/bad" body: "nowhere" }
        additional_bindings { get: "/v1/{" } additional_bindings { get: "/v1/any/{id}" } }; }
      rpc Old(old.v1.Message) returns (old.v1.Message) { option deprecated = true; }
    }
    message UpdateRequest { Self self = 1; google.protobuf.FieldMask update_mask = 2; }`,
  "other.proto": `syntax = "proto3"; package other.v1; message Self { string id = 1; }
    service Odd { rpc Bare(Self) returns (Self); rpc Bare_rpc(Self) returns (Self); }`,
  "old.proto": `syntax = "proto2"; package old.v1;
    message Message { required string id = 1; optional group Group = 2 { repeated int64 n = 1; } extensions 10 to 20; optional bool on = 3 [default = true]; }
    extend Message { optional Message more = 10; }
    enum Closed { A = 5; B = 3; }`,
};

/** As the running proxy makes it. */
function documentOf(set: Uint8Array, options: Partial<OpenApiOptions> = {}): Document {
  const table = createMethodTable(buildSchema(set), { autoMapping: true });
  return createOpenApi(table.schema, { title: "Odd", version: "1", problems: table.problems, ...options }) as Document;
}

describe("OpenAPI, judged by Redocly", function () {
  this.timeout(30_000);
  let oddSet: Uint8Array;
  before(() => void (oddSet = bufBuild(odd)));

  const variants: readonly (readonly [string, () => Document])[] = [
    ["the demo", () => documentOf(compileDemo())],
    ["a rich schema", () => documentOf(bufBuildShared("rich/v1/rich.proto"))],
    ["odd cases", () => documentOf(oddSet)],
    ["odd cases without auto-mapping", () => documentOf(oddSet, { autoMapping: false })],
    [
      "odd cases in another JSON",
      () => documentOf(oddSet, { json: { protoNames: true, enumNumbers: true, int64Numbers: true, stripEnumPrefix: true } }),
    ],
    ["odd cases with security and servers", () => documentOf(oddSet, { security, servers: ["https://api.example.com/base"] })],
  ];
  const security = { bearer: { type: "http", scheme: "bearer" }, key: { type: "apiKey", in: "header", name: "x-api-key" } };
  for (const [what, make] of variants)
    it(`is sound: ${what}`, async () => {
      const document = JSON.parse(JSON.stringify(make())) as Document;
      checkOpenApi(document);
      assert.deepEqual(await lintOpenApi(document), []);
    });

  it("and Redocly does find faults", async () => {
    const document = documentOf(compileDemo());
    const broken = { ...document, info: { title: "x" }, paths: { "/a/{b}": { get: { operationId: "a", responses: { 200: {} } } } } };
    const rules = (await lintOpenApi(broken)).map((line) => line.replace(/ .*/s, ""));
    assert.ok(rules.includes("struct") && rules.includes("path-parameters-defined"), rules.join());
  });

  it("lists what is served and nothing else", () => {
    const { paths } = documentOf(oddSet);
    const annotated = Object.entries(paths).filter(([path]) => path.startsWith("/v1/"));
    const operations = annotated.flatMap(([path, item]) =>
      Object.entries(item).flatMap(([method, operation]) =>
        method === "x-additionalOperations"
          ? Object.keys(operation as object).map((kind) => `${kind} ${path}`)
          : `${method} ${path} ${(operation as { operationId: string }).operationId}`,
      ),
    );
    assert.deepEqual(operations, [
      "get /v1/a/{a}/b/{b}/tail:verb odd_v1_Odd_Deep",
      "get /v1/{id} odd_v1_Odd_Deep_2",
      "get /v1/{id}:all odd_v1_Odd_Deep_3",
      "get /v1/any/{id} odd_v1_Odd_Exact",
      "put /v1/any/{id} odd_v1_Odd_Any",
      "post /v1/any/{id} odd_v1_Odd_Any_2",
      "delete /v1/any/{id} odd_v1_Odd_Any_3",
      "patch /v1/any/{id} odd_v1_Odd_Any_4",
      "PURGE /v1/{segment}/{id}/%C3%A4%20b",
      "head /v1/head odd_v1_Odd_Head",
      "patch /v1/update/{self.id} odd_v1_Odd_Update",
      "post /v1/mapped odd_v1_Odd_Mapped",
      "get /v1/query odd_v1_Odd_Query",
      // Its first rule binds a message to a variable, which no proxy can.
      "get /v1/named odd_v1_Odd_Named",
      "post /v1/up odd_v1_Odd_Up",
      "post /v1/part odd_v1_Odd_Part",
      "post /v1/ups odd_v1_Odd_Ups",
      "get /v1/downs odd_v1_Odd_Downs",
      "get /v1/watch odd_v1_Odd_Watch",
      "post /v1/both/{id} odd_v1_Odd_Both",
    ]);
  });
});

describe("OpenAPI, read by a generator of clients", function () {
  this.timeout(60_000);
  let shop: ShopServer;
  let host: RuntimeHost;
  let folder = "";
  before(async () => {
    folder = mkdtempSync(join(tmpdir(), "dragoman-client-"));
    shop = await startShopServer(
      catalog(() => 0.75),
      0,
    );
    host = await startRuntime({ "inbound.upstream": `grpc://${shop.address}`, "inbound.schema": "reflection" });
  });
  after(async () => {
    await host.stop();
    shop.close();
    rmSync(folder, { recursive: true });
  });

  /** Writes a client for `document`, and what is in `program` beside it; the compiler must accept both. */
  async function generate(name: string, document: Record<string, unknown>, program: string): Promise<string> {
    const path = join(folder, name);
    await createClient({
      input: document,
      output: { path: join(path, "client"), module: { extension: ".ts" } },
      plugins: ["@hey-api/client-fetch", "@hey-api/typescript", "@hey-api/sdk"],
      logs: { level: "silent", file: false },
    });
    const compilerOptions = {
      ...{ target: "es2022", lib: ["es2022", "dom", "dom.iterable"], module: "nodenext", strict: true, noEmit: true, types: [] },
      ...{ allowImportingTsExtensions: true, skipLibCheck: true },
    };
    writeFileSync(join(path, "package.json"), '{"type": "module"}');
    writeFileSync(join(path, "tsconfig.json"), JSON.stringify({ compilerOptions, include: ["**/*.ts"] }));
    writeFileSync(join(path, "program.ts"), program);
    execFileSync(process.execPath, [tsc, "-p", path], { encoding: "utf8" });
    return join(path, "program.ts");
  }

  it("makes a typed client, which calls the proxy", async () => {
    const document = (await (await fetch(`http://${host.runtime.address}/.dragoman/openapi.json`)).json()) as Record<string, unknown>;
    const program = `
      import { createClient } from "./client/client/index.ts";
      import { catalogGet, catalogGetRpc, catalogList } from "./client/sdk.gen.ts";
      import type { ShopV1Product } from "./client/types.gen.ts";

      export async function run(baseUrl: string) {
        const client = createClient({ baseUrl });
        const one = await catalogGet({ client, path: { id: "espresso" }, throwOnError: true });
        const barcode: string | undefined = one.data.barcode;
        const category: "CATEGORY_UNSPECIFIED" | "COFFEE" | "TEA" | "EQUIPMENT" | undefined = one.data.category;
        // @ts-expect-error the type knows its fields
        one.data.nothing;
        // @ts-expect-error the path wants its variable
        void (() => catalogGet({ client, path: {} }));
        const list = await catalogList({ client, query: { category: "TEA", pageSize: 1 }, throwOnError: true });
        const products: ShopV1Product[] = list.data.products ?? [];
        const rpc = await catalogGetRpc({ client, body: { id: "assam" }, throwOnError: true });
        const missing = await catalogGet({ client, path: { id: "none/such" } });
        return { barcode, category, listed: products.length, rpc: rpc.data.id, code: missing.error?.code, message: missing.error?.message };
      }`;
    const path = await generate("shop", document, program);
    const { run } = (await import(pathToFileURL(path).href)) as { run(baseUrl: string): Promise<Record<string, unknown>> };
    assert.deepEqual(await run(`http://${host.runtime.address}`), {
      barcode: "4006381333931",
      category: "COFFEE",
      listed: 1,
      rpc: "assam",
      code: 5,
      message: 'no product "none/such"',
    });
  });

  it("makes a client of odd cases that compiles", async () => {
    await generate("odd", documentOf(bufBuild(odd)), "export {};");
  });
});
