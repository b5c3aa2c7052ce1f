/** `multipart/form-data` into a client stream: fields as one message, a file as many, at the pace of the backend. */
import assert from "node:assert/strict";
import { createHash, randomBytes } from "node:crypto";
import type { Call } from "../../src/core/call.ts";
import { Metadata } from "../../src/core/metadata.ts";
import { SingleMessage } from "../../src/core/messages.ts";
import { Payload } from "../../src/core/payload.ts";
import { UnaryReply } from "../../src/core/reply.ts";
import { okStatus } from "../../src/core/status.ts";
import { buildSchema } from "../../src/schema/build-schema.ts";
import { bufBuild } from "../support/buf-build.ts";
import { startHop, type Hop } from "../support/hop.ts";
import { errorOf, streamOf, TranscodingHop } from "../support/transcoding-hop.ts";
import { until } from "../support/until.ts";

const multipart = { "content-type": "multipart/form-data; boundary=XX" };

function part(name: string, data: string, rest = ""): string {
  return `--XX\r\nContent-Disposition: form-data; name="${name}"${rest}\r\n\r\n${data}\r\n`;
}

const file = (name: string, data: string): string => part(name, data, `; filename="${name}.bin"\r\nContent-Type: application/octet-stream`);
const end = "--XX--\r\n";

const proto = `
syntax = "proto3";
package up.v1;
import "google/api/annotations.proto";
service Files {
  rpc Put(stream PutRequest) returns (PutReply) { option (google.api.http) = { post: "/v1/{folder}/files" body: "*" }; }
  rpc Fill(stream FillRequest) returns (PutReply) { option (google.api.http) = { post: "/v1/{folder}/fill" body: "part" }; }
}
message Info { string title = 1; repeated string tags = 2; }
message PutRequest {
  string folder = 1;
  oneof content { Info info = 2; bytes chunk = 3; }
  string name = 4;
  repeated bytes small = 5;
}
message FillRequest { string folder = 1; Part part = 2; }
message Part { string name = 1; bytes data = 2; }
message PutReply { int64 size = 1; }
`;

describe("multipart/form-data into a client stream", () => {
  const schema = buildSchema(bufBuild({ "up/v1/up.proto": proto }));
  let hop: Hop;
  /** What the backend was sent, as JSON, and the call it came by. */
  let received: string[];
  let taken: Call | undefined;
  let hold: Promise<void>;
  let release: () => void;

  beforeEach(async () => {
    received = [];
    hold = Promise.resolve();
    release = () => undefined;
    hop = await startHop({
      schema,
      messageBytes: 100_000,
      handler: async (call) => {
        taken = call;
        await hold;
        for await (const message of call.messages) received.push(Buffer.from(message.json()).toString());
        const reply = Payload.ofJson(call.method.output, Buffer.from("{}"));
        return new UnaryReply(Metadata.empty, new SingleMessage(reply), okStatus());
      },
    });
  });
  afterEach(() => hop.stop());

  const send = (path: string, body: string | ReadableStream<Uint8Array>, headers: Record<string, string> = multipart): Promise<Response> =>
    fetch(`http://127.0.0.1:${hop.port}${path}`, {
      method: "POST",
      headers,
      body,
      ...(typeof body === "string" ? {} : { duplex: "half" as const }),
    });

  const hi = Buffer.from("hi").toString("base64");
  const accepted: [what: string, path: string, body: string, messages: object[]][] = [
    [
      "fields, then a file",
      "/v1/a/files",
      part("info.title", "t") + part("info.tags", "x") + part("info.tags", "y") + file("chunk", "hi"),
      [
        { folder: "a", info: { title: "t", tags: ["x", "y"] } },
        { folder: "a", chunk: hi },
      ],
    ],
    [
      "JSON, then a file",
      "/v1/a/files",
      part("info", '{"title":"t"}', "\r\nContent-Type: application/json") + file("chunk", "hi"),
      [
        { folder: "a", info: { title: "t" } },
        { folder: "a", chunk: hi },
      ],
    ],
    [
      "a file, then fields",
      "/v1/a/files",
      file("chunk", "hi") + part("name", "n"),
      [
        { folder: "a", chunk: hi },
        { folder: "a", name: "n" },
      ],
    ],
    [
      "files with fields between them",
      "/v1/a/files",
      part("name", "1") + file("chunk", "hi") + part("name", "2") + file("chunk", "hi"),
      [
        { folder: "a", name: "1" },
        { folder: "a", chunk: hi },
        { folder: "a", name: "2" },
        { folder: "a", chunk: hi },
      ],
    ],
    ["an empty file", "/v1/a/files", file("chunk", ""), [{ folder: "a", chunk: "" }]],
    ["fields alone", "/v1/a/files", part("name", "n"), [{ folder: "a", name: "n" }]],
    ["a text part for bytes, which is base64", "/v1/a/files", part("chunk", hi), [{ folder: "a", chunk: hi }]],
    [
      "files of a repeated field, which are kept whole",
      "/v1/a/files",
      file("small", "hi") + file("small", "hi"),
      [{ folder: "a", small: [hi, hi] }],
    ],
    [
      "a message field that is the body",
      "/v1/a/fill",
      part("name", "n") + file("data", "hi"),
      [
        { folder: "a", part: { name: "n" } },
        { folder: "a", part: { data: hi } },
      ],
    ],
  ];
  for (const [what, path, body, messages] of accepted)
    it(`takes ${what}`, async () => {
      const response = await send(path, body + end);
      assert.equal(response.status, 200, await response.text());
      assert.deepEqual(
        received.map((json) => JSON.parse(json) as unknown),
        messages,
      );
      assert.equal(taken!.requestBytes, (body + end).length);
    });

  it("takes bytes one by one", async () => {
    const bytes = Buffer.from(part("name", "n") + file("chunk", "a\r\n--X\r\n") + end);
    await (await send("/v1/a/files", streamOf(Array.from(bytes, (_, index) => bytes.subarray(index, index + 1))))).text();
    const chunks = received
      .map((json) => JSON.parse(json) as { chunk?: string })
      .map(({ chunk }) => Buffer.from(chunk ?? "", "base64").toString());
    assert.equal(chunks.join(""), "a\r\n--X\r\n");
  });

  const refused: [what: string, body: string, status: number, message: RegExp][] = [
    ["two files with nothing between them", file("chunk", "a") + file("chunk", "b") + end, 400, /part "chunk" .* follows another file/],
    ["an unknown field", part("nmae", "n") + file("chunk", "a") + end, 400, /unknown form field "nmae" \(did you mean name\?\)/],
    ["a field twice", part("name", "n") + part("name", "n") + end, 400, /is given twice/],
    ["a part without a name", '--XX\r\nContent-Disposition: form-data; filename="x"\r\n\r\na\r\n' + end, 400, /has no name/],
    ["fields above the message limit", part("name", "n".repeat(100_001)) + end, 413, /100001 bytes/],
    ["a body that is cut off", part("name", "n") + file("chunk", "a"), 400, /the last boundary is missing/],
    ["no form", "hello", 400, /does not begin with its boundary/],
  ];
  for (const [what, body, status, message] of refused)
    it(`refuses ${what}`, async () => {
      const response = await send("/v1/a/files", body);
      const error = await errorOf(response);
      assert.equal(response.status, status, error.message);
      assert.match(error.message, message);
    });

  it("wants a boundary, and says what else a stream takes", async () => {
    assert.equal((await send("/v1/a/files", "x", { "content-type": "multipart/form-data" })).status, 415);
    const other = await send("/v1/a/files", "x", { "content-type": "text/plain" });
    assert.deepEqual(
      [other.status, other.headers.get("accept-post")],
      [415, "application/json, application/x-ndjson, multipart/form-data"],
    );
  });

  it("reads no more than the backend takes", async () => {
    hold = new Promise((resolve) => (release = resolve));
    let sent = 0;
    const chunk = Buffer.alloc(64 << 10, "x");
    const total = 256;
    const head = Buffer.from(`--XX\r\nContent-Disposition: form-data; name="chunk"; filename="x"\r\n\r\n`);
    const body = new ReadableStream<Uint8Array>({
      pull(controller) {
        if (sent === 0) controller.enqueue(head);
        if (sent++ < total) return controller.enqueue(chunk);
        controller.enqueue(Buffer.from(`\r\n${end}`));
        controller.close();
      },
    });
    const answer = send("/v1/a/files", body);
    await until(() => taken !== undefined && sent > 8, "the upload to begin");
    // It stands still: sockets and windows are full, and nothing but them took any of it.
    let before = -1;
    await until(() => before === (before = sent), "the upload to stand still");
    assert.ok(sent < total, `${sent} chunks were taken`);
    release();
    assert.equal((await answer).status, 200);
    const bytes = received.map((json) => Buffer.from((JSON.parse(json) as { chunk: string }).chunk, "base64"));
    assert.equal(Buffer.concat(bytes).length, total * chunk.length);
    assert.ok(bytes.every(({ length }) => length <= 64 << 10));
  });
});

describe("multipart/form-data into a client stream, with a real backend", () => {
  const rest = TranscodingHop.inSuite({
    table: { rules: [{ selector: "dragoman.transcoding.v1.Transcoding.UploadChunks", post: "/v1/chunks/{name}", body: "*" }] },
  });

  it("sends a file as google.api.HttpBody, piece by piece", async () => {
    const data = randomBytes(1 << 20);
    const form = new FormData();
    form.set("file", new File([data], "x.bin", { type: "image/png" }));
    const response = await rest.send("POST", "/v1/chunks/x", {}, form);
    const answer = (await response.json()) as { messages: number; alike: number };
    const sha256 = createHash("sha256").update(data).digest("hex");
    assert.ok(answer.messages > 8 && answer.alike === answer.messages, JSON.stringify(answer));
    assert.deepEqual(
      { ...answer, messages: 0, alike: 0 },
      { name: "x", contentType: "image/png", size: String(data.length), sha256, messages: 0, alike: 0 },
    );
  });
});
