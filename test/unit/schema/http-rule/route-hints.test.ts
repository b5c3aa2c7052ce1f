/** What a path that is unknown may have been meant to be: only what the router has. */
import assert from "node:assert/strict";
import { routeHints } from "../../../../src/schema/http-rule/route-hints.ts";
import { Router } from "../../../../src/schema/http-rule/router.ts";
import { parseTemplate } from "../../../../src/schema/http-rule/template.ts";

function hintsFor(rules: readonly string[], request: string): string[] {
  const router = new Router<string>();
  for (const rule of rules) {
    const [httpMethod, template] = rule.split(" ") as [string, string];
    router.add(httpMethod, parseTemplate(template), rule);
  }
  const [httpMethod, path] = request.split(" ") as [string, string];
  return routeHints(router, httpMethod, path);
}

describe("hints for an unknown path", () => {
  const cases = [
    // rules                                   request                  hint
    [["GET /v1/books/{id}"], "GET /books/7", /^\/v1\/books\/7 is known: the prefix is missing$/],
    [["GET /v1/books/{id}"], "GET /api/v1/books/7", /^\/v1\/books\/7 is known: \/api in front of it/],
    [["GET /v1/books/{id}"], "GET /a/b/v1/books/7", /\/a\/b in front of it/],
    [["GET /v1/books/{id}"], "GET /v1//books/7", /^\/v1\/books\/7 is known: an empty segment/],
    [["GET /v1/books/{id}"], "GET /V1/Books/7", /^\/v1\/books\/7 is known: upper and lower case differ$/],
    [["GET /v1/books/{id}"], "GET /v1/books/7/8", /^\/v1\/books\/7%2F8 is known: a slash inside a value is written %2F/],
    [["GET /v1/books/{id}"], "POST /books/7", undefined],
    [["GET /v1/books/{id}"], "GET /v2/books/7", undefined],
    [["GET /v1/books/{id}"], "GET /", undefined],
    [["GET /v1/books/{id}"], "GET *", undefined],
  ] as const;
  for (const [rules, request, hint] of cases)
    it(`${request} against ${rules.join(", ")}`, () => {
      const [first] = hintsFor(rules, request);
      if (hint === undefined) assert.equal(first, undefined);
      else assert.match(first!, hint);
    });

  it("does not search for long: a path of a thousand slashes", () =>
    assert.deepEqual(hintsFor(["GET /v1/{a}"], `GET /${"x/".repeat(1000)}`), []));
});
