/** Path variables onto fields: types, escapes, and what no variable can bind (SEMANTICS A1.4). */
import assert from "node:assert/strict";
import { BindingError } from "../../../../src/schema/binding/binder.ts";
import { TemplateError } from "../../../../src/schema/http-rule/template.ts";
import { Keep } from "../../../../src/schema/percent-decoding.ts";
import { bindError, binderFor, bound } from "../../../support/bound.ts";

describe("path variables", () => {
  const cases = [
    // template                        path                            message
    ["/v1/{id}", "/v1/7", { id: "7" }],
    ["/v1/{id}", "/v1/a%2Fb", { id: "a/b" }], // single-segment: all is decoded
    ["/v1/{id}", "/v1/%2f", { id: "/" }],
    ["/v1/{id}", "/v1/a+b", { id: "a+b" }], // a plus in a path is a plus
    ["/v1/{id}", "/v1/a%20b", { id: "a b" }],
    ["/v1/{id}", "/v1/caf%C3%A9", { id: "café" }],
    ["/v1/{id}", "/v1/caf\u00c3\u00a9", { id: "café" }], // sent raw, as bytes
    ["/v1/{id}", "/v1/%F0%9F%98%80", { id: "😀" }],
    ["/v1/{id}", "/v1/%00", { id: "\0" }],
    ["/v1/{id}", "/v1/%25", { id: "%" }],
    ["/v1/{id}", "/v1/%252F", { id: "%2F" }],
    ["/v1/{id}", "/v1/" + "x".repeat(64), { id: "x".repeat(64) }],
    ["/v1/{id}", "/v1/" + "x".repeat(65), { id: "x".repeat(65) }],
    ["/v1/{id}", "/v1/" + "x".repeat(127), { id: "x".repeat(127) }],
    ["/v1/{id}", "/v1/" + "x".repeat(128), { id: "x".repeat(128) }],
    ["/v1/{id}", "/v1/" + "%C3%A9".repeat(64), { id: "é".repeat(64) }],
    ["/v1/{id}", "/v1/" + "%41".repeat(5000), { id: "A".repeat(5000) }],
    ["/v1/{id}/x", "/v1//x", {}],
    ["/v1/{id=shelves/*}", "/v1/shelves/7", { id: "shelves/7" }],
    ["/v1/{id=shelves/*}", "/v1/shelves/a%2Fb", { id: "shelves/a%2Fb" }], // multi-segment keeps %2F
    ["/v1/{id=shelves/*}", "/v1/shelves/a%2fb", { id: "shelves/a%2fb" }],
    ["/v1/{id=shelves/*}", "/v1/shelves/a%20b", { id: "shelves/a b" }],
    ["/v1/{id=shelves/*}", "/v1/shelves/a%3Ab%3F", { id: "shelves/a%3Ab%3F" }], // and all that RFC 6570 reserves
    ["/v1/{id=shelves/*}", "/v1/shelves/a%25%41", { id: "shelves/a%A" }],
    ["/v1/{id=**}", "/v1/a/b%2Fc", { id: "a/b%2Fc" }],
    ["/v1/{id=**}", "/v1", {}],
    ["/v1/{id=**}:purge", "/v1/a/b:purge", { id: "a/b" }],
    ["/v1/{id=fixed}", "/v1/fixed", { id: "fixed" }],
    ["/v1/{id=fixed}", "/v1/%66ixed", { id: "fixed" }],
    ["/v1/{page_size}", "/v1/50", { pageSize: 50 }],
    ["/v1/{pageSize}", "/v1/-50", { pageSize: -50 }],
    ["/v1/{i64}", "/v1/9007199254740993", { i64: "9007199254740993" }],
    ["/v1/{on}", "/v1/true", { on: true }],
    ["/v1/{color}", "/v1/COLOR_RED", { color: "COLOR_RED" }],
    ["/v1/{color}", "/v1/2", { color: "COLOR_DARK_BLUE" }],
    ["/v1/{dbl}", "/v1/1.5", { dbl: 1.5 }],
    ["/v1/{blob}", "/v1/_-8", { blob: "/+8=" }],
    ["/v1/{item.sku}", "/v1/a", { item: { sku: "a" } }],
    ["/v1/{item.inner.sku}", "/v1/a", { item: { inner: { sku: "a" } } }],
    ["/v1/{item.sku}/{item.quantity}", "/v1/a/3", { item: { sku: "a", quantity: 3 } }],
    ["/v1/{item.inner.inner.inner.sku}", "/v1/" + "x".repeat(200), { item: { inner: { inner: { inner: { sku: "x".repeat(200) } } } } }],
    ["/v1/{by_name}", "/v1/x", { byName: "x" }],
    ["/v1/{nickname}", "/v1/x", { nickname: "x" }],
    ["/v1/{text_value}", "/v1/x", { textValue: "x" }],
    ["/v1/{long_value}", "/v1/0", { longValue: "0" }],
    ["/v1/{mask}", "/v1/pageSize,item.sku", { mask: "pageSize,item.sku" }],
    ["/v1/{otherName}", "/v1/x", { otherName: "x" }],
    ["/v1/{id}/{page_size}/{on}", "/v1/a/2/true", { id: "a", pageSize: 2, on: true }],
  ] as const;
  for (const [template, path, message] of cases)
    it(`${template} takes ${path.slice(0, 60)}`, () => assert.deepEqual(bound({ rule: `GET ${template}` }, path), message));

  it("keeps only the slash where told so", () => {
    const options = { multiSegmentKeep: Keep.SLASH };
    assert.deepEqual(bound({ rule: "GET /v1/{id=**}", options }, "/v1/a%3Ab/c%2Fd"), { id: "a:b/c%2Fd" });
  });

  const refused = [
    // template           path              says
    ["/v1/{id}", "/v1/%", /path variable "id" holds a malformed percent escape/],
    ["/v1/{id}", "/v1/%4", /malformed/],
    ["/v1/{id}", "/v1/%zz", /malformed/],
    ["/v1/{id}", "/v1/a%2", /malformed/],
    ["/v1/{id}", "/v1/%ff", /path variable "id" is not UTF-8/],
    ["/v1/{id}", "/v1/%C3", /not UTF-8/],
    ["/v1/{id}", "/v1/%C0%80", /not UTF-8/], // overlong
    ["/v1/{id}", "/v1/%ED%A0%80", /not UTF-8/], // surrogate
    ["/v1/{id}", "/v1/\u00e9", /not UTF-8/], // a raw byte by itself
    ["/v1/{id=**}", "/v1/a/%", /malformed/],
    ["/v1/{page_size}", "/v1/x", /path variable "page_size" must be a whole number/],
    ["/v1/{page_size}", "/v1/%zz", /malformed/],
    ["/v1/{page_size}", "/v1/2147483648", /whole number/],
    ["/v1/{page_size}/x", "/v1//x", /whole number/],
    ["/v1/{on}", "/v1/yes", /must be true or false/],
    ["/v1/{color}", "/v1/COLOR_RDE", /must be one of .* \(did you mean COLOR_RED\?\)/],
    ["/v1/{item.quantity}", "/v1/x", /"item.quantity"/],
  ] as const;
  for (const [template, path, says] of refused)
    it(`${template} refuses ${path}`, () => {
      const error = bindError({ rule: `GET ${template}` }, path);
      assert.equal(error.reason, "INVALID_PARAMETER");
      assert.match(error.message, says);
      assert.equal(error.violations.length, 1);
      assert.ok(error.message.includes(error.violations[0]!.field));
    });

  const impossible = [
    // template                              column      says
    ["/v1/{nope}", 6, /no field "nope" in bind.v1.Request/],
    ["/v1/{pageSzie}", 6, /did you mean pageSize\?/],
    ["/v1/{id}/{item.skuu}", 11, /no field "item.skuu" .*did you mean item.sku\?/],
    ["/v1/{id.x}", 6, /id has no fields/],
    ["/v1/{at.seconds}", 6, /at has no fields/],
    ["/v1/{tags}", 6, /tags is a repeated field/],
    ["/v1/{labels}", 6, /labels is a map field/],
    ["/v1/{labels.x}", 6, /labels is a map field/],
    ["/v1/{items.sku}", 6, /items is a repeated field/],
    ["/v1/{item}", 6, /item is a message/],
    ["/v1/{any}", 6, /any is a message/],
    ["/v1/{struct}", 6, /struct is a message/],
    ["/v1/{value}", 6, /value is a message/],
    ["/v1/{by_name}/{by_number}", undefined, /two members of the oneof choice/],
  ] as const;
  for (const [template, column, says] of impossible)
    it(`no binding: ${template}`, () =>
      assert.throws(
        () => binderFor({ rule: `GET ${template}` }),
        (error: unknown) => error instanceof BindingError && says.test(error.message) && error.column === column,
      ));

  it("no binding: a bad template", () => assert.throws(() => binderFor({ rule: "GET /v1/{id" }), TemplateError));
});
