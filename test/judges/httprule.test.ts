/** The kit's statements on google.api.http: Envoy's template cases, and the normative rules with their examples. */
import assert from "node:assert/strict";
import { CallError } from "../../src/core/call-error.ts";
import { createMethodTable, type MethodTable } from "../../src/schema/method-table.ts";
import { parseTemplate, TemplateError, type Template } from "../../src/schema/http-rule/template.ts";
import { jsonOf, testSchema, type TestSchema } from "../support/bound.ts";
import { bufBuild } from "../support/buf-build.ts";
import { readKit } from "../support/kits.ts";

interface TemplateCase {
  readonly test: string;
  readonly template: string;
  readonly valid: boolean;
  readonly segments?: readonly string[];
  readonly verb?: string;
  readonly variables?: readonly { field_path: string[]; start_segment: number; end_segment: number; has_double_wildcard: boolean }[];
}

/** Where SEMANTICS A1.1 differs from Envoy: template -> what we do instead, and why. None of the kit's cases differs today. */
const differences: Readonly<Record<string, { readonly valid: boolean; readonly reason: string }>> = {};

describe("judge: Envoy's template cases", function () {
  const kit = readKit<{ cases: TemplateCase[] }>("httprule/templates.json");
  if (kit === undefined) return void it("skipped: needs kits/httprule/templates.json");
  for (const [index, expected] of kit.cases.entries())
    it(`${index + 1} ${expected.test}: ${expected.template} is ${expected.valid ? "valid" : "refused"}`, () => {
      const valid = differences[expected.template]?.valid ?? expected.valid;
      if (!valid) return assert.throws(() => parseTemplate(expected.template), TemplateError);
      const template = parseTemplate(expected.template);
      if (expected.segments !== undefined) assert.deepEqual(segmentsOf(template), expected.segments);
      // Some of Envoy's tests do not look at the verb of a template that has one.
      if (expected.verb !== undefined) assert.equal(template.verb, expected.verb);
      if (expected.variables !== undefined) assert.deepEqual(variablesOf(template), expected.variables);
    });
});

function segmentsOf(template: Template): string[] {
  return template.segments.map((segment) => (segment.kind === "literal" ? segment.text : segment.kind === "one" ? "*" : "**"));
}

/** As Envoy counts: behind a `**` from the end, where -1 is the end; with a verb, the verb's place counts for nothing. */
function variablesOf(template: Template): unknown[] {
  const restAt = template.segments.findIndex((segment) => segment.kind === "rest");
  return template.variables.map(({ fieldPath, start, end }) => {
    const holdsRest = restAt >= start && restAt < end;
    return {
      field_path: fieldPath,
      start_segment: start,
      end_segment: restAt >= 0 && end > restAt ? end - template.segments.length - 1 : end,
      has_double_wildcard: holdsRest,
    };
  });
}

interface Rule {
  readonly get?: string;
  readonly put?: string;
  readonly post?: string;
  readonly body?: string;
  readonly additional_bindings?: readonly Rule[];
}

interface SpecCase {
  readonly rule: Rule;
  readonly http?: string;
  readonly http_body?: unknown;
  readonly message?: Record<string, unknown>;
  readonly error?: string;
  readonly invalid?: string;
  readonly dialect?: string;
}

/** Where SEMANTICS A1 decides otherwise than the normative text, by what the kit says is invalid. */
const widenings: Readonly<Record<string, string>> = {
  "** not last": "A1.1 lets literals follow **, as Envoy, ESPv2 and grpc-gateway do",
  "two levels": "the nested binding is left out, the outer ones are served: one mistake does not take an API down",
};

const messages = `
message Sub { string subfield = 1; }
message Text { string text = 1; }
message A { string b = 1; }
message Request {
  string message_id = 1;
  int64 revision = 2;
  Sub sub = 3;
  Text message = 4;
  string text = 5;
  string user_id = 6;
  string name = 7;
  string id = 8;
  repeated string ids = 9;
  A a = 10;
}
`;

/** A rule as protobuf text, which is how an option holds it. */
function ruleText({ additional_bindings: more = [], ...own }: Rule): string {
  const fields = Object.entries(own).map(([name, value]) => `${name}: ${JSON.stringify(value)}`);
  return [...fields, ...more.map((rule) => `additional_bindings { ${ruleText(rule)} }`)].join(" ");
}

describe("judge: the rules of google/api/http.proto", function () {
  const kit = readKit<{ cases: SpecCase[] }>("httprule/spec_rules.json");
  if (kit === undefined) return void it("skipped: needs kits/httprule/spec_rules.json");
  const { cases } = kit;
  let judged: TestSchema;

  before(() => {
    const services = cases.map(
      ({ rule }, index) =>
        `service S${index} { rpc Call(Request) returns (Request) { option (google.api.http) = { ${ruleText(rule)} }; } }`,
    );
    const head = 'syntax = "proto3"; package judge; import "google/api/annotations.proto";';
    judged = testSchema(bufBuild({ "judge.proto": [head, messages, ...services].join("\n") }));
  });

  /** Two cases may have one template, so each case is a schema of its own. */
  function tableOf(index: number): MethodTable {
    const services = judged.schema.services.filter(({ name }) => name === `judge.S${index}`);
    return createMethodTable({ ...judged.schema, services }, { autoMapping: false });
  }

  function call(table: MethodTable, http: string, body: unknown): unknown {
    const [httpMethod, target] = http.split(" ") as [string, string];
    const route = table.route(httpMethod, target);
    assert.ok(route.found, `no route for ${http}`);
    const wire = route.binder.bind(route, body === undefined ? undefined : Buffer.from(JSON.stringify(body))).wire();
    return jsonOf(judged.registry, "judge.Request", wire);
  }

  for (const [index, { rule, http, http_body: body, message, error, invalid }] of cases.entries()) {
    const title = `${index + 1} ${JSON.stringify(rule)}`;
    if (message !== undefined)
      it(`${title}: ${http}`, () => {
        const table = tableOf(index);
        assert.deepEqual(table.problems, []);
        assert.deepEqual(call(table, http!, body), inJsonNames(message));
      });
    else if (error !== undefined)
      it(`${title}: ${http} is refused`, () => {
        const table = tableOf(index);
        assert.throws(() => call(table, http!, body), CallError);
      });
    else if (invalid === "** not last")
      it(`${title}: taken, for ${widenings[invalid]}`, () => {
        const table = tableOf(index);
        assert.deepEqual(table.problems, []);
        assert.ok(table.route("GET", "/v1/any/thing/tail").found);
      });
    else if (invalid === "two levels")
      it(`${title}: ${widenings[invalid]}`, () => {
        const table = tableOf(index);
        assert.deepEqual(
          ["/v1/x", "/v1/y", "/v1/z"].map((path) => table.route("GET", path).found),
          [true, true, false],
        );
      });
    else
      it(`${title}: refused, for ${invalid}`, () => {
        const table = tableOf(index);
        assert.equal(table.problems.length, 1);
      });
  }
});

/** The kit writes messages in proto names. */
function inJsonNames(message: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(message).map(([name, value]) => [name.replace(/_(\w)/g, (_, letter: string) => letter.toUpperCase()), value]),
  );
}
