/** Why a request meets no route, in words for the person who sent it. */
import assert from "node:assert/strict";
import { explainRoutes } from "../../../../src/schema/http-rule/explain-routes.ts";
import { Router } from "../../../../src/schema/http-rule/router.ts";
import { parseTemplate } from "../../../../src/schema/http-rule/template.ts";

function firstOf(rules: readonly string[], request: string): [string, string | undefined] {
  const router = new Router<string>();
  for (const rule of rules) {
    const [httpMethod, template] = rule.split(" ") as [string, string];
    router.add(httpMethod, parseTemplate(template), rule);
  }
  const [httpMethod, path] = request.split(" ") as [string, string];
  const [first] = explainRoutes(router, httpMethod, path, 3);
  return [first!.route.value, first!.reason];
}

describe("explanation of a route", () => {
  const cases = [
    // rules                                   request                nearest rule           reason
    [["GET /v1/a"], "GET /v1/a", "GET /v1/a", undefined],
    [["GET /v1/a"], "HEAD /v1/a", "GET /v1/a", undefined],
    [["GET /v1/a"], "POST /v1/a", "GET /v1/a", /HTTP method is POST, the binding wants GET/],
    [["GET /v1/books/{id}"], "GET /v1/book/7", "GET /v1/books/{id}", /segment 2 is "book", the template wants "books"/],
    [["GET /v1/books/{id}"], "GET /v1/books", "GET /v1/books/{id}", /path ends where the template wants a segment/],
    [["GET /v1/books/{id}"], "GET /v1/books/7/8", "GET /v1/books/{id}", /goes on after the template's end: "8"/],
    [["GET /v1/{id}:go"], "GET /v1/7", "GET /v1/{id}:go", /wants the verb ":go"/],
    [["GET /v1/{id}", "GET /v2/{id}:go"], "GET /v1/7:go", "GET /v1/{id}", /":go" is a verb of other templates/],
    [["GET /v1/**/tail"], "GET /v1/a/b", "GET /v1/**/tail", /does not end as the template wants: "tail"/],
    [["GET /v1/**/a/b"], "GET /v1/b", "GET /v1/**/a/b", /too short/],
    [["GET /v2/x", "GET /v1/y", "GET /v1/z/{a}"], "GET /v1/z/1/2", "GET /v1/z/{a}", /goes on/],
    [["GET /v1/%61b"], "GET /v1/a%62", "GET /v1/%61b", undefined],
  ] as const;
  for (const [rules, request, rule, reason] of cases)
    it(`${request} against ${rules.join(", ")}`, () => {
      const [nearest, why] = firstOf(rules, request);
      assert.equal(nearest, rule);
      if (reason === undefined) assert.equal(why, undefined);
      else assert.match(why!, reason);
    });

  const segmentCases = [
    // rule                                    path                rows: path, template, what is said
    ["/v1/books/{id}", "/v1/book/7", ["v1 v1 ok", "book books differs (did you mean books?)", "7 {id} ok"]],
    ["/v1/books/{id}", "/v1/Books/7", ["v1 v1 ok", "Books books differs in case", "7 {id} ok"]],
    ["/v1/books/{id}", "/v1/quux", ["v1 v1 ok", "quux books differs", "- {id} the path has ended"]],
    ["/v1/{id}", "/v1/a/b", ["v1 v1 ok", "a {id} ok", "b - the template has ended"]],
    ["/v1/{name=shelves/*}", "/v1/shelf/7", ["v1 v1 ok", "shelf shelves of {name=shelves/*} differs", "7 * of {name=shelves/*} ok"]],
    ["/v1/{name=**}/raw", "/v1/a/b/row", ["v1 v1 ok", "a/b {name=**} ok", "row raw differs (did you mean raw?)"]],
    ["/v1/{name=**}/raw", "/v1/raw", ["v1 v1 ok", "- {name=**} no segments", "raw raw ok"]],
    ["/v1/{id}:go", "/v1/7", ["v1 v1 ok", "7 {id} ok", "- :go the verb is missing"]],
    ["/v1/{id}:go", "/v1/7:go", ["v1 v1 ok", "7 {id} ok", ":go :go ok"]],
  ] as const;
  for (const [template, path, rows] of segmentCases)
    it(`${path} beside ${template}, segment by segment`, () => {
      const router = new Router<string>();
      router.add("GET", parseTemplate(template), template);
      const [explanation] = explainRoutes(router, "GET", path, 1);
      const told = explanation!.segments.map(
        (row) => `${row.path ?? "-"} ${row.template ?? "-"} ${row.note ?? (row.fits ? "ok" : "differs")}`,
      );
      assert.deepEqual(told, rows);
    });

  it("puts a path that fits but for its HTTP method first, and a misspelt one before others", () => {
    assert.equal(firstOf(["GET /v1/a/b", "PUT /v1/x/b"], "GET /v1/x/b")[0], "PUT /v1/x/b");
    assert.equal(firstOf(["GET /v1/orders/{id}", "GET /v1/items/{id}"], "GET /v1/itmes/7")[0], "GET /v1/items/{id}");
  });

  it("says nothing of what is not a path", () => assert.deepEqual(explainRoutes(new Router(), "GET", "*", 3), []));
});
