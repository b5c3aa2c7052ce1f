/** Client streams and bidi over REST: JSON arrays, lines and values in the body, decoded as they arrive. */
import assert from "node:assert/strict";
import { request as httpRequest } from "node:http";
import { until } from "../support/until.ts";
import { errorOf, streamOf, TranscodingHop } from "../support/transcoding-hop.ts";

const json = { "content-type": "application/json" };
const lines = { "content-type": "application/x-ndjson" };

describe("client streams over REST", () => {
  const rest = TranscodingHop.inSuite({ messageBytes: 100_000 });
  const collect = (
    body: string | readonly string[],
    headers: Record<string, string> = json,
    path = "/v1/notes/ann:collect",
  ): Promise<Response> => rest.send("POST", path, headers, typeof body === "string" ? body : streamOf(body));

  const ann = (...texts: string[]): object => ({ notes: texts.map((text) => (text === "" ? { author: "ann" } : { author: "ann", text })) });

  const accepted: [what: string, body: string | readonly string[], headers: Record<string, string>, answer: object][] = [
    ["an array", '[{"text":"a"},{"text":"b"}]', json, ann("a", "b")],
    ["an array with spaces", ' \r\n[ {"text" : "a"} ,\t{"text":"b"}\n] \n', json, ann("a", "b")],
    ["an empty array", "[]", json, {}],
    ["nothing", "", json, {}],
    ["white space", " \n", json, {}],
    ["one value", '{"text":"a"}', json, ann("a")],
    ["values behind one another", '{"text":"a"}{"text":"b"}', json, ann("a", "b")],
    ["values with spaces between", '{"text":"a"} {"text":"b"}\n', json, ann("a", "b")],
    ["lines", '{"text":"a"}\n{"text":"b"}\n', lines, ann("a", "b")],
    ["lines, the last one open", '{"text":"a"}\r\n\r\n{"text":"b"}', lines, ann("a", "b")],
    ["lines by another name", '{"text":"a"}\n', { "content-type": "application/jsonl" }, ann("a")],
    ["brackets and quotes in strings", String.raw`[{"text":"]}\"{[\\"},{"text":"b"}]`, json, ann(']}"{[\\', "b")],
    ["empty messages", "[{},{}]", json, ann("", "")],
    ["bytes one by one", [...'[{"text":"\\u00e9\\\\"},{"text":"b"}]'], json, ann("é\\", "b")],
  ];
  for (const [what, body, headers, answer] of accepted)
    it(`takes ${what}`, async () => {
      const response = await collect(body, headers);
      const received: unknown = await response.json();
      assert.equal(response.status, 200, JSON.stringify(received));
      assert.deepEqual(received, answer);
    });

  it("puts UTF-8 together across chunks", async () => {
    const bytes = Buffer.from('[{"text":"grüße 🎉"}]');
    const pieces = Array.from(bytes, (_, index) => bytes.subarray(index, index + 1));
    assert.deepEqual(await (await rest.send("POST", "/v1/notes/ann:collect", json, streamOf(pieces))).json(), ann("grüße 🎉"));
  });

  it("binds path and query to every message, and messages to a field", async () => {
    const response = await collect('[{"key":"a"},{"key":"b"},null]', json, "/v1/inners/ann?text=t");
    const notes = [
      { author: "ann", text: "t", inner: { key: "a" } },
      { author: "ann", text: "t", inner: { key: "b" } },
      { author: "ann", text: "t" },
    ];
    assert.deepEqual(await response.json(), notes);
  });

  it("the path wins over the body", async () => {
    assert.deepEqual(await (await collect('[{"author":"bob"}]')).json(), ann(""));
  });

  for (const [body, texts] of [
    ['["a","b"]', ["a", "b"]],
    ['"a" "b""c"', ["a", "b", "c"]],
    ['"a\\""', ['a"']],
  ] as const)
    it(`values that are no objects: ${body}`, async () => {
      assert.deepEqual(await (await collect(body, json, "/v1/texts/ann")).json(), ann(...texts));
    });

  const refused: [
    what: string,
    body: string,
    headers: Record<string, string>,
    status: number,
    reason: string,
    message: RegExp,
    field?: string,
  ][] = [
    ["an array that is not closed", '[{"text":"a"}', json, 400, "INVALID_JSON", /the array is not closed \(at byte 13\)/],
    ["a value that is not closed", '[{"text":"a', json, 400, "INVALID_JSON", /ends in the middle of a value/],
    ["a missing comma", '[{"text":"a"}{"text":"b"}]', json, 400, "INVALID_JSON", /expected ',' or '\]' behind a message \(at byte 13\)/],
    ["a comma too many", '[{"text":"a"},]', json, 400, "INVALID_JSON", /expected a message \(at byte 14\)/],
    ["a comma first", "[,{}]", json, 400, "INVALID_JSON", /expected a message/],
    ["something behind the array", '[{"text":"a"}] {}', json, 400, "INVALID_JSON", /expected nothing behind the '\]' \(at byte 15\)/],
    ["a comma between values", '{"text":"a"},{}', json, 400, "INVALID_JSON", /expected a message \(at byte 12\)/],
    ["an array where lines are announced", '[{"text":"a"}]', lines, 400, "INVALID_JSON", /message \[0\]: /, "[0]"],
    ["a wrong type", '[{},{"text":7}]', json, 400, "INVALID_JSON", /message \[1\]: text: /, "[1].text"],
    ["a wrong type deep down", '[{},{"inner":{"value":"x"}}]', json, 400, "INVALID_JSON", /message \[1\]/, "[1].inner.value"],
    ["an unknown field", '{}\n{"txet":"a"}', lines, 400, "UNKNOWN_FIELD", /message \[1\]: .*did you mean text\?/, "[1].txet"],
    ["a number", "7", json, 400, "INVALID_JSON", /message \[0\]/, "[0]"],
    ["words", "hello world", json, 400, "INVALID_JSON", /message \[0\]/, "[0]"],
    ["brackets that do not fit", "[{]}]", json, 400, "INVALID_JSON", /message \[0\]/, "[0]"],
    ["depth", `[${"[".repeat(200)}`, json, 400, "INVALID_JSON", /nested deeper than 100 levels/],
    ["a large message", `[{"text":"${"x".repeat(150_000)}"}]`, json, 413, "MESSAGE_TOO_LARGE", /larger than the limit of 100000/],
    [
      "another type",
      "text=a",
      { "content-type": "application/x-www-form-urlencoded" },
      415,
      "UNSUPPORTED_MEDIA_TYPE",
      /application\/x-ndjson/,
    ],
    ["no type", "{}", { "content-type": "" }, 415, "UNSUPPORTED_MEDIA_TYPE", /send application\/json/],
    ["bad UTF-8", '[{"text":"\\ud800"}]', json, 400, "INVALID_JSON", /surrogate/, "[0].text"],
  ];
  for (const [what, body, headers, status, reason, message, field] of refused)
    it(`refuses ${what}: ${status} ${reason}`, async () => {
      const response = await collect(body, headers);
      const error = await errorOf(response);
      assert.equal(response.status, status, JSON.stringify(error));
      assert.equal(error.details[0]?.reason, reason);
      assert.match(error.message, message);
      if (field !== undefined) assert.equal(error.details[1]?.fieldViolations?.[0]?.field, field);
    });

  it("takes more than the message limit in all", async () => {
    const text = "x".repeat(50_000);
    const response = await collect(
      Array.from({ length: 20 }, () => JSON.stringify({ text })),
      lines,
    );
    assert.equal(((await response.json()) as { notes: unknown[] }).notes.length, 20);
  });

  it("hands messages on before the body is over", async () => {
    const before = rest.backend.received();
    const sent = httpRequest(`${rest.base}/v1/notes/ann:collect`, { method: "POST", headers: lines });
    sent.on("error", () => undefined);
    sent.write('{"text":"a"}\n{"te');
    await until(() => rest.backend.received() === before + 1, "the first message at the backend");
    sent.end('xt":"b"}');
    await until(() => rest.backend.received() === before + 2, "the second message");
  });

  it("a request broken from its start never reaches the backend", async () => {
    const before = rest.backend.lastMetadata();
    assert.equal((await collect(["[", '{"text":', "7}]"])).status, 400);
    assert.equal(rest.backend.lastMetadata(), before);
  });

  it("the deadline bounds the wait for the first message", async () => {
    const sent = httpRequest(`${rest.base}/v1/notes/ann:collect`, { method: "POST", headers: { ...lines, "grpc-timeout": "50m" } });
    sent.on("error", () => undefined);
    sent.write(" ");
    const status = await new Promise<number | undefined>((resolve) => sent.on("response", (response) => resolve(response.statusCode)));
    assert.equal(status, 504);
    sent.destroy();
  });

  it("a caller that leaves in the middle cancels the call", async () => {
    const cancelled = rest.backend.cancelled();
    const before = rest.backend.received();
    const sent = httpRequest(`${rest.base}/v1/notes/ann:collect`, { method: "POST", headers: lines });
    sent.on("error", () => undefined);
    sent.write("{}\n");
    await until(() => rest.backend.received() === before + 1, "the first message at the backend");
    sent.destroy();
    await until(() => rest.backend.cancelled() > cancelled, "the cancellation");
  });

  it("counts the bytes of the request, for log and metrics", async () => {
    for (const [body, headers] of [
      ['[{"text":"a"},{"text":"b"}]', json],
      ['{"text":"a"}\n', lines],
    ] as const) {
      const before = rest.hop.ended.length;
      await (await collect([body.slice(0, 5), body.slice(5)], headers)).text();
      await until(() => rest.hop.ended.length > before, "the record");
      assert.equal(rest.hop.ended[before]!.call.requestBytes, body.length);
    }
  });

  it("the backend's failure in the middle is the answer", async () => {
    const response = await collect(['[{"text":"a"},{"failCode":9}', ',{"text":"b"}]']);
    assert.equal(response.status, 400);
    assert.equal((await errorOf(response)).code, 9);
  });

  describe("both ways", () => {
    it("400 over HTTP/1.1, which says what to do", async () => {
      const response = await collect("[]", json, "/v1/notes/ann:chat");
      assert.equal(response.status, 400);
      assert.match((await errorOf(response)).message, /HTTP\/2/);
    });

    for (const [accept, begin, first, second, end] of [
      ["application/x-ndjson", "", '{"author":"ann","text":"a"}\n', '{"author":"ann","text":"b"}\n', ""],
      ["application/json", "[", '{"author":"ann","text":"a"}', ',{"author":"ann","text":"b"}', "]"],
      ["text/event-stream", "", 'id: 0\ndata: {"author":"ann","text":"a"}\n\n', 'id: 1\ndata: {"author":"ann","text":"b"}\n\n', ""],
    ] as const)
      it(`full duplex over HTTP/2 as ${accept}`, async () => {
        const { stream, answer } = rest.open("POST", "/v1/notes/ann:chat", { ...lines, accept });
        let seen = "";
        stream.on("data", (chunk: string) => (seen += chunk));
        stream.write('{"text":"a"}\n');
        await until(() => seen === begin + first, "the first answer while the request is open");
        stream.write('{"text":"b"}\n');
        await until(() => seen === begin + first + second, "the second answer");
        stream.end();
        assert.equal((await answer).text, begin + first + second + end);
      });

    it("a broken message later is the last record", async () => {
      const { stream, answer } = rest.open("POST", "/v1/notes/ann:chat", { ...lines, accept: "application/x-ndjson", te: "trailers" });
      let seen = "";
      stream.on("data", (chunk: string) => (seen += chunk));
      stream.write('{"text":"a"}\n');
      await until(() => seen !== "", "the first answer");
      stream.write('{"text":1}\n');
      const { text, trailers } = await answer;
      assert.match(text, /^\{"author":"ann","text":"a"\}\n\{"error":\{"code":3,"message":"message \[1\]: text: /);
      assert.equal(trailers?.["grpc-status"], "3");
    });

    it("a broken message first is a 400", async () => {
      const { stream, answer } = rest.open("POST", "/v1/notes/ann:chat", lines);
      stream.end("nonsense");
      const { headers, text } = await answer;
      assert.equal(String(headers[":status"]), "400");
      assert.match(text, /"field":"\[0\]"/);
    });
  });
});
