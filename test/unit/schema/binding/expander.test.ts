import assert from "node:assert/strict";
import { create, fromJson, toBinary, type JsonObject } from "@bufbuild/protobuf";
import { canonicalJson } from "../../../../src/core/message-type.ts";
import { BindingError } from "../../../../src/schema/binding/binder.ts";
import { createExpander, type Expander } from "../../../../src/schema/binding/expander.ts";
import { Misfit } from "../../../../src/schema/binding/query-expansion.ts";
import { TemplateError } from "../../../../src/schema/http-rule/template.ts";
import { bindSchema, methodTaking } from "../../../support/bound.ts";

function expanderOf(rule: string, body = "", repeatedMessages = false): Expander {
  const [httpMethod, template] = rule.split(" ") as [string, string];
  const options = { json: canonicalJson, repeatedMessages, targetBytes: 1000 };
  return createExpander(methodTaking(bindSchema(), "bind.v1.Request"), { httpMethod, template, body, responseBody: "" }, options);
}

function wireOf(json: JsonObject): Uint8Array {
  const { registry } = bindSchema();
  const desc = registry.getMessage("bind.v1.Request")!;
  return Object.keys(json).length === 0 ? toBinary(desc, create(desc)) : toBinary(desc, fromJson(desc, json, { registry }));
}

describe("a message without a request", () => {
  const misfits: [rule: string, body: string, message: JsonObject, field: string, why: RegExp][] = [
    ["GET /v1/{id}", "", {}, "id", /does not fit the path \/v1\/\{id\}: id = ""/],
    ["GET /v1/{id}", "", { id: "." }, "id", /does not fit the path/],
    ["GET /v1/{id=a/*}", "", { id: "b/c" }, "id", /does not fit the path/],
    ["GET /v1/{nickname}", "", {}, "nickname", /is not set, and stands in the path/],
    ["GET /v1/{by_number}", "", { byName: "x" }, "by_number", /is not set/],
    ["GET /v1/{item.sku}", "", {}, "item.sku", /is not set/],
    ["GET /v1/{item.quantity}", "", {}, "item.quantity", /is not set/],
    ["GET /v1/{at}", "", {}, "at", /is not set/],
    ["GET /v1", "", { items: [{ sku: "a" }] }, "items", /is a list of messages/],
    ["GET /v1", "", { item: { parts: [{ sku: "a" }] } }, "item.parts", /is a list of messages/],
    ["GET /v1", "", { itemsByName: { a: {} } }, "items_by_name", /is a map of messages/],
    ["GET /v1", "", { any: { "@type": "type.googleapis.com/bind.v1.Item" } }, "any", /is a google\.protobuf\.Any/],
    ["GET /v1", "", { byItem: {} }, "by_item", /is an empty message/],
    ["POST /v1", "id", { items: [{}] }, "items", /is a list of messages/],
    ["GET /v1", "", { pageToken: "x".repeat(2000) }, "", /makes a path and query of 2\d\d\d bytes, and 1000 may be sent/],
  ];
  for (const [rule, body, message, field, why] of misfits)
    it(`${rule}${body === "" ? "" : ` body: ${body}`} with ${JSON.stringify(message).slice(0, 60)}`, () => {
      const outcome = expanderOf(rule, body).expand(wireOf(message));
      assert.ok(outcome instanceof Misfit);
      assert.equal(outcome.field, field);
      assert.match(outcome.why, why);
    });

  it("a gap in a repeated message is one, where elements have parameters", () => {
    const outcome = expanderOf("GET /v1", "", true).expand(wireOf({ items: [{ sku: "a" }, {}] }));
    assert.ok(outcome instanceof Misfit);
    assert.equal(outcome.field, "items[1]");
  });
});

describe("rules without a request", () => {
  for (const [rule, fault] of [
    ["GET /v1/*", BindingError],
    ["GET /v1/**", BindingError],
    ["CONNECT /v1", BindingError],
    ["G(T /v1", BindingError],
    ["GET /v1/{no_such}", BindingError],
    ["GET /v1/{items}", BindingError],
    ["GET v1", TemplateError],
  ] as const)
    it(rule, () => assert.throws(() => expanderOf(rule), fault));
});

describe("further messages of a client stream", () => {
  const expander = expanderOf("POST /v1/{id}", "item");
  const first = expander.expand(wireOf({ id: "a", pageSize: 2, item: { sku: "s" } }));
  assert.ok(!(first instanceof Misfit));

  function next(message: JsonObject): string | undefined {
    assert.ok(!(first instanceof Misfit));
    const body = expander.expandNext(wireOf(message), first);
    if (body instanceof Misfit) return `${body.field} ${body.why}`;
    return body.bytes === undefined ? undefined : Buffer.from(body.bytes).toString();
  }

  it("say what the first said, or nothing", () => {
    assert.equal(next({ item: { sku: "t" } }), '{"sku":"t"}');
    assert.equal(next({ id: "a", pageSize: 2, item: { sku: "u" } }), '{"sku":"u"}');
    assert.equal(next({ id: "a" }), undefined);
  });

  it("or do not fit", () => {
    assert.equal(next({ id: "b" }), "id is not what the first message says, and stands in the path");
    assert.equal(next({ pageSize: 3 }), "page_size is not what the first message says, and stands in the query");
    assert.equal(next({ on: true }), "on is not what the first message says, and stands in the query");
  });
});
