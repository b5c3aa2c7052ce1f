/** A1.16, B3: header fields as metadata, and metadata as header fields. */
import assert from "node:assert/strict";
import { TranscodingSuite, type WireCase } from "../support/transcoding-suite/transcoding-suite.ts";

const bytes = (...values: number[]) => Buffer.from(values);

describe("transcoding: metadata", () => {
  const suite = TranscodingSuite.inSuite({
    Get: { get: "/v1/things" },
    Post: { post: "/v1/things", body: "*" },
    List: { get: "/v1/list", streams: "out" },
  });

  describe("header fields that arrive", () => {
    const arriving: readonly (readonly [field: string, value: string, name: string, arrives: string | Buffer])[] = [
      ["x-color", "blue", "x-color", "blue"],
      ["X-Color", "Blue", "x-color", "Blue"],
      ["x-empty", "", "x-empty", ""],
      ["x-spaces", "a  b", "x-spaces", "a  b"],
      ["x-text", 'a,b;c="d e"', "x-text", 'a,b;c="d e"'],
      ["authorization", "Bearer abc.def", "authorization", "Bearer abc.def"],
      ["cookie", "a=b", "cookie", "a=b"],
      ["x-request-id", "7", "x-request-id", "7"],
      ["accept-language", "de, en;q=0.5", "accept-language", "de, en;q=0.5"],
      ["if-match", '"7"', "if-match", '"7"'],
      ["origin", "https://example.org", "origin", "https://example.org"],
      ["x.y_z-1", "a", "x.y_z-1", "a"],
      ["grpc-metadata-x-color", "blue", "x-color", "blue"],
      ["Grpc-Metadata-Authorization", "Basic eA==", "authorization", "Basic eA=="],
      ["grpc-metadata-x", "1", "x", "1"],
      ["x-data-bin", "AQID", "x-data-bin", bytes(1, 2, 3)],
      ["x-data-bin", "AQIDBA==", "x-data-bin", bytes(1, 2, 3, 4)],
      ["x-data-bin", "AQIDBA", "x-data-bin", bytes(1, 2, 3, 4)],
      ["x-data-bin", "", "x-data-bin", bytes()],
      ["x-data-bin", "/+8=", "x-data-bin", bytes(0xff, 0xef)],
      ["grpc-metadata-x-data-bin", "AQID", "x-data-bin", bytes(1, 2, 3)],
      ["Grpc-Metadata-X-Data-Bin", "AQIDBA", "x-data-bin", bytes(1, 2, 3, 4)],
    ];
    for (const [field, value, name, arrives] of arriving)
      suite.row(`${field}: ${value}`, { send: "GET /v1/things", headers: { [field]: value }, calls: "Get", metadata: { [name]: arrives } });
    it("bytes twice, in one field", async () => {
      const { seen } = await suite.send({ send: "GET /v1/things", headers: { "x-data-bin": "AQ==, Ag" } });
      assert.deepEqual(seen[0]!.metadata.get("x-data-bin"), [bytes(1), bytes(2)]);
    });
    it("one field twice", async () => {
      for (const version of ["1.1", "2"] as const) {
        const headers = [
          ["x-color", "blue"],
          ["x-color", "red"],
        ] as const;
        const { seen } = await suite.send({ send: "GET /v1/things", headers }, version);
        const values = seen[0]!.metadata.get("x-color").join(", ");
        assert.equal(values, "blue, red", `HTTP/${version}`);
      }
    });
  });

  describe("header fields that stay here", () => {
    for (const [field, value, over] of [
      ["accept", "application/json"],
      ["accept-encoding", "gzip"],
      ["content-language", "de"],
      ["content-length", "0"],
      ["te", "trailers"],
      ["connection", "keep-alive", "1.1"],
      ["keep-alive", "timeout=5", "1.1"],
      ["proxy-connection", "keep-alive", "1.1"],
      ["transfer-encoding", "chunked", "1.1"],
      ["trailer", "x-end", "1.1"],
      ["host", "example.org", "1.1"],
      ["grpc-encoding", "gzip"],
      ["grpc-accept-encoding", "gzip"],
      ["grpc-status", "5"],
      ["grpc-message", "no"],
      ["grpc-status-details-bin", "AQID"],
      ["grpc-previous-rpc-attempts", "3"],
      ["grpc-tags-bin", "AQID"],
      ["grpc-metadata-", "a"],
    ] as const) {
      if (field === "host" || field === "transfer-encoding" || field === "content-length") continue;
      const row: WireCase = { send: "GET /v1/things", headers: { [field]: value }, calls: "Get", metadata: { [field]: undefined } };
      // The backend's own library takes these two out, or puts its own in.
      const { metadata: _, ...withoutMetadata } = row;
      const expected = field === "accept-encoding" || field === "grpc-accept-encoding" ? withoutMetadata : row;
      suite.row(`${field}: ${value}`, over === undefined ? expected : { ...expected, over });
    }
    suite.row("what the Connection field names", {
      send: "GET /v1/things",
      headers: { connection: "x-hop, keep-alive", "x-hop": "a", "x-end": "b" },
      metadata: { "x-hop": undefined, "x-end": "b" },
      over: "1.1",
    });
    suite.row("the content type of the body", {
      send: "POST /v1/things",
      json: {},
      metadata: { "content-type": undefined, "content-length": undefined, "content-encoding": undefined },
    });
    suite.row("fields that end deadlines", {
      send: "GET /v1/things",
      headers: { "grpc-timeout": "10S", "connect-timeout-ms": "9000", "x-server-timeout": "8" },
      metadata: { "grpc-timeout": undefined, "connect-timeout-ms": undefined, "x-server-timeout": undefined },
    });
  });

  describe("header fields that are refused", () => {
    for (const [field, value] of [
      ["x-data-bin", "!"],
      ["x-data-bin", "a b"],
      ["x-data-bin", "A"],
      ["x-data-bin", "AQ==,!"],
      ["x-data-bin", "=AQ="],
      ["grpc-metadata-x-data-bin", "*"],
      ["grpc-metadata-grpc-status", "0"],
      ["grpc-metadata-grpc-timeout", "1S"],
      ["grpc-metadata-content-type", "text/plain"],
      ["grpc-metadata-x!y", "a"],
      // What would break the connection to the upstream, or the call on it.
      ["grpc-metadata-connection", "close"],
      ["grpc-metadata-keep-alive", "timeout=1"],
      ["grpc-metadata-proxy-connection", "close"],
      ["grpc-metadata-transfer-encoding", "chunked"],
      ["grpc-metadata-upgrade", "h2c"],
      ["grpc-metadata-te", "x"],
      ["grpc-metadata-trailer", "x"],
      ["grpc-metadata-host", "example.org"],
      ["grpc-metadata-content-length", "5"],
      ["grpc-metadata-content-encoding", "gzip"],
      ["grpc-metadata-accept-encoding", "gzip"],
      ["grpc-metadata-expect", "100-continue"],
      ["grpc-metadata-grpc-encoding", "gzip"],
      ["grpc-metadata-x-text", "a\tb"],
    ] as const)
      suite.row(`${field}: ${value}`, {
        send: "GET /v1/things",
        headers: { [field]: value },
        refused: [400, "INVALID_METADATA"],
        says: new RegExp(field),
      });
  });

  describe("what gRPC cannot carry does not break the call", () => {
    const odd: readonly (readonly [what: string, field: string, value: string, name: string])[] = [
      ["a value in Latin-1", "x-text", "caf\u00e9", "x-text"],
      ["a value in UTF-8", "x-text", Buffer.from("é😀").toString("latin1"), "x-text"],
      ["a tab in a value", "x-text", "a\tb", "x-text"],
      ["a name that gRPC has no characters for", "x!y", "a", "x!y"],
    ];
    for (const [what, field, value, name] of odd)
      suite.row(what, {
        send: "GET /v1/things",
        headers: { [field]: value, "x-other": "b" },
        calls: "Get",
        metadata: { [name]: undefined, "x-other": "b" },
        over: "1.1",
      });
  });

  describe("metadata of the answer", () => {
    const answers: readonly (readonly [what: string, backend: WireCase["backend"], fields: WireCase["fields"]])[] = [
      ["headers", { headers: { "x-color": "blue" } }, { "x-color": "blue", "trailer-x-color": undefined }],
      ["trailers", { trailers: { "x-color": "blue" } }, { "trailer-x-color": "blue", "x-color": undefined }],
      ["both", { headers: { "x-a": "1" }, trailers: { "x-a": "2" } }, { "x-a": "1", "trailer-x-a": "2" }],
      ["bytes", { headers: { "x-data-bin": bytes(1, 2, 3, 4) } }, { "x-data-bin": /^AQIDBA(==)?$/ }],
      ["bytes in trailers", { trailers: { "x-data-bin": bytes(0xff, 0xef) } }, { "trailer-x-data-bin": /^\/\+8=?$/ }],
      ["cache-control", { headers: { "cache-control": "max-age=5" } }, { "cache-control": "max-age=5" }],
      ["set-cookie", { headers: { "set-cookie": "a=b; HttpOnly" } }, { "set-cookie": "a=b; HttpOnly" }],
      ["etag", { headers: { etag: '"7"' } }, { etag: '"7"' }],
      ["no content type of the backend's", { headers: { "x-a": "1" } }, { "content-type": "application/json" }],
      ["no content-encoding of the backend's", { headers: { "content-encoding": "gzip" } }, { "content-encoding": undefined }],
      ["no x-http-code", { headers: { "x-http-code": "201" } }, { "x-http-code": undefined }],
      [
        "no grpc fields",
        { headers: { "x-a": "1" } },
        {
          "grpc-encoding": undefined,
          "grpc-accept-encoding": undefined,
          "grpc-status": undefined,
          "trailer-grpc-status": undefined,
          "trailer-grpc-message": undefined,
        },
      ],
    ];
    for (const [what, backend, fields] of answers)
      suite.row(what, {
        send: "GET /v1/things?text=a",
        calls: "Get",
        ...(backend === undefined ? {} : { backend }),
        status: backend?.headers?.["x-http-code"] === undefined ? 200 : 201,
        answer: { text: "a" },
        ...(fields === undefined ? {} : { fields }),
      });

    suite.row("headers of a failure", {
      send: "GET /v1/things",
      calls: "Get",
      backend: { code: 5, details: "no", headers: { "x-a": "1" }, trailers: { "x-b": "2" } },
      status: 404,
      fields: { "x-a": "1", "trailer-x-b": "2" },
    });
    suite.row("trailers of a failure without headers", {
      send: "GET /v1/things",
      calls: "Get",
      backend: { code: 5, details: "no", trailers: { "x-b": "2", "x-data-bin": bytes(1) } },
      status: 404,
      fields: { "trailer-x-b": "2", "trailer-x-data-bin": /^AQ(==)?$/ },
    });
  });

  describe("metadata of a stream", () => {
    const messages = [{ text: "a" }];
    suite.row("headers", {
      send: "GET /v1/list",
      calls: "List",
      backend: { messages, headers: { "x-a": "1" } },
      answer: messages,
      fields: { "x-a": "1" },
    });
    suite.row("trailers to whom takes them", {
      send: "GET /v1/list",
      headers: { te: "trailers" },
      calls: "List",
      backend: { messages, trailers: { "x-b": "2" } },
      answer: messages,
      trailers: { "grpc-status": "0", "x-b": "2" },
    });
    suite.row("trailers to whom takes them among others", {
      send: "GET /v1/list",
      headers: { te: "gzip, trailers" },
      calls: "List",
      backend: { messages, trailers: { "x-b": "2" } },
      trailers: { "x-b": "2" },
      over: "1.1",
    });
    suite.row("no trailers to others", {
      send: "GET /v1/list",
      calls: "List",
      backend: { messages, trailers: { "x-b": "2" } },
      answer: messages,
      trailers: { "grpc-status": undefined, "x-b": undefined },
      fields: { "trailer-x-b": undefined },
    });
    suite.row("trailers of a failure", {
      send: "GET /v1/list",
      headers: { te: "trailers" },
      calls: "List",
      backend: { messages, code: 9, details: "no", trailers: { "x-b": "2" } },
      trailers: { "grpc-status": "9", "grpc-message": "no", "x-b": "2" },
    });
  });
});
