/** The grammar of templates: what parses to what, and what is refused where. */
import assert from "node:assert/strict";
import { parseTemplate, TemplateError, type Segment } from "../../../../src/schema/http-rule/template.ts";

const shown = (segment: Segment) => (segment.kind === "one" ? "*" : segment.kind === "rest" ? "**" : segment.text);

describe("template grammar", () => {
  const valid = [
    // template                              segments                          verb       variables as path[start,end) and + for several segments
    ["/", [], "", []],
    ["/v1", ["v1"], "", []],
    ["/v1/messages", ["v1", "messages"], "", []],
    ["/v1/{id}", ["v1", "*"], "", ["id[1,2)"]],
    ["/v1/{id=*}", ["v1", "*"], "", ["id[1,2)"]],
    ["/v1/{a.b.c}", ["v1", "*"], "", ["a.b.c[1,2)"]],
    ["/v1/{a}/{b}", ["v1", "*", "*"], "", ["a[1,2)", "b[2,3)"]],
    ["/v1/{name=shelves/*}", ["v1", "shelves", "*"], "", ["name[1,3)+"]],
    ["/v1/{name=shelves/*/books/*}", ["v1", "shelves", "*", "books", "*"], "", ["name[1,5)+"]],
    ["/v1/{name=**}", ["v1", "**"], "", ["name[1,2)+"]],
    ["/v1/{name=a/**}", ["v1", "a", "**"], "", ["name[1,3)+"]],
    ["/v1/{kind=fixed}", ["v1", "fixed"], "", ["kind[1,2)"]],
    ["/v1/*", ["v1", "*"], "", []],
    ["/v1/**", ["v1", "**"], "", []],
    ["/v1/*/x/**", ["v1", "*", "x", "**"], "", []],
    ["/**", ["**"], "", []],
    ["/v1/**/tail", ["v1", "**", "tail"], "", []], // the widening of A1.1
    ["/v1/{name=**}/tail/end", ["v1", "**", "tail", "end"], "", ["name[1,2)+"]],
    ["/v1/{name=a/**/b}/c", ["v1", "a", "**", "b", "c"], "", ["name[1,4)+"]],
    ["/v1:verb", ["v1"], "verb", []],
    ["/v1/{id}:cancel", ["v1", "*"], "cancel", ["id[1,2)"]],
    ["/v1/{name=**}:purge", ["v1", "**"], "purge", ["name[1,2)+"]],
    ["/v1/**/tail:go", ["v1", "**", "tail"], "go", []],
    ["/v1/*:go", ["v1", "*"], "go", []],
    ["/v1/a:b:c", ["v1", "a:b"], "c", []],
    ["/v1/a:b/c", ["v1", "a:b", "c"], "", []],
    ["/a:b/{c}:d", ["a:b", "*"], "d", ["c[1,2)"]],
    ["/v1/{name=a:b}", ["v1", "a:b"], "", ["name[1,2)"]], // inside braces a colon is text
    ["/v1/{name=a:b}:c", ["v1", "a:b"], "c", ["name[1,2)"]],
    ["/v1/with-dash_and.dot~x", ["v1", "with-dash_and.dot~x"], "", []],
    ["/v1/$discovery", ["v1", "$discovery"], "", []],
    ["/v1/a=b", ["v1", "a=b"], "", []],
    ["/v1/caf%C3%A9", ["v1", "café"], "", []],
    ["/v1/café", ["v1", "café"], "", []],
    ["/v1/a%2Fb", ["v1", "a/b"], "", []],
    ["/pkg.Service/Method", ["pkg.Service", "Method"], "", []],
    ["/v1/{_x1}", ["v1", "*"], "", ["_x1[1,2)"]],
  ] as const;
  for (const [text, segments, verb, variables] of valid)
    it(`takes ${text}`, () => {
      const template = parseTemplate(text);
      assert.deepEqual(template.segments.map(shown), segments);
      assert.equal(template.verb, verb);
      const found = template.variables.map((v) => `${v.fieldPath.join(".")}[${v.start},${v.end})${v.multiSegment ? "+" : ""}`);
      assert.deepEqual(found, variables);
    });

  const invalid = [
    // template            column   says
    ["", 1, /starts with/],
    ["v1", 1, /starts with/],
    ["v1/{x}", 1, /starts with/],
    [":verb", 1, /starts with/],
    ["//", 2, /empty segment/],
    ["/v1//x", 5, /empty segment/],
    ["/v1/", 5, /empty segment/],
    ["/v1/:verb", 5, /empty segment/],
    ["/:", 2, /empty segment/],
    ["/v1:", 4, /verb .* empty/],
    ["/v1/{x}:", 8, /verb .* empty/],
    ["/v1/**:", 7, /verb .* empty/],
    ["/v1/{", 6, /field name/],
    ["/v1/{}", 6, /field name/],
    ["/v1/{x", 7, /expected "}"/],
    ["/v1/{x.", 8, /field name/],
    ["/v1/{x..y}", 8, /field name/],
    ["/v1/{.x}", 6, /field name/],
    ["/v1/{1x}", 6, /field name/],
    ["/v1/{x-y}", 7, /expected "}"/],
    ["/v1/{x=}", 8, /empty segment/],
    ["/v1/{x=/b}", 8, /empty segment/],
    ["/v1/{x=a/}", 10, /empty segment/],
    ["/v1/{x={y}}", 8, /nest/],
    ["/v1/{x=a/{y}}", 10, /nest/],
    ["/v1/a{x}", 6, /whole segment/],
    ["/v1/{x}b", 8, /whole segment/],
    ["/v1/{x}{y}", 8, /whole segment/],
    ["/v1/a}b", 6, /whole segment/],
    ["/v1/a*", 6, /whole segment/],
    ["/v1/*a", 6, /whole segment/],
    ["/v1/***", 7, /whole segment/],
    ["/v1/**/*", 8, /only literals/],
    ["/v1/**/**", 8, /only literals/],
    ["/v1/**/{x}", 10, /only literals/],
    ["/v1/{a=**}/{b=**}", 15, /only literals/],
    ["/v1/{x}/{x}", 10, /bound twice/],
    ["/v1/a?b", 6, /no "\?"/],
    ["/v1/a#b", 6, /no "#"/],
    ["/v1/a b", 6, /spaces/],
    ["/v1/a%2", 6, /percent/],
    ["/v1/a%zz", 6, /percent/],
    ["/v1/%ff", 5, /percent/],
    ["/v1/{x}:a{b", 10, /unexpected/],
  ] as const;
  for (const [text, column, says] of invalid)
    it(`refuses ${text || "the empty text"}`, () => {
      assert.throws(
        () => parseTemplate(text),
        (error: unknown) => {
          assert.ok(error instanceof TemplateError);
          assert.match(error.message, says);
          assert.equal(error.column, column);
          return true;
        },
      );
    });
});
