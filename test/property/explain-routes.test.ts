/** The comparison that people are shown agrees with the router: a template it calls fitting is matched, and no other. */
import fc from "fast-check";
import assert from "node:assert/strict";
import { explainRoutes } from "../../src/schema/http-rule/explain-routes.ts";
import { routeHints } from "../../src/schema/http-rule/route-hints.ts";
import { Router } from "../../src/schema/http-rule/router.ts";
import { parseTemplate } from "../../src/schema/http-rule/template.ts";

const segment = fc.constantFrom("a", "b", "v1", "x-1", "%61", "B");
const part = fc.oneof(segment, fc.constant("*"), fc.constant("{n=*}"), fc.constant("{n=a/*}"));
const templateText = fc
  .record({
    parts: fc.array(part, { minLength: 1, maxLength: 4 }),
    rest: fc.constantFrom("", "/**", "/{r=**}", "/**/a", "/{r=**/b}/a"),
    verb: fc.constantFrom("", ":go", ":stop"),
  })
  .map(({ parts, rest, verb }) => {
    let names = 0;
    return `/${parts.join("/").replace(/\{n/g, () => `{n${names++}`)}${rest}${verb}`;
  });
const path = fc
  .record({
    parts: fc.array(fc.oneof(segment, fc.constantFrom("", "c", "a:go", "%zz")), { maxLength: 6 }),
    end: fc.constantFrom("", "/", ":go", ":no"),
  })
  .map(({ parts, end }) => `/${parts.join("/")}${end}`);
const httpMethod = fc.constantFrom("GET", "POST", "HEAD", "*");

describe("explanations of routes, for any templates and path", () => {
  it("agree with the router on each template alone", () => {
    fc.assert(
      fc.property(httpMethod, templateText, fc.constantFrom("GET", "POST", "HEAD"), path, (bound, template, asked, wanted) => {
        const router = new Router<string>();
        router.add(bound, parseTemplate(template), template);
        const [explanation] = explainRoutes(router, asked, wanted, 1);
        assert.equal(
          explanation!.reason === undefined,
          router.match(asked, wanted) !== undefined,
          `${bound} ${template}, ${asked} ${wanted}`,
        );
        assert.equal(explanation!.pathFits, router.allowedMethods(wanted).length > 0);
        assert.equal(
          explanation!.pathFits,
          explanation!.segments.every(({ fits }) => fits),
        );
      }),
      { numRuns: 2000 },
    );
  });

  it("put what the router matches among those that fit", () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(httpMethod, templateText), { maxLength: 8 }), path, (rules, wanted) => {
        const router = new Router<string>();
        for (const [bound, template] of rules) router.add(bound, parseTemplate(template), `${bound} ${template}`);
        const match = router.match("GET", wanted);
        const fitting = explainRoutes(router, "GET", wanted, Infinity).filter(({ reason }) => reason === undefined);
        if (match === undefined) assert.deepEqual(fitting, []);
        else assert.ok(fitting.some(({ route }) => route === match.route));
        assert.ok(match !== undefined || routeHints(router, "GET", wanted).length <= 64 + 4);
      }),
      { numRuns: 500 },
    );
  });
});
