/** Bodies, and what parameters do to them (SEMANTICS A1.7, A1.8). */
import assert from "node:assert/strict";
import { CallError } from "../../../../src/core/call-error.ts";
import { Payload } from "../../../../src/core/payload.ts";
import { bindError, binderFor, bindSchema, bound, jsonOf, type RuleCase } from "../../../support/bound.ts";

const whole = { rule: "POST /v1/{id}", body: "*" } as const;
const field = { rule: "POST /v1/{id}", body: "item" } as const;
const over = { queryOverBody: true } as const;
const time = "2026-01-31T12:00:00Z";
const otherTime = "2026-02-01T00:00:00.500Z";

describe("bodies", () => {
  const cases: readonly (readonly [string, RuleCase, string, string | undefined, object])[] = [
    // what                                  rule     target               body                         message
    ["the whole message", { rule: "POST /v1", body: "*" }, "/v1", '{"id":"7","pageSize":2}', { id: "7", pageSize: 2 }],
    ["no body where all could come", { rule: "POST /v1", body: "*" }, "/v1", undefined, {}],
    ["an empty body is none", { rule: "POST /v1", body: "*" }, "/v1", "", {}],
    ["path beside the body", whole, "/v1/7", '{"pageSize":2}', { id: "7", pageSize: 2 }],
    ["path over body", whole, "/v1/path", '{"id":"body"}', { id: "path" }],
    ["path alone", whole, "/v1/7", undefined, { id: "7" }],
    ["a zero in the path over body", { rule: "POST /v1/{page_size}", body: "*" }, "/v1/0", '{"pageSize":5}', {}],
    [
      "a nested path over body",
      { rule: "POST /v1/{item.sku}", body: "*" },
      "/v1/p",
      '{"item":{"sku":"b","quantity":1}}',
      { item: { sku: "p", quantity: 1 } },
    ],
    ["a oneof: the path's member", { rule: "POST /v1/{by_name}", body: "*" }, "/v1/p", '{"byNumber":1}', { byName: "p" }],
    ["a field", field, "/v1/7", '{"sku":"a"}', { id: "7", item: { sku: "a" } }],
    ["a field, empty", field, "/v1/7", "{}", { id: "7", item: {} }],
    ["a field, no body", field, "/v1/7", undefined, { id: "7" }],
    ["a field beside the query", field, "/v1/7?page_size=2", '{"sku":"a"}', { id: "7", pageSize: 2, item: { sku: "a" } }],
    [
      "path below the body's field",
      { rule: "PUT /v1/{item.sku}", body: "item" },
      "/v1/p",
      '{"sku":"b","quantity":1}',
      { item: { sku: "p", quantity: 1 } },
    ],
    ["a scalar field", { rule: "POST /v1/{id}", body: "page_size" }, "/v1/7", "5", { id: "7", pageSize: 5 }],
    ["a string field", { rule: "POST /v1", body: "id" }, "/v1", '"a\\u00e9"', { id: "aé" }],
    ["a well-known field", { rule: "POST /v1", body: "at" }, "/v1", `"${time}"`, { at: time }],
    ["a Struct field", { rule: "POST /v1", body: "struct" }, "/v1", '{"a":[1]}', { struct: { a: [1] } }],
    [
      "ignored parameters beside the body",
      { ...whole, options: { ignoredParameters: ["alt"] } },
      "/v1/7?alt=json",
      '{"pageSize":2}',
      { id: "7", pageSize: 2 },
    ],
    [
      "all unknown parameters ignored",
      { ...whole, options: { ignoreUnknownParameters: true } },
      "/v1/7?page_size=1",
      '{"pageSize":2}',
      { id: "7", pageSize: 2 },
    ],
    [
      "unknown fields ignored",
      { ...whole, options: { ignoreUnknownFields: true } },
      "/v1/7",
      '{"zzz":{"a":[1]},"pageSize":2}',
      { id: "7", pageSize: 2 },
    ],
    [
      "unknown fields ignored, nothing to append",
      { rule: "POST /v1", body: "*", options: { ignoreUnknownFields: true } },
      "/v1",
      '{"zzz":1}',
      {},
    ],
    // precedence, where the query may bind what the body carries
    [
      "query over body",
      { ...whole, options: over },
      "/v1/7?page_size=1",
      '{"pageSize":2,"pageToken":"t"}',
      { id: "7", pageSize: 1, pageToken: "t" },
    ],
    ["path over query over body", { ...whole, options: over }, "/v1/p?id=q", '{"id":"b"}', { id: "p" }],
    ["repeated values append", { ...whole, options: over }, "/v1/7?tags=b", '{"tags":["a"]}', { id: "7", tags: ["a", "b"] }],
    [
      "map entries by key",
      { ...whole, options: over },
      "/v1/7?labels[a]=q",
      '{"labels":{"a":"b","c":"d"}}',
      { id: "7", labels: { a: "q", c: "d" } },
    ],
    [
      "nested over nested",
      { ...field, options: over },
      "/v1/7?item.sku=q",
      '{"sku":"b","quantity":1}',
      { id: "7", item: { sku: "q", quantity: 1 } },
    ],
    [
      "a Timestamp is replaced, not merged",
      { ...whole, options: over },
      `/v1/7?at=${time}`,
      `{"at":"${otherTime}"}`,
      { id: "7", at: time },
    ],
    ["a Duration is replaced", { ...whole, options: over }, "/v1/7?ttl=3s", '{"ttl":"1.5s"}', { id: "7", ttl: "3s" }],
    ["a wrapper is replaced", { ...whole, options: over }, "/v1/7?text_value=", '{"textValue":"b"}', { id: "7", textValue: "" }],
    ["a FieldMask is replaced", { ...whole, options: over }, "/v1/7?mask=id", '{"mask":"pageSize"}', { id: "7", mask: "id" }],
    ["a Value is replaced", { ...whole, options: over }, "/v1/7?value=[1]", '{"value":[2]}', { id: "7", value: [1] }],
    ["a Struct is replaced", { ...whole, options: over }, '/v1/7?struct={"a":1}', '{"struct":{"b":2}}', { id: "7", struct: { a: 1 } }],
    [
      "a nested Timestamp is replaced",
      { ...whole, options: over },
      `/v1/7?item.made_at=${time}`,
      `{"item":{"sku":"s","madeAt":"${otherTime}"}}`,
      { id: "7", item: { sku: "s", madeAt: time } },
    ],
    [
      "a Timestamp in the path over body",
      { rule: "POST /v1/{at}", body: "*" },
      `/v1/${time.replaceAll(":", "%3A")}`,
      `{"at":"${otherTime}","id":"7"}`,
      { at: time, id: "7" },
    ],
    [
      "two Timestamps over body",
      { ...whole, options: over },
      `/v1/7?at=${time}&ttl=1s`,
      `{"ttl":"9.5s","at":"${otherTime}","pageSize":1}`,
      { id: "7", at: time, ttl: "1s", pageSize: 1 },
    ],
  ];
  for (const [what, rule, target, body, message] of cases) it(what, () => assert.deepEqual(bound(rule, target, body), message));

  it("a body that is the message, with nothing to add, is left as it is", () => {
    const json = Buffer.from('{"id": "7"}');
    const payload = binderFor({ rule: "POST /v1", body: "*" }).bind({ captures: [], query: "" }, json);
    assert.equal(payload.json(), json);
  });

  it("takes a body that is protobuf already", () => {
    const binder = binderFor(field);
    const wire = binder.bindWire({ captures: ["7"], query: "page_size=1" }, Buffer.from("ca01030a0161", "hex")).wire();
    assert.deepEqual(jsonOf(bindSchema().registry, "bind.v1.Request", wire), { id: "7", pageSize: 1, item: { sku: "a" } });
  });

  const refused: readonly (readonly [string, RuleCase, string, string, string, string, RegExp])[] = [
    // what                           rule    target   body              reason             field         says
    ["a body where none is mapped", { rule: "GET /v1" }, "/v1", "{}", "UNEXPECTED_BODY", "", /no request body/],
    [
      "a parameter beside a whole body",
      whole,
      "/v1/7?text=no",
      "{}",
      "UNKNOWN_FIELD",
      "text",
      /unknown query parameter "text": here the request body carries/,
    ],
    ["a known one too", whole, "/v1/7?page_size=1", "{}", "UNKNOWN_FIELD", "page_size", /body carries/],
    [
      "a parameter below the body's field",
      field,
      "/v1/7?item.sku=1",
      "{}",
      "UNKNOWN_FIELD",
      "item.sku",
      /the request body carries this field/,
    ],
    ["JSON that is cut short", whole, "/v1/7", '{"id":', "INVALID_JSON", "id", /at byte/],
    ["no JSON at all", whole, "/v1/7", "<xml/>", "INVALID_JSON", "", /at byte 0/],
    ["two values", whole, "/v1/7", "{} {}", "INVALID_JSON", "", /at byte/],
    ["a wrong type", whole, "/v1/7", '{"item":{"quantity":"x"}}', "INVALID_JSON", "item.quantity", /item.quantity/],
    ["a wrong type in a list", whole, "/v1/7", '{"items":[{"sku":"a"},{"sku":1}]}', "INVALID_JSON", "items[1].sku", /items\[1\].sku/],
    ["a wrong type below a body field", field, "/v1/7", '{"quantity":"x"}', "INVALID_JSON", "item.quantity", /item.quantity/],
    ["an unknown field", whole, "/v1/7", '{"pageSzie":1}', "UNKNOWN_FIELD", "pageSzie", /"pageSzie" \(did you mean pageSize\?\)/],
    ["an unknown nested field", whole, "/v1/7", '{"item":{"skuu":1}}', "UNKNOWN_FIELD", "item.skuu", /"item.skuu" \(did you mean sku\?\)/],
    ["an unknown field of a body field", field, "/v1/7", '{"skuu":1}', "UNKNOWN_FIELD", "item.skuu", /"item.skuu" \(did you mean sku\?\)/],
    ["another field smuggled in", field, "/v1/7", '{},"id":"x"', "INVALID_JSON", "item", /at byte 2/],
    ["a bad time", { rule: "GET /v1" }, "/v1?at=yesterday", "", "INVALID_PARAMETER", "at", /RFC 3339/],
    ["a bad time, quoted", { rule: "GET /v1" }, "/v1?at=%22", "", "INVALID_PARAMETER", "at", /RFC 3339/],
    ["a bad duration", { rule: "GET /v1" }, "/v1?ttl=3", "", "INVALID_PARAMETER", "ttl", /seconds followed by "s"/],
    ["bad JSON in the query", { rule: "GET /v1" }, "/v1?value={", "", "INVALID_PARAMETER", "value", /must be JSON/],
    ["no object for a Struct", { rule: "GET /v1" }, "/v1?struct=[]", "", "INVALID_PARAMETER", "struct", /JSON object/],
  ];
  for (const [what, rule, target, body, reason, violation, says] of refused)
    it(`refuses ${what}`, () => {
      const error = bindError(rule, target, body);
      assert.match(error.message, says);
      assert.equal(error.reason, reason);
      if (reason !== "UNEXPECTED_BODY") assert.equal(error.violations[0]?.field, violation);
    });

  describe("well-known types in the query", () => {
    const cases = [
      [`at=${time}`, { at: time }],
      ["at=2026-01-31T13:00:00%2B01:00", { at: time }],
      ["at=1970-01-01T00:00:00Z", { at: "1970-01-01T00:00:00Z" }],
      ["ttl=1.5s", { ttl: "1.500s" }],
      ["ttl=0s", { ttl: "0s" }],
      [`times=${time}&times=${otherTime}`, { times: [time, otherTime] }],
      ["ttls[a]=1s", { ttls: { a: "1s" } }],
      ["value=null", { value: null }],
      ["value=%22text%22", { value: "text" }],
      ["value=[1,{}]", { value: [1, {}] }],
      ['struct={"a":{"b":[true]}}', { struct: { a: { b: [true] } } }],
      ["list=[1,2]", { list: [1, 2] }],
      [`item.made_at=${time}`, { item: { madeAt: time } }],
    ] as const;
    for (const [query, message] of cases) it(`?${query}`, () => assert.deepEqual(bound({ rule: "GET /v1" }, `/v1?${query}`), message));
  });

  describe("collisions, where refused", () => {
    const strict = { refuseCollisions: true, queryOverBody: true };
    const rule = { ...whole, options: strict };
    const agree = [
      ["/v1/7", '{"id":"7"}', { id: "7" }],
      ["/v1/7?page_size=2", '{"pageSize":2}', { id: "7", pageSize: 2 }],
      [`/v1/7?at=${time}`, `{"at":"${time}"}`, { id: "7", at: time }],
      ["/v1/7?item.sku=a", '{"item":{"sku":"a"}}', { id: "7", item: { sku: "a" } }],
      ["/v1/7?tags=b", '{"tags":["a"]}', { id: "7", tags: ["a", "b"] }],
    ] as const;
    for (const [target, body, message] of agree)
      it(`${target} agrees with ${body}`, () => assert.deepEqual(bound(rule, target, body), message));
    const differ = [
      ["/v1/7", '{"id":"8"}', "id"],
      ["/v1/7?page_size=2", '{"pageSize":3}', "page_size"],
      ["/v1/7?item.sku=a", '{"item":{"sku":"b"}}', "item.sku"],
      [`/v1/7?at=${time}`, `{"at":"${otherTime}"}`, "at"],
      ["/v1/7?id=8", "{}", "id"],
    ] as const;
    for (const [target, body, name] of differ)
      it(`${target} differs from ${body}`, () => {
        const error = bindError(rule, target, body);
        assert.equal(error.violations[0]?.field, name);
        assert.match(error.message, /two different values/);
      });
  });

  describe("the field mask of a PATCH", () => {
    const patch = { rule: "PATCH /v1/{id}", body: "item", type: "bind.v1.Patch" } as const;
    const masked = [
      ['{"sku":"a"}', "sku"],
      ['{"sku":"a","quantity":2}', "sku,quantity"],
      ['{"sku":""}', "sku"],
      ['{"sku":null}', "sku"],
      ['{"inner":{"sku":"a","quantity":1}}', "inner.sku,inner.quantity"],
      ['{"inner":{}}', "inner"],
      ['{"inner":null}', "inner"],
      ['{"inner":{"inner":{"tags":["a"]}}}', "inner.inner.tags"],
      ['{"parts":[{"sku":"a"}]}', "parts"],
      ['{"stock":{"a":1}}', "stock"],
      [`{"madeAt":"${time}"}`, "madeAt"],
      [`{"made_at":"${time}"}`, "madeAt"],
      ["{}", ""],
    ] as const;
    for (const [body, mask] of masked)
      it(`${body}: ${mask || "nothing"}`, () => assert.equal((bound(patch, "/v1/7", body) as { updateMask: string }).updateMask, mask));

    const untouched: readonly (readonly [string, RuleCase, string, string, string | undefined])[] = [
      ["given in the query", patch, "/v1/7?update_mask=quantity", '{"sku":"a"}', "quantity"],
      ["not for PUT", { ...patch, rule: "PUT /v1/{id}" }, "/v1/7", '{"sku":"a"}', undefined],
      ["not for a whole body", { ...patch, body: "*" }, "/v1/7", '{"item":{"sku":"a"}}', undefined],
      ["not without a body", patch, "/v1/7", "", undefined],
      ["not where two could be meant", { rule: "PATCH /v1", body: "item", type: "bind.v1.TwoMasks" }, "/v1", '{"sku":"a"}', undefined],
    ];
    for (const [what, rule, target, body, mask] of untouched)
      it(what, () => assert.equal((bound(rule, target, body) as { updateMask?: string }).updateMask, mask));
    it("an empty mask in the query counts as none", () =>
      assert.equal((bound(patch, "/v1/7?update_mask=", '{"sku":"a"}') as { updateMask: string }).updateMask, "sku"));
  });

  describe("the answer", () => {
    const wire = Buffer.from("0a0137ca01030a0161", "hex"); // {"id":"7","item":{"sku":"a"}}
    const shown = (responseBody: string) => {
      const binder = binderFor({ rule: "GET /v1", responseBody });
      return Buffer.from(binder.responseJson(Payload.ofWire(binder.method.output, wire))).toString();
    };
    it("is the whole message", () => assert.deepEqual(JSON.parse(shown("")), { id: "7", item: { sku: "a" } }));
    it("or a field", () => assert.deepEqual(JSON.parse(shown("item")), { sku: "a" }));
    it("or a scalar", () => assert.equal(shown("id"), '"7"'));
  });

  it("fails with nothing but CallErrors on broken bodies", () => {
    const json = '{"id":"7","item":{"sku":"a","parts":[{"quantity":1}]},"at":"2026-01-31T12:00:00Z","labels":{"a":"b"}}';
    for (let length = 1; length < json.length; length++) assert.ok(bindError(whole, "/v1/7", json.slice(0, length)) instanceof CallError);
  });
});
