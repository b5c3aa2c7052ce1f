/** A1.13: client streams and chats from JSON arrays, lines and values. */
import type { JsonValue } from "@bufbuild/protobuf";
import { gzipSync } from "node:zlib";
import { TranscodingSuite } from "../support/transcoding-suite/transcoding-suite.ts";

const json = { "content-type": "application/json" };
const lines = { "content-type": "application/x-ndjson" };

/** The body in chunks, as HTTP/1.1 writes them. */
function chunked(...chunks: readonly string[]): Buffer {
  const framed = chunks.map((chunk) =>
    Buffer.concat([Buffer.from(`${Buffer.byteLength(chunk).toString(16)}\r\n`), Buffer.from(chunk), Buffer.from("\r\n")]),
  );
  return Buffer.concat([...framed, Buffer.from("0\r\n\r\n")]);
}

describe("transcoding: client streams", () => {
  const suite = TranscodingSuite.inSuite(
    {
      Collect: {
        post: "/v1/all",
        body: "*",
        streams: "in",
        more: [
          { post: "/v1/of/{id}", body: "*" },
          { post: "/v1/node/{id}", body: "node" },
          { post: "/v1/text/{id}", body: "text" },
          { post: "/v1/none/{id}" },
        ],
      },
      Chat: { post: "/v1/chat/{id}", body: "*", streams: "both" },
      Shaped: { post: "/v1/shaped", body: "*", streams: "in", responseBody: "node" },
    },
    { hop: { messageBytes: 10_000 } },
  );
  const a = { text: "a" };
  const b = { text: "b" };

  describe("bodies that are taken", () => {
    const bodies: readonly (readonly [
      what: string,
      headers: Readonly<Record<string, string>>,
      body: string,
      messages: readonly JsonValue[],
    ])[] = [
      ["an array", json, '[{"text":"a"},{"text":"b"}]', [a, b]],
      ["an array with white space", json, '\n [ {"text":"a"} ,\r\n\t{"text":"b"} ] \n', [a, b]],
      ["an empty array", json, "[]", []],
      ["white space in an array", json, "[ ]", []],
      ["one value", json, '{"text":"a"}', [a]],
      ["values", json, '{"text":"a"}{"text":"b"}', [a, b]],
      ["values apart", json, '{"text":"a"}\n\n {"text":"b"} ', [a, b]],
      ["lines", lines, '{"text":"a"}\n{"text":"b"}\n', [a, b]],
      ["lines with CRLF and empty ones", lines, '\r\n{"text":"a"}\r\n\r\n{"text":"b"}\r\n', [a, b]],
      ["the last line open", lines, '{"text":"a"}\n{"text":"b"}', [a, b]],
      ["jsonl", { "content-type": "application/jsonl" }, '{"text":"a"}\n', [a]],
      ["ndjson with a charset", { "content-type": "application/x-ndjson; charset=utf-8" }, '{"text":"é"}\n', [{ text: "é" }]],
      ["a JSON subtype", { "content-type": "application/vnd.api+json" }, "[{}]", [{}]],
      ["empty messages", json, "[{},{}]", [{}, {}]],
      ["text like structure", json, '[{"text":"]}\\"{[,\\\\"},{"text":"b"}]', [{ text: ']}"{[,\\' }, b]],
      ["nested arrays", json, '[{"i32s":[1,2],"nodes":[{"tags":["]"]}]}]', [{ i32s: [1, 2], nodes: [{ tags: ["]"] }] }]],
      ["white space only", json, " \n\t", []],
      ["nothing", json, "", []],
    ];
    for (const [what, headers, body, messages] of bodies) {
      suite.row(what, { send: "POST /v1/all", headers, body, calls: "Collect", arrives: messages });
      if (body !== "")
        suite.row(`${what}, byte by byte`, {
          send: "POST /v1/all",
          headers: { ...headers, "transfer-encoding": "chunked" },
          body: chunked(...[...body]),
          calls: "Collect",
          arrives: messages,
          over: "1.1",
        });
    }
    suite.row("gzip", {
      send: "POST /v1/all",
      headers: { ...json, "content-encoding": "gzip" },
      body: gzipSync('[{"text":"a"}]'),
      arrives: [a],
    });
    suite.row("more than one message may hold", {
      send: "POST /v1/all",
      headers: json,
      body: JSON.stringify(Array(50).fill({ text: "x".repeat(1000) })),
      arrives: Array<JsonValue>(50).fill({ text: "x".repeat(1000) }),
    });
  });

  describe("bindings", () => {
    suite.row("the path to each", { send: "POST /v1/of/7", headers: json, body: "[{},{}]", arrives: [{ id: "7" }, { id: "7" }] });
    suite.row("the path wins", {
      send: "POST /v1/of/7",
      headers: json,
      body: '[{"id":"8","text":"a"}]',
      arrives: [{ id: "7", text: "a" }],
    });
    suite.row("path and query beside a field", {
      send: "POST /v1/node/7?i32=1",
      headers: json,
      body: '[{"name":"a"},{}]',
      arrives: [
        { id: "7", i32: 1, node: { name: "a" } },
        { id: "7", i32: 1, node: {} },
      ],
    });
    suite.row("null for a field", { send: "POST /v1/node/7", headers: json, body: "[null]", arrives: [{ id: "7" }] });
    suite.row("strings", {
      send: "POST /v1/text/7",
      headers: json,
      body: '["a","b\\""]',
      arrives: [
        { id: "7", text: "a" },
        { id: "7", text: 'b"' },
      ],
    });
    suite.row("strings behind one another", {
      send: "POST /v1/text/7",
      headers: lines,
      body: '"a"\n"b"',
      arrives: [
        { id: "7", text: "a" },
        { id: "7", text: "b" },
      ],
    });
    suite.row("without a body one message", { send: "POST /v1/none/7?text=a", calls: "Collect", arrives: [{ id: "7", text: "a" }] });
    suite.row("response_body", {
      send: "POST /v1/shaped",
      headers: json,
      body: "[{}]",
      calls: "Shaped",
      backend: { messages: [{ node: { name: "n" } }] },
      answer: { name: "n" },
    });
    suite.row("POST /package.Service/Method", {
      send: "POST /suite.test.Suite/Collect",
      headers: json,
      body: '[{"text":"a"}]',
      calls: "Collect",
      arrives: [a],
    });
  });

  describe("bodies that are refused", () => {
    const bodies: readonly (readonly [
      what: string,
      headers: Readonly<Record<string, string>>,
      body: string,
      field: string,
      reason?: "UNKNOWN_FIELD",
    ])[] = [
      ["an array that is not closed", json, '[{"text":"a"}', ""],
      ["an array that is not begun", json, '{"text":"a"}]', ""],
      ["a value that is not closed", json, '{"text":"a"', ""],
      ["a string that is not closed", json, '[{"text":"a', ""],
      ["no comma", json, "[{}{}]", ""],
      ["two commas", json, "[{},,{}]", ""],
      ["a comma at the end", json, "[{},]", ""],
      ["a comma first", json, "[,{}]", ""],
      ["a comma between values", json, "{},{}", ""],
      ["two arrays", json, "[{}][{}]", ""],
      ["words", json, "hello", "[0]"],
      ["a number", json, "7", "[0]"],
      ["a null", json, "[null]", "[0]"],
      ["an array in an array", json, "[[{}]]", "[0]"],
      ["an array as a line", lines, "[{}]\n", "[0]"],
      ["a wrong type", json, '[{},{"i32":"x"}]', "[1].i32"],
      ["a wrong type in a line", lines, '{}\n{}\n{"node":{"size":"x"}}', "[2].node.size"],
      ["an unknown field", json, '[{"txet":1}]', "[0].txet", "UNKNOWN_FIELD"],
      ["bad UTF-8", json, '[{"text":"\\ud800"}]', "[0].text"],
      ["a NUL", json, "[\u0000]", "[0]"],
      ["deep nesting", json, "[".repeat(150), ""],
      ["a deep message", json, `[${'{"node":{"child":'.repeat(60)}{}`, ""],
    ];
    for (const [what, headers, body, field, reason = "INVALID_JSON"] of bodies)
      suite.row(`${what}: ${body.slice(0, 40)}`, {
        send: "POST /v1/all",
        headers,
        body,
        status: 400,
        text: new RegExp(`"code":3,.*"reason":"${reason}".*"field":"${field.replace(/[[\].]/g, "\\$&")}"`),
      });
    suite.row("a message too large", {
      send: "POST /v1/all",
      headers: json,
      body: JSON.stringify([{ text: "x".repeat(20_000) }]),
      refused: [413, "MESSAGE_TOO_LARGE"],
    });
    suite.row("another type", {
      send: "POST /v1/all",
      headers: { "content-type": "text/plain" },
      body: "[]",
      refused: [415, "UNSUPPORTED_MEDIA_TYPE"],
    });
    suite.row("no type", { send: "POST /v1/all", body: "[]", refused: [415, "UNSUPPORTED_MEDIA_TYPE"] });
    suite.row("a body where there is none", { send: "POST /v1/none/7", json: [{}], refused: [400, "UNEXPECTED_BODY"] });
    for (const body of ["[{}]", "[]", ""]) {
      const shown = JSON.stringify(body);
      suite.row(`a bad query beside ${shown}`, {
        send: "POST /v1/node/7?i32=x",
        headers: json,
        body,
        refused: [400, "INVALID_PARAMETER", "i32"],
      });
      suite.row(`an unknown parameter beside ${shown}`, {
        send: "POST /v1/all?i32=1",
        headers: json,
        body,
        refused: [400, "UNKNOWN_FIELD", "i32"],
      });
      suite.row(`a bad path beside ${shown}`, { send: "POST /v1/of/%FF", headers: json, body, refused: [400, "INVALID_PARAMETER", "id"] });
    }
  });

  describe("both ways", () => {
    suite.row("over HTTP/1.1: 400 that points to WebSocket", {
      send: "POST /v1/chat/7",
      json: [a],
      refused: [400, "UNSUPPORTED_STREAMING"],
      says: /WebSocket/,
      over: "1.1",
    });
    for (const [accept, text] of [
      ["application/json", '[{"id":"7","text":"a"},{"id":"7","text":"b"}]'],
      ["application/x-ndjson", '{"id":"7","text":"a"}\n{"id":"7","text":"b"}\n'],
      ["text/event-stream", 'id: 0\ndata: {"id":"7","text":"a"}\n\nid: 1\ndata: {"id":"7","text":"b"}\n\n'],
    ] as const)
      suite.row(`over HTTP/2 as ${accept}`, {
        send: "POST /v1/chat/7",
        headers: { accept },
        json: [a, b],
        calls: "Chat",
        backend: {
          messages: [
            { id: "7", ...a },
            { id: "7", ...b },
          ],
        },
        arrives: [
          { id: "7", ...a },
          { id: "7", ...b },
        ],
        text,
        over: "2",
      });
    suite.row("nothing in, nothing out", { send: "POST /v1/chat/7", json: [], calls: "Chat", arrives: [], text: "[]", over: "2" });
    suite.row("a broken first message", {
      send: "POST /v1/chat/7",
      headers: json,
      body: "nonsense",
      status: 400,
      text: /"field":"\[0\]"/,
      over: "2",
    });
  });
});
