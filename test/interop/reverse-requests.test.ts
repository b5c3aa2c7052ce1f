/** What a REST backend is asked when gRPC calls are transcoded to it: method, path, query, fields and body (SEMANTICS A1.18). */
import assert from "node:assert/strict";
import * as grpc from "@grpc/grpc-js";
import type { HttpRule } from "../../src/schema/http-rule/configured-rules.ts";
import { ReverseHop } from "../support/reverse-hop.ts";

const service = "dragoman.transcoding.v1.Transcoding";

interface Case {
  readonly name: string;
  readonly rules?: readonly Omit<HttpRule, "selector">[];
  readonly message: object;
  /** Request line. */
  readonly sends: string;
  readonly body?: unknown;
}

/** Each with the rule of `Submit` in its place. */
const cases: readonly Case[] = [
  { name: "a variable", rules: [{ get: "/v1/a/{title}" }], message: { title: "x" }, sends: "GET /v1/a/x" },
  {
    name: "everything but unreserved characters escaped in a single segment",
    rules: [{ get: "/v1/a/{title}" }],
    message: { title: "a/b c?d#e%f:g@h+é~.-_" },
    sends: "GET /v1/a/a%2Fb%20c%3Fd%23e%25f%3Ag%40h%2B%C3%A9~.-_",
  },
  {
    name: "slashes kept in a variable of several segments",
    rules: [{ get: "/v1/{title=shelves/*/books/*}" }],
    message: { title: "shelves/7/books/x y" },
    sends: "GET /v1/shelves/7/books/x%20y",
  },
  { name: "a rest of no segments", rules: [{ get: "/v1/p/{title=**}:go" }], message: { title: "" }, sends: "GET /v1/p:go" },
  { name: "a verb", rules: [{ post: "/v1/{title}:run", body: "*" }], message: { title: "a:b" }, sends: "POST /v1/a%3Ab:run", body: {} },
  {
    name: "a nested variable",
    rules: [{ get: "/v1/{inner.key}" }],
    message: { inner: { key: "k", value: 2 } },
    sends: "GET /v1/k?inner.value=2",
  },
  { name: "a number that is not set", rules: [{ get: "/v1/n/{count}" }], message: {}, sends: "GET /v1/n/0" },
  { name: "an enum", rules: [{ get: "/v1/k/{kind}" }], message: { kind: "KIND_LARGE" }, sends: "GET /v1/k/KIND_LARGE" },
  {
    name: "nested, repeated, map and enum fields in the query",
    rules: [{ get: "/v1/q" }],
    message: {
      inner: { deeper: { value: 3 } },
      tags: ["a b", "c&d"],
      labels: { "k=": "v" },
      kind: "KIND_SMALL",
      snakeName: "s",
      count: -1,
      agreed: true,
    },
    sends: "GET /v1/q?count=-1&agreed=true&kind=KIND_SMALL&tags=a%20b&tags=c%26d&labels[k%3D]=v&inner.deeper.value=3&snakeName=s",
  },
  {
    name: "well-known types in the query",
    rules: [{ delete: "/v1/q" }],
    message: {
      at: { seconds: "1769860800", nanos: 500_000_000 },
      wrapped: { value: Buffer.from([255, 254]) },
      blob: Buffer.from("?>"),
      updateMask: { paths: ["inner.key", "snake_name"] },
    },
    sends: "DELETE /v1/q?blob=Pz4%3D&wrapped=%2F%2F4%3D&at=2026-01-31T12%3A00%3A00.500Z&updateMask=inner.key%2CsnakeName",
  },
  {
    name: "the rest of the message in the body",
    rules: [{ put: "/v1/f/{title}/{inner.key}", body: "*" }],
    message: { title: "t", inner: { key: "k", value: 1 }, items: [{ key: "i" }] },
    sends: "PUT /v1/f/t/k",
    body: { inner: { value: 1 }, items: [{ key: "i" }] },
  },
  {
    name: "one field in the body, others in the query",
    rules: [{ patch: "/v1/f/{title}", body: "inner" }],
    message: { title: "t", count: 2, inner: { key: "k" } },
    sends: "PATCH /v1/f/t?count=2",
    body: { key: "k" },
  },
  {
    name: "no body where its field is not set",
    rules: [{ post: "/v1/f/{title}", body: "inner" }],
    message: { title: "t" },
    sends: "POST /v1/f/t",
    body: "",
  },
  { name: "a scalar as the body", rules: [{ post: "/v1/f", body: "count" }], message: { count: 7 }, sends: "POST /v1/f", body: 7 },
  { name: "a custom method", rules: [{ custom: { kind: "REPORT", path: "/v1/r" } }], message: {}, sends: "REPORT /v1/r" },
  { name: "any method, without a body", rules: [{ custom: { kind: "*", path: "/v1/r" } }], message: {}, sends: "GET /v1/r" },
  {
    name: "any method, with a body",
    rules: [{ custom: { kind: "*", path: "/v1/r" }, body: "*" }],
    message: {},
    sends: "POST /v1/r",
    body: {},
  },
  {
    name: "the next rule where the first has no place for the message",
    rules: [{ get: "/v1/l/{left}", additionalBindings: [{ get: "/v1/r/{right}" }, { post: "/v1/all", body: "*" }] }],
    message: { right: "x" },
    sends: "GET /v1/r/x",
  },
  {
    name: "a list of messages in the body of the last rule",
    rules: [{ get: "/v1/l/{left}", additionalBindings: [{ get: "/v1/r/{right}" }, { post: "/v1/all", body: "*" }] }],
    message: { right: "x", items: [{ key: "k" }] },
    sends: "POST /v1/all",
    body: { right: "x", items: [{ key: "k" }] },
  },
];

describe("reverse: requests", () => {
  for (const { name, rules, message, sends, body } of cases)
    describe(name, () => {
      const table = rules === undefined ? {} : { table: { rules: rules.map((rule) => ({ ...rule, selector: `${service}.Submit` })) } };
      const reverse = ReverseHop.inSuite(table);

      it(sends, async () => {
        const { error } = await reverse.call("submit", message);
        assert.equal(error, undefined);
        const seen = reverse.lastRequest;
        assert.equal(`${seen.method} ${seen.url}`, sends);
        if (body === undefined || body === "") {
          assert.equal(seen.body, "");
          assert.equal(seen.headers["content-type"], undefined);
        } else {
          assert.deepEqual(JSON.parse(seen.body), body);
          assert.equal(seen.headers["content-type"], "application/json");
        }
      });
    });

  describe("a method without rules", () => {
    const reverse = ReverseHop.inSuite({ table: { rules: [{ selector: `${service}.Submit`, post: "/{bad" }] } });

    it("whose rules are all unusable is not served", async () => {
      const { error } = await reverse.call("submit", {});
      assert.equal(error!.code, grpc.status.UNIMPLEMENTED);
      assert.match(error!.details, /no http rule of \/dragoman.transcoding.v1.Transcoding\/Submit describes a request: POST \/\{bad: /);
    });
  });

  describe("with the annotations", () => {
    const reverse = ReverseHop.inSuite();

    it("google.api.HttpBody goes as it is, with its content type", async () => {
      await reverse.call("upload", { name: "a b", file: { contentType: "text/csv", data: Buffer.from("1,2\n") }, keep: true });
      const { method, url, headers, body } = reverse.lastRequest;
      assert.deepEqual([method, url, headers["content-type"], body], ["POST", "/v1/files/a%20b?keep=true", "text/csv", "1,2\n"]);
      await reverse.call("mirror", { data: Buffer.from([0, 1]) });
      assert.deepEqual([reverse.lastRequest.headers["content-type"], reverse.lastRequest.body], [undefined, "\0\u0001"]);
    });

    const misfits: [name: string, method: string, message: object, details: RegExp, field: string][] = [
      [
        "a variable that is empty",
        "fetch",
        {},
        /cannot be sent as GET \/v1\/files\/\{name\}: name does not fit the path .*name = ""/,
        "name",
      ],
      ["a dot segment", "fetch", { name: ".." }, /name does not fit the path/, "name"],
      [
        "a content type that is no header",
        "mirror",
        { contentType: "a\nb", data: Buffer.from("x") },
        /content_type cannot be a header/,
        "content_type",
      ],
      ["a path that is too long", "fetch", { name: "x".repeat(20_000) }, /path and query of 200\d\d bytes/, ""],
    ];
    for (const [name, method, message, details, field] of misfits)
      it(`refuses ${name}, and asks the backend nothing`, async () => {
        const { error, trailers } = await reverse.call(method, message);
        assert.equal(error!.code, grpc.status.INVALID_ARGUMENT);
        assert.match(error!.details, details);
        assert.ok(Buffer.from(trailers.get("grpc-status-details-bin")[0] as Buffer).includes("INVALID_PARAMETER"));
        if (field !== "") assert.ok(Buffer.from(trailers.get("grpc-status-details-bin")[0] as Buffer).includes(field));
        assert.equal(reverse.requests.length, 0);
      });

    it("a method the schema does not have is unimplemented", async () => {
      const client = new grpc.Client(`127.0.0.1:${reverse.hop.port}`, grpc.credentials.createInsecure());
      const same = (bytes: Buffer): Buffer => bytes;
      const error = await new Promise<grpc.ServiceError | null>((resolve) =>
        client.makeUnaryRequest("/no.such/Method", same, same, Buffer.alloc(0), (failure) => resolve(failure)),
      );
      client.close();
      assert.equal(error!.code, grpc.status.UNIMPLEMENTED);
      assert.equal(reverse.requests.length, 0);
    });

    it("hands metadata on as header fields, and keeps back what is the hop's", async () => {
      await reverse.call(
        "submit",
        {},
        { "x-one": "1", "x-bin": "raw", cookie: "a=b", authorization: "Bearer t", te: "gzip", "content-encoding": "gzip" },
      );
      const { headers } = reverse.lastRequest;
      assert.partialDeepStrictEqual(headers, {
        "x-one": "1",
        "x-bin": Buffer.from("raw").toString("base64"),
        cookie: "a=b",
        authorization: "Bearer t",
        accept: "application/json",
      });
      for (const name of ["te", "content-encoding", "grpc-accept-encoding", "grpc-encoding", "transfer-encoding"])
        assert.equal(headers[name], undefined, name);
      assert.match(headers["user-agent"]!, /^grpc-node-js/);
    });

    it("tells how much time is left, rounded down", async () => {
      await reverse.call("submit", {}, {}, { deadline: Date.now() + 60_000 });
      const { headers } = reverse.lastRequest;
      const seconds = Number(headers["x-server-timeout"]);
      assert.ok(seconds > 0 && seconds <= 60, String(seconds));
      assert.match(String(headers["grpc-timeout"]), /^\d{1,8}m$/);
      await reverse.call("submit", {});
      assert.equal(reverse.lastRequest.headers["x-server-timeout"], undefined);
    });
  });

  describe("with settings for the backend's JSON", () => {
    const reverse = ReverseHop.inSuite({ json: { protoNames: true, enumNumbers: true } });

    it("bodies are printed so", async () => {
      await reverse.call("submit", { snakeName: "s", kind: "KIND_LARGE" });
      assert.deepEqual(JSON.parse(reverse.lastRequest.body), { snake_name: "s", kind: 2 });
    });

    it("and so are queries", async () => {
      await reverse.call("fetch", { name: "n", contentType: "x" });
      assert.equal(reverse.lastRequest.url, "/v1/files/n?content_type=x");
    });
  });
});
