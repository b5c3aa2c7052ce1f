/** OpenAPI documents: what they say of a rich schema, and that they are sound, whatever the schema. */
import assert from "node:assert/strict";
import { buildSchema } from "../../../../src/schema/build-schema.ts";
import { createOpenApi, type OpenApiOptions } from "../../../../src/schema/openapi/document.ts";
import { bufBuild, bufBuildShared } from "../../../support/buf-build.ts";
import { checkOpenApi, type Document, type Operation } from "../../../support/check-openapi.ts";

const options: OpenApiOptions = { title: "Things", version: "1.2.3" };

function documentOf(set: Uint8Array, more: Partial<OpenApiOptions> = {}): Document {
  const document = createOpenApi(buildSchema(set), { ...options, ...more }) as Document;
  checkOpenApi(document);
  assert.deepEqual(JSON.parse(JSON.stringify(document)), document);
  return document;
}

describe("createOpenApi", () => {
  let document: Document;

  before(function () {
    this.timeout(30_000);
    document = documentOf(bufBuildShared("rich/v1/rich.proto"), { servers: ["http://127.0.0.1:8080"] });
  });

  const operation = (path: string, method: string): Operation => document.paths[path]![method] as Operation;

  it("has a head", () => {
    assert.equal(document.openapi, "3.1.0");
    assert.deepEqual(document.info, { title: "Things", version: "1.2.3" });
    assert.deepEqual(document["servers"], [{ url: "http://127.0.0.1:8080" }]);
    assert.deepEqual(document.tags, [{ name: "rich.v1.Things", description: "Keeps things." }]);
  });

  it("has a path for every binding, templates written out", () => {
    const annotated = Object.entries(document.paths).filter(([path]) => !path.startsWith("/rich."));
    assert.deepEqual(
      annotated.map(([path, item]) => `${Object.keys(item).join(" ")} ${path}`),
      [
        "get head patch put /v1/things/{name}",
        "get /v1/shops/{shop}/things/{thing}",
        "get /v1/shops/{parent}/things",
        "post /v1/things",
        "get put post delete patch /v1/things/{thing.name}:touch",
        "delete /v1/things/{name}:purge",
        "get /v1/things:watch",
        "get /v1/things/{name}/file",
      ],
    );
  });

  it("lists auto-mapped paths unless told not to", () => {
    assert.ok("/rich.v1.Things/Chat" in document.paths);
    const without = documentOf(bufBuildShared("rich/v1/rich.proto"), { autoMapping: false });
    assert.ok(!Object.keys(without.paths).some((path) => path.startsWith("/rich.")));
  });

  it("puts what neither path nor body holds into the query", () => {
    const names = (path: string, method: string): string[] =>
      (operation(path, method).parameters ?? []).map((each) => `${each.in}:${each.name}`);
    assert.deepEqual(names("/v1/things/{name}", "get"), ["path:name", "query:readMask"]);
    assert.deepEqual(names("/v1/things/{name}", "patch"), ["path:name", "query:updateMask"]);
    assert.deepEqual(names("/v1/shops/{parent}/things", "get"), [
      "path:parent",
      "query:pageSize",
      "query:pageToken",
      "query:filter.text",
      "query:filter.since",
      "query:states",
    ]);
    assert.deepEqual(names("/v1/things", "post"), []);
  });

  it("documents bodies, streams and raw bodies", () => {
    const content = (path: string, method: string): string[] => Object.keys(operation(path, method).responses["200"]!.content ?? {});
    assert.deepEqual(content("/v1/things:watch", "get"), ["application/json", "application/x-ndjson", "text/event-stream"]);
    assert.deepEqual(content("/v1/things/{name}/file", "get"), ["*/*"]);
    assert.deepEqual(content("/v1/things/{name}", "head"), []);
    assert.deepEqual(operation("/v1/things/{name}", "patch").responses["200"]!.content!["application/json"]!.schema["type"], "string");
    const upload = operation("/rich.v1.Things/UploadThings", "post").requestBody!.content["application/json"]!.schema;
    assert.deepEqual(upload, { type: "array", items: { $ref: "#/components/schemas/rich.v1.Thing" } });
    assert.deepEqual(operation("/v1/things/{name}", "get").responses["default"], { $ref: "#/components/responses/Error" });
  });

  it("carries comments, deprecation and field behaviours", () => {
    assert.equal(operation("/v1/things/{name}", "get").summary, "Gets one.");
    assert.equal(operation("/v1/things/{name}:purge", "delete").deprecated, true);
    const thing = document.components.schemas["rich.v1.Thing"]!;
    const properties = thing["properties"] as Record<string, Record<string, unknown>>;
    assert.deepEqual(thing["required"], ["name"]);
    assert.match(String(thing["description"]), /Only one of `text`, `part`, `raw` and `nothing` may be set\.$/);
    assert.equal(properties["createTime"]!["readOnly"], true);
    assert.equal(properties["ttl"]!["writeOnly"], true);
    assert.equal(properties["old"]!["deprecated"], true);
    assert.equal(properties["name"]!["description"], "Its name: `things/{id}`.");
    assert.deepEqual(properties["wrappedBig"], { type: ["string", "null"], format: "int64" });
    assert.deepEqual(properties["partsById"], {
      type: "object",
      propertyNames: { pattern: "^-?[0-9]+$" },
      additionalProperties: { $ref: "#/components/schemas/rich.v1.Thing.Part" },
    });
    const state = document.components.schemas["rich.v1.Thing.State"]!;
    assert.deepEqual(state["enum"], ["STATE_UNSPECIFIED", "STATE_OPEN", "STATE_CLOSED", "STATE_BROKEN"]);
    assert.equal(state["description"], "How far along it is.\n\n- `STATE_UNSPECIFIED`: Not said.\n- `STATE_OPEN`: Being worked on.");
  });

  it("leaves path fields out of a body that is the rest of the message", () => {
    const set = bufBuild({
      "a.proto": `syntax = "proto3"; package a; import "google/api/annotations.proto";
        message M { string id = 1; string text = 2; }
        service S { rpc Do(M) returns (M) { option (google.api.http) = { put: "/m/{id}" body: "*" }; } }`,
    });
    const put = documentOf(set).paths["/m/{id}"]!["put"] as Operation;
    assert.deepEqual(put.requestBody!.content["application/json"]!.schema["properties"], { text: { type: "string" } });
  });

  it("stays sound where templates, names and types do their worst", () => {
    const set = bufBuild({
      "a.proto": `syntax = "proto3"; package a; import "google/api/annotations.proto"; import "b.proto";
        message Loop { Loop loop = 1; map<string, Loop> loops = 2; string id = 3; repeated Loop many = 4; b.M other = 5; }
        service S {
          rpc One(Loop) returns (Loop) { option (google.api.http) = { get: "/x/{id}" }; }
          rpc Two(Loop) returns (Loop) { option (google.api.http) = { post: "/x/{loop.id}" body: "loop" additional_bindings { get: "/x/{loop.loop.id}" } }; }
          rpc Three(Loop) returns (Loop) { option (google.api.http) = { custom { kind: "PURGE" path: "/x/*/y/**" } }; }
          rpc Four(Loop) returns (Loop) { option (google.api.http) = { get: "/broken/{" additional_bindings { get: "/y/{id=a/*/b/**}/z" } }; }
        }`,
      "b.proto": `syntax = "proto3"; package b; message M { string s = 1; } service S { rpc One(M) returns (stream M); }`,
    });
    const { paths } = documentOf(set);
    assert.deepEqual(Object.keys(paths), ["/x/{id}", "/x/{segment}/y/{segment_2}", "/y/a/{a}/b/{b}/z", ...Object.keys(paths).slice(3)]);
    const ids = Object.values(paths).flatMap((item) => Object.values(item).map((each) => (each as Operation).operationId));
    assert.ok(ids.includes("a_S_One") && ids.includes("b_S_One"));
    assert.ok(paths["/x/{segment}/y/{segment_2}"]!["x-additionalOperations"]);
  });

  it("ends where wide types hold one another, and keeps the outer fields", () => {
    const wide = (name: string, inner: string): string =>
      `message ${name} { ${Array.from({ length: 60 }, (_, i) => `${inner} f${i} = ${i + 1};`).join(" ")} }`;
    const set = bufBuild({
      "a.proto": `syntax = "proto3"; package a; import "google/api/annotations.proto";
        message Q { W w = 1; string last = 2; } ${wide("W", "X")} ${wide("X", "W")} ${wide("Y", "string")}
        message R { Y a = 1; Y b = 2; Y c = 3; Y d = 4; Q q = 5; string last = 6; }
        service S {
          rpc One(Q) returns (Q) { option (google.api.http).get = "/q"; }
          rpc Two(R) returns (R) { option (google.api.http).get = "/r"; }
        }`,
    });
    const { paths } = documentOf(set);
    const names = (path: string): string[] => (paths[path]!["get"] as Operation).parameters!.map(({ name }) => name);
    assert.deepEqual(names("/q"), ["last"]);
    assert.deepEqual(names("/r"), ["last"]);
  });

  it("is sound for proto2 and editions, and equal for equal schemas", () => {
    const set = bufBuild({
      "old.proto": `syntax = "proto2"; package o; message M { required string id = 1; optional group G = 2 { optional int64 n = 1; } extensions 10 to 20; }
        extend M { optional string note = 10; } service S { rpc Do(M) returns (M); }`,
    });
    const document = documentOf(set);
    const message = document.components.schemas["o.M"]!;
    assert.deepEqual(Object.keys(message["properties"] as object), ["id", "g", "[o.note]"]);
    assert.deepEqual(message["required"], ["id"]);
    assert.equal(JSON.stringify(documentOf(set)), JSON.stringify(document));
  });
});
