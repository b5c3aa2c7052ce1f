import assert from "node:assert/strict";
import { isAllowedOrigin } from "../../../../src/protocols/websocket/origin.ts";

describe("origins of WebSockets", () => {
  const cases = [
    // page                        host            also allowed                       may connect
    ["https://a.example", "a.example", [], true],
    ["http://a.example", "a.example", [], true], // a proxy in front may have ended TLS
    ["https://a.example", "A.EXAMPLE:443", [], true],
    ["http://a.example:80", "a.example", [], true],
    ["http://a.example", "a.example:443", [], false],
    ["http://a.example:8080", "a.example", [], false],
    ["http://[::1]:8080", "[::1]:8080", [], true],
    ["http://b.example", "a.example", [], false],
    ["http://a.example.evil", "a.example", [], false],
    ["http://a.example@evil", "a.example", [], false],
    ["file://", "a.example", [], false],
    ["", "a.example", [], false],
    ["null", "null", [], false],
    ["null", "a.example", ["null"], true],
    ["null", "a.example", ["*"], true],
    ["https://b.example", "a.example", ["https://b.example"], true],
    ["https://B.example", "a.example", ["https://b.EXAMPLE:443"], true],
    ["http://b.example", "a.example", ["https://b.example"], false],
    ["https://x.b.example", "a.example", ["https://*.b.example"], true],
    ["https://x.y.b.example", "a.example", ["https://*.b.example"], true],
    ["https://b.example", "a.example", ["https://*.b.example"], false],
    ["https://.b.example", "a.example", ["https://*.b.example"], false],
    ["https://xb.example", "a.example", ["https://*.b.example"], false],
    ["http://localhost:5173", "a.example", ["http://localhost:*"], true],
    ["http://localhost", "a.example", ["http://localhost:*"], true],
    ["http://localhost:5173", "a.example", ["http://localhost"], false],
  ] as const;
  for (const [page, host, allowed, may] of cases)
    it(`${page || "(empty)"} ${may ? "may" : "may not"} connect to ${host}${allowed.length > 0 ? `, ${allowed.join()} allowed` : ""}`, () =>
      assert.equal(isAllowedOrigin(page, host, allowed), may));
});
