/** What a backend can say over REST beside its message: statuses, redirects, error details, retry and challenge headers. */
import assert from "node:assert/strict";
import { Code } from "../../src/core/code.ts";
import { buildSchema } from "../../src/schema/build-schema.ts";
import type { Schema } from "../../src/schema/descriptor.ts";
import { encodeRpcStatus } from "../../src/protocols/shared/rpc-status.ts";
import { bufBuildShared } from "../support/buf-build.ts";
import { errorOf, TranscodingHop } from "../support/transcoding-hop.ts";
import { until } from "../support/until.ts";

const json = { "content-type": "application/json" };

describe("what a backend says over REST", () => {
  const rest = TranscodingHop.inSuite();
  let details: Schema;
  before(() => (details = buildSchema(bufBuildShared("google/rpc/error_details.proto"))));

  interface End {
    code?: number;
    message?: string;
    headers?: Record<string, string>;
    trailers?: Record<string, string>;
    status?: string;
  }
  const end = (request: End): Promise<Response> =>
    fetch(`${rest.base}/v1/end`, { method: "POST", headers: json, body: JSON.stringify(request), redirect: "manual" });

  const any = (type: string, value: object): { typeUrl: string; value: Uint8Array } => ({
    typeUrl: `type.googleapis.com/google.rpc.${type}`,
    value: Buffer.from(
      details
        .message(`google.rpc.${type}`)!
        .codec()
        .jsonToWire(Buffer.from(JSON.stringify(value))),
    ),
  });
  const withDetails = (code: Code, ...list: { typeUrl: string; value: Uint8Array }[]): Promise<Response> =>
    end({ code, message: "m", status: encodeRpcStatus(code, "m", list).toString("base64") });

  describe("HTTP status and location", () => {
    const cases: [request: End, status: number, location: string | null, body: string][] = [
      [{ message: "a", headers: { "x-http-code": "201", location: "/v1/things/7" } }, 201, "/v1/things/7", '{"title":"a"}'],
      [{ message: "a", headers: { "x-http-code": "202" } }, 202, null, '{"title":"a"}'],
      [{ headers: { "x-http-code": "204" } }, 204, null, ""],
      [{ headers: { "x-http-code": "205" } }, 205, null, ""],
      [{ headers: { "x-http-code": "302", location: "https://example.org/" } }, 302, "https://example.org/", "{}"],
      [{ headers: { "x-http-code": "303", location: "/a" } }, 303, "/a", "{}"],
      [{ headers: { "x-http-code": "304" } }, 304, null, ""],
      [{ trailers: { "x-http-code": "307", location: "/b" } }, 307, "/b", "{}"],
      [{ headers: { "x-http-code": "404" } }, 200, null, "{}"],
      [{ headers: { "x-http-code": "101" } }, 200, null, "{}"],
      [{ headers: { "x-http-code": "2010" } }, 200, null, "{}"],
      [{ headers: { "x-http-code": "abc" } }, 200, null, "{}"],
    ];
    for (const [request, status, location, body] of cases)
      it(`${JSON.stringify(request)}: ${status}`, async () => {
        const response = await end(request);
        assert.equal(response.status, status);
        assert.equal(response.headers.get("location"), location);
        assert.equal(response.headers.get("x-http-code"), null);
        assert.equal(response.headers.get("content-type"), body === "" ? null : "application/json");
        assert.equal(await response.text(), body);
      });

    it("an error keeps its own status", async () => {
      assert.equal((await end({ code: 5, headers: { "x-http-code": "201" } })).status, 404);
    });
  });

  describe("details", () => {
    const known: [type: string, value: object][] = [
      ["BadRequest", { fieldViolations: [{ field: "a.b", description: "no", reason: "R" }] }],
      ["ErrorInfo", { reason: "R", domain: "d", metadata: { a: "b" } }],
      ["RetryInfo", { retryDelay: "1.500s" }],
      ["DebugInfo", { stackEntries: ["a"], detail: "d" }],
      ["QuotaFailure", { violations: [{ subject: "s", description: "d" }] }],
      ["PreconditionFailure", { violations: [{ type: "t", subject: "s", description: "d" }] }],
      ["RequestInfo", { requestId: "r", servingData: "s" }],
      ["ResourceInfo", { resourceType: "t", resourceName: "n", owner: "o", description: "d" }],
      ["Help", { links: [{ description: "d", url: "u" }] }],
      ["LocalizedMessage", { locale: "de", message: "nein" }],
    ];
    for (const [type, value] of known)
      it(`google.rpc.${type} is shown, though the schema does not hold it`, async () => {
        const error = await errorOf(await withDetails(Code.FAILED_PRECONDITION, any(type, value)));
        assert.deepEqual(error, { code: 9, message: "m", details: [{ "@type": `type.googleapis.com/google.rpc.${type}`, ...value }] });
      });

    it("well-known types stand under value, unknown ones are base64, broken ones too", async () => {
      const list = [
        { typeUrl: "type.googleapis.com/google.protobuf.Duration", value: Buffer.from([8, 3]) },
        { typeUrl: "type.googleapis.com/some.Type", value: Buffer.from([1, 2, 3]) },
        { typeUrl: "type.googleapis.com/google.rpc.ErrorInfo", value: Buffer.from([0xff]) },
        { typeUrl: "type.googleapis.com/google.rpc.NoSuchThing", value: Buffer.from([8, 1]) },
      ];
      const error = await errorOf(await withDetails(Code.ABORTED, ...list));
      assert.deepEqual(error.details, [
        { "@type": list[0]!.typeUrl, value: "3s" },
        { "@type": list[1]!.typeUrl, value: "AQID" },
        { "@type": list[2]!.typeUrl, value: "/w==" },
        { "@type": list[3]!.typeUrl, value: "CAE=" },
      ]);
    });

    it("a broken google.rpc.Status costs the details, not the answer", async () => {
      const response = await end({ code: 3, message: "m", status: Buffer.from([0xff, 0xff]).toString("base64") });
      assert.equal(response.status, 400);
      assert.deepEqual(await errorOf(response), { code: 3, message: "m", details: [] });
    });
  });

  describe("retry-after", () => {
    const cases: [delay: object, seconds: string | null][] = [
      [{ retryDelay: "30s" }, "30"],
      [{ retryDelay: "1.2s" }, "2"],
      [{ retryDelay: "0s" }, "0"],
      [{}, null],
      [{ retryDelay: "-5s" }, null],
    ];
    for (const [value, seconds] of cases)
      it(`${JSON.stringify(value)}: ${seconds}`, async () => {
        const response = await withDetails(Code.RESOURCE_EXHAUSTED, any("RetryInfo", value));
        assert.equal(response.status, 429);
        assert.equal(response.headers.get("retry-after"), seconds);
      });

    it("the backend's own header has precedence", async () => {
      const status = encodeRpcStatus(Code.UNAVAILABLE, "m", [any("RetryInfo", { retryDelay: "30s" })]).toString("base64");
      assert.equal((await end({ code: 14, message: "m", status, headers: { "retry-after": "5" } })).headers.get("retry-after"), "5");
    });
  });

  describe("www-authenticate on 401", () => {
    const cases: [request: End, challenge: string][] = [
      [{}, "Bearer"],
      [{ headers: { "www-authenticate": 'Basic realm="a"' } }, 'Basic realm="a"'],
      [{ trailers: { "www-authenticate": "Negotiate" } }, "Negotiate"],
    ];
    for (const [request, challenge] of cases)
      it(`${JSON.stringify(request)}: ${challenge}`, async () => {
        const response = await end({ code: 16, ...request });
        assert.equal(response.status, 401);
        assert.equal(response.headers.get("www-authenticate"), challenge);
      });
    it("none on other statuses", async () => assert.equal((await end({ code: 7 })).headers.get("www-authenticate"), null));
  });

  describe("HEAD and OPTIONS", () => {
    const cases: [method: string, path: string, status: number, allow: string | null][] = [
      ["HEAD", "/v1/end/0?message=a", 200, null],
      ["HEAD", "/v1/end/5", 404, null],
      ["HEAD", "/v1/notes/ann?count=3", 200, null],
      ["HEAD", "/v1/form", 405, "OPTIONS, POST"],
      ["HEAD", "/nowhere", 404, null],
      ["OPTIONS", "/v1/form", 204, "OPTIONS, POST"],
      ["OPTIONS", "/v1/end/0", 204, "GET, HEAD, OPTIONS"],
      ["OPTIONS", "/v1/files/a", 204, "GET, HEAD, OPTIONS, POST"],
      ["OPTIONS", "/nowhere", 404, null],
      ["DELETE", "/v1/form", 405, "OPTIONS, POST"],
    ];
    for (const [method, path, status, allow] of cases)
      it(`${method} ${path}: ${status}`, async () => {
        const response = await rest.send(method, path);
        assert.equal(response.status, status);
        assert.equal(response.headers.get("allow"), allow);
        if (method !== "DELETE" && path !== "/nowhere") assert.equal(await response.text(), "");
      });

    it("OPTIONS is a success in the record, and a method not allowed none", async () => {
      for (const [method, code, reason] of [
        ["OPTIONS", 0, undefined],
        ["DELETE", 12, "METHOD_NOT_ALLOWED"],
      ] as const) {
        const before = rest.hop.ended.length;
        await rest.send(method, "/v1/form");
        await until(() => rest.hop.ended.length > before, "the record");
        const { end } = rest.hop.ended[before]!;
        assert.deepEqual([end.code, end.error?.reason], [code, reason]);
      }
    });

    it("HEAD says how long GET's answer is", async () => {
      assert.equal((await rest.send("HEAD", "/v1/end/0?message=abc")).headers.get("content-length"), "15");
    });
  });
});
