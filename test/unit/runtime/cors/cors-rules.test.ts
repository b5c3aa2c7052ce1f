/** Which origins are allowed, and what an answer says to each. */
import assert from "node:assert/strict";
import fc from "fast-check";
import { Metadata } from "../../../../src/core/metadata.ts";
import { CorsRules, isPreflight, type CorsSettings } from "../../../../src/runtime/cors/cors-rules.ts";
import type { RequestHead } from "../../../../src/wire/exchange.ts";
import { configOf } from "../../../support/runtime-host.ts";

function rulesOf(settings: Partial<CorsSettings>): CorsRules {
  return new CorsRules({
    origins: [],
    credentials: false,
    requestHeaders: [],
    exposedHeaders: [],
    maxAgeMs: 7_200_000,
    privateNetwork: false,
    ...settings,
  });
}

function head(headers: Record<string, string>, method = "OPTIONS"): RequestHead {
  return {
    version: "1.1",
    method,
    target: "/",
    scheme: "http",
    authority: "x",
    headers: Metadata.from(headers),
    contentLength: -1,
    acceptsTrailers: false,
    upgrade: undefined,
  };
}

function valuesOf(fields: readonly string[], name: string): string[] {
  return Metadata.share(fields).getAll(name);
}

describe("origins", () => {
  const cases = [
    // pattern                     origin                             allowed
    ["https://app.example.com", "https://app.example.com", true],
    ["https://app.example.com", "http://app.example.com", false],
    ["https://app.example.com", "https://app.example.com:8443", false],
    ["https://app.example.com", "https://app.example.com.evil.test", false],
    ["https://app.example.com", "https://evilapp.example.com", false],
    ["https://App.Example.com:443", "https://app.example.com", true],
    ["http://a.test:80", "http://a.test", true],
    ["http://a.test:8080", "http://a.test:8080", true],
    ["https://*.example.com", "https://a.example.com", true],
    ["https://*.example.com", "https://b.a.example.com", true],
    ["https://*.example.com", "https://example.com", false],
    ["https://*.example.com", "https://badexample.com", false],
    ["https://*.example.com", "https://.example.com", false],
    ["https://*.example.com", "https://*.example.com", false],
    ["https://*.example.com", "https://evil.test/.example.com", false],
    ["https://*.example.com", "https://evil.test?.example.com", false],
    ["https://*.example.com", "https://user@a.example.com", false],
    ["https://*.example.com", "https://a.example.com:444", false],
    ["https://*.example.com:*", "https://a.example.com:444", true],
    ["http://localhost:*", "http://localhost:5173", true],
    ["http://localhost:*", "http://localhost", true],
    ["http://localhost:*", "http://localhost:*", false],
    ["http://localhost:*", "https://localhost:5173", false],
    ["http://[::1]:*", "http://[::1]:3000", true],
    ["chrome-extension://abcdef", "chrome-extension://abcdef", true],
    ["https://app.example.com", "null", false],
    ["null", "null", true],
    ["*", "https://anything.test", true],
    ["*", "null", true],
  ] as const;
  for (const [pattern, origin, allowed] of cases)
    it(`${pattern} ${allowed ? "allows" : "keeps out"} ${origin}`, () =>
      assert.equal(rulesOf({ origins: [pattern] }).allows(origin), allowed));

  it("allow nothing but what is below the name, whatever is sent", () => {
    const rules = rulesOf({ origins: ["https://*.example.com"] });
    fc.assert(
      fc.property(fc.string({ maxLength: 40 }), (text) => {
        const origin = `https://${text}.example.com`;
        if (rules.allows(origin)) assert.equal(new URL(origin).origin.toLowerCase(), origin.toLowerCase());
      }),
    );
  });

  for (const wrong of ["example.com", "https://a.example.com/", "https://a.*.com", "https://", "http://a:99999999", "**", ""])
    it(`${JSON.stringify(wrong)} is refused in a configuration`, () =>
      assert.rejects(configOf({ "inbound.upstream": "grpc://127.0.0.1:1", "inbound.cors": { origins: [wrong] } }), /expected an origin/));

  it("everyone with credentials is refused in a configuration", () =>
    assert.rejects(
      configOf({ "inbound.upstream": "grpc://127.0.0.1:1", "inbound.cors": { origins: ["*"], credentials: true } }),
      /every page of the internet/,
    ));
});

describe("answers to pages", () => {
  it("show every field of the answer, and how the call ended", () => {
    const fields = rulesOf({ origins: ["https://a.test"] }).answer("https://a.test", [
      "content-type",
      "x/y",
      "x-color",
      "blue",
      "trailer-x",
      "1",
    ]);
    assert.deepEqual(valuesOf(fields, "access-control-allow-origin"), ["https://a.test"]);
    assert.deepEqual(valuesOf(fields, "access-control-expose-headers"), [
      "grpc-status, grpc-message, grpc-status-details-bin, x-color, trailer-x",
    ]);
    assert.deepEqual(valuesOf(fields, "vary"), ["origin"]);
    assert.deepEqual(valuesOf(fields, "access-control-allow-credentials"), []);
  });

  it("say vary: origin to everybody, and nothing more to who is not allowed or no page", () => {
    const rules = rulesOf({ origins: ["https://a.test"], credentials: true });
    for (const origin of [undefined, "https://b.test", "null", ""])
      assert.deepEqual(rules.answer(origin, ["vary", "accept-encoding"]), ["vary", "accept-encoding", "vary", "origin"]);
    assert.deepEqual(valuesOf(rules.answer("https://a.test", []), "access-control-allow-credentials"), ["true"]);
  });

  it("are the same for everyone where everyone may read them", () => {
    const rules = rulesOf({ origins: ["*"] });
    for (const origin of [undefined, "https://b.test"]) {
      const fields = rules.answer(origin, []);
      assert.deepEqual(valuesOf(fields, "access-control-allow-origin"), ["*"]);
      assert.deepEqual(valuesOf(fields, "vary"), []);
    }
  });

  it("do not carry what the upstream says of CORS", () => {
    const fields = rulesOf({ origins: ["https://a.test"] }).answer("https://b.test", ["access-control-allow-origin", "*", "x", "1"]);
    assert.deepEqual(fields, ["x", "1", "vary", "origin"]);
  });

  it("are the same list for the same list", () => {
    const rules = rulesOf({ origins: ["https://a.test"] });
    const headers = Object.freeze(["x", "1"]);
    assert.equal(rules.answer("https://a.test", headers), rules.answer("https://a.test", headers));
    assert.notEqual(rules.answer("https://a.test", headers), rules.answer("https://b.test", headers));
    for (let i = 0; i < 1000; i++) rules.answer(`https://${i}.test`, headers);
  });
});

describe("preflights", () => {
  const asked = {
    origin: "https://a.test",
    "access-control-request-method": "POST",
    "access-control-request-headers": "content-type,x-grpc-web",
  };

  it("are what asks for a method from another origin", () => {
    assert.ok(isPreflight(head(asked)));
    assert.ok(!isPreflight(head(asked, "POST")));
    assert.ok(!isPreflight(head({ origin: "https://a.test" })));
    assert.ok(!isPreflight(head({ "access-control-request-method": "POST" })));
  });

  it("are granted what they ask for, for two hours", () => {
    const fields = rulesOf({ origins: ["https://a.test"], credentials: true }).preflight(head(asked));
    assert.deepEqual(Object.fromEntries(Metadata.share(fields)), {
      "access-control-allow-origin": "https://a.test",
      "access-control-allow-credentials": "true",
      "access-control-allow-methods": "POST",
      "access-control-allow-headers": "content-type,x-grpc-web",
      "access-control-max-age": "7200",
      vary: "origin, access-control-request-method, access-control-request-headers",
    });
  });

  it("are granted what is configured, where it is", () => {
    const fields = rulesOf({ origins: ["*"], requestHeaders: ["X-One", "x-two"], maxAgeMs: 5500 }).preflight(head(asked));
    assert.deepEqual(valuesOf(fields, "access-control-allow-headers"), ["x-one, x-two"]);
    assert.deepEqual(valuesOf(fields, "access-control-max-age"), ["5"]);
    assert.deepEqual(valuesOf(fields, "access-control-allow-origin"), ["*"]);
  });

  it("are told of the private network only where that is allowed", () => {
    const request = head({ ...asked, "access-control-request-private-network": "true" });
    const name = "access-control-allow-private-network";
    assert.deepEqual(valuesOf(rulesOf({ origins: ["*"] }).preflight(request), name), []);
    assert.deepEqual(valuesOf(rulesOf({ origins: ["*"], privateNetwork: true }).preflight(request), name), ["true"]);
    assert.deepEqual(valuesOf(rulesOf({ origins: ["*"], privateNetwork: true }).preflight(head(asked)), name), []);
  });

  it("get nothing back that is no list of names", () => {
    const rules = rulesOf({ origins: ["*"] });
    for (const names of ["a b", "x;y", "\x7f", "a,,b", `x${",x".repeat(3000)}`])
      assert.deepEqual(
        valuesOf(rules.preflight(head({ ...asked, "access-control-request-headers": names })), "access-control-allow-headers"),
        [],
      );
    const odd = rules.preflight(head({ ...asked, "access-control-request-method": "GET, DELETE" }));
    assert.deepEqual(valuesOf(odd, "access-control-allow-methods"), []);
  });

  it("of pages that may not call are refused", () =>
    assert.throws(() => rulesOf({ origins: ["https://b.test"] }).preflight(head(asked)), {
      reason: "ORIGIN_NOT_ALLOWED",
      httpStatus: 403,
    }));
});
