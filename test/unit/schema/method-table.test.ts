/** The methods of a schema by path and by request, and the bindings that are left out. */
import assert from "node:assert/strict";
import type { HttpBinding } from "../../../src/core/method.ts";
import type { Schema } from "../../../src/schema/descriptor.ts";
import { createMethodTable, describeProblem, type RouteProblem } from "../../../src/schema/method-table.ts";
import { buildSchema } from "../../../src/schema/build-schema.ts";
import { bindSchema, methodTaking } from "../../support/bound.ts";
import { bufBuild } from "../../support/buf-build.ts";

type Rule = readonly [name: string, rule: string, more?: Partial<HttpBinding>];

function schemaWith(...rules: readonly Rule[]): Schema {
  const method = methodTaking(bindSchema(), "bind.v1.Request");
  const methods = rules.map(([name, rule, more]) => {
    const [httpMethod, template] = rule.split(" ") as [string, string];
    return { ...method, name, path: `/test.Service/${name}`, http: [{ httpMethod, template, body: "", responseBody: "", ...more }] };
  });
  return { ...bindSchema().schema, services: [{ name: "test.Service", methods, comment: undefined }] };
}

describe("method table", () => {
  const table = createMethodTable(bindSchema().schema, { autoMapping: true });

  it("has no problems with a sound schema", () => assert.deepEqual(table.problems, []));

  it("finds methods by path", () => {
    assert.equal(table.byPath("/bind.v1.Bind/Get")?.name, "Get");
    assert.equal(table.byPath("/bind.v1.Bind/Nope"), undefined);
    assert.equal(table.byPath("/constructor"), undefined);
  });

  const routes = [
    // request                                   method     captures      query
    ["GET /v1/things/7", "Get", ["7"], ""],
    ["GET /v1/things/7?page_size=1", "Get", ["7"], "page_size=1"],
    ["GET /v1/things/7?", "Get", ["7"], ""],
    ["GET /v1/things/7?a?b", "Get", ["7"], "a?b"],
    ["GET /v1/items/a/things/7", "Get", ["a", "7"], ""], // an additional binding
    ["HEAD /v1/things/7", "Get", ["7"], ""],
    ["POST /v1/things", "Create", [], ""],
    ["PATCH /v1/things/7", "Update", ["7"], ""],
    ["REPORT /v1/things/7:cancel", "Cancel", ["7"], ""],
    ["POST /bind.v1.Bind/Get", "Get", [], ""],
    ["POST /bind.v1.Bind/Plain", "Plain", [], ""],
    ["POST /bind.v1.Bind/Watch", "Watch", [], ""],
  ] as const;
  for (const [request, method, captures, query] of routes)
    it(`routes ${request} to ${method}`, () => {
      const [httpMethod, target] = request.split(" ") as [string, string];
      const route = table.route(httpMethod, target);
      assert.ok(route.found);
      assert.equal(route.method.name, method);
      assert.deepEqual(route.captures, captures);
      assert.equal(route.query, query);
    });

  const misses = [
    // request                           methods allowed
    ["GET /v1/nothing", []],
    ["GET /v1/thing?x=/v1/things/7", []],
    ["DELETE /v1/things/7", ["GET", "HEAD", "PATCH"]],
    ["DELETE /v1/things?x", ["POST"]],
    ["GET /bind.v1.Bind/Get", ["POST"]],
    ["OPTIONS *", []],
  ] as const;
  for (const [request, allow] of misses)
    it(`misses ${request}: ${allow.join(", ") || "unknown path"}`, () => {
      const [httpMethod, target] = request.split(" ") as [string, string];
      const route = table.route(httpMethod, target);
      assert.ok(!route.found);
      assert.deepEqual(route.allow, allow);
    });

  it("has no automatic paths where switched off", () => {
    const plain = createMethodTable(bindSchema().schema, { autoMapping: false });
    assert.equal(plain.route("POST", "/bind.v1.Bind/Plain").found, false);
    assert.equal(plain.byPath("/bind.v1.Bind/Plain")?.name, "Plain");
  });

  it("explains a miss", () => {
    const [first] = table.explain("GET", "/v1/thing/7?x=1");
    assert.match(first!.reason!, /segment 2 is "thing"/);
    assert.ok(table.explain("GET", "/v1/thing/7", 2).length === 2);
  });

  it("explains a hit", () => assert.equal(table.explain("GET", "/v1/things/7")[0]?.reason, undefined));

  describe("problems", () => {
    const cases: readonly (readonly [string, readonly Rule[], Partial<RouteProblem> & { says: RegExp }])[] = [
      ["a bad template", [["A", "GET /v1/{id"]], { kind: "template", column: 8, methods: ["/test.Service/A"], says: /expected "}"/ }],
      ["an unknown field", [["A", "GET /v1/{idd}"]], { kind: "binding", column: 6, says: /no field "idd".*did you mean id\?/ }],
      ["a repeated field", [["A", "GET /v1/{tags}"]], { kind: "binding", column: 6, says: /tags is a repeated field/ }],
      ["a message field", [["A", "GET /v1/{item}"]], { kind: "binding", column: 6, says: /item is a message/ }],
      [
        "an unknown body",
        [["A", "POST /v1", { body: "itme" }]],
        { kind: "binding", column: undefined, says: /body: no field "itme".*item\?/ },
      ],
      [
        "a nested body",
        [["A", "POST /v1", { body: "item.inner" }]],
        { kind: "binding", column: undefined, says: /not a field of the request message itself/ },
      ],
      [
        "a repeated body",
        [["A", "POST /v1", { body: "items" }]],
        { kind: "binding", column: undefined, says: /items is a repeated field/ },
      ],
      ["a map body", [["A", "POST /v1", { body: "labels" }]], { kind: "binding", column: undefined, says: /labels is a map field/ }],
      [
        "an unknown response body",
        [["A", "GET /v1", { responseBody: "x" }]],
        { kind: "binding", column: undefined, says: /response_body: no field "x"/ },
      ],
      [
        "the same template twice",
        [
          ["A", "GET /v1/{id}"],
          ["B", "GET /v1/{id}"],
        ],
        {
          kind: "duplicate",
          column: undefined,
          methods: ["/test.Service/A", "/test.Service/B"],
          says: /bound to \/test.Service\/A already/,
        },
      ],
      [
        "the same shape twice",
        [
          ["A", "GET /v1/{id}"],
          ["B", "GET /v1/{page_token}"],
        ],
        { kind: "duplicate", column: undefined, methods: ["/test.Service/A", "/test.Service/B"], says: /has the place of \/v1\/{id}/ },
      ],
    ];
    for (const [name, rules, { says, ...expected }] of cases)
      it(`${name} is reported, the rest is served`, () => {
        const broken = createMethodTable(schemaWith(...rules, ["Sound", "GET /sound"]), { autoMapping: true });
        assert.equal(broken.problems.length, 1);
        const problem = broken.problems[0]!;
        assert.match(problem.message, says);
        for (const [key, value] of Object.entries(expected)) assert.deepEqual(problem[key as keyof RouteProblem], value, key);
        assert.ok(broken.route("GET", "/sound").found);
        assert.ok(broken.route("POST", "/test.Service/A").found);
      });

    it("additional bindings below additional bindings, and rules without a pattern, are said and left out", () => {
      const text = `syntax = "proto3"; package a; import "google/api/annotations.proto"; message M { string id = 1; }
        service S {
          rpc A(M) returns (M) { option (google.api.http) = { get: "/a" additional_bindings { get: "/b" additional_bindings { get: "/c" } } }; }
          rpc B(M) returns (M) { option (google.api.http) = { body: "*" additional_bindings { post: "/d" } additional_bindings { body: "*" } }; }
        }`;
      const nested = createMethodTable(buildSchema(bufBuild({ "a.proto": text })), { autoMapping: true });
      assert.deepEqual(
        nested.problems.map(({ kind, methods, message }) => [kind, ...methods, message]),
        [
          [
            "rule",
            "/a.S/A",
            "/a.S/A: additional binding 1 has additional bindings of its own, which are left out: list them beside it (google/api/http.proto)",
          ],
          ["rule", "/a.S/B", "/a.S/B: the http rule has no pattern: it needs one of get, put, post, delete, patch and custom"],
          ["rule", "/a.S/B", "/a.S/B: additional binding 2 has no pattern: it needs one of get, put, post, delete, patch and custom"],
        ],
      );
      for (const [method, path, found] of [
        ["GET", "/a", true],
        ["GET", "/b", true],
        ["GET", "/c", false],
        ["POST", "/d", true],
      ] as const)
        assert.equal(nested.route(method, path).found, found, path);
    });

    it("are told with file, method and column", () => {
      const text = `syntax = "proto3"; package a; import "google/api/annotations.proto"; message M { string id = 1; }
        service S {
          rpc A(M) returns (M) { option (google.api.http) = { get: "/a/{id" }; }
          rpc B(M) returns (M) { option (google.api.http) = { get: "/b/{idd}" }; }
          rpc C(M) returns (M) { option (google.api.http) = { get: "/c/{id}" }; }
          rpc D(M) returns (M) { option (google.api.http) = { get: "/c/{id=*}" }; }
        }`;
      const { problems } = createMethodTable(buildSchema(bufBuild({ "shop/a.proto": text })), { autoMapping: true });
      const [template, binding, duplicate] = problems.map(describeProblem);
      assert.match(template!, /^shop\/a\.proto: \/a\.S\/A: GET \/a\/\{id, column \d+: /);
      assert.match(binding!, /^shop\/a\.proto: \/a\.S\/B: GET \/b\/\{idd\}, column 5: no field "idd" in a\.M \(did you mean id\?\)$/);
      assert.match(duplicate!, /^shop\/a\.proto: GET \/c\/\{id=\*\} has the place of \/c\/\{id\}, bound to \/a\.S\/C already$/);
    });

    it("the first of two has the place", () => {
      const route = createMethodTable(schemaWith(["A", "GET /v1/{id}"], ["B", "GET /v1/{id}"]), { autoMapping: true }).route(
        "GET",
        "/v1/7",
      );
      assert.equal(route.found && route.method.name, "A");
    });

    it("an annotation that says what auto-mapping says is none", () => {
      const same = createMethodTable(schemaWith(["A", "POST /test.Service/A", { body: "*" }]), { autoMapping: true });
      assert.deepEqual(same.problems, []);
    });

    it("an annotation may claim another method's automatic path, and that is said", () => {
      const claimed = createMethodTable(schemaWith(["A", "POST /test.Service/B"], ["B", "GET /b"]), { autoMapping: true });
      assert.deepEqual(
        claimed.problems.map(({ kind, methods }) => [kind, ...methods]),
        [["duplicate", "/test.Service/A", "/test.Service/B"]],
      );
      const route = claimed.route("POST", "/test.Service/B");
      assert.equal(route.found && route.method.name, "A");
    });
  });
});
