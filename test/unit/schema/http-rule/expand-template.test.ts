/** Values -> path, with the escapes of google/api/http.proto, and the values that have no path. */
import assert from "node:assert/strict";
import { expandTemplate } from "../../../../src/schema/http-rule/expand-template.ts";
import { parseTemplate } from "../../../../src/schema/http-rule/template.ts";

describe("template expansion", () => {
  const cases = [
    // template                          values                path
    ["/v1/a", [], "/v1/a"],
    ["/", [], "/"],
    ["/v1/{id}", ["7"], "/v1/7"],
    ["/v1/{id}", ["a/b"], "/v1/a%2Fb"], // R3
    ["/v1/{id}", ["a b:c"], "/v1/a%20b%3Ac"],
    ["/v1/{id}", ["-_.~09azAZ"], "/v1/-_.~09azAZ"],
    ["/v1/{id}", ["!$&'()*+,;=@"], "/v1/%21%24%26%27%28%29%2A%2B%2C%3B%3D%40"],
    ["/v1/{id}", ["é"], "/v1/%C3%A9"],
    ["/v1/{id}", ["100%"], "/v1/100%25"],
    ["/v1/{id}", ["%2F"], "/v1/%252F"],
    ["/v1/{id}", [""], undefined],
    ["/v1/{id}", ["."], undefined],
    ["/v1/{id}", [".."], undefined],
    ["/v1/{id}", ["..."], "/v1/..."],
    ["/v1/{id}", ["\ud800"], undefined],
    ["/v1/{id}", [], undefined],
    ["/v1/{id}/x", [""], undefined],
    ["/v1/{a}/{b}", ["1", "2"], "/v1/1/2"],
    ["/v1/{name=shelves/*}", ["shelves/7"], "/v1/shelves/7"], // R4
    ["/v1/{name=shelves/*}", ["shelves/a b"], "/v1/shelves/a%20b"],
    ["/v1/{name=shelves/*}", ["books/7"], undefined],
    ["/v1/{name=shelves/*}", ["shelves"], undefined],
    ["/v1/{name=shelves/*}", ["shelves/"], undefined],
    ["/v1/{name=shelves/*}", ["shelves/7/8"], undefined],
    ["/v1/{name=shelves/*}", ["shelves/.."], undefined],
    ["/v1/{name=**}", ["a/b/c"], "/v1/a/b/c"],
    ["/v1/{name=**}", ["a:b/c"], "/v1/a%3Ab/c"],
    ["/v1/{name=**}", [""], "/v1"],
    ["/v1/{name=**}", ["a//b"], "/v1/a//b"],
    ["/v1/{name=**}", ["a/"], undefined], // matching would drop the empty end
    ["/v1/{name=**}", ["a/../b"], undefined],
    ["/v1/{name=**}/tail", ["a/"], "/v1/a//tail"],
    ["/v1/{name=**}/tail", [""], "/v1/tail"],
    ["/v1/{name=a/**/b}/c", ["a/x/y/b"], "/v1/a/x/y/b/c"],
    ["/v1/{name=a/**/b}/c", ["a/b"], "/v1/a/b/c"],
    ["/v1/{name=a/**/b}/c", ["a/x"], undefined],
    ["/v1/{id}:go", ["7:go"], "/v1/7%3Ago:go"],
    ["/v1/{name=**}:go", ["a/b"], "/v1/a/b:go"],
    ["/v1/a:b/{id}", ["7"], "/v1/a:b/7"],
    ["/v1/a%3Ab", [], "/v1/a%3Ab"],
    ["/v1/café", [], "/v1/caf%C3%A9"],
    ["/v1/*/x", [], undefined], // nothing says what stands there
    ["/v1/**", [], undefined],
  ] as const;
  for (const [template, values, path] of cases)
    it(`${template} with ${JSON.stringify(values)} is ${path ?? "no path"}`, () =>
      assert.equal(expandTemplate(parseTemplate(template), values), path));
});
