import assert from "node:assert/strict";
import { exampleOf } from "../../../src/docs-page/ui/example.ts";
import { matches, servicesOf, typeWord, type ApiDocument } from "../../../src/docs-page/ui/model.ts";
import { buildSchema } from "../../../src/schema/build-schema.ts";
import { createOpenApi } from "../../../src/schema/openapi/document.ts";
import { bufBuildShared } from "../../support/buf-build.ts";

describe("the docs page's view of a document", () => {
  let document: ApiDocument;
  before(function () {
    this.timeout(30_000);
    const made = createOpenApi(buildSchema(bufBuildShared("rich/v1/rich.proto")), { title: "Things", version: "1" });
    document = JSON.parse(JSON.stringify(made)) as ApiDocument;
  });

  it("has the addresses of a method together", () => {
    const [service] = servicesOf(document);
    assert.equal(service!.name, "rich.v1.Things");
    const get = service!.methods.find(({ name }) => name === "GetThing")!;
    assert.deepEqual(
      get.operations.map(({ httpMethod, path }) => `${httpMethod} ${path}`),
      ["GET /v1/things/{name}", "HEAD /v1/things/{name}", "GET /v1/shops/{shop}/things/{thing}", "POST /rich.v1.Things/GetThing"],
    );
    assert.deepEqual(
      [get.id, get.service, get.summary, get.streaming],
      ["rich.v1.Things/GetThing", "rich.v1.Things", "Gets one.", undefined],
    );
    assert.equal(service!.methods.find(({ name }) => name === "Chat")!.streaming, "both");
  });

  it("finds methods by all words, wherever they stand", () => {
    const methods = servicesOf(document).flatMap((service) => service.methods);
    const found = (words: string): string[] => methods.filter((method) => matches(method, words)).map(({ name }) => name);
    assert.deepEqual(found("gets one"), ["GetThing"]);
    assert.deepEqual(found("DELETE purge"), ["DeleteThing"]);
    assert.deepEqual(found("things nowhere"), []);
  });

  it("begins a request with every field that one may set, and ends where a type holds itself", () => {
    const example = exampleOf({ $ref: "#/components/schemas/rich.v1.Thing" }, document) as Record<string, unknown>;
    assert.deepEqual([example["big"], example["state"], example["flag"], example["labels"]], ["0", "STATE_OPEN", false, [""]]);
    assert.deepEqual(example["attributes"], { key: "" });
    assert.deepEqual(example["ttl"], "1.5s");
    assert.ok(!("createTime" in example), "set by the service");
    assert.ok(!("old" in example), "deprecated");
    assert.ok("text" in example && !("part" in example) && !("nothing" in example), "of a oneof the first");
    assert.deepEqual((example["partsById"] as { key: { parts: unknown } }).key.parts, []);
  });

  it("says in a word what a value is", () => {
    const cases: readonly (readonly [Parameters<typeof typeWord>[0], string])[] = [
      [{ type: "string" }, "string"],
      [{ type: "string", format: "int64" }, "int64"],
      [{ type: ["string", "null"], format: "int64" }, "int64"],
      [{ type: ["boolean", "null"] }, "boolean"],
      [{ type: "string", contentEncoding: "base64" }, "base64"],
      [{ type: "array", items: { $ref: "#/components/schemas/a.b.Order" } }, "Order[]"],
      [{ type: "object", additionalProperties: { type: "string" } }, "map of string"],
      [{ type: "object", additionalProperties: true }, "object"],
      [{}, "any"],
    ];
    for (const [schema, word] of cases) assert.equal(typeWord(schema), word);
  });
});
