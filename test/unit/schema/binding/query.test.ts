/** Query parameters onto fields (SEMANTICS A1.5, A1.6), a line each. */
import assert from "node:assert/strict";
import { bindError, bound } from "../../../support/bound.ts";

const rule = { rule: "GET /v1" };

describe("query parameters", () => {
  const cases = [
    // query                                      message
    ["", {}],
    ["id=7", { id: "7" }],
    ["id=", {}],
    ["id", {}], // without = the value is empty
    ["nickname", { nickname: "" }],
    ["&&id=7&&", { id: "7" }],
    ["id=a=b", { id: "a=b" }],
    ["id=a?b", { id: "a?b" }],
    ["id=a+b", { id: "a b" }], // + is a space
    ["id=a%2Bb", { id: "a+b" }],
    ["id=a%20b%26c", { id: "a b&c" }],
    ["id=%2F", { id: "/" }],
    ["id=caf%C3%A9", { id: "café" }],
    ["%69d=7", { id: "7" }],
    ["page_size=5", { pageSize: 5 }],
    ["pageSize=5", { pageSize: 5 }],
    ["renamed=x", { otherName: "x" }],
    ["otherName=x", { otherName: "x" }],
    ["id=1&page_size=5&page_token=t", { id: "1", pageSize: 5, pageToken: "t" }],
    // scalars
    ["i64=-9223372036854775808", { i64: "-9223372036854775808" }],
    ["i64=9223372036854775807", { i64: "9223372036854775807" }],
    ["u64=18446744073709551615", { u64: "18446744073709551615" }],
    ["u32=4294967295", { u32: 4294967295 }],
    ["s32=-2147483648", { s32: -2147483648 }],
    ["s64=-9223372036854775808", { s64: "-9223372036854775808" }],
    ["s64=-1", { s64: "-1" }],
    ["f32=4294967295", { f32: 4294967295 }],
    ["f64=18446744073709551615", { f64: "18446744073709551615" }],
    ["sf32=-1", { sf32: -1 }],
    ["sf64=-1", { sf64: "-1" }],
    ["page_size=-0", {}],
    ["page_size=1e3", { pageSize: 1000 }], // as ProtoJSON reads numbers in quotes
    ["page_size=1.0", { pageSize: 1 }],
    ["page_size=0.5e1", { pageSize: 5 }],
    ["page_size=1000e-3", { pageSize: 1 }],
    ["i64=9.223372036854775807e18", { i64: "9223372036854775807" }],
    ["dbl=1.5e300", { dbl: 1.5e300 }],
    ["dbl=NaN", { dbl: "NaN" }],
    ["dbl=Infinity", { dbl: "Infinity" }],
    ["dbl=-Infinity", { dbl: "-Infinity" }],
    ["dbl=-0.5", { dbl: -0.5 }],
    ["flt=0.5", { flt: 0.5 }],
    ["flt=3.4028235e38", { flt: 3.4028234663852886e38 }],
    ["flt=Infinity", { flt: "Infinity" }],
    ["on=true", { on: true }],
    ["on=false", {}],
    ["blob=AAEC", { blob: "AAEC" }],
    ["blob=_-8", { blob: "/+8=" }],
    ["blob=%2F%2B8%3D", { blob: "/+8=" }],
    ["blob=_-8=", { blob: "/+8=" }],
    ["blob=", {}],
    ["color=COLOR_RED", { color: "COLOR_RED" }],
    ["color=2", { color: "COLOR_DARK_BLUE" }],
    ["color=-1", { color: "COLOR_NEGATIVE" }],
    ["color=77", { color: 77 }],
    // repeated scalars
    ["tags=a&tags=b&tags=a", { tags: ["a", "b", "a"] }],
    ["tags=", { tags: [""] }],
    ["tags=a,b", { tags: ["a,b"] }],
    ["numbers=1&numbers=-1", { numbers: [1, -1] }],
    ["colors=COLOR_RED&colors=2", { colors: ["COLOR_RED", "COLOR_DARK_BLUE"] }],
    ["tags=a&id=7&tags=b", { id: "7", tags: ["a", "b"] }],
    // nested
    ["item.sku=a", { item: { sku: "a" } }],
    ["item.sku=a&item.quantity=2", { item: { sku: "a", quantity: 2 } }],
    ["item.inner.inner.sku=a&item.inner.quantity=1", { item: { inner: { quantity: 1, inner: { sku: "a" } } } }],
    ["item.tags=a&item.tags=b", { item: { tags: ["a", "b"] } }],
    ["item.inner.sku=" + "x".repeat(200), { item: { inner: { sku: "x".repeat(200) } } }],
    // maps
    ["labels[a]=1&labels[b]=2", { labels: { a: "1", b: "2" } }],
    ["labels%5Ba%5D=1", { labels: { a: "1" } }],
    ["labels[a.b]=1", { labels: { "a.b": "1" } }],
    ["labels[a[0]]=1", { labels: { "a[0]": "1" } }],
    ["labels[]=1", { labels: { "": "1" } }],
    ["labels[%C3%A9]=%C3%A9", { labels: { é: "é" } }],
    ["flags[7]=true&flags[-1]=false", { flags: { "7": true, "-1": false } }],
    ["paints[sky]=COLOR_DARK_BLUE", { paints: { sky: "COLOR_DARK_BLUE" } }],
    ["item.stock[a]=5", { item: { stock: { a: 5 } } }],
    ["item.inner.stock[a]=5&item.inner.stock[b]=6", { item: { inner: { stock: { a: 5, b: 6 } } } }],
    ["blobs[a]=AAEC", { blobs: { a: "AAEC" } }],
    // oneofs and presence
    ["by_name=x", { byName: "x" }],
    ["by_number=0", { byNumber: 0 }],
    ["by_item.sku=a&by_item.quantity=2", { byItem: { sku: "a", quantity: 2 } }],
    ["nickname=", { nickname: "" }],
    // well-known types
    ["text_value=", { textValue: "" }],
    ["text_value=a%20b", { textValue: "a b" }],
    ["long_value=0", { longValue: "0" }],
    ["long_value=9007199254740993", { longValue: "9007199254740993" }],
    ["bool_value=false", { boolValue: false }],
    ["int_values=0&int_values=5", { intValues: [0, 5] }],
    ["mask=pageSize,item.sku", { mask: "pageSize,item.sku" }],
    ["mask=page_size", { mask: "pageSize" }],
    ["mask=", { mask: "" }],
  ] as const;
  for (const [query, message] of cases) it(`?${query.slice(0, 60)}`, () => assert.deepEqual(bound(rule, `/v1?${query}`), message));

  const refused = [
    // query                        reason               field           says
    ["pageSzie=5", "UNKNOWN_FIELD", "pageSzie", /^unknown query parameter "pageSzie" \(did you mean pageSize\?\)$/],
    ["page_sizes=5", "UNKNOWN_FIELD", "page_sizes", /did you mean pageSize/],
    ["zzz=1", "UNKNOWN_FIELD", "zzz", /^unknown query parameter "zzz"$/],
    ["=1", "UNKNOWN_FIELD", "", /unknown query parameter ""/],
    ["item.skew=1", "UNKNOWN_FIELD", "item.skew", /"item.skew" \(did you mean item.sku\?\)/],
    ["item..sku=1", "UNKNOWN_FIELD", "item..sku", /unknown/],
    [".id=1", "UNKNOWN_FIELD", ".id", /unknown/],
    ["id.x=1", "UNKNOWN_FIELD", "id.x", /unknown/],
    ["at.seconds=1", "UNKNOWN_FIELD", "at.seconds", /unknown/],
    ["labels.a=1", "INVALID_PARAMETER", "labels", /map field/],
    ["__proto__=1", "UNKNOWN_FIELD", "__proto__", /unknown/],
    ["constructor=1", "UNKNOWN_FIELD", "constructor", /unknown/],
    ["x".repeat(5000) + "=1", "UNKNOWN_FIELD", "x".repeat(64) + "...", /unknown/],
    ["id=1&id=2", "INVALID_PARAMETER", "id", /given twice/],
    ["id=1&id=1", "INVALID_PARAMETER", "id", /given twice/],
    ["page_size=1&pageSize=1", "INVALID_PARAMETER", "page_size", /given twice/],
    ["item.sku=1&item.sku=2", "INVALID_PARAMETER", "item.sku", /given twice/],
    ["text_value=1&text_value=2", "INVALID_PARAMETER", "text_value", /given twice/],
    ["labels[a]=1&labels[a]=2", "INVALID_PARAMETER", "labels", /key twice/],
    ["by_name=x&by_number=1", "INVALID_PARAMETER", "by_number", /one of choice/],
    ["by_item.sku=x&by_name=1", "INVALID_PARAMETER", "by_name", /one of choice/],
    ["item.factory=x&item.parent.sku=1", "INVALID_PARAMETER", "item.parent.sku", /one of item.origin/],
    ["item=1", "INVALID_PARAMETER", "item", /is a message: name one of its fields, as in item.sku/],
    ["items=1", "INVALID_PARAMETER", "items", /repeated field of messages/],
    ["items.sku=1", "INVALID_PARAMETER", "items", /repeated field/],
    ["items[0].sku=1", "INVALID_PARAMETER", "items", /repeated field/],
    ["any=1", "INVALID_PARAMETER", "any", /message/],
    ["empty=", "INVALID_PARAMETER", "empty", /message/],
    ["labels=1", "INVALID_PARAMETER", "labels", /is a map: write labels\[key\]=value/],
    ["labels[a=1", "INVALID_PARAMETER", "labels", /write labels\[key\]/],
    ["labels[a]b=1", "INVALID_PARAMETER", "labels", /write labels\[key\]/],
    ["items_by_name[a]=1", "INVALID_PARAMETER", "items_by_name", /map field of messages/],
    ["items_by_name[a].sku=1", "INVALID_PARAMETER", "items_by_name", /map field of messages/],
    ["flags[x]=true", "INVALID_PARAMETER", "flags", /key that is a whole number/],
    ["flags[1]=x", "INVALID_PARAMETER", "flags", /true or false/],
    ["id[0]=1", "INVALID_PARAMETER", "id", /not a map/],
    ["tags[0]=1", "INVALID_PARAMETER", "tags", /repeated/],
    ["nope[a]=1", "UNKNOWN_FIELD", "nope", /unknown/],
    ["page_size=", "INVALID_PARAMETER", "page_size", /whole number from -2147483648 to 2147483647/],
    ["page_size", "INVALID_PARAMETER", "page_size", /whole number/],
    ["page_size=1.5", "INVALID_PARAMETER", "page_size", /whole number/],
    ["page_size=1e-400", "INVALID_PARAMETER", "page_size", /whole number/],
    ["page_size=1e400", "INVALID_PARAMETER", "page_size", /whole number/],
    ["page_size=1e99999999999", "INVALID_PARAMETER", "page_size", /whole number/],
    ["page_size=0x10", "INVALID_PARAMETER", "page_size", /whole number/],
    ["page_size=%2B1", "INVALID_PARAMETER", "page_size", /whole number/],
    ["page_size=+1", "INVALID_PARAMETER", "page_size", /whole number/],
    ["page_size=007", "INVALID_PARAMETER", "page_size", /whole number/],
    ["page_size=1.0000000000000000001", "INVALID_PARAMETER", "page_size", /whole number/],
    ["page_size=2147483648", "INVALID_PARAMETER", "page_size", /whole number/],
    ["page_size=-2147483649", "INVALID_PARAMETER", "page_size", /whole number/],
    ["u32=-1", "INVALID_PARAMETER", "u32", /from 0 to 4294967295/],
    ["u32=4294967296", "INVALID_PARAMETER", "u32", /from 0/],
    ["i64=9223372036854775808", "INVALID_PARAMETER", "i64", /64 bits/],
    ["u64=-1", "INVALID_PARAMETER", "u64", /64 bits, not negative/],
    ["u64=18446744073709551616", "INVALID_PARAMETER", "u64", /64 bits/],
    ["i64=" + "9".repeat(5000), "INVALID_PARAMETER", "i64", /64 bits/],
    ["dbl=1e999", "INVALID_PARAMETER", "dbl", /a number/],
    ["dbl=inf", "INVALID_PARAMETER", "dbl", /a number/],
    ["dbl=.5", "INVALID_PARAMETER", "dbl", /a number/],
    ["dbl=", "INVALID_PARAMETER", "dbl", /a number/],
    ["flt=3.5e38", "INVALID_PARAMETER", "flt", /single precision/],
    ["on=1", "INVALID_PARAMETER", "on", /true or false/],
    ["on=TRUE", "INVALID_PARAMETER", "on", /true or false/],
    ["on", "INVALID_PARAMETER", "on", /true or false/],
    ["blob=a", "INVALID_PARAMETER", "blob", /base64/],
    ["blob=!!!!", "INVALID_PARAMETER", "blob", /base64/],
    ["blob=AA=", "INVALID_PARAMETER", "blob", /base64/],
    ["color=COLOR_BLUE_DARK", "INVALID_PARAMETER", "color", /one of COLOR_UNSPECIFIED, COLOR_RED/],
    ["color=color_red", "INVALID_PARAMETER", "color", /did you mean COLOR_RED/],
    ["color=2147483648", "INVALID_PARAMETER", "color", /one of/],
    ["mask=a b", "INVALID_PARAMETER", "mask", /names of fields/],
    ["mask=a,,b", "INVALID_PARAMETER", "mask", /names of fields/],
    ["id=%", "INVALID_PARAMETER", "id", /query parameter "id" holds a malformed percent escape/],
    ["id=%e9", "INVALID_PARAMETER", "id", /not UTF-8/],
    ["id=%2", "INVALID_PARAMETER", "id", /malformed/],
    ["%zz=1", "INVALID_PARAMETER", "", /name of a query parameter/],
    ["%ff=1", "INVALID_PARAMETER", "", /name of a query parameter/],
    ["page_size=%31%", "INVALID_PARAMETER", "page_size", /malformed/],
    ["item." + "inner.".repeat(40) + "sku=1", "INVALID_PARAMETER", "item." + "inner.".repeat(40) + "sku", /deeper than 32/],
  ] as const;
  for (const [query, reason, field, says] of refused)
    it(`refuses ?${query.slice(0, 60)}`, () => {
      const error = bindError(rule, `/v1?${query}`);
      assert.equal(error.reason, reason);
      assert.match(error.message, says);
      assert.equal(error.violations[0]?.field, field);
      assert.ok(error.message.length < 500);
    });

  describe("switches", () => {
    const all = { ignoreUnknownParameters: true };
    const some = { ignoredParameters: ["alt", "key", "$alt"] };
    const binds = [
      [all, "zzz=1&id=7", { id: "7" }],
      [all, "item.zzz=1&zzz[a]=2&id.x=1&=1", {}],
      [some, "alt=json&key=secret&id=7&%24alt=1", { id: "7" }],
      [some, "$alt=1", {}],
    ] as const;
    for (const [options, query, message] of binds)
      it(`${JSON.stringify(options)}: ?${query}`, () => assert.deepEqual(bound({ ...rule, options }, `/v1?${query}`), message));

    it("ignoring all still refuses bad values", () =>
      assert.equal(bindError({ ...rule, options: all }, "/v1?page_size=x").reason, "INVALID_PARAMETER"));
    it("a list ignores nothing else", () =>
      assert.equal(bindError({ ...rule, options: some }, "/v1?prettyPrint=1").reason, "UNKNOWN_FIELD"));

    const limited = { maxParameters: 3, ignoreUnknownParameters: true };
    it("counts parameters", () =>
      assert.deepEqual(bound({ ...rule, options: limited }, "/v1?tags=a&&tags=b&tags=c&"), { tags: ["a", "b", "c"] }));
    it("refuses more than the limit, ignored ones included", () =>
      assert.match(bindError({ ...rule, options: limited }, "/v1?a&b&c&d").message, /more than 3 query parameters/));
    it("takes 1000 parameters by default, and no more", () => {
      assert.equal((bound(rule, "/v1?" + "tags=a&".repeat(1000)) as { tags: string[] }).tags.length, 1000);
      assert.match(bindError(rule, "/v1?" + "tags=a&".repeat(1001)).message, /more than 1000/);
    });
  });

  describe("repeated messages, where switched on", () => {
    const options = { repeatedMessages: true };
    const binds = [
      ["items[0].sku=a", { items: [{ sku: "a" }] }],
      ["items[0].sku=a&items[0].quantity=1&items[1].sku=b", { items: [{ sku: "a", quantity: 1 }, { sku: "b" }] }],
      ["items[1].sku=b&id=7&items[0].sku=a", { id: "7", items: [{ sku: "a" }, { sku: "b" }] }],
      ["items[0].parts[1].sku=b&items[0].parts[0].sku=a", { items: [{ parts: [{ sku: "a" }, { sku: "b" }] }] }],
      ["items[0].stock[x]=1", { items: [{ stock: { x: 1 } }] }],
      ["items[0].inner.sku=a", { items: [{ inner: { sku: "a" } }] }],
      ["items[0].tags=a&items[0].tags=b", { items: [{ tags: ["a", "b"] }] }],
      ["item.parts[0].sku=a", { item: { parts: [{ sku: "a" }] } }],
      ["items[0].sku=" + "x".repeat(3000), { items: [{ sku: "x".repeat(3000) }] }],
      ["items%5B0%5D.sku=a", { items: [{ sku: "a" }] }],
      ["items[0].sku=", { items: [{}] }],
    ] as const;
    for (const [query, message] of binds)
      it(`?${query.slice(0, 60)}`, () => assert.deepEqual(bound({ ...rule, options }, `/v1?${query}`), message));
    const fails = [
      ["items[1].sku=a", /"items\[0\]" is missing/],
      ["items[0].sku=a&items[2].sku=b", /"items\[1\]" is missing/],
      ["items[0].sku=a&items[0].sku=b", /"sku" is given twice/],
      ["items[0].factory=a&items[0].parent.sku=b", /one of origin/],
      ["items[0].skew=a", /unknown query parameter "skew"/],
      ["items[0]=a", /write items\[0\].field=value/],
      ["items[x].sku=a", /write items\[0\]/],
      ["items[-1].sku=a", /write items\[0\]/],
      ["items[9999999].sku=a", /write items\[0\]/],
      ["items.sku=a", /repeated field/],
      ["items[0]" + ".parts[0]".repeat(40) + ".sku=a", /nested deeper/],
    ] as const;
    for (const [query, says] of fails)
      it(`refuses ?${query.slice(0, 60)}`, () => assert.match(bindError({ ...rule, options }, `/v1?${query}`).message, says));
  });

  describe("beside the path", () => {
    const both = { rule: "GET /v1/{id}" };
    it("the path wins", () => assert.deepEqual(bound(both, "/v1/path?id=query&page_size=1"), { id: "path", pageSize: 1 }));
    it("a nested field of the path's message is bound", () =>
      assert.deepEqual(bound({ rule: "GET /v1/{item.sku}" }, "/v1/a?item.quantity=1"), { item: { sku: "a", quantity: 1 } }));
    it("another member of the path's oneof is refused", () =>
      assert.match(bindError({ rule: "GET /v1/{by_name}" }, "/v1/a?by_number=1").message, /one of choice/));
    it("a different value is refused where told so", () => {
      const strict = { ...both, options: { refuseCollisions: true } };
      assert.deepEqual(bound(strict, "/v1/same?id=same"), { id: "same" });
      const error = bindError(strict, "/v1/path?id=query");
      assert.equal(error.reason, "INVALID_PARAMETER");
      assert.match(error.message, /"id" has two different values/);
    });
    it("wrappers are replaced, not merged", () =>
      assert.deepEqual(bound({ rule: "GET /v1/{text_value}" }, "/v1/path?text_value=query"), { textValue: "path" }));
  });
});
