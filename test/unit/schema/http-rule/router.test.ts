/** Which template takes a path, what its variables capture, and that no path is expensive. */
import assert from "node:assert/strict";
import { Router } from "../../../../src/schema/http-rule/router.ts";
import { parseTemplate } from "../../../../src/schema/http-rule/template.ts";

/** Rules are "GET /template", or "/template" for GET. */
function routerOf(rules: readonly string[]): Router<string> {
  const router = new Router<string>();
  for (const rule of rules) {
    const [httpMethod, template] = rule.startsWith("/") ? ["GET", rule] : (rule.split(" ") as [string, string]);
    router.add(httpMethod, parseTemplate(template), rule);
  }
  return router;
}

function found(router: Router<string>, request: string) {
  const [httpMethod, path] = request.includes(" ") ? (request.split(" ") as [string, string]) : ["GET", request];
  const match = router.match(httpMethod, path);
  return match && [match.route.value, ...match.captures];
}

describe("router", () => {
  const single = [
    // template                        path                             captures (raw), or undefined for a miss
    ["/", "/", []],
    ["/", "//", []],
    ["/", "/a", undefined],
    ["/v1/a", "/v1/a", []],
    ["/v1/a", "/v1/a/", []], // trailing empty segments are dropped
    ["/v1/a", "/v1/a//", []],
    ["/v1/a", "/v1//a", undefined], // inner ones are kept
    ["/v1/a", "//v1/a", undefined],
    ["/v1/a", "/v1/A", undefined],
    ["/v1/a", "/v1/%61", []], // %61 is "a"
    ["/v1/a", "/v1/%6", undefined],
    ["/v1/a", "v1/a", undefined],
    ["/v1/a", "", undefined],
    ["/v1/a", "*", undefined],
    ["/v1/a%20b", "/v1/a%20b", []],
    ["/v1/café", "/v1/caf%C3%A9", []],
    ["/v1/a%2Fb", "/v1/a%2fb", []],
    ["/v1/a%2Fb", "/v1/a/b", undefined],
    ["/v1/{id}", "/v1/7", ["7"]],
    ["/v1/{id}", "/v1/7/", ["7"]],
    ["/v1/{id}", "/v1/", undefined],
    ["/v1/{id}", "/v1", undefined],
    ["/v1/{id}", "/v1/7/8", undefined],
    ["/v1/{id}", "/v1/a%2Fb", ["a%2Fb"]],
    ["/v1/{id}", "/v1/a:b", ["a:b"]], // a verb that nobody registered is text
    ["/v1/{id}/x", "/v1//x", [""]],
    ["/v1/{a}/{b}", "/v1/7/8", ["7", "8"]],
    ["/v1/{name=shelves/*}", "/v1/shelves/7", ["shelves/7"]],
    ["/v1/{name=shelves/*}", "/v1/shelves", undefined],
    ["/v1/{name=shelves/*}", "/v1/books/7", undefined],
    ["/v1/{name=shelves/*}/books/{book}", "/v1/shelves/7/books/x%20y", ["shelves/7", "x%20y"]],
    ["/v1/{name=**}", "/v1", [""]], // ** takes zero segments
    ["/v1/{name=**}", "/v1/", [""]],
    ["/v1/{name=**}", "/v1/a", ["a"]],
    ["/v1/{name=**}", "/v1/a/b//c", ["a/b//c"]],
    ["/v1/{name=**}", "/v1/a/b/", ["a/b"]],
    ["/v1/{name=x/**}", "/v1/x", ["x"]],
    ["/v1/{name=x/**}", "/v1/x/y/z", ["x/y/z"]],
    ["/v1/{name=x/**}", "/v1/y", undefined],
    ["/v1/{name=**}/tail", "/v1/tail", [""]],
    ["/v1/{name=**}/tail", "/v1/a/b/tail", ["a/b"]],
    ["/v1/{name=**}/tail", "/v1/tail/tail", ["tail"]],
    ["/v1/{name=**}/tail", "/v1/a/b", undefined],
    ["/v1/{name=**}/tail/end", "/v1/tail/x/tail/end", ["tail/x"]],
    ["/v1/{name=a/**/b}/c", "/v1/a/b/c", ["a/b"]],
    ["/v1/{name=a/**/b}/c", "/v1/a/x/y/b/c", ["a/x/y/b"]],
    ["/v1/{name=a/**/b}/c", "/v1/a/c", undefined],
    ["/v1/{p}/{name=**}/t", "/v1/x/t", ["x", ""]],
    ["/v1/{id}:go", "/v1/7:go", ["7"]],
    ["/v1/{id}:go", "/v1/7:%67o", ["7"]],
    ["/v1/{id}:go", "/v1/7%3Ago", undefined],
    ["/v1/{id}:go", "/v1/7:stop", undefined],
    ["/v1/{id}:go", "/v1/7", undefined],
    ["/v1/{id}:go", "/v1/a:b:go", ["a:b"]],
    ["/v1/{id}:go", "/v1/7:go/", undefined], // the colon is not in the last segment
    ["/v1/{name=**}:go", "/v1/a/b:go", ["a/b"]],
    ["/v1/{name=**}:go", "/v1:go", [""]],
    ["/v1/{name=**}/tail:go", "/v1/a/tail:go", ["a"]],
    ["/v1/a:go", "/v1/a:go", []],
    ["/v1/a:b:go", "/v1/a:b:go", []],
    ["/v1/a:b/c", "/v1/a:b/c", []],
    ["/v1/*/x", "/v1/7/x", []],
    ["/v1/**", "/v1/7/x", []],
    ["/**", "/", []],
    ["/**", "/anything/at/all", []],
    ["/pkg.Service/Method", "/pkg.Service/Method", []],
  ] as const;
  for (const [template, path, captures] of single)
    it(`${template} ${captures ? "takes" : "leaves"} ${path || "the empty path"}`, () => {
      assert.deepEqual(found(routerOf([template]), path), captures && [template, ...captures]);
    });

  const several = [
    // rules, first to last                                    request              rule that takes it
    [["/v1/{id}", "/v1/a"], "/v1/a", "/v1/a"], // a literal before a variable
    [["/v1/{id}", "/v1/a"], "/v1/b", "/v1/{id}"],
    [["/v1/**", "/v1/{id}"], "/v1/b", "/v1/{id}"], // a variable before **
    [["/v1/**", "/v1/{id}"], "/v1/b/c", "/v1/**"],
    [["/v1/a/x", "/v1/{id}/y"], "/v1/a/y", "/v1/{id}/y"], // back from the literal
    [["/v1/a/x", "/v1/{id}/y", "/v1/**"], "/v1/a/z", "/v1/**"],
    [["/{a}/b/c", "/a/{b}/d"], "/a/b/c", "/{a}/b/c"],
    [["/v1/**/tail", "/v1/**"], "/v1/x/tail", "/v1/**/tail"], // ** takes no more than it must
    [["/v1/**/tail", "/v1/**/b/tail"], "/v1/a/b/tail", "/v1/**/b/tail"],
    [["/v1/**/tail", "/v1/**/b/tail"], "/v1/a/c/tail", "/v1/**/tail"],
    [["/v1/**", "/v1"], "/v1", "/v1"],
    [["/v1/{a}/**", "/v1/**"], "/v1/x", "/v1/{a}/**"],
    [["POST /v1/a", "/v1/{id}"], "GET /v1/a", "/v1/{id}"], // back, too, where the HTTP method does not fit
    [["GET /v1/a", "POST /v1/a"], "POST /v1/a", "POST /v1/a"],
    [["* /v1/a", "GET /v1/a"], "GET /v1/a", "GET /v1/a"], // the exact HTTP method before *
    [["* /v1/a", "GET /v1/a"], "POST /v1/a", "* /v1/a"],
    [["* /v1/a", "GET /v1/{id}"], "GET /v1/a", "* /v1/a"], // ... of the same template
    [["LINK /v1/a"], "LINK /v1/a", "LINK /v1/a"],
    [["/v1/a"], "get /v1/a", undefined],
    [["/v1/a"], "HEAD /v1/a", "/v1/a"], // HEAD falls back to GET
    [["/v1/a", "HEAD /v1/a"], "HEAD /v1/a", "HEAD /v1/a"],
    [["/v1/a", "* /v1/{id}"], "HEAD /v1/a", "* /v1/{id}"],
    [["/v1/{id}", "/v1/{id}:go"], "/v1/7:go", "/v1/{id}:go"],
    [["/v1/{id}", "/v2/{id}:go"], "/v1/7:go", undefined], // a registered verb is a verb everywhere
    [["/v1/{id}", "/v2/{id}:go"], "/v1/7:stop", "/v1/{id}"],
    [["/v1/x/y", "/v1/{a}/y", "/v1/{a}/{b}"], "/v1/x/z", "/v1/{a}/{b}"],
  ] as const;
  for (const [rules, request, rule] of several)
    it(`${request} meets ${rule ?? "nothing"} of ${rules.join(", ")}`, () => assert.equal(found(routerOf(rules), request)?.[0], rule));

  it("finds one of many literals", () => {
    const names = Array.from({ length: 50 }, (_, index) => `/v1/name${index}/x`);
    const router = routerOf(names.map((name) => name.replace("/x", "/{id}")));
    for (const name of names) assert.equal(found(router, name)?.[0], name.replace("/x", "/{id}"));
    assert.equal(found(router, "/v1/name50/x"), undefined);
    assert.equal(found(router, "/v1/%6eame7/x")?.[0], "/v1/name7/{id}");
  });

  describe("a place that is taken", () => {
    const cases = [
      ["GET /v1/a", "GET /v1/a", true],
      ["GET /v1/{a}", "GET /v1/{b}", true],
      ["GET /v1/{a}", "GET /v1/*", true],
      ["GET /v1/{a=x/*}", "GET /v1/x/{b}", true],
      ["GET /v1/{a=**}", "GET /v1/**", true],
      ["GET /v1/%61", "GET /v1/a", true],
      ["GET /v1/a", "POST /v1/a", false],
      ["GET /v1/a", "* /v1/a", false],
      ["GET /v1/{a}", "GET /v1/{a}:go", false],
      ["GET /v1/{a}", "GET /v1/**", false],
    ] as const;
    for (const [first, second, taken] of cases)
      it(`${second} after ${first} is ${taken ? "refused" : "another"}`, () => {
        const router = routerOf([first]);
        const [httpMethod, template] = second.split(" ") as [string, string];
        assert.equal(router.add(httpMethod, parseTemplate(template), second)?.value, taken ? first : undefined);
      });
  });

  describe("methods a path would take", () => {
    const rules = ["GET /v1/a", "POST /v1/{id}", "DELETE /v1/**", "PATCH /v1/**/a", "* /any", "PUT /v1/{id}:go"];
    const cases = [
      ["/v1/a", ["DELETE", "GET", "HEAD", "PATCH", "POST"]],
      ["/v1/b", ["DELETE", "POST"]],
      ["/v1/b/c", ["DELETE"]],
      ["/v1/b/a", ["DELETE", "PATCH"]],
      ["/v1", ["DELETE"]],
      ["/v1/b:go", ["PUT"]],
      ["/any", ["*"]],
      ["/v2", []],
      ["nonsense", []],
    ] as const;
    for (const [path, methods] of cases)
      it(`${path}: ${methods.join(", ") || "none"}`, () => assert.deepEqual(routerOf(rules).allowedMethods(path), methods));
  });

  describe("hostile paths", () => {
    const deep = 10;
    const everyMix = Array.from({ length: 1 << deep }, (_, bits) =>
      Array.from({ length: deep }, (_, index) => (bits & (1 << index) ? "/a" : "/*")).join(""),
    );
    const tails = Array.from({ length: 200 }, (_, length) => "/**" + "/a".repeat(length));
    const routers = {
      "every mix of literals and wildcards": routerOf(everyMix.map((template) => template + "/end")),
      "many tails": routerOf(tails.map((template) => template + "/end")),
      "tails behind wildcards": routerOf(Array.from({ length: 30 }, (_, index) => "/*".repeat(index) + "/**/a/a/a/end")),
      verbs: routerOf(["/**/a:go", "/{a}/{b}:stop"]),
    };
    const paths = {
      "8 KB of /a": "/a".repeat(4096),
      "8 KB of slashes": "/".repeat(8192),
      "8 KB of /a and no end": "/a".repeat(4090) + "/ende",
      "8 KB of escapes": "/%61".repeat(2048),
      "one segment of 8 KB of escapes": "/" + "%61".repeat(2730),
      "8 KB of colons": "/a" + ":".repeat(8190),
      "as deep as the templates": "/a".repeat(deep) + "/x",
    };
    for (const [routerName, router] of Object.entries(routers))
      for (const [pathName, path] of Object.entries(paths))
        it(`${pathName} against ${routerName}: under a millisecond`, () => {
          let best = Infinity;
          for (let attempt = 0; attempt < 20 && best > 1; attempt++) {
            const start = performance.now();
            router.match("GET", path);
            best = Math.min(best, performance.now() - start);
          }
          assert.ok(best <= 1, `${best} ms`);
        });
  });
});
