/** The kit's statements on google.api.http: Envoy's template cases, and the normative rules with their examples. */
import assert from "node:assert/strict";
import { parseTemplate, TemplateError, type Template } from "../../src/schema/http-rule/template.ts";
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
