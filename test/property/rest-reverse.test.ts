/**
 * Reverse o forward = identity: a message that an http rule expands to a request is bound by the same rule to the same message.
 *
 * With only the slash kept in variables of several segments, as google/api/http.proto has it: keeping all reserved characters, which is the
 * default of requests that come in, is a one-way street (SEMANTICS A1.4).
 */
import { fromJson, toBinary, toJson, type JsonObject, type JsonValue } from "@bufbuild/protobuf";
import fc from "fast-check";
import assert from "node:assert/strict";
import { canonicalJson, type JsonProfile } from "../../src/core/message-type.ts";
import type { BindingOptions } from "../../src/schema/binding/binding-options.ts";
import { createExpander, type ExpandedRequest, type Expander, type ExpanderOptions } from "../../src/schema/binding/expander.ts";
import { Misfit } from "../../src/schema/binding/query-expansion.ts";
import { Router } from "../../src/schema/http-rule/router.ts";
import { Keep } from "../../src/schema/percent-decoding.ts";
import { binderFor, bindSchema, jsonOf, methodTaking } from "../support/bound.ts";

const text = fc.oneof(
  fc.string({ unit: "grapheme", maxLength: 12 }),
  fc.constantFrom("a/b", "..", ".", "a%2Fb", "%", "a b+c", "a:b", "?#&=", "[x]", "shelves/7", "é€😀"),
  fc.string({ unit: "binary", maxLength: 6 }).filter((value) => value.isWellFormed()),
);
const int32 = fc.integer({ min: -0x80000000, max: 0x7fffffff });
const int64 = fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }).map(String);
const uint64 = fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }).map(String);
const double = fc.double().map((value) => (Number.isFinite(value) ? value : String(value)));
const float = fc.float().map((value) => (Number.isFinite(value) ? value : String(value)));
const bytes = fc.uint8Array({ maxLength: 9 }).map((value) => Buffer.from(value).toString("base64"));
const color = fc.oneof(fc.constantFrom("COLOR_UNSPECIFIED", "COLOR_RED", "COLOR_DARK_BLUE", "COLOR_NEGATIVE"), int32);
const key = fc.string({ unit: "grapheme", maxLength: 6 }).filter((value) => value !== "__proto__");
const time = fc
  .date({ min: new Date("0001-01-01T00:00:00Z"), max: new Date("9999-12-31T00:00:00Z"), noInvalidDate: true })
  .map((date) => date.toISOString());
const duration = fc.integer({ min: -1e9, max: 1e9 }).map((ms) => `${ms / 1000}s`);
const list = <T>(item: fc.Arbitrary<T>) => fc.array(item, { maxLength: 4 });
const optional = { requiredKeys: [] as never[] };
// Printed as JSON, where -0 is 0.
const jsonValue = fc.jsonValue({ maxDepth: 2 }).filter((value) => !JSON.stringify(value).includes("__proto__") && !Object.is(value, -0));

const { item } = fc.letrec<{ item: JsonObject }>((tie) => ({
  item: fc.record(
    {
      sku: text,
      quantity: int32,
      stock: fc.dictionary(key, int32, { maxKeys: 3 }),
      tags: list(text),
      madeAt: time,
      inner: fc.option(tie("item"), { depthSize: "small", nil: undefined }) as fc.Arbitrary<JsonObject>,
    },
    optional,
  ),
}));

const plain = {
  id: text,
  pageToken: text,
  pageSize: int32,
  i64: int64,
  u64: uint64,
  u32: fc.nat(0x7fffffff),
  s32: int32,
  s64: int64,
  f32: fc.nat(0x7fffffff),
  f64: uint64,
  sf32: int32,
  sf64: int64,
  dbl: double,
  flt: float,
  on: fc.boolean(),
  blob: bytes,
  color,
  tags: list(text),
  numbers: list(int32),
  colors: list(color),
  labels: fc.dictionary(key, text, { maxKeys: 3 }),
  flags: fc.dictionary(int32.map(String), fc.boolean(), { maxKeys: 3 }),
  paints: fc.dictionary(key, color, { maxKeys: 3 }),
  item,
  nickname: text,
  at: time,
  ttl: duration,
  mask: fc.constantFrom("", "id", "item.madeAt,pageSize"),
  textValue: text,
  longValue: int64,
  boolValue: fc.boolean(),
  struct: fc.dictionary(key, jsonValue, { maxKeys: 2 }) as fc.Arbitrary<JsonObject>,
  value: jsonValue as fc.Arbitrary<JsonValue>,
  list: fc.array(jsonValue, { maxLength: 2 }) as fc.Arbitrary<JsonValue[]>,
  empty: fc.constant({}),
  times: list(time),
  intValues: list(int32),
  ttls: fc.dictionary(key, duration, { maxKeys: 2 }),
  blobs: fc.dictionary(key, bytes, { maxKeys: 2 }),
  otherName: text,
};

const message: fc.Arbitrary<JsonObject> = fc
  .tuple(
    fc.record({ ...plain, items: list(item), itemsByName: fc.dictionary(key, item, { maxKeys: 2 }) }, optional),
    fc.oneof(
      fc.constant({}),
      fc.record({ byName: text }),
      fc.record({ byNumber: int32 }),
      fc.record({ byItem: item }) as fc.Arbitrary<JsonObject>,
    ),
    fc.subarray(["items", "itemsByName"]),
  )
  .map(([fields, choice, dropped]) => {
    const all = { ...fields, ...choice } as Record<string, JsonValue>;
    // Most rules have no place for these.
    for (const name of dropped) Reflect.deleteProperty(all, name);
    return JSON.parse(JSON.stringify(all)) as JsonObject;
  });

interface Rule {
  readonly rule: string;
  readonly body?: string;
  /** Fields go into the query, which has no form for some of them. */
  readonly queries: boolean;
  /** A message that has a request. */
  readonly fits: JsonObject;
}

const rules: readonly Rule[] = [
  { rule: "POST /v1/things", body: "*", queries: false, fits: {} },
  { rule: "PUT /v1/things/{id}", body: "*", queries: false, fits: { id: "a/b" } },
  {
    rule: "PUT /v1/items/{item.sku}/things/{i64}/{color}/{dbl}/{on}/{blob}",
    body: "*",
    queries: false,
    fits: { item: { sku: "s", quantity: 1 }, dbl: 1e30, blob: "/+8=" },
  },
  { rule: "PUT /v1/{id=shelves/*}/{page_token=**}:go", body: "*", queries: false, fits: { id: "shelves/7", pageToken: "a/%2F:b" } },
  { rule: "GET /v1/things", queries: true, fits: { item: { inner: { sku: "s" } } } },
  { rule: "GET /v1/things/{id}", queries: true, fits: { id: "%", on: true } },
  { rule: "DELETE /v1/{id=**}/end", queries: true, fits: {} },
  {
    rule: "GET /v1/{at}/{ttl}/{nickname}/{by_name}/{text_value}",
    queries: true,
    fits: { at: "2026-01-31T12:00:00Z", ttl: "1.5s", nickname: "n", byName: "b", textValue: "t" },
  },
  { rule: "POST /v1/things/{id}", body: "item", queries: true, fits: { id: "i", item: {} } },
  { rule: "REPORT /v1/items/{item.sku}", body: "item", queries: true, fits: { item: { sku: "s" } } },
  { rule: "POST /v1/flags/{page_size}", body: "struct", queries: true, fits: { struct: { a: [1] } } },
  { rule: "POST /v1/tokens", body: "renamed", queries: true, fits: { otherName: "x" } },
];

const profiles: readonly Partial<JsonProfile>[] = [
  {},
  { protoNames: true },
  { enumNumbers: true },
  { emitDefaults: true },
  { int64Numbers: true },
  { stripEnumPrefix: true },
];

/** Messages that hold nothing are told apart by bodies, and not by queries. */
function withoutEmpty(json: JsonValue): JsonValue {
  if (Array.isArray(json)) return json.map(withoutEmpty);
  if (typeof json !== "object" || json === null) return json;
  const members = Object.entries(json).map(([name, value]) => [name, withoutEmpty(value)] as const);
  return Object.fromEntries(
    members.filter(([, value]) => !(typeof value === "object" && value !== null && Object.keys(value).length === 0)),
  );
}

describe("reverse o forward", () => {
  const { registry } = bindSchema();
  const desc = registry.getMessage("bind.v1.Request")!;

  const expanders = new Map<string, Expander>();

  function expanderFor({ rule, body = "" }: Rule, options: ExpanderOptions): Expander {
    const key = JSON.stringify([rule, body, options]);
    let expander = expanders.get(key);
    if (expander === undefined) {
      const [httpMethod, template] = rule.split(" ") as [string, string];
      const binding = { httpMethod, template, body, responseBody: "" };
      expanders.set(key, (expander = createExpander(methodTaking(bindSchema(), "bind.v1.Request"), binding, options)));
    }
    return expander;
  }

  function bindAgain({ rule, body = "" }: Rule, options: Partial<BindingOptions>, sent: ExpandedRequest): JsonValue {
    const binder = binderFor({ rule, body, options: { ...options, multiSegmentKeep: Keep.SLASH, maxParameters: 100_000 } });
    const router = new Router<undefined>();
    router.add(binder.binding.httpMethod, binder.template, undefined);
    const mark = sent.target.indexOf("?");
    const path = mark < 0 ? sent.target : sent.target.slice(0, mark);
    const match = router.match(sent.httpMethod, path);
    assert.ok(match, `${sent.httpMethod} ${path} does not match ${rule}`);
    const query = mark < 0 ? "" : sent.target.slice(mark + 1);
    const bytes = sent.body.bytes === undefined ? undefined : Uint8Array.from(sent.body.bytes);
    return jsonOf(registry, "bind.v1.Request", binder.bind({ captures: match.captures, query }, bytes).wire());
  }

  /** False when the message has no request. */
  function isTheSame(each: Rule, json: JsonObject, options: ExpanderOptions): boolean {
    const parsed = fromJson(desc, json, { registry });
    const sent = expanderFor(each, options).expand(toBinary(desc, parsed));
    if (sent instanceof Misfit) return false;
    const actual = bindAgain(each, { repeatedMessages: options.repeatedMessages, json: options.json }, sent);
    const expected = toJson(desc, parsed, { registry });
    if (each.queries) assert.deepEqual(withoutEmpty(actual), withoutEmpty(expected));
    else assert.deepEqual(actual, expected);
    return true;
  }

  for (const each of rules)
    it(`${each.rule}${each.body === undefined ? "" : ` body: ${each.body}`}`, () => {
      assert.ok(isTheSame(each, each.fits, { json: canonicalJson, repeatedMessages: false, targetBytes: 1 << 20 }), "it fits");
      fc.assert(
        fc.property(message, fc.constantFrom(...profiles), fc.boolean(), (json, profile, repeatedMessages) => {
          isTheSame(each, json, { json: { ...canonicalJson, ...profile }, repeatedMessages, targetBytes: 1 << 20 });
        }),
        { numRuns: 120 },
      );
    });
});
