/** Streams to and from a REST backend: every form a server stream may have, both back-pressures, both cancellations, client streams as lines. */
import assert from "node:assert/strict";
import type { ServerResponse } from "node:http";
import * as grpc from "@grpc/grpc-js";
import { ReverseHop } from "../support/reverse-hop.ts";
import { until } from "../support/until.ts";

const { status } = grpc;

/** One chunk each, each in a turn of its own. */
function inChunks(response: ServerResponse, chunks: readonly (string | Buffer)[], end: () => void = () => response.end()): void {
  const [first, ...rest] = chunks;
  if (first === undefined) return end();
  response.write(first);
  setImmediate(() => inChunks(response, rest, end));
}

describe("reverse: server streams", () => {
  const reverse = ReverseHop.inSuite({ messageBytes: 64 << 10 });

  function answerStream(contentType: string | undefined, body: string | Buffer, chunkBytes = 1 << 20): void {
    const bytes = Buffer.from(body);
    reverse.answer((_seen, response) => {
      response.writeHead(200, contentType === undefined ? {} : { "content-type": contentType });
      const chunks: Buffer[] = [];
      for (let at = 0; at < bytes.length; at += chunkBytes) chunks.push(bytes.subarray(at, at + chunkBytes));
      inChunks(response, chunks);
    });
  }

  const two = [{ author: "a" }, { author: "é", text: "1" }];
  const forms: [name: string, contentType: string | undefined, body: string, messages?: object[]][] = [
    ["NDJSON", "application/x-ndjson", '{"author":"a"}\n{"author":"é","text":"1"}\n'],
    ["NDJSON without a last line end", "application/jsonl; charset=utf-8", '{"author":"a"}\r\n{"author":"é","text":"1"}'],
    ["a JSON array", "application/json", '[{"author":"a"},\n {"author":"\u00e9","text":"1"} ]\n'],
    ["an empty array", "application/json", " [] ", []],
    ["values one behind the other", "application/json", '{"author":"a"}{"author":"é","text":"1"}'],
    ["one object", "application/json", '{"author":"a"}', [{ author: "a" }]],
    ["no content type", undefined, '[{"author":"a"},{"author":"é","text":"1"}]'],
    ["nothing", "application/json", "", []],
    ["grpc-gateway's lines", "application/json", '{"result":{"author":"a"}}\n{ "result" : {"author":"é","text":"1"} }\n'],
    ["server-sent events", "text/event-stream", 'id: 0\ndata: {"author":"a"}\n\nid: 1\ndata: {"author":"é","text":"1"}\n\n'],
    [
      "server-sent events in every spelling",
      "text/event-stream; charset=utf-8",
      '\ufeff:hi\r\nretry: 5\r\ndata:{"author":\r\ndata: "a"}\r\n\r\n:beat\n\nevent: message\rdata: {"author":"é","text":"1"}\r\rdata: [DONE]\n\n',
    ],
  ];
  for (const [name, contentType, body, messages = two] of forms)
    for (const chunkBytes of [1 << 20, 1])
      it(`${name}${chunkBytes === 1 ? ", byte by byte" : ""}`, async () => {
        answerStream(contentType, body, chunkBytes);
        const outcome = await reverse.list("list", { author: "x", count: 2 });
        assert.equal(outcome.status.code, status.OK, outcome.status.details);
        assert.deepEqual(outcome.messages, messages);
        assert.equal(reverse.lastRequest.url, "/v1/notes/x?count=2");
        assert.match(reverse.lastRequest.headers.accept!, /^application\/x-ndjson, text\/event-stream/);
      });

  it("pieces of a raw body are google.api.HttpBody messages", async () => {
    answerStream("text/csv", "1,2,3\n4,5,6\n", 6);
    const { messages, status: end } = await reverse.list("download", { name: "x" });
    assert.equal(end.code, status.OK);
    assert.ok(messages.every(({ contentType }) => contentType === "text/csv"));
    assert.equal(Buffer.concat(messages.map(({ data }) => data as Buffer)).toString(), "1,2,3\n4,5,6\n");
    const within = await reverse.list("downloadField", { name: "x" });
    assert.equal(Buffer.concat(within.messages.map(({ file }) => (file as { data: Buffer }).data)).toString(), "1,2,3\n4,5,6\n");
  });

  const failures: [name: string, contentType: string, body: string, code: number, details: RegExp][] = [
    [
      "a record of the array",
      "application/json",
      '[{"author":"a"},{"error":{"code":5,"message":"gone","details":[]}}]',
      status.NOT_FOUND,
      /^gone$/,
    ],
    ["a line", "application/x-ndjson", '{"author":"a"}\n{"error":{"code":5,"message":"gone"}}\n', status.NOT_FOUND, /^gone$/],
    [
      "grpc-gateway's line",
      "application/json",
      '{"result":{"author":"a"}}{"error":{"code":9,"message":"no"}}',
      status.FAILED_PRECONDITION,
      /^no$/,
    ],
    [
      "an event",
      "text/event-stream",
      'data: {"author":"a"}\n\nevent: error\ndata: {"code":8,"message":"full"}\n\n',
      status.RESOURCE_EXHAUSTED,
      /^full$/,
    ],
    [
      "an event without a code",
      "text/event-stream",
      'data: {"author":"a"}\n\nevent: error\ndata: oops\n\n',
      status.UNKNOWN,
      /ended its answer with an error/,
    ],
    ["a line without a code", "application/x-ndjson", '{"author":"a"}\n{"error":"oops"}\n', status.UNKNOWN, /^oops$/],
    ["an array that is not closed", "application/json", '[{"author":"a"},', status.INTERNAL, /array is not closed/],
    ["a line that is not whole", "application/x-ndjson", '{"author":"a"}\n{"auth', status.INTERNAL, /in the middle of a value/],
    [
      "an event that is not whole",
      "text/event-stream",
      'data: {"author":"a"}\n\ndata: {"auth',
      status.INTERNAL,
      /in the middle of an event/,
    ],
    [
      "a message of another type",
      "application/x-ndjson",
      '{"author":"a"}\n{"number":true}\n',
      status.INTERNAL,
      /is not a dragoman\.transcoding\.v1\.Note: number: /,
    ],
    ["text", "text/event-stream", 'data: {"author":"a"}\n\ndata: hello\n\n', status.INTERNAL, /is not a dragoman/],
    [
      "a message that is too large",
      "application/x-ndjson",
      `{"author":"a"}\n{"text":"${"x".repeat(70_000)}"}\n`,
      status.RESOURCE_EXHAUSTED,
      /larger than the limit/,
    ],
    [
      "an event that is too large",
      "text/event-stream",
      `data: {"author":"a"}\n\n${"data: x\n".repeat(20_000)}\n`,
      status.INTERNAL,
      /more than \d+ lines/,
    ],
  ];
  for (const [name, contentType, body, code, details] of failures)
    it(`ends with the failure that ${name} is, behind what came before it`, async () => {
      answerStream(contentType, body);
      const outcome = await reverse.list("list", { author: "x" });
      assert.equal(outcome.status.code, code, outcome.status.details);
      assert.match(outcome.status.details, details);
      assert.deepEqual(outcome.messages, [{ author: "a" }]);
    });

  it("fails at once where the backend's status is no success, or its content type nobody reads", async () => {
    reverse.answerJson({ code: 7, message: "not you" }, 403);
    const refused = await reverse.list("list", { author: "x" });
    assert.deepEqual([refused.status.code, refused.status.details], [status.PERMISSION_DENIED, "not you"]);
    answerStream("text/html", "<html>");
    const page = await reverse.list("list", { author: "x" });
    assert.match(page.status.details, /answered "text\/html" where a stream of JSON was expected/);
  });

  it("is broken where the backend breaks off", async () => {
    reverse.answer((_seen, response) => {
      response.writeHead(200, { "content-type": "application/x-ndjson" });
      inChunks(response, ['{"author":"a"}\n'], () => setImmediate(() => response.destroy()));
    });
    const outcome = await reverse.list("list", { author: "x" });
    assert.equal(outcome.status.code, status.UNAVAILABLE);
    assert.deepEqual(outcome.messages, [{ author: "a" }]);
  });

  it("trailers of the backend have the last word", async () => {
    reverse.answer((_seen, response) => {
      response.writeHead(200, { "content-type": "text/plain", trailer: "grpc-status, grpc-message, x-end" });
      response.write("abc");
      response.addTrailers({ "grpc-status": "15", "grpc-message": "lost%20some", "x-end": "1" });
      response.end();
    });
    const { status: end, messages } = await reverse.list("download", { name: "x" });
    assert.equal(messages.length, 1);
    assert.deepEqual([end.code, end.details], [status.DATA_LOSS, "lost some"]);
    assert.deepEqual(end.metadata.get("x-end"), ["1"]);
  });

  it("hands a message on before the next one is there", async () => {
    let response: ServerResponse | undefined;
    reverse.answer((_seen, answer) => {
      response = answer.writeHead(200, { "content-type": "application/x-ndjson" });
      answer.write('{"author":"first"}\n');
    });
    const stream = reverse.client["list"]!({ author: "x" }) as grpc.ClientReadableStream<{ author: string }>;
    const authors: string[] = [];
    stream.on("data", ({ author }) => authors.push(author)).on("error", () => undefined);
    await until(() => authors.length === 1, "the first message");
    response!.end('{"author":"second"}\n');
    await until(() => authors.length === 2, "the second");
  });

  for (const [name, contentType, record] of [
    ["lines", "application/x-ndjson", `{"text":"${"x".repeat(10_000)}"}\n`],
    ["events", "text/event-stream", `data: {"text":"${"x".repeat(10_000)}"}\n\n`],
    ["raw pieces", "application/octet-stream", "x".repeat(10_000)],
  ] as const)
    it(`a reader that stands still stops the backend: ${name}`, async () => {
      let written = 0;
      const total = 64 << 20;
      reverse.answer((_seen, response) => {
        response.writeHead(200, { "content-type": contentType });
        const more = (): void => {
          while (written < total && !response.destroyed) {
            written += record.length;
            if (!response.write(record)) return void response.once("drain", more);
          }
          response.end();
        };
        more();
      });
      const stream = reverse.client[name === "raw pieces" ? "download" : "list"]!({
        name: "x",
        author: "x",
      }) as grpc.ClientReadableStream<object>;
      stream.on("error", () => undefined);
      // grpc-js holds nothing back before its first message was taken.
      await new Promise((resolve) => stream.once("data", resolve));
      stream.pause();
      let before = -1;
      let still = 0;
      await until(() => {
        still = written > 0 && before === written ? still + 1 : 0;
        before = written;
        return still > 20;
      }, "the backend to stand still");
      assert.ok(written < total / 2, `${written} bytes were taken`);
      stream.cancel();
      await until(() => reverse.broken === 1, "the backend to see that nobody reads on");
    });

  it("a deadline ends it at the backend too", async () => {
    reverse.answer((_seen, response) => void response.writeHead(200, { "content-type": "application/x-ndjson" }).write("\n"));
    const stream = reverse.client["list"]!({ author: "x" }, new grpc.Metadata(), {
      deadline: Date.now() + 200,
    }) as grpc.ClientReadableStream<object>;
    const end = await new Promise<grpc.StatusObject>((resolve) =>
      stream
        .on("status", resolve)
        .on("error", () => undefined)
        .resume(),
    );
    assert.equal(end.code, status.DEADLINE_EXCEEDED);
    await until(() => reverse.broken === 1, "the backend to see it");
  });
});

describe("reverse: client streams", () => {
  const reverse = ReverseHop.inSuite({ messageBytes: 64 << 10 });

  it("are lines in one body; what the first message says in path and query is said once", async () => {
    reverse.answerJson({ notes: [{ author: "b" }] });
    const { reply, error } = await reverse.collect("collect", [{ author: "ann", text: "1" }, { author: "ann", text: "2" }, { text: "3" }]);
    assert.equal(error, undefined);
    assert.deepEqual(reply, { notes: [{ author: "b" }] });
    const { method, url, headers, body } = reverse.lastRequest;
    assert.equal(`${method} ${url}`, "POST /v1/notes/ann:collect");
    assert.equal(headers["content-type"], "application/x-ndjson");
    assert.equal(body, '{"text":"1"}\n{"text":"2"}\n{"text":"3"}\n');
  });

  it("of google.api.HttpBody are the bytes of one body", async () => {
    await reverse.collect("uploadRaw", [{ contentType: "text/csv", data: Buffer.from("1,") }, {}, { data: Buffer.from("2") }]);
    assert.deepEqual(
      [reverse.lastRequest.url, reverse.lastRequest.headers["content-type"], reverse.lastRequest.body],
      ["/v1/raw-uploads", "text/csv", "1,2"],
    );
    await reverse.collect("uploadChunks", [
      { name: "n", keep: true, file: { contentType: "text/plain", data: Buffer.from("a") } },
      { file: { data: Buffer.from("b") } },
    ]);
    assert.deepEqual([reverse.lastRequest.url, reverse.lastRequest.body], ["/v1/uploads/n?keep=true", "ab"]);
  });

  it("without messages are an empty body", async () => {
    await reverse.collect("uploadRaw", []);
    assert.equal(reverse.lastRequest.body, "");
  });

  it("that contradict their first message are refused, and the request is broken off", async () => {
    let asked = 0;
    reverse.serve((request) => {
      asked++;
      request.on("error", () => undefined).resume();
    });
    const { error } = await reverse.collect("collect", [{ author: "ann" }, { author: "bob" }]);
    assert.equal(error!.code, status.INVALID_ARGUMENT);
    assert.match(error!.details, /^message \[1\]: author is not what the first message says, and stands in the path$/);
    assert.ok(asked <= 1);
  });

  it("are taken only as fast as the backend reads", async () => {
    let release = (): void => {};
    const held = new Promise<void>((resolve) => (release = resolve));
    let read = 0;
    reverse.serve((request, response) => {
      void (async () => {
        await held;
        for await (const chunk of request) read += (chunk as Buffer).length;
        response.writeHead(200, { "content-type": "application/json" }).end("{}");
      })();
    });
    let replied = false;
    const call = reverse.client["collect"]!(
      (error: grpc.ServiceError | null) => (replied = error === null),
    ) as grpc.ClientWritableStream<object>;
    const text = "x".repeat(32_000);
    let sent = 0;
    let stands = false;
    while (!stands && sent < 2000) {
      const taken = new Promise<boolean>((resolve) => call.write({ author: "a", text }, () => resolve(false)));
      sent++;
      stands = await Promise.race([taken, new Promise<boolean>((resolve) => setTimeout(() => resolve(true), 300))]);
    }
    assert.ok(sent < 2000, "a backend that does not read makes the caller wait");
    release();
    call.end();
    await until(() => replied, "the reply");
    assert.ok(read > sent * 32_000);
  });

  it("end early where the backend has answered", async () => {
    reverse.serve((request, response) => {
      request.once("data", () => response.writeHead(429, { "content-type": "application/json" }).end('{"code":8,"message":"enough"}'));
    });
    const call = reverse.client["collect"]!((error: grpc.ServiceError) => (failed = error)) as grpc.ClientWritableStream<object>;
    let failed: grpc.ServiceError | undefined;
    call.on("error", () => undefined).write({ author: "a", text: "1" });
    await until(() => failed !== undefined, "the failure");
    assert.deepEqual([failed!.code, failed!.details], [status.RESOURCE_EXHAUSTED, "enough"]);
  });

  it("both ways: lines go and come while both are open", async () => {
    reverse.serve((request, response) => {
      response.writeHead(200, { "content-type": "application/x-ndjson" });
      response.flushHeaders();
      request.on("data", (chunk: Buffer) => response.write(chunk)).on("end", () => response.end());
    });
    const call = reverse.client["chat"]!() as grpc.ClientDuplexStream<object, { text: string }>;
    const texts: string[] = [];
    let end: grpc.StatusObject | undefined;
    call
      .on("data", ({ text }: { text: string }) => texts.push(text))
      .on("status", (said) => (end = said))
      .on("error", () => undefined);
    call.write({ author: "a", text: "1" });
    await until(() => texts.length === 1, "the first echo");
    call.write({ text: "2" });
    await until(() => texts.length === 2, "the second");
    call.end();
    await until(() => end !== undefined, "the end");
    assert.equal(end!.code, status.OK);
    assert.equal(reverse.requests.length, 0);
  });

  it("a caller that leaves breaks the request off", async () => {
    let asked = 0;
    reverse.serve((request) => {
      request.on("error", () => undefined).once("data", () => asked++);
    });
    const call = reverse.client["collect"]!(() => undefined) as grpc.ClientWritableStream<object>;
    call.on("error", () => undefined).write({ author: "a" });
    await until(() => asked === 1, "the first line");
    call.cancel();
    await until(() => reverse.broken === 1, "the backend to see it");
  });

  it("without a rule that has a body for them are unimplemented", async () => {
    const bare = new ReverseHop();
    await bare.start({ table: { rules: [{ selector: "dragoman.transcoding.v1.Transcoding.Collect", get: "/v1/notes" }] } });
    try {
      const { error } = await bare.collect("collect", [{ author: "a" }]);
      assert.equal(error!.code, status.UNIMPLEMENTED);
      assert.match(error!.details, /streams requests, and has no http rule with a body for them/);
      assert.equal(bare.requests.length, 0);
    } finally {
      await bare.stop();
    }
  });
});
