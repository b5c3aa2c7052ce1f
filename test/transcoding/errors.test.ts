/** A1.14, A1.16, B2: every status of a backend, wherever it comes, and what else an error or a success says. */
import assert from "node:assert/strict";
import type { JsonValue } from "@bufbuild/protobuf";
import { clusterAt, startHop } from "../support/hop.ts";
import { schemaOf, type SuiteSchema } from "../support/transcoding-suite/suite-schema.ts";
import { errorIn, TranscodingSuite } from "../support/transcoding-suite/transcoding-suite.ts";

/** B2: gRPC -> HTTP. */
const statuses: readonly (readonly [code: number, name: string, http: number])[] = [
  [1, "CANCELLED", 499],
  [2, "UNKNOWN", 500],
  [3, "INVALID_ARGUMENT", 400],
  [4, "DEADLINE_EXCEEDED", 504],
  [5, "NOT_FOUND", 404],
  [6, "ALREADY_EXISTS", 409],
  [7, "PERMISSION_DENIED", 403],
  [8, "RESOURCE_EXHAUSTED", 429],
  [9, "FAILED_PRECONDITION", 400],
  [10, "ABORTED", 409],
  [11, "OUT_OF_RANGE", 400],
  [12, "UNIMPLEMENTED", 501],
  [13, "INTERNAL", 500],
  [14, "UNAVAILABLE", 503],
  [15, "DATA_LOSS", 500],
  [16, "UNAUTHENTICATED", 401],
];

describe("transcoding: without a backend", () => {
  const suite = TranscodingSuite.inSuite(
    { Get: { get: "/v1/things" }, List: { get: "/v1/list", streams: "out" }, Collect: { post: "/v1/collect", body: "*", streams: "in" } },
    {
      serve: async (_port, { schema }) => {
        // Nobody listens there.
        const cluster = clusterAt(1);
        const hop = await startHop({ handler: cluster.handler, schema });
        return { port: hop.port, stop: () => hop.stop().then(() => cluster.close()) };
      },
    },
  );
  // That no address is in the message is checked with every refusal.
  suite.row("unary", { send: "GET /v1/things", refused: [503, "UPSTREAM_UNREACHABLE"] });
  suite.row("a server stream", { send: "GET /v1/list", headers: { accept: "text/event-stream" }, refused: [503, "UPSTREAM_UNREACHABLE"] });
  suite.row("a client stream", { send: "POST /v1/collect", json: [{}], refused: [503, "UPSTREAM_UNREACHABLE"] });
  suite.row("a bad request is still a bad request", { send: "GET /v1/things?i32=x", refused: [400, "INVALID_PARAMETER", "i32"] });
});

describe("transcoding: errors", () => {
  const suite = TranscodingSuite.inSuite({
    Get: { get: "/v1/things" },
    Field: { get: "/v1/field", responseBody: "node" },
    List: { get: "/v1/list", streams: "out" },
    Collect: { post: "/v1/collect", body: "*", streams: "in" },
    Chat: { post: "/v1/chat", body: "*", streams: "both" },
    File: { get: "/v1/file", output: "google.api.HttpBody" },
    Files: { get: "/v1/files", output: "google.api.HttpBody", streams: "out" },
  });
  const details = (code: number) => `failed with ${code}`;
  const envelope = (code: number) => ({ code, message: details(code), details: [] });

  describe("before an answer", () => {
    for (const [code, name, status] of statuses)
      suite.row(`unary ${name} is ${status}`, {
        send: "GET /v1/things",
        calls: "Get",
        backend: { code, details: details(code) },
        status,
        answer: envelope(code),
        fields: { "content-type": "application/json", "www-authenticate": code === 16 ? "Bearer" : undefined },
      });
    for (const [code, name, status] of statuses)
      suite.row(`unary ${name} behind headers is ${status}`, {
        send: "GET /v1/things",
        calls: "Get",
        backend: { code, details: details(code), headers: { "x-a": "1" } },
        status,
        answer: envelope(code),
        fields: { "x-a": "1" },
      });
    for (const [code, name, status] of statuses)
      suite.row(`a stream's ${name} before the first message is ${status}`, {
        send: "GET /v1/list",
        headers: { accept: "text/event-stream" },
        calls: "List",
        backend: { code, details: details(code), headers: { "x-a": "1" } },
        status,
        answer: envelope(code),
        fields: { "content-type": "application/json" },
      });
    for (const [code, name, status] of statuses)
      suite.row(`a client stream's ${name} is ${status}`, {
        send: "POST /v1/collect",
        json: [{ id: "a" }, { id: "b" }],
        calls: "Collect",
        backend: { code, details: details(code) },
        status,
        answer: envelope(code),
      });
    for (const [code, name, status] of statuses.filter(([code]) => code % 3 === 0)) {
      suite.row(`${name} of a response_body is ${status}`, {
        send: "GET /v1/field",
        calls: "Field",
        backend: { code, details: details(code) },
        status,
        answer: envelope(code),
      });
      suite.row(`${name} of an HttpBody is ${status}`, {
        send: "GET /v1/file",
        calls: "File",
        backend: { code, details: details(code) },
        status,
        answer: envelope(code),
      });
      suite.row(`${name} of a stream of HttpBody is ${status}`, {
        send: "GET /v1/files",
        calls: "Files",
        backend: { code, details: details(code) },
        status,
        answer: envelope(code),
      });
    }
    for (const code of [17, 99, 1000])
      suite.row(`a code of no name (${code}) is UNKNOWN`, {
        send: "GET /v1/things",
        calls: "Get",
        backend: { code, details: "odd" },
        status: 500,
        answer: { code: 2, message: "odd", details: [] },
      });
    suite.row("no message", {
      send: "GET /v1/things",
      calls: "Get",
      backend: { code: 5, details: "" },
      status: 404,
      answer: { code: 5, message: "", details: [] },
    });
  });

  describe("in the middle of a stream", () => {
    const forms: readonly (readonly [accept: string, text: (code: number) => string])[] = [
      ["application/json", (code) => `[{"id":"a"},{"error":${JSON.stringify(envelope(code))}}]`],
      ["application/x-ndjson", (code) => `{"id":"a"}\n{"error":${JSON.stringify(envelope(code))}}\n`],
      ["text/event-stream", (code) => `id: 0\ndata: {"id":"a"}\n\nevent: error\ndata: ${JSON.stringify(envelope(code))}\n\n`],
    ];
    for (const [code, name] of statuses)
      for (const [accept, text] of forms)
        suite.row(`${name} as ${accept}`, {
          send: "GET /v1/list",
          headers: { accept, te: "trailers" },
          calls: "List",
          backend: { messages: [{ id: "a" }], code, details: details(code) },
          text: text(code),
          fields: { "content-type": accept },
          trailers: { "grpc-status": String(code), "grpc-message": details(code) },
        });
    suite.row("in a chat", {
      send: "POST /v1/chat",
      json: [{ id: "a" }],
      headers: { te: "trailers" },
      calls: "Chat",
      backend: { messages: [{ id: "a" }], code: 9, details: details(9) },
      text: `[{"id":"a"},{"error":${JSON.stringify(envelope(9))}}]`,
      trailers: { "grpc-status": "9" },
      over: "2",
    });
  });

  describe("messages", () => {
    // ../shared/kits/grpc/wire_text.json has the same texts as they go over the wire.
    for (const message of [
      "hello",
      "a b",
      "100%",
      "\n",
      "\r\n",
      "\t",
      "~",
      "\u007f",
      "é",
      "☃",
      "😈",
      "%41",
      '"\\',
      "\ttest with whitespace\r\nand Unicode BMP ☺ and non-BMP 😈\t\n",
      "<script>",
      "x".repeat(4000),
    ])
      suite.row(JSON.stringify(message).slice(0, 60), {
        send: "GET /v1/things",
        calls: "Get",
        backend: { code: 5, details: message },
        status: 404,
        answer: { code: 5, message, details: [] },
      });
  });

  describe("status and location of a success", () => {
    const codes: readonly (readonly [text: string, status: number, body: string])[] = [
      ["200", 200, "{}"],
      ["201", 201, "{}"],
      ["202", 202, "{}"],
      ["203", 203, "{}"],
      ["204", 204, ""],
      ["205", 205, ""],
      ["226", 226, "{}"],
      ["301", 301, "{}"],
      ["302", 302, "{}"],
      ["303", 303, "{}"],
      ["304", 304, ""],
      ["307", 307, "{}"],
      ["308", 308, "{}"],
      ["399", 399, "{}"],
      ["199", 200, "{}"],
      ["100", 200, "{}"],
      ["400", 200, "{}"],
      ["500", 200, "{}"],
      ["2e2", 200, "{}"],
      ["0200", 200, "{}"],
      ["-200", 200, "{}"],
      ["", 200, "{}"],
      ["ok", 200, "{}"],
    ];
    for (const [text, status, body] of codes)
      suite.row(`x-http-code: ${text} is ${status}`, {
        send: "GET /v1/things",
        calls: "Get",
        backend: { messages: [{}], headers: { "x-http-code": text } },
        status,
        text: body,
        fields: { "x-http-code": undefined, "content-type": body === "" ? undefined : "application/json" },
      });
    suite.row("in trailers", {
      send: "GET /v1/things",
      calls: "Get",
      backend: { messages: [{}], trailers: { "x-http-code": "201", location: "/v1/things/7" } },
      status: 201,
      fields: { location: "/v1/things/7", "trailer-x-http-code": undefined },
    });
    suite.row("with a location", {
      send: "GET /v1/things",
      calls: "Get",
      backend: { messages: [{ id: "7" }], headers: { "x-http-code": "201", location: "/v1/things/7" } },
      status: 201,
      answer: { id: "7" },
      fields: { location: "/v1/things/7" },
    });
    suite.row("of a stream", {
      send: "GET /v1/list",
      calls: "List",
      backend: { messages: [{ id: "7" }], headers: { "x-http-code": "202" } },
      status: 202,
      answer: [{ id: "7" }],
    });
    suite.row("of a stream without a body", {
      send: "GET /v1/list",
      calls: "List",
      backend: { messages: [{ id: "7" }], headers: { "x-http-code": "204" } },
      status: 204,
      text: "",
    });
    suite.row("of an HttpBody", {
      send: "GET /v1/file",
      calls: "File",
      backend: { messages: [{ contentType: "text/css", data: "YQ==" }], headers: { "x-http-code": "203" } },
      status: 203,
      text: "a",
    });
    suite.row("an error has its own", {
      send: "GET /v1/things",
      calls: "Get",
      backend: { code: 5, details: "no", headers: { "x-http-code": "201" } },
      status: 404,
      fields: { "x-http-code": undefined },
    });
  });

  describe("backends that break their protocol", () => {
    const big = Buffer.concat([Buffer.from("1281808002", "hex"), Buffer.alloc((4 << 20) + 1, 0x61)]);
    suite.row("OK without a message", {
      send: "GET /v1/things",
      calls: "Get",
      backend: { messages: [] },
      status: 501,
      text: /"code":12,.*"reason":"UPSTREAM_PROTOCOL"/,
    });
    suite.row("two messages", {
      send: "GET /v1/things",
      calls: "Get",
      backend: { messages: [{}, {}] },
      status: 501,
      text: /"code":12,.*"reason":"UPSTREAM_PROTOCOL"/,
    });
    suite.row("OK without a message to a client stream", {
      send: "POST /v1/collect",
      json: [{}],
      calls: "Collect",
      backend: { messages: [] },
      status: 501,
      text: /"code":12,/,
    });
    suite.row("a message above the limit", {
      send: "GET /v1/things",
      calls: "Get",
      backend: { wire: [big] },
      status: 502,
      text: /"code":8,.*"reason":"UPSTREAM_MESSAGE_TOO_LARGE"/,
    });
    suite.row("a message above the limit first in a stream", {
      send: "GET /v1/list",
      calls: "List",
      backend: { wire: [big] },
      status: 502,
      text: /"code":8,.*"reason":"UPSTREAM_MESSAGE_TOO_LARGE"/,
    });
    suite.row("a message above the limit later in a stream", {
      send: "GET /v1/list",
      calls: "List",
      backend: { wire: [Buffer.from("0a0161", "hex"), big] },
      text: /^\[\{"id":"a"\},\{"error":\{"code":8,.*\}\}\]$/,
    });
    suite.row("details of another code than the status", {
      send: "GET /v1/things",
      calls: "Get",
      backend: { code: 5, details: "no", trailers: { "grpc-status-details-bin": Buffer.from("0809" + "12016d", "hex") } },
      status: 404,
      answer: { code: 5, message: "no", details: [] },
    });
  });

  describe("challenges", () => {
    suite.row("the backend's, in headers", {
      send: "GET /v1/things",
      calls: "Get",
      backend: { code: 16, details: "who?", headers: { "www-authenticate": 'Basic realm="a"' } },
      status: 401,
      fields: { "www-authenticate": 'Basic realm="a"' },
    });
    suite.row("the backend's, in trailers", {
      send: "GET /v1/things",
      calls: "Get",
      backend: { code: 16, details: "who?", trailers: { "www-authenticate": "Digest" } },
      status: 401,
      fields: { "www-authenticate": "Digest" },
    });
    suite.row("else Bearer, and never the message", {
      send: "GET /v1/things",
      calls: "Get",
      backend: { code: 16, details: "say friend" },
      status: 401,
      fields: { "www-authenticate": "Bearer" },
    });
    suite.row("none on 403", {
      send: "GET /v1/things",
      calls: "Get",
      backend: { code: 7, details: "no" },
      status: 403,
      fields: { "www-authenticate": undefined },
    });
  });

  describe("details", () => {
    let rpc: SuiteSchema;
    before(
      () =>
        (rpc = schemaOf({
          "d.proto":
            'syntax = "proto3"; import "google/rpc/status.proto"; import "google/rpc/error_details.proto"; import "google/protobuf/wrappers.proto"; message M { google.rpc.Status a = 1; google.rpc.Help b = 2; google.protobuf.StringValue c = 3; }',
        })),
    );
    const withDetails = (code: number, list: readonly JsonValue[]) => ({
      code,
      details: "m",
      trailers: { "grpc-status-details-bin": Buffer.from(rpc.wireOf("google.rpc.Status", { code, message: "m", details: [...list] })) },
    });
    const type = (name: string) => `type.googleapis.com/google.rpc.${name}`;
    const known: readonly JsonValue[] = [
      {
        "@type": type("BadRequest"),
        fieldViolations: [{ field: "a.b[0]", description: "no", reason: "R", localizedMessage: { locale: "de", message: "nein" } }],
      },
      { "@type": type("ErrorInfo"), reason: "R", domain: "d", metadata: { a: "b" } },
      { "@type": type("RetryInfo"), retryDelay: "1.500s" },
      { "@type": type("DebugInfo"), stackEntries: ["a"], detail: "d" },
      { "@type": type("QuotaFailure"), violations: [{ subject: "s", description: "d" }] },
      { "@type": type("PreconditionFailure"), violations: [{ type: "t", subject: "s", description: "d" }] },
      { "@type": type("RequestInfo"), requestId: "r", servingData: "s" },
      { "@type": type("ResourceInfo"), resourceType: "t", resourceName: "n", owner: "o", description: "d" },
      { "@type": type("Help"), links: [{ description: "d", url: "u" }] },
      { "@type": type("LocalizedMessage"), locale: "de", message: "nein" },
      { "@type": "type.googleapis.com/google.protobuf.StringValue", value: "a" },
    ];
    for (const detail of known)
      it(`${(detail as { "@type": string })["@type"]}`, () =>
        suite.check({
          send: "GET /v1/things",
          calls: "Get",
          backend: withDetails(9, [detail]),
          status: 400,
          answer: { code: 9, message: "m", details: [detail] },
        }));
    it("several, in their order", () =>
      suite.check({
        send: "GET /v1/things",
        calls: "Get",
        backend: withDetails(9, known),
        status: 400,
        answer: { code: 9, message: "m", details: [...known] },
      }));
    it("in a stream's last record", () =>
      suite.check({
        send: "GET /v1/list",
        calls: "List",
        backend: { messages: [{ id: "a" }], ...withDetails(9, [known[1]!]) },
        answer: [{ id: "a" }, { error: { code: 9, message: "m", details: [known[1]!] } }],
      }));
    it("of an unknown type stay as bytes", () => {
      // Status{code: 9, message: "m", details: [{typeUrl: "x/y.Z", value: 08 01}]}
      const status = Buffer.from("0809" + "12016d" + "1a0b" + "0a05782f792e5a" + "12020801", "hex");
      return suite.check({
        send: "GET /v1/things",
        calls: "Get",
        backend: { code: 9, details: "m", trailers: { "grpc-status-details-bin": status } },
        status: 400,
        answer: { code: 9, message: "m", details: [{ "@type": "x/y.Z", value: "CAE=" }] },
      });
    });
    it("that are not a Status are left out", () =>
      suite.check({
        send: "GET /v1/things",
        calls: "Get",
        backend: { code: 9, details: "m", trailers: { "grpc-status-details-bin": Buffer.from([0xff]) } },
        status: 400,
        answer: { code: 9, message: "m", details: [] },
      }));
    for (const [delay, seconds] of [
      ["1s", "1"],
      ["1.500s", "2"],
      ["0.001s", "1"],
      ["0s", "0"],
      ["3600s", "3600"],
      ["-1s", undefined],
    ] as const)
      it(`retry-after of ${delay}`, () =>
        suite.check({
          send: "GET /v1/things",
          calls: "Get",
          backend: withDetails(14, [{ "@type": type("RetryInfo"), retryDelay: delay }]),
          status: 503,
          fields: { "retry-after": seconds },
        }));
    it("retry-after of the backend's own stays", () =>
      suite.check({
        send: "GET /v1/things",
        calls: "Get",
        backend: { ...withDetails(14, [{ "@type": type("RetryInfo"), retryDelay: "5s" }]), headers: { "retry-after": "7" } },
        status: 503,
        fields: { "retry-after": "7" },
      }));
  });

  describe("the proxy's own", () => {
    const own: readonly (readonly [send: string, status: number, allow?: string])[] = [
      ["GET /nothing", 404],
      ["POST /v1/things", 405, "GET, HEAD, OPTIONS"],
      ["GET /v1/things?x=1", 400],
    ];
    for (const [send, status, allow] of own)
      it(`${send} is ${status}, in the same envelope`, async () => {
        const { reply } = await suite.send({ send });
        assert.equal(reply.status, status);
        assert.equal(reply.headers.get("content-type"), "application/json");
        assert.equal(reply.headers.get("allow"), allow);
        const error = errorIn(reply);
        assert.deepEqual(Object.keys(error), ["code", "message", "details"]);
        assert.equal(error.details[0]?.["@type"], type("ErrorInfo"));
      });
    const type = (name: string) => `type.googleapis.com/google.rpc.${name}`;
  });
});
