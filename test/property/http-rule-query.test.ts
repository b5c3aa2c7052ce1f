/** A message written as a query comes back as the same message; no query does anything but bind or fail as a CallError. */
import { fromJson, toJson, type JsonObject, type JsonValue } from "@bufbuild/protobuf";
import fc from "fast-check";
import assert from "node:assert/strict";
import { CallError } from "../../src/core/call-error.ts";
import { binderFor, bindSchema, jsonOf } from "../support/bound.ts";

const text = fc.oneof(
  fc.string({ unit: "grapheme", maxLength: 12 }),
  fc.string({ unit: "binary", maxLength: 6 }).filter((value) => value.isWellFormed()),
);
const int32 = fc.integer({ min: -0x80000000, max: 0x7fffffff });
const int64 = fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }).map(String);
const uint64 = fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }).map(String);
const double = fc.double().map((value) => (Number.isFinite(value) ? value : String(value)));
const float = fc.float().map((value) => (Number.isFinite(value) ? value : String(value)));
const bytes = fc.uint8Array({ maxLength: 9 }).map((value) => Buffer.from(value).toString("base64"));
const color = fc.oneof(fc.constantFrom("COLOR_RED", "COLOR_DARK_BLUE", "COLOR_NEGATIVE"), int32);
const key = fc.string({ unit: "grapheme", maxLength: 6 }).filter((value) => value !== "__proto__");
const list = <T>(item: fc.Arbitrary<T>) => fc.array(item, { maxLength: 4 });
const optional = { requiredKeys: [] as never[] };

/** Of every precision; JSON has 0, 3, 6 or 9 digits, and so has what comes back. */
const nanos = fc.oneof(
  fc.constant(0),
  fc.nat(999).map((ms) => ms * 1_000_000),
  fc.nat(999_999_999),
);
const fraction = nanos.map((value) => (value === 0 ? "" : `.${String(value).padStart(9, "0")}`));
const time = fc
  .tuple(fc.date({ min: new Date("0001-01-01T00:00:00Z"), max: new Date("9999-12-31T23:59:59Z"), noInvalidDate: true }), fraction)
  .map(([date, digits]) => `${date.toISOString().slice(0, 19)}${digits}Z`);
const duration = fc
  .tuple(fc.constantFrom("", "-"), fc.integer({ min: 1, max: 315_576_000_000 - 1 }), fraction)
  .map(([sign, seconds, digits]) => `${sign}${seconds}${digits}s`);
const mask = fc
  .array(fc.constantFrom("id", "pageSize", "item.sku", "item.madeAt", "byName"), { minLength: 1, maxLength: 3 })
  .map((paths) => paths.join(","));
const structKey = key.filter((name) => !(name in Object.prototype));
const { value: anyJson } = fc.letrec<{ value: JsonValue }>((tie) => ({
  value: fc.oneof(
    { depthSize: "small" },
    fc.constant(null),
    fc.boolean(),
    fc.integer(),
    text,
    fc.array(tie("value"), { maxLength: 3 }),
    fc.dictionary(structKey, tie("value"), { maxKeys: 3, noNullPrototype: true }),
  ),
}));
/** Fields whose text in a query is JSON. */
const inJson: ReadonlySet<string> = new Set(["struct", "value", "list"]);
const maps: ReadonlySet<string> = new Set(["labels", "flags", "stock", "paints", "ttls", "blobs"]);

const { item } = fc.letrec<{ item: JsonObject }>((tie) => ({
  item: fc.record(
    {
      sku: text,
      quantity: int32,
      stock: fc.dictionary(key, int32, { maxKeys: 3 }),
      tags: list(text),
      inner: fc.option(tie("item"), { depthSize: "small", nil: undefined }) as fc.Arbitrary<JsonObject>,
    },
    optional,
  ),
}));

const message: fc.Arbitrary<JsonObject> = fc.record(
  {
    id: text,
    pageSize: int32,
    i64: int64,
    u64: uint64,
    u32: fc.nat(0x7fffffff),
    s32: int32,
    s64: int64,
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
    item,
    nickname: text,
    textValue: text,
    longValue: int64,
    boolValue: fc.boolean(),
    intValues: list(int32),
    items: list(item),
    otherName: text,
    byNumber: int32,
    at: time,
    ttl: duration,
    mask,
    struct: fc.dictionary(structKey, anyJson, { maxKeys: 3, noNullPrototype: true }),
    value: anyJson,
    list: fc.array(anyJson, { maxLength: 3 }),
    times: list(time),
    paints: fc.dictionary(key, color, { maxKeys: 3 }),
    ttls: fc.dictionary(key, duration, { maxKeys: 3 }),
    blobs: fc.dictionary(key, bytes, { maxKeys: 3 }),
  },
  optional,
);

/** JSON -> query, as a client would write it. */
function queryOf(json: JsonObject): string {
  const query = new URLSearchParams();
  const add = (name: string, value: JsonValue | undefined): void => {
    if (value === undefined) return;
    if (inJson.has(name)) query.append(name, JSON.stringify(value));
    else if (Array.isArray(value)) {
      for (const [index, each] of value.entries()) add(typeof each === "object" ? `${name}[${index}]` : name, each);
    } else if (typeof value === "object" && value !== null) {
      const isMap = maps.has(name.slice(name.lastIndexOf(".") + 1));
      for (const [key, each] of Object.entries(value)) add(isMap ? `${name}[${key}]` : name === "" ? key : `${name}.${key}`, each);
    } else query.append(name, String(value));
  };
  add("", json);
  return query.toString();
}

/** Messages without content have no parameters, so they are absent; an element that is empty shifts the others. */
function hasEmptyMessage(value: JsonValue | undefined, inMap = false): boolean {
  if (value === null || typeof value !== "object") return false;
  if (Array.isArray(value)) return value.some((each) => hasEmptyMessage(each));
  const members = Object.entries(value).filter(([, each]) => each !== undefined);
  const empty =
    !inMap &&
    members.every(([, each]) =>
      Array.isArray(each) ? each.length === 0 : typeof each === "object" && Object.keys(each ?? {}).length === 0,
    );
  return empty || members.some(([name, each]) => hasEmptyMessage(each, maps.has(name)));
}

describe("query properties", () => {
  it("message -> query -> message", () => {
    const { registry } = bindSchema();
    const desc = registry.getMessage("bind.v1.Request")!;
    const binder = binderFor({ rule: "GET /v1", options: { repeatedMessages: true, maxParameters: 10_000 } });
    fc.assert(
      fc.property(
        message.filter(
          (json) =>
            Object.keys(json).length > 0 && !Object.entries(json).some(([name, value]) => !inJson.has(name) && hasEmptyMessage(value)),
        ),
        (json) => {
          const expected = toJson(desc, fromJson(desc, JSON.parse(JSON.stringify(json)) as JsonObject, { registry }), { registry });
          const wire = binder.bind({ captures: [], query: queryOf(json) }, undefined).wire();
          assert.deepEqual(jsonOf(registry, "bind.v1.Request", wire), expected);
        },
      ),
      { numRuns: 1500 },
    );
  });

  it("any query binds to a valid message or fails as a CallError", () => {
    const { registry } = bindSchema();
    const names = ["id", "page_size", "item", "items", "labels", "tags", "by_name", "sku", "inner", "text_value", "mask", "zzz"];
    const piece = fc.oneof(
      fc.constantFrom(...names),
      fc.constantFrom(..."&=[].%+0123456789", "%41", "%ff", "[0]", "[a]="),
      fc.string({ maxLength: 2 }),
    );
    const options = [{}, { repeatedMessages: true }, { ignoreUnknownParameters: true, repeatedMessages: true }, { refuseCollisions: true }];
    const binders = options.map((each) => binderFor({ rule: "GET /v1/{id}", options: each }));
    fc.assert(
      fc.property(
        fc.array(piece, { maxLength: 24 }),
        fc.nat(binders.length - 1),
        fc.constantFrom("7", "%", "%C3%A9"),
        (pieces, which, capture) => {
          let wire: Uint8Array;
          try {
            wire = binders[which]!.bind({ captures: [capture], query: pieces.join("") }, undefined).wire();
          } catch (error) {
            assert.ok(error instanceof CallError && error.code === 3, String(error));
            return;
          }
          jsonOf(registry, "bind.v1.Request", wire);
        },
      ),
      { numRuns: 10_000 },
    );
  });
});
