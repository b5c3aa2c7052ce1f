/** A form binds like a query does; parts of any kind bind to a valid message or fail as a CallError that is a 400. */
import { fromBinary } from "@bufbuild/protobuf";
import fc from "fast-check";
import assert from "node:assert/strict";
import { CallError } from "../../src/core/call-error.ts";
import type { FormPart } from "../../src/schema/binding/form-part.ts";
import { binderFor, bindSchema } from "../support/bound.ts";

const names = [
  "id",
  "page_size",
  "item",
  "item.sku",
  "item.inner.tags",
  "items",
  "labels",
  "blob",
  "blobs",
  "text_value",
  "by_name",
  "zzz",
];
const target = { captures: [], query: "" };

/** The message's bytes, or the reason and the words of the refusal. */
function outcome(bind: () => { wire(): Uint8Array }): string {
  try {
    return Buffer.from(bind().wire()).toString("hex");
  } catch (error) {
    assert.ok(error instanceof CallError && error.code === 3, String(error));
    return `${error.reason}: ${error.message.replaceAll("query parameter", "form field")}`;
  }
}

describe("form properties", () => {
  it("a form binds as the query with the same text", () => {
    const query = binderFor({ rule: "GET /v1" });
    const form = binderFor({ rule: "POST /v1", body: "*" });
    const piece = fc.oneof(
      fc.constantFrom(...names),
      fc.constantFrom(..."&=[].%+01", "&=", "%41", "%ff", "[a]="),
      fc.string({ maxLength: 2 }),
    );
    fc.assert(
      fc.property(fc.array(piece, { minLength: 1, maxLength: 20 }), (pieces) => {
        const text = pieces.join("");
        assert.equal(
          outcome(() => form.bindForm(target, text)),
          outcome(() => query.bind({ captures: [], query: text }, undefined)),
        );
      }),
      { numRuns: 2000 },
    );
  });

  it("parts of any kind bind or are refused", () => {
    const { registry } = bindSchema();
    const desc = registry.getMessage("bind.v1.Request")!;
    const binders = [binderFor({ rule: "POST /v1", body: "*" }), binderFor({ rule: "POST /v1", body: "item" })];
    const part: fc.Arbitrary<FormPart> = fc.record({
      name: fc.oneof(fc.constantFrom(...names, "sku", "tags", "labels[a]", "inner.sku", "items[0].sku"), fc.string({ maxLength: 8 })),
      contentType: fc.constantFrom("", "text/plain", "application/json", "image/png"),
      fileName: fc.option(fc.string({ maxLength: 4 }), { nil: undefined }),
      data: fc.oneof(
        fc.uint8Array({ maxLength: 12 }),
        fc.constantFrom("7", "a", '{"sku":"x"}', '{"sku":', "[]", "null").map((text) => Buffer.from(text)),
      ),
    });
    fc.assert(
      fc.property(fc.array(part, { maxLength: 6 }), fc.nat(1), (parts, which) => {
        let wire: Uint8Array;
        try {
          wire = binders[which]!.bindParts(target, parts).wire();
        } catch (error) {
          assert.ok(error instanceof CallError && error.code === 3, String(error));
          return;
        }
        fromBinary(desc, wire);
      }),
      { numRuns: 2000 },
    );
  });
});
