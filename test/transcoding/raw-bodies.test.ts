/** A1.10, B3: google.api.HttpBody in and out, and multipart forms. */
import type { JsonValue } from "@bufbuild/protobuf";
import { gzipSync } from "node:zlib";
import { TranscodingSuite } from "../support/transcoding-suite/transcoding-suite.ts";

const httpBody = "google.api.HttpBody";
const all = Buffer.from(Array.from({ length: 256 }, (_, byte) => byte));
const base64 = (bytes: Buffer | string) => Buffer.from(bytes).toString("base64");
const typed = (type: string) => ({ "content-type": type });

describe("transcoding: raw bodies", () => {
  const suite = TranscodingSuite.inSuite({
    Mirror: { post: "/v1/mirror", body: "*", input: httpBody },
    Upload: {
      post: "/v1/files/{name}",
      body: "file",
      input: "Upload",
      more: [
        { post: "/v1/forms/{name}", body: "*" },
        { post: "/v1/forms", body: "*" },
      ],
    },
    Fetch: { get: "/v1/files", output: httpBody },
    FetchField: { get: "/v1/fields", input: "Everything", output: "Upload", responseBody: "file" },
    Download: { get: "/v1/downloads", output: httpBody, streams: "out" },
    DownloadField: { get: "/v1/field-downloads", output: "Upload", responseBody: "file", streams: "out" },
    Stream: { post: "/v1/streams", body: "*", input: httpBody, output: "Everything", streams: "in" },
    StreamField: { post: "/v1/streams/{name}", body: "file", input: "Upload", output: "Everything", streams: "in" },
    Form: { post: "/v1/form", body: "*" },
  });

  describe("in", () => {
    const bodies: readonly (readonly [what: string, type: string, body: Buffer | string])[] = [
      ["text", "text/plain", "hello"],
      ["text of a charset", "text/plain; charset=iso-8859-1", Buffer.from("caf\xe9", "latin1")],
      ["every byte", "application/octet-stream", all],
      ["JSON that is not looked at", "application/json", '{"broken":'],
      ["a form that is not looked at", "application/x-www-form-urlencoded", "a=%zz&&&"],
      ["multipart that is not looked at", "multipart/form-data; boundary=x", "no parts"],
      ["half a megabyte", "video/mp4", Buffer.alloc(512 << 10, "ab")],
      ["line ends", "text/csv", "a,b\r\n1,2\r\n"],
    ];
    for (const [what, type, body] of bodies) {
      suite.row(`the message: ${what}`, {
        send: "POST /v1/mirror",
        headers: typed(type),
        body,
        calls: "Mirror",
        arrives: { contentType: type, data: base64(body) },
        text: Buffer.from(body).toString(),
        fields: { "content-type": type },
      });
      suite.row(`a field: ${what}`, {
        send: "POST /v1/files/n?tags=a&tags=b",
        headers: typed(type),
        body,
        calls: "Upload",
        arrives: { name: "n", tags: ["a", "b"], file: { contentType: type, data: base64(body) } },
      });
    }
    suite.row("nothing, of a type", {
      send: "POST /v1/mirror",
      headers: typed("image/png"),
      body: "",
      calls: "Mirror",
      arrives: { contentType: "image/png" },
      text: "",
    });
    suite.row("something, of no type", {
      send: "POST /v1/mirror",
      body: "a",
      calls: "Mirror",
      arrives: { data: base64("a") },
      text: "a",
      fields: { "content-type": "application/octet-stream" },
    });
    suite.row("gzip is opened", {
      send: "POST /v1/mirror",
      headers: { ...typed("text/plain"), "content-encoding": "gzip" },
      body: gzipSync("hello"),
      arrives: { contentType: "text/plain", data: base64("hello") },
      text: "hello",
    });
    suite.row("at the method's own address", {
      send: "POST /suite.test.Suite/Mirror",
      headers: typed("text/css"),
      body: "a{}",
      calls: "Mirror",
      arrives: { contentType: "text/css", data: base64("a{}") },
      text: "a{}",
    });
    suite.row("a stream: pieces of one body", {
      send: "POST /v1/streams",
      headers: typed("text/csv"),
      body: "1,2",
      calls: "Stream",
      backend: { messages: [{ id: "a" }] },
      arrives: [{ contentType: "text/csv", data: base64("1,2") }],
      answer: { id: "a" },
    });
    suite.row("a stream: of nothing, one empty piece", {
      send: "POST /v1/streams/n",
      headers: typed("text/csv"),
      body: "",
      calls: "StreamField",
      backend: { messages: [{}] },
      arrives: [{ name: "n", file: { contentType: "text/csv" } }],
    });
    suite.row("a stream: path and query in each piece", {
      send: "POST /v1/streams/n?tags=a",
      headers: typed("text/csv"),
      body: "1",
      calls: "StreamField",
      backend: { messages: [{}] },
      arrives: [{ name: "n", tags: ["a"], file: { contentType: "text/csv", data: base64("1") } }],
    });
    suite.row("a bad query", {
      send: "POST /v1/files/n?tgas=a",
      headers: typed("text/plain"),
      body: "a",
      refused: [400, "UNKNOWN_FIELD", "tgas"],
    });
    suite.row("too large", {
      send: "POST /v1/mirror",
      headers: typed("text/plain"),
      body: Buffer.alloc(5 << 20),
      refused: [413, "MESSAGE_TOO_LARGE"],
      over: "2",
    });
  });

  describe("out", () => {
    const answers: readonly (readonly [what: string, body: JsonValue, type: string, text: string])[] = [
      ["text", { contentType: "text/html", data: base64("<p>") }, "text/html", "<p>"],
      ["nothing", { contentType: "text/html" }, "text/html", ""],
      ["no type", { data: base64("a") }, "application/octet-stream", "a"],
      ["a type no header can carry", { contentType: "a\r\nset-cookie: b", data: base64("a") }, "application/octet-stream", "a"],
      ["a type above ASCII", { contentType: "text/é", data: base64("a") }, "application/octet-stream", "a"],
      ["JSON of its own", { contentType: "application/json", data: base64("{}") }, "application/json", "{}"],
    ];
    for (const [what, body, type, text] of answers) {
      const fields = { "content-type": type, "set-cookie": undefined };
      suite.row(`the message: ${what}`, {
        send: "GET /v1/files",
        calls: "Fetch",
        backend: { messages: [body] },
        text,
        fields: { ...fields, "content-length": String(text.length) },
      });
      suite.row(`a field: ${what}`, { send: "GET /v1/fields", calls: "FetchField", backend: { messages: [{ file: body }] }, text, fields });
      suite.row(`a stream: ${what}`, {
        send: "GET /v1/downloads",
        headers: { accept: "text/event-stream" },
        calls: "Download",
        backend: { messages: [body] },
        text,
        fields,
      });
    }
    suite.row("a field that is absent", {
      send: "GET /v1/fields",
      calls: "FetchField",
      backend: { messages: [{ name: "n" }] },
      text: "",
      fields: { "content-type": "application/octet-stream" },
    });
    suite.row("a stream has nothing between its pieces, and the type of the first", {
      send: "GET /v1/downloads",
      calls: "Download",
      backend: {
        messages: [
          { contentType: "text/csv", data: base64("a\n") },
          { contentType: "text/html", data: base64("b") },
          {},
          { data: base64("c") },
        ],
      },
      text: "a\nbc",
      fields: { "content-type": "text/csv" },
    });
    suite.row("a stream of fields", {
      send: "GET /v1/field-downloads",
      calls: "DownloadField",
      backend: { messages: [{ file: { contentType: "a/b", data: base64("a") } }, { file: { data: base64("b") } }] },
      text: "ab",
      fields: { "content-type": "a/b" },
    });
    suite.row("a stream of nothing", { send: "GET /v1/downloads", calls: "Download", backend: { messages: [] }, text: "" });
    suite.row("a stream that fails first", {
      send: "GET /v1/downloads",
      calls: "Download",
      backend: { code: 5, details: "no" },
      status: 404,
      answer: { code: 5, message: "no", details: [] },
    });
    suite.row("a stream that fails later says so in trailers", {
      send: "GET /v1/downloads",
      headers: { te: "trailers" },
      calls: "Download",
      backend: { messages: [{ data: base64("a") }], code: 13, details: "no" },
      text: "a",
      trailers: { "grpc-status": "13" },
    });
    for (const version of ["1.1", "2"] as const)
      it(`a stream that fails later is broken off over HTTP/${version} where no trailers are taken`, async () => {
        suite.backend.script = { messages: [suite.schema.wireOf(httpBody, { data: base64("a") })], code: 13, details: "no" };
        let whole = false;
        await suite.send({ send: "GET /v1/downloads" }, version).then(
          () => (whole = true),
          () => undefined,
        );
        if (whole) throw new Error("it looks whole");
      });
  });

  describe("multipart", () => {
    const headers = typed("multipart/form-data; boundary=XX");
    const part = (head: string, data: string | Buffer, type = "") =>
      Buffer.concat([
        Buffer.from(`--XX\r\nContent-Disposition: form-data; ${head}\r\n${type === "" ? "" : `Content-Type: ${type}\r\n`}\r\n`),
        Buffer.from(data),
        Buffer.from("\r\n"),
      ]);
    const form = (...parts: readonly Buffer[]) => Buffer.concat([...parts, Buffer.from("--XX--\r\n")]);
    const taken: readonly (readonly [what: string, path: string, body: Buffer, arrives: JsonValue])[] = [
      [
        "fields",
        "/v1/form",
        form(part('name="text"', "é"), part('name="i32"', "7"), part('name="texts"', "a"), part('name="texts"', "b")),
        { text: "é", i32: 7, texts: ["a", "b"] },
      ],
      [
        "nested fields and maps",
        "/v1/form",
        form(part('name="node.name"', "n"), part('name="labels[k]"', "v")),
        { node: { name: "n" }, labels: { k: "v" } },
      ],
      ["what a query would decode", "/v1/form", form(part('name="text"', "a+b%20c&d=e")), { text: "a+b%20c&d=e" }],
      ["a file to bytes", "/v1/form", form(part('name="blob"; filename="x"', all)), { blob: base64(all) }],
      [
        "a file to HttpBody",
        "/v1/forms/n",
        form(part('name="file"; filename="a.css"', "a{}", "text/css")),
        { name: "n", file: { contentType: "text/css", data: base64("a{}") } },
      ],
      [
        "a file beside fields",
        "/v1/forms",
        form(part('name="name"', "n"), part('name="tags"', "t"), part('name="file"; filename="x"', "a", "text/plain")),
        { name: "n", tags: ["t"], file: { contentType: "text/plain", data: base64("a") } },
      ],
      ["JSON to a message", "/v1/form", form(part('name="node"', '{"name":"n"}', "application/json")), { node: { name: "n" } }],
      [
        "JSON to elements",
        "/v1/form",
        form(part('name="nodes"', '{"name":"a"}', "application/json"), part('name="nodes"', "{}", "application/json")),
        { nodes: [{ name: "a" }, {}] },
      ],
      [
        "files to repeated bytes",
        "/v1/form",
        form(part('name="blobs"; filename="1"', "a"), part('name="blobs"; filename="2"', "b")),
        { blobs: [base64("a"), base64("b")] },
      ],
    ];
    for (const [what, path, body, arrives] of taken) suite.row(what, { send: `POST ${path}`, headers, body, arrives });

    const many = Array.from({ length: 1001 }, () => part('name="texts"', "a"));
    const refused: readonly (readonly [
      what: string,
      body: Buffer | string,
      reason: "BAD_REQUEST" | "INVALID_PARAMETER" | "UNKNOWN_FIELD" | "INVALID_JSON",
      says: RegExp,
    ])[] = [
      ["no boundary in it", "hello", "BAD_REQUEST", /boundary/],
      ["no parts", "--XX--", "BAD_REQUEST", /no parts/],
      ["no last boundary", part('name="text"', "a"), "BAD_REQUEST", /last boundary/],
      ["a part without a name", form(part("x=y", "a")), "BAD_REQUEST", /part 1/],
      ["an empty name", form(part('name=""', "a")), "BAD_REQUEST", /part 1/],
      ["the second part without a name", form(part('name="text"', "a"), part("x=y", "a")), "BAD_REQUEST", /part 2/],
      ["no disposition", "--XX\r\nX: y\r\n\r\na\r\n--XX--", "BAD_REQUEST", /part 1/],
      ["a broken head", "--XX\r\nnonsense\r\n\r\na\r\n--XX--", "BAD_REQUEST", /part 1/],
      ["a large head", `--XX\r\nX: ${"y".repeat(9000)}\r\n\r\na\r\n--XX--`, "BAD_REQUEST", /part 1/],
      ["a long name", form(part(`name="${"n".repeat(2000)}"`, "a")), "BAD_REQUEST", /part 1/],
      ["too many parts", form(...many), "BAD_REQUEST", /1000/],
      ["an unknown field", form(part('name="txet"', "a")), "UNKNOWN_FIELD", /did you mean text/],
      ["a wrong value", form(part('name="i32"', "a")), "INVALID_PARAMETER", /i32/],
      ["a value twice", form(part('name="text"', "a"), part('name="text"', "b")), "INVALID_PARAMETER", /twice/],
      ["bad UTF-8", form(part('name="text"', Buffer.from([0xff]))), "INVALID_PARAMETER", /UTF-8/],
      ["broken JSON", form(part('name="node"', "{", "application/json")), "INVALID_JSON", /node/],
      ["JSON of a wrong type", form(part('name="node"', '{"size":"x"}', "application/json")), "INVALID_JSON", /node\.size/],
    ];
    for (const [what, body, reason, says] of refused)
      suite.row(what, { send: "POST /v1/form", headers, body, refused: [400, reason], says });
    for (const type of [
      "multipart/form-data",
      "multipart/form-data; boundary=",
      'multipart/form-data; boundary="a b"',
      `multipart/form-data; boundary=${"x".repeat(71)}`,
      "multipart/mixed; boundary=XX",
    ])
      suite.row(type.slice(0, 60), {
        send: "POST /v1/form",
        headers: typed(type),
        body: form(part('name="text"', "a")),
        refused: [415, "UNSUPPORTED_MEDIA_TYPE"],
      });
  });
});
