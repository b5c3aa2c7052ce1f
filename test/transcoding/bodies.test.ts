/** A1.7, A1.8, A1.10, A1.15: what the body is bound to, in which content types and encodings, and what the answer's body is. */
import assert from "node:assert/strict";
import {
  brotliCompressSync,
  brotliDecompressSync,
  deflateSync,
  gunzipSync,
  gzipSync,
  inflateSync,
  zstdCompressSync,
  zstdDecompressSync,
} from "node:zlib";
import { TranscodingSuite } from "../support/transcoding-suite/transcoding-suite.ts";

const typed = (type: string) => ({ "content-type": type });
const json = typed("application/json");

describe("transcoding: bodies", () => {
  const suite = TranscodingSuite.inSuite({
    Whole: { post: "/v1/whole", body: "*" },
    WholeAt: { put: "/v1/whole/{id}/{node.name}", body: "*" },
    Field: { post: "/v1/field/{id}", body: "node" },
    Nested: { put: "/v1/node/{node.name}", body: "node" },
    None: { post: "/v1/none/{id}" },
    Text: { post: "/v1/text", body: "text" },
    Number: { post: "/v1/number", body: "i32" },
    Big: { post: "/v1/big", body: "i64" },
    Blob: { post: "/v1/blob", body: "blob" },
    Color: { post: "/v1/color", body: "color" },
    Texts: { post: "/v1/texts", body: "texts" },
    Nodes: { post: "/v1/nodes", body: "nodes" },
    Labels: { post: "/v1/labels", body: "labels" },
    Time: { post: "/v1/time", body: "at" },
    Wrapper: { post: "/v1/wrapper", body: "w_i32" },
    Value: { post: "/v1/value", body: "value" },
    Struct: { post: "/v1/struct", body: "struct" },
    Any: { post: "/v1/any", body: "any" },
    Choice: { post: "/v1/choice", body: "choice_node" },
    JsonName: { post: "/v1/renamed", body: "renamed" },
    Answer: { post: "/v1/answer/node", body: "*", responseBody: "node" },
    AnswerText: { post: "/v1/answer/text", body: "*", responseBody: "text" },
    AnswerNumber: { post: "/v1/answer/i64", body: "*", responseBody: "i64" },
    AnswerTexts: { post: "/v1/answer/texts", body: "*", responseBody: "texts" },
    AnswerLabels: { post: "/v1/answer/labels", body: "*", responseBody: "labels" },
    AnswerTime: { post: "/v1/answer/at", body: "*", responseBody: "at" },
    AnswerColor: { post: "/v1/answer/color", body: "*", responseBody: "color" },
    AnswerWrapper: { post: "/v1/answer/w_text", body: "*", responseBody: "w_text" },
    AnswerValue: { post: "/v1/answer/value", body: "*", responseBody: "value" },
  });

  describe("body: *", () => {
    suite.row("is the message", {
      send: "POST /v1/whole",
      json: { id: "a", node: { size: 1 } },
      calls: "Whole",
      arrives: { id: "a", node: { size: 1 } },
    });
    suite.row("may be empty JSON", { send: "POST /v1/whole", json: {}, arrives: {} });
    suite.row("may be missing", { send: "POST /v1/whole", arrives: {} });
    suite.row("may be of no length", { send: "POST /v1/whole", headers: json, body: "", arrives: {} });
    suite.row("yields to the path", {
      send: "PUT /v1/whole/7/n",
      json: { id: "8", node: { name: "x", size: 2 }, text: "t" },
      calls: "WholeAt",
      arrives: { id: "7", text: "t", node: { name: "n", size: 2 } },
    });
    suite.row("need not hold what the path does", {
      send: "PUT /v1/whole/7/n",
      json: { text: "t" },
      arrives: { id: "7", text: "t", node: { name: "n" } },
    });
    suite.row("leaves a message that the path reaches into", {
      send: "PUT /v1/whole/7/n",
      json: { node: { tags: ["a"] } },
      arrives: { id: "7", node: { name: "n", tags: ["a"] } },
    });
    suite.row("may be null nowhere but in fields", { send: "POST /v1/whole", headers: json, body: "null", refused: [400, "INVALID_JSON"] });
    suite.row("is no array", { send: "POST /v1/whole", json: [], refused: [400, "INVALID_JSON"] });
    suite.row("is no string", { send: "POST /v1/whole", json: "a", refused: [400, "INVALID_JSON"] });
  });

  describe("body: field", () => {
    suite.row("a message", { send: "POST /v1/field/7", json: { name: "n" }, calls: "Field", arrives: { id: "7", node: { name: "n" } } });
    suite.row("an empty message is present", { send: "POST /v1/field/7", json: {}, arrives: { id: "7", node: {} } });
    suite.row("without a body it is absent", { send: "POST /v1/field/7", arrives: { id: "7" } });
    suite.row("null is absent", { send: "POST /v1/field/7", headers: json, body: "null", arrives: { id: "7" } });
    suite.row("beside a query", {
      send: "POST /v1/field/7?text=t&i32s=1&i32s=2",
      json: { size: 1 },
      arrives: { id: "7", text: "t", i32s: [1, 2], node: { size: 1 } },
    });
    suite.row("the path wins inside it", {
      send: "PUT /v1/node/n",
      json: { name: "x", size: 1 },
      calls: "Nested",
      arrives: { node: { name: "n", size: 1 } },
    });
    suite.row("a string", { send: "POST /v1/text", json: "hello", calls: "Text", arrives: { text: "hello" } });
    suite.row("an empty string", { send: "POST /v1/text", json: "", arrives: {} });
    suite.row("a number", { send: "POST /v1/number", json: -7, calls: "Number", arrives: { i32: -7 } });
    suite.row("a number in quotes", { send: "POST /v1/number", json: "7", arrives: { i32: 7 } });
    suite.row("a 64-bit number in quotes", {
      send: "POST /v1/big",
      json: "9007199254740993",
      calls: "Big",
      arrives: { i64: "9007199254740993" },
    });
    suite.row("a 64-bit number without quotes keeps its digits", {
      send: "POST /v1/big",
      headers: json,
      body: "9007199254740993",
      arrives: { i64: "9007199254740993" },
    });
    suite.row("bytes", { send: "POST /v1/blob", json: "_-8", calls: "Blob", arrives: { blob: "/+8=" } });
    suite.row("an enum", { send: "POST /v1/color", json: "RED", calls: "Color", arrives: { color: "RED" } });
    suite.row("an enum by number", { send: "POST /v1/color", json: 2, arrives: { color: "DARK_BLUE" } });
    suite.row("a time", { send: "POST /v1/time", json: "2026-01-31T12:00:00Z", calls: "Time", arrives: { at: "2026-01-31T12:00:00Z" } });
    suite.row("a wrapper", { send: "POST /v1/wrapper", json: 0, calls: "Wrapper", arrives: { wI32: 0 } });
    suite.row("a Value", { send: "POST /v1/value", json: [1, { a: null }], calls: "Value", arrives: { value: [1, { a: null }] } });
    suite.row("a Value that is null", { send: "POST /v1/value", headers: json, body: "null", arrives: { value: null } });
    suite.row("a Struct", {
      send: "POST /v1/struct",
      json: { a: { b: [true] } },
      calls: "Struct",
      arrives: { struct: { a: { b: [true] } } },
    });
    suite.row("an Any", {
      send: "POST /v1/any",
      json: { "@type": "type.googleapis.com/suite.v1.Node", name: "n" },
      calls: "Any",
      arrives: { any: { "@type": "type.googleapis.com/suite.v1.Node", name: "n" } },
    });
    suite.row("a member of a oneof", {
      send: "POST /v1/choice",
      json: { name: "n" },
      calls: "Choice",
      arrives: { choiceNode: { name: "n" } },
    });
    suite.row("a oneof with another member in the query, which wins", {
      send: "POST /v1/choice?choice_text=a",
      json: { name: "n" },
      arrives: { choiceText: "a" },
    });
    suite.row("by its name in the .proto file", { send: "POST /v1/renamed", json: "a", calls: "JsonName", arrives: { otherName: "a" } });
    const wrong: readonly (readonly [path: string, body: string, field: string])[] = [
      ["/v1/field/7", '{"size":"x"}', "node.size"],
      ["/v1/field/7", "[]", "node"],
      ["/v1/text", "7", "text"],
      ["/v1/number", '"a"', "i32"],
      ["/v1/number", "2147483648", "i32"],
      ["/v1/blob", '"!"', "blob"],
      ["/v1/time", '"now"', "at"],
      ["/v1/struct", "[]", "struct"],
    ];
    for (const [path, body, field] of wrong)
      suite.row(`${path} ${body} is refused for ${field}`, {
        send: `POST ${path}`,
        headers: json,
        body,
        refused: [400, "INVALID_JSON", field],
      });
  });

  describe("body: a repeated field or a map is none", () => {
    // google/api/http.proto; such a rule is a problem of the schema and is not served.
    suite.row("a repeated string", { send: "POST /v1/texts", json: ["a"], refused: [404, "UNKNOWN_PATH"] });
    suite.row("a repeated message", { send: "POST /v1/nodes", json: [{}], refused: [404, "UNKNOWN_PATH"] });
    suite.row("a map", { send: "POST /v1/labels", json: { a: "b" }, refused: [404, "UNKNOWN_PATH"] });
  });

  describe("no body", () => {
    suite.row("nothing", { send: "POST /v1/none/7", calls: "None", arrives: { id: "7" } });
    suite.row("nothing of a content type", { send: "POST /v1/none/7", headers: json, body: "", arrives: { id: "7" } });
    suite.row("something is refused", { send: "POST /v1/none/7", json: { text: "a" }, refused: [400, "UNEXPECTED_BODY"] });
    suite.row("an empty object is something", { send: "POST /v1/none/7", json: {}, refused: [400, "UNEXPECTED_BODY"] });
    suite.row("in chunks", {
      send: "POST /v1/none/7",
      headers: { "transfer-encoding": "chunked", ...json },
      body: "2\r\n{}\r\n0\r\n\r\n",
      refused: [400, "UNEXPECTED_BODY"],
      over: "1.1",
    });
    suite.row("no chunk", {
      send: "POST /v1/none/7",
      headers: { "transfer-encoding": "chunked" },
      body: "0\r\n\r\n",
      arrives: { id: "7" },
      over: "1.1",
    });
  });

  describe("response_body", () => {
    const answers: readonly (readonly [field: string, message: object, answer: unknown])[] = [
      ["node", { node: { name: "n", size: 1 } }, { name: "n", size: 1 }],
      ["node", {}, {}],
      ["text", { text: "a\n" }, "a\n"],
      ["text", {}, ""],
      ["i64", { i64: "9007199254740993" }, "9007199254740993"],
      ["i64", {}, "0"],
      ["texts", { texts: ["a", "b"] }, ["a", "b"]],
      ["texts", {}, []],
      ["labels", { labels: { a: "b" } }, { a: "b" }],
      ["labels", {}, {}],
      ["at", { at: "2026-01-31T12:00:00Z" }, "2026-01-31T12:00:00Z"],
      ["color", { color: "RED" }, "RED"],
      ["color", {}, "COLOR_UNSPECIFIED"],
      ["w_text", { wText: "a" }, "a"],
      ["value", { value: { a: [1, null] } }, { a: [1, null] }],
    ];
    for (const [field, message, answer] of answers)
      suite.row(`${field} of ${JSON.stringify(message)}`, {
        send: `POST /v1/answer/${field}`,
        json: message as never,
        answer: answer as never,
      });
  });

  describe("content types", () => {
    for (const type of [
      "application/json",
      "application/json; charset=utf-8",
      "application/json;charset=UTF-8",
      'application/json; charset="utf-8"',
      "APPLICATION/JSON",
      "application/json ; x=y",
      "application/vnd.api+json",
      "application/merge-patch+json; charset=utf-8",
    ])
      suite.row(`${type} is JSON`, { send: "POST /v1/whole", headers: typed(type), body: '{"text":"é"}', arrives: { text: "é" } });
    for (const type of [
      "text/plain",
      "text/html",
      "application/xml",
      "application/octet-stream",
      "application/jsonp",
      "application/x-json",
      "json",
      "*/*",
      "",
      "application/x-ndjson",
    ])
      suite.row(`${JSON.stringify(type)} is refused`, {
        send: "POST /v1/whole",
        headers: typed(type),
        body: "{}",
        refused: [415, "UNSUPPORTED_MEDIA_TYPE"],
        fields: { "accept-post": "application/json" },
      });
    suite.row("a charset that is not needed is not looked at", {
      send: "POST /v1/whole",
      headers: typed("application/json; charset=iso-8859-1"),
      body: '{"text":"a"}',
      arrives: { text: "a" },
    });
    suite.row("bytes of another charset are refused", {
      send: "POST /v1/whole",
      headers: typed("application/json; charset=iso-8859-1"),
      body: Buffer.from('{"text":"\xe9"}', "latin1"),
      refused: [400, "INVALID_JSON", "text"],
    });
    suite.row("none is refused", { send: "POST /v1/whole", body: "{}", refused: [415, "UNSUPPORTED_MEDIA_TYPE"] });
    suite.row("without a body the type does not matter", { send: "POST /v1/whole", headers: typed("text/plain"), body: "", arrives: {} });
    suite.row("the answer's is JSON whatever is accepted", {
      send: "POST /v1/whole",
      headers: { accept: "text/html" },
      json: {},
      arrives: {},
      fields: { "content-type": "application/json" },
    });
  });

  describe("forms", () => {
    const form = typed("application/x-www-form-urlencoded");
    suite.row("onto fields", {
      send: "POST /v1/whole",
      headers: form,
      body: "text=a+b&i32s=1&i32s=2&node.name=%C3%A9&labels[k]=v",
      arrives: { text: "a b", i32s: [1, 2], node: { name: "é" }, labels: { k: "v" } },
    });
    suite.row("onto the fields of a field", {
      send: "POST /v1/field/7",
      headers: form,
      body: "name=n&tags=a&tags=b",
      arrives: { id: "7", node: { name: "n", tags: ["a", "b"] } },
    });
    suite.row("the path wins", {
      send: "PUT /v1/whole/7/n",
      headers: form,
      body: "id=8&text=t",
      arrives: { id: "7", text: "t", node: { name: "n" } },
    });
    suite.row("an unknown field", {
      send: "POST /v1/whole",
      headers: form,
      body: "txet=a",
      refused: [400, "UNKNOWN_FIELD", "txet"],
      says: /did you mean text/,
    });
    suite.row("a value of the wrong type", {
      send: "POST /v1/whole",
      headers: form,
      body: "i32=a",
      refused: [400, "INVALID_PARAMETER", "i32"],
    });
    suite.row("a bad escape", { send: "POST /v1/whole", headers: form, body: "text=%zz", refused: [400, "INVALID_PARAMETER", "text"] });
    suite.row("two values", { send: "POST /v1/whole", headers: form, body: "text=a&text=b", refused: [400, "INVALID_PARAMETER", "text"] });
    suite.row("a string is no place for one", {
      send: "POST /v1/text",
      headers: form,
      body: "text=a",
      refused: [415, "UNSUPPORTED_MEDIA_TYPE"],
    });
    suite.row("nor is a Struct", { send: "POST /v1/struct", headers: form, body: "a=b", refused: [415, "UNSUPPORTED_MEDIA_TYPE"] });
    suite.row("where there is no body", { send: "POST /v1/none/7", headers: form, body: "text=a", refused: [400, "UNEXPECTED_BODY"] });
  });

  describe("content encodings", () => {
    const whole = Buffer.from('{"text":"hello"}');
    const encoded: readonly (readonly [encoding: string, body: Buffer])[] = [
      ["gzip", gzipSync(whole)],
      ["x-gzip", gzipSync(whole)],
      ["GZIP", gzipSync(whole)],
      ["deflate", deflateSync(whole)],
      ["br", brotliCompressSync(whole)],
      ["zstd", zstdCompressSync(whole)],
      ["identity", whole],
      ["gzip, br", brotliCompressSync(gzipSync(whole))],
    ];
    for (const [encoding, body] of encoded)
      suite.row(`${encoding} is opened`, {
        send: "POST /v1/whole",
        headers: { ...json, "content-encoding": encoding },
        body,
        arrives: { text: "hello" },
      });
    for (const encoding of ["lzma", "compress", "snappy", "gzip, gzip, gzip", "gzip;q=1"])
      suite.row(`${encoding} is refused`, {
        send: "POST /v1/whole",
        headers: { ...json, "content-encoding": encoding },
        body: whole,
        refused: [415, "UNSUPPORTED_ENCODING"],
        fields: { "accept-encoding": /gzip/ },
      });
    for (const encoding of ["gzip", "deflate", "br", "zstd"])
      suite.row(`what is not ${encoding} is refused`, {
        send: "POST /v1/whole",
        headers: { ...json, "content-encoding": encoding },
        body: whole,
        refused: [400, "BAD_REQUEST"],
      });
    suite.row("half of gzip is refused", {
      send: "POST /v1/whole",
      headers: { ...json, "content-encoding": "gzip" },
      body: gzipSync(whole).subarray(0, 20),
      refused: [400, "BAD_REQUEST"],
    });
    suite.row("a bomb is refused", {
      send: "POST /v1/whole",
      headers: { ...json, "content-encoding": "gzip" },
      body: gzipSync(Buffer.alloc(8 << 20, 0x20)),
      refused: [413, "MESSAGE_TOO_LARGE"],
    });
    suite.row("an encoding of nothing is nothing", {
      send: "POST /v1/whole",
      headers: { ...json, "content-encoding": "gzip" },
      body: "",
      arrives: {},
    });
  });

  describe("encodings of answers", () => {
    const large = { text: "a".repeat(5000) };
    const opened = { gzip: gunzipSync, br: brotliDecompressSync, zstd: zstdDecompressSync, deflate: inflateSync };
    for (const [encoding, open] of Object.entries(opened))
      it(`a large one as ${encoding}`, async () => {
        for (const version of ["1.1", "2"] as const) {
          suite.backend.script = {};
          const { reply } = await suite.send({ send: "POST /v1/whole", headers: { "accept-encoding": encoding }, json: large }, version);
          assert.equal(reply.headers.get("content-encoding"), encoding);
          assert.match(reply.headers.get("vary") ?? "", /accept-encoding/);
          assert.deepEqual(JSON.parse(open(reply.body).toString()), large);
        }
      });
    for (const [accept, encoding] of [
      ["identity", undefined],
      ["lzma", undefined],
      ["gzip;q=0", undefined],
      ["gzip;q=0.5, br", "br"],
      ["GZIP", "gzip"],
    ] as const)
      suite.row(`${accept}: ${encoding ?? "none"}`, {
        send: "POST /v1/whole",
        headers: { "accept-encoding": accept },
        json: large,
        fields: { "content-encoding": encoding, vary: /accept-encoding/ },
      });
    suite.row("a small one stays as it is", {
      send: "POST /v1/whole",
      headers: { "accept-encoding": "gzip" },
      json: { text: "a" },
      arrives: { text: "a" },
      fields: { "content-encoding": undefined },
    });
    suite.row("an error stays as it is", {
      send: "POST /v1/whole",
      headers: { "accept-encoding": "gzip" },
      json: { i32: "x".repeat(5000) },
      refused: [400, "INVALID_JSON", "i32"],
    });
    suite.row("no-transform", {
      send: "POST /v1/whole",
      headers: { "accept-encoding": "gzip" },
      json: {},
      calls: "Whole",
      backend: { messages: [large], headers: { "cache-control": "private, no-transform" } },
      answer: large,
      fields: { "content-encoding": undefined },
    });
    suite.row("a strong etag", {
      send: "POST /v1/whole",
      headers: { "accept-encoding": "gzip" },
      json: {},
      calls: "Whole",
      backend: { messages: [large], headers: { etag: '"7"' } },
      answer: large,
      fields: { "content-encoding": undefined },
    });
    suite.row("a weak etag", {
      send: "POST /v1/whole",
      headers: { "accept-encoding": "gzip" },
      json: {},
      calls: "Whole",
      backend: { messages: [large], headers: { etag: 'W/"7"' } },
      fields: { "content-encoding": "gzip" },
    });
  });

  describe("sizes", () => {
    suite.row("above the limit is 413", {
      send: "POST /v1/whole",
      headers: json,
      body: `{"text":"${"a".repeat(5 << 20)}"}`,
      refused: [413, "MESSAGE_TOO_LARGE"],
      over: "2",
    });
    suite.row("a megabyte is taken", {
      send: "POST /v1/text",
      headers: json,
      body: `"${"a".repeat(1 << 20)}"`,
      arrives: { text: "a".repeat(1 << 20) },
    });
    suite.row("in chunks of any size", {
      send: "POST /v1/whole",
      headers: { "transfer-encoding": "chunked", ...json },
      body: ['{"te', 'xt":"a', "b", '"}'].map((chunk) => `${chunk.length.toString(16)}\r\n${chunk}\r\n`).join("") + "0\r\n\r\n",
      arrives: { text: "ab" },
      over: "1.1",
    });
  });
});
