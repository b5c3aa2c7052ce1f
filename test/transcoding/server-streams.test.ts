/** A1.12, B1.9: a server stream in the form that the caller accepts. */
import type { JsonValue } from "@bufbuild/protobuf";
import { brotliDecompressSync, gunzipSync, inflateSync, zstdDecompressSync } from "node:zlib";
import assert from "node:assert/strict";
import { TranscodingSuite } from "../support/transcoding-suite/transcoding-suite.ts";

type Form = "array" | "lines" | "events";

/** What the messages, as JSON texts, look like in each form. */
const written: Readonly<Record<Form, (records: readonly string[]) => string>> = {
  array: (records) => `[${records.join(",")}]`,
  lines: (records) => records.map((record) => `${record}\n`).join(""),
  events: (records) => records.map((record, index) => `id: ${index}\ndata: ${record}\n\n`).join(""),
};

describe("transcoding: server streams", () => {
  const suite = TranscodingSuite.inSuite({
    List: { get: "/v1/list", streams: "out", more: [{ post: "/v1/list", body: "*" }, { get: "/v1/list/{id}" }] },
    Nodes: { get: "/v1/nodes", streams: "out", responseBody: "node" },
    Texts: { get: "/v1/texts", streams: "out", responseBody: "text" },
    Unary: { get: "/v1/unary" },
  });

  describe("Accept", () => {
    const accepts: readonly (readonly [accept: string | undefined, form: Form, contentType: string])[] = [
      [undefined, "array", "application/json"],
      ["", "array", "application/json"],
      ["*/*", "array", "application/json"],
      ["application/*", "array", "application/json"],
      ["application/json", "array", "application/json"],
      ["application/json; charset=utf-8", "array", "application/json"],
      ["text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", "array", "application/json"],
      ["application/xml", "array", "application/json"],
      ["application/x-ndjson", "lines", "application/x-ndjson"],
      ["application/x-ndjson; charset=utf-8", "lines", "application/x-ndjson"],
      ["APPLICATION/X-NDJSON", "lines", "application/x-ndjson"],
      ["application/jsonl", "lines", "application/jsonl"],
      ["*/*;q=0.1, application/jsonl", "lines", "application/jsonl"],
      ["text/event-stream", "events", "text/event-stream"],
      ["text/*", "events", "text/event-stream"],
      ["text/event-stream, application/json;q=0.5", "events", "text/event-stream"],
      ["application/json;q=0.5, text/event-stream;q=0.9, application/x-ndjson;q=0.7", "events", "text/event-stream"],
      ["application/json;q=0.5,application/x-ndjson;q=0.7", "lines", "application/x-ndjson"],
      ["application/json;q=0, application/x-ndjson;q=0.001", "lines", "application/x-ndjson"],
      ["application/x-ndjson, application/json", "lines", "application/x-ndjson"],
      ["application/json, application/x-ndjson", "array", "application/json"],
      ["application/x-ndjson;q=0, */*", "array", "application/json"],
      ["text/event-stream;q=high", "array", "application/json"],
    ];
    for (const [accept, form, contentType] of accepts)
      suite.row(`${accept ?? "none"}: ${form}`, {
        send: "GET /v1/list",
        headers: accept === undefined ? {} : { accept },
        calls: "List",
        backend: { messages: [{ id: "a" }, { id: "b" }] },
        text: written[form](['{"id":"a"}', '{"id":"b"}']),
        fields: { "content-type": contentType, "cache-control": form === "events" ? "no-cache" : undefined },
      });
    suite.row("a unary answer is JSON whatever is accepted", {
      send: "GET /v1/unary?id=a",
      headers: { accept: "text/event-stream" },
      calls: "Unary",
      arrives: { id: "a" },
      fields: { "content-type": "application/json" },
    });
  });

  describe("messages", () => {
    const lists: readonly (readonly [what: string, messages: readonly JsonValue[], records: readonly string[]])[] = [
      ["none", [], []],
      ["one", [{ id: "a" }], ['{"id":"a"}']],
      ["an empty one", [{}], ["{}"]],
      ["empty ones", [{}, {}, {}], ["{}", "{}", "{}"]],
      ["line breaks and brackets in text", [{ text: "a\n]}\r,[{\n\n" }, { text: "b" }], ['{"text":"a\\n]}\\r,[{\\n\\n"}', '{"text":"b"}']],
      ["text above ASCII", [{ text: "é😀\u2028" }], ['{"text":"é😀\u2028"}']],
      [
        "a hundred",
        Array.from({ length: 100 }, (_, i32) => ({ id: "x", i32: i32 + 1 })),
        Array.from({ length: 100 }, (_, i32) => `{"id":"x","i32":${i32 + 1}}`),
      ],
      [
        "large ones",
        [{ text: "a".repeat(100_000) }, { text: "b".repeat(100_000) }],
        [`{"text":"${"a".repeat(100_000)}"}`, `{"text":"${"b".repeat(100_000)}"}`],
      ],
    ];
    for (const [what, messages, records] of lists)
      for (const [accept, form] of [
        ["application/json", "array"],
        ["application/x-ndjson", "lines"],
        ["text/event-stream", "events"],
      ] as const)
        suite.row(`${what} as ${form}`, {
          send: "GET /v1/list",
          headers: { accept },
          calls: "List",
          backend: { messages },
          text: written[form](records),
        });
  });

  describe("requests", () => {
    suite.row("query and path", {
      send: "GET /v1/list/7?i32=1",
      calls: "List",
      arrives: { id: "7", i32: 1 },
      answer: [{ id: "7", i32: 1 }],
    });
    suite.row("a body", { send: "POST /v1/list", json: { id: "7" }, calls: "List", arrives: { id: "7" }, answer: [{ id: "7" }] });
    suite.row("POST /package.Service/Method", {
      send: "POST /suite.test.Suite/List",
      json: { id: "7" },
      calls: "List",
      arrives: { id: "7" },
      answer: [{ id: "7" }],
    });
    suite.row("a bad query", {
      send: "GET /v1/list?i32=x",
      headers: { accept: "text/event-stream" },
      refused: [400, "INVALID_PARAMETER", "i32"],
    });
    suite.row("a bad body", {
      send: "POST /v1/list",
      json: { i32: "x" },
      headers: { accept: "application/x-ndjson" },
      refused: [400, "INVALID_JSON", "i32"],
    });
    for (const accept of ["application/json", "application/x-ndjson", "text/event-stream"])
      suite.row(`HEAD as ${accept}`, {
        send: "HEAD /v1/list",
        headers: { accept },
        calls: "List",
        backend: { messages: [{ id: "a" }] },
        text: "",
        fields: { "content-type": accept },
      });
  });

  describe("response_body", () => {
    suite.row("of each message", {
      send: "GET /v1/nodes",
      calls: "Nodes",
      backend: { messages: [{ id: "a", node: { name: "n" } }, {}] },
      text: '[{"name":"n"},{}]',
    });
    suite.row("as lines", {
      send: "GET /v1/nodes",
      headers: { accept: "application/x-ndjson" },
      calls: "Nodes",
      backend: { messages: [{ node: { name: "n" } }, { node: {} }] },
      text: '{"name":"n"}\n{}\n',
    });
    suite.row("that is a string", {
      send: "GET /v1/texts",
      headers: { accept: "text/event-stream" },
      calls: "Texts",
      backend: { messages: [{ text: "a\nb" }, {}] },
      text: 'id: 0\ndata: "a\\nb"\n\nid: 1\ndata: ""\n\n',
    });
  });

  describe("events", () => {
    suite.row("the last id goes along as metadata", {
      send: "GET /v1/list",
      headers: { accept: "text/event-stream", "last-event-id": "7" },
      calls: "List",
      backend: { messages: [{ id: "a" }] },
      metadata: { "last-event-id": "7" },
    });
    suite.row("who comes back and finds nothing more is told to stay away", {
      send: "GET /v1/list",
      headers: { accept: "text/event-stream", "last-event-id": "7" },
      calls: "List",
      backend: { messages: [] },
      status: 204,
      text: "",
    });
  });

  describe("content encodings", () => {
    const openers = { gzip: gunzipSync, br: brotliDecompressSync, zstd: zstdDecompressSync, deflate: inflateSync };
    for (const [encoding, opened] of Object.entries(openers))
      it(encoding, async () => {
        for (const version of ["1.1", "2"] as const) {
          suite.backend.script = { messages: [suite.schema.wireOf("suite.v1.Everything", { id: "a" })] };
          const { reply } = await suite.send({ send: "GET /v1/list", headers: { "accept-encoding": encoding } }, version);
          assert.equal(reply.headers.get("content-encoding"), encoding);
          assert.match(reply.headers.get("vary") ?? "", /accept-encoding/);
          assert.equal(opened(reply.body).toString(), '[{"id":"a"}]');
        }
      });
    for (const [accept, encoding] of [
      ["identity", undefined],
      ["gzip;q=0", undefined],
      ["lzma", undefined],
      ["gzip;q=0.1, br;q=0.9", "br"],
    ] as const)
      suite.row(`${accept}: ${encoding ?? "none"}`, {
        send: "GET /v1/list",
        headers: { "accept-encoding": accept },
        calls: "List",
        backend: { messages: [{ id: "a" }] },
        fields: { "content-encoding": encoding },
      });
    suite.row("not where the backend forbids it", {
      send: "GET /v1/list",
      headers: { "accept-encoding": "gzip" },
      calls: "List",
      backend: { messages: [{ id: "a" }], headers: { "cache-control": "no-transform" } },
      text: '[{"id":"a"}]',
      fields: { "content-encoding": undefined },
    });
  });

  describe("a message that no JSON can say", () => {
    const broken = Buffer.from("0a01ff", "hex");
    const good = Buffer.from("0a0161", "hex");
    suite.row("first: 502", {
      send: "GET /v1/list",
      calls: "List",
      backend: { wire: [broken] },
      status: 502,
      text: /"reason":"UPSTREAM_MESSAGE"/,
    });
    suite.row("later: the last record", {
      send: "GET /v1/list",
      calls: "List",
      backend: { wire: [good, broken, good] },
      text: /^\[\{"id":"a"\},\{"error":\{"code":13,.*\}\}\]$/,
    });
  });
});
