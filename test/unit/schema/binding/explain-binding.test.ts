/** Parts of a request explained one by one: what is secret stays out, what is odd does not break it. */
import assert from "node:assert/strict";
import { withoutSecrets } from "../../../../src/schema/binding/explain-binding.ts";
import type { FieldDescriptor, MessageDescriptor } from "../../../../src/schema/descriptor.ts";
import { bindSchema, binderFor } from "../../../support/bound.ts";

describe("explanation of a binding", () => {
  const explain = (rule: string, captures: string[], query: string, options = {}) =>
    binderFor({ rule, options })
      .explain({ captures, query })
      .map(({ name, value, ignored, error }) => [name, value ?? ignored ?? error?.message]);

  it("takes parts without a value, without a name, and with escapes that are none", () => {
    const told = explain("GET /v1/{id}", ["a"], "&=x&%zz=1&id=1&&");
    assert.deepEqual(
      told.map(([name]) => name),
      ["id", "", "%zz", "id"],
    );
    assert.match(told[2]![1] as string, /malformed escape/);
    assert.equal(told[3]![1], "the path binds this field");
  });

  it("stops at the most parameters that a request may have", () => {
    assert.equal(explain("GET /v1/{id}", ["a"], "x=1&".repeat(50), { maxParameters: 10 }).length, 11);
  });

  it("leaves out fields that are marked as secret, at any depth", () => {
    const schema = bindSchema().schema;
    const named = (type: MessageDescriptor, ...secret: string[]): MessageDescriptor => ({
      ...type,
      codec: (profile) => type.codec(profile),
      fields: type.fields.map((field): FieldDescriptor => ({ ...field, redact: secret.includes(field.name) })),
    });
    const type = named(schema.message("bind.v1.Request")!, "id");
    assert.deepEqual(withoutSecrets(type, { id: "sesame", other: [1, { a: null }] }), { id: "[redacted]", other: [1, { a: null }] });
    assert.equal(withoutSecrets(type, null), null);
  });
});
