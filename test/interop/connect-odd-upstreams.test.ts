/** Connect upstreams that break their protocol, or are no Connect at all: every answer is an error that says so, never an empty success. */
import assert from "node:assert/strict";
import type { IncomingMessage, ServerResponse } from "node:http";
import { gzipSync } from "node:zlib";
import { Code, codeName } from "../../src/core/code.ts";
import { readEndOfStream } from "../../src/protocols/connect/end-of-stream.ts";
import { envelopePrefix } from "../../src/protocols/shared/envelope.ts";
import type { Cluster } from "../../src/upstream/cluster.ts";
import { connectClient } from "../support/connect-client.ts";
import { connectClusterAt } from "../support/connect-cluster.ts";
import { startHop, type Hop } from "../support/hop.ts";
import { startHttpServer, type HttpServer } from "../support/http-server.ts";
import { until } from "../support/until.ts";

/** EchoResponse {text: "hi"}. */
const hi = Buffer.from([0x0a, 2, 0x68, 0x69]);
const limitBytes = 10_000;

function envelope(flags: number, content: Uint8Array | object): Buffer {
  const bytes = content instanceof Uint8Array ? content : Buffer.from(JSON.stringify(content));
  return Buffer.concat([Uint8Array.from(envelopePrefix(flags, bytes.length)), bytes]);
}

type Said = readonly [status: number, headers: Record<string, string | string[]>, body: Uint8Array | string];

const json = { "content-type": "application/json" };
const proto = { "content-type": "application/proto" };
const stream = { "content-type": "application/connect+proto" };
const end = envelope(2, {});
const failed = (error: unknown, metadata?: object): Buffer => envelope(2, { error, metadata });

/** What the upstream says, and how the call ends: its code, reason, and a part of the message. */
const unary: readonly [what: string, said: Said, code: keyof typeof Code, reason: string, message: RegExp][] = [
  ["HTTP errors by their status: 400", [400, {}, ""], "INTERNAL", "UPSTREAM_PROTOCOL", /HTTP 400 without a Connect error/],
  ["401", [401, {}, "<h1>who?</h1>"], "UNAUTHENTICATED", "UPSTREAM_PROTOCOL", /401/],
  ["403", [403, proto, hi], "PERMISSION_DENIED", "UPSTREAM_PROTOCOL", /403/],
  ["404", [404, {}, ""], "UNIMPLEMENTED", "UPSTREAM_PROTOCOL", /404/],
  ["418", [418, {}, ""], "UNKNOWN", "UPSTREAM_PROTOCOL", /418/],
  ["429", [429, {}, ""], "UNAVAILABLE", "UPSTREAM_PROTOCOL", /429/],
  ["502", [502, {}, ""], "UNAVAILABLE", "UPSTREAM_PROTOCOL", /502/],
  ["503", [503, {}, ""], "UNAVAILABLE", "UPSTREAM_PROTOCOL", /503/],
  ["302", [302, { location: "/" }, ""], "UNKNOWN", "UPSTREAM_PROTOCOL", /302/],
  ["204 without a message", [204, proto, ""], "UNKNOWN", "UPSTREAM_PROTOCOL", /204/],
  ["an error whose code nobody knows", [503, json, '{"code": "tired", "message": "m"}'], "UNAVAILABLE", "UPSTREAM_STATUS", /^m$/],
  ["an error whose code is a number", [403, json, '{"code": 5, "message": "m"}'], "PERMISSION_DENIED", "UPSTREAM_STATUS", /^m$/],
  ["an error that says ok", [500, json, '{"code": "ok"}'], "UNKNOWN", "UPSTREAM_STATUS", /^$/],
  ["an error with wrong types throughout", [400, json, '{"code": [], "message": 1, "details": {}}'], "INTERNAL", "UPSTREAM_STATUS", /^$/],
  ["an error that is a list", [401, json, "[1]"], "UNAUTHENTICATED", "UPSTREAM_PROTOCOL", /401/],
  ["an error that is no JSON", [401, json, "{"], "UNAUTHENTICATED", "UPSTREAM_PROTOCOL", /401/],
  [
    "an error that is compressed",
    [
      404,
      { "content-type": "application/json; charset=utf-8", "content-encoding": "gzip" },
      gzipSync('{"code": "aborted", "message": "m"}'),
    ],
    "ABORTED",
    "UPSTREAM_STATUS",
    /^m$/,
  ],
  [
    "an error compressed as nobody knows",
    [404, { ...json, "content-encoding": "foo" }, '{"code": "aborted"}'],
    "UNIMPLEMENTED",
    "UPSTREAM_PROTOCOL",
    /404/,
  ],
  ["a long message, which is cut", [400, json, JSON.stringify({ message: "x".repeat(9000) })], "INTERNAL", "UPSTREAM_STATUS", /^x{4096}$/],
  ["another codec", [200, json, "{}"], "INTERNAL", "UPSTREAM_PROTOCOL", /answered "application\/json" where application\/proto/],
  ["a page", [200, { "content-type": "text/html" }, "<h1>hi</h1>"], "UNKNOWN", "UPSTREAM_PROTOCOL", /"text\/html"/],
  ["no content type", [200, {}, hi], "UNKNOWN", "UPSTREAM_PROTOCOL", /no content type/],
  ["a stream", [200, stream, end], "INTERNAL", "UPSTREAM_PROTOCOL", /connect\+proto/],
  [
    "a compression nobody knows",
    [200, { ...proto, "content-encoding": "foo" }, hi],
    "INTERNAL",
    "UPSTREAM_PROTOCOL",
    /"foo" is not supported/,
  ],
  ["bytes that are not gzip", [200, { ...proto, "content-encoding": "gzip" }, hi], "INTERNAL", "UPSTREAM_PROTOCOL", /not valid gzip/],
  [
    "a message over the limit",
    [200, proto, Buffer.alloc(limitBytes + 1)],
    "RESOURCE_EXHAUSTED",
    "UPSTREAM_MESSAGE_TOO_LARGE",
    /limit of 10000/,
  ],
  [
    "one over the limit when it is opened",
    [200, { ...proto, "content-encoding": "gzip" }, gzipSync(Buffer.alloc(limitBytes * 100))],
    "RESOURCE_EXHAUSTED",
    "UPSTREAM_MESSAGE_TOO_LARGE",
    /limit of 10000/,
  ],
];

const streams: readonly [
  what: string,
  said: Said,
  messages: number,
  code: keyof typeof Code,
  reason: string | undefined,
  message: RegExp,
][] = [
  ["a whole answer", [200, stream, Buffer.concat([envelope(0, hi), end])], 1, "OK", undefined, /^$/],
  [
    "an end that is compressed",
    [200, { ...stream, "connect-content-encoding": "gzip" }, envelope(3, gzipSync("{}"))],
    0,
    "OK",
    undefined,
    /^$/,
  ],
  ["no error but null", [200, stream, failed(null)], 0, "OK", undefined, /^$/],
  ["no end", [200, stream, envelope(0, hi)], 1, "INTERNAL", "UPSTREAM_PROTOCOL", /without the end of its stream/],
  ["nothing at all", [200, stream, ""], 0, "INTERNAL", "UPSTREAM_PROTOCOL", /without the end of its stream/],
  [
    "an end in the middle of a message",
    [200, stream, envelope(0, hi).subarray(0, 7)],
    0,
    "INTERNAL",
    "UPSTREAM_PROTOCOL",
    /without the end/,
  ],
  [
    "a message behind the end",
    [200, stream, Buffer.concat([end, envelope(0, hi)])],
    0,
    "INTERNAL",
    "UPSTREAM_PROTOCOL",
    /more behind the end/,
  ],
  ["two ends", [200, stream, Buffer.concat([end, end])], 0, "INTERNAL", "UPSTREAM_PROTOCOL", /more behind the end/],
  ["bytes behind the end", [200, stream, Buffer.concat([end, hi])], 0, "INTERNAL", "UPSTREAM_PROTOCOL", /middle of a message/],
  ["an end that is no JSON", [200, stream, envelope(2, Buffer.from("{"))], 0, "INTERNAL", "UPSTREAM_PROTOCOL", /not JSON/],
  ["an end that is a list", [200, stream, envelope(2, [])], 0, "INTERNAL", "UPSTREAM_PROTOCOL", /not a JSON object/],
  ["an error that is a text", [200, stream, failed("oops")], 0, "INTERNAL", "UPSTREAM_PROTOCOL", /an error that is none/],
  [
    "an end compressed without an encoding",
    [200, stream, envelope(3, gzipSync("{}"))],
    0,
    "INTERNAL",
    "UPSTREAM_PROTOCOL",
    /without an encoding/,
  ],
  [
    "an error behind messages",
    [200, stream, Buffer.concat([envelope(0, hi), failed({ code: "not_found", message: "m" })])],
    1,
    "NOT_FOUND",
    "UPSTREAM_STATUS",
    /^m$/,
  ],
  ["an error without a code", [200, stream, failed({ message: "m" })], 0, "UNKNOWN", "UPSTREAM_STATUS", /^m$/],
  ["flags nobody knows", [200, stream, Buffer.concat([envelope(4, hi), end])], 0, "INTERNAL", "UPSTREAM_PROTOCOL", /reserved flags 0x4/],
  [
    "a compressed message without an encoding",
    [200, stream, Buffer.concat([envelope(1, gzipSync(hi)), end])],
    0,
    "INTERNAL",
    "UPSTREAM_PROTOCOL",
    /without a message encoding/,
  ],
  [
    "a message over the limit",
    [200, stream, envelope(0, Buffer.alloc(limitBytes + 1))],
    0,
    "RESOURCE_EXHAUSTED",
    "UPSTREAM_MESSAGE_TOO_LARGE",
    /limit/,
  ],
  [
    "one over the limit when it is opened",
    [200, { ...stream, "connect-content-encoding": "gzip" }, Buffer.concat([envelope(1, gzipSync(Buffer.alloc(limitBytes * 100))), end])],
    0,
    "RESOURCE_EXHAUSTED",
    "UPSTREAM_MESSAGE_TOO_LARGE",
    /limit/,
  ],
  ["another codec", [200, { "content-type": "application/connect+json" }, end], 0, "INTERNAL", "UPSTREAM_PROTOCOL", /connect\+json/],
  ["a unary answer", [200, proto, hi], 0, "UNKNOWN", "UPSTREAM_PROTOCOL", /"application\/proto"/],
  ["an HTTP error", [503, json, '{"code": "aborted"}'], 0, "UNAVAILABLE", "UPSTREAM_PROTOCOL", /HTTP 503/],
];

describe("Connect upstreams that break the rules", () => {
  let answer: (request: IncomingMessage, response: ServerResponse) => void;
  let server: HttpServer;
  let cluster: Cluster;
  let hop: Hop;

  before(async () => {
    server = await startHttpServer((request, response) => {
      request.resume().on("end", () => answer(request, response));
    });
    cluster = connectClusterAt(server.port, { version: "1.1", messageBytes: limitBytes });
    hop = await startHop({ handler: cluster.handler });
  });
  after(async () => {
    await hop.stop();
    await cluster.close();
    await server.stop();
  });

  const say =
    ([status, headers, body]: Said): typeof answer =>
    (_request, response) =>
      void response.writeHead(status, headers).end(body);

  /** Calls as REST, so that every message has to be read. */
  const ask = async (method: string): Promise<{ messages: number; code: string; reason: string | undefined; message: string }> => {
    const before = hop.ended.length;
    const response = await fetch(`http://127.0.0.1:${hop.port}/dragoman.test.v1.Echo/${method}`, {
      method: "POST",
      headers: { "content-type": "application/json", accept: "application/x-ndjson" },
      body: "{}",
    });
    const text = await response.text();
    await until(() => hop.ended.length > before, "the end of the call");
    const { code, error, message } = hop.ended[before]!.end;
    const messages = text.split("\n").filter((line) => line.startsWith('{"text"')).length;
    return { messages, code: codeName(code), reason: error?.reason, message };
  };

  for (const [what, said, code, reason, message] of unary)
    it(`unary: ${what}`, async () => {
      answer = say(said);
      const got = await ask("Unary");
      assert.deepEqual([got.code, got.reason], [code, reason], got.message);
      assert.match(got.message, message);
    });

  for (const [what, said, messages, code, reason, message] of streams)
    it(`stream: ${what}`, async () => {
      answer = say(said);
      const got = await ask("Expand");
      assert.deepEqual([got.messages, got.code, got.reason], [messages, code, reason], got.message);
      assert.match(got.message, message);
    });

  it("trailers larger than any head are refused", () => {
    const bytes = Buffer.from(JSON.stringify({ metadata: { a: Array(990).fill("b".repeat(99)) } }));
    assert.throws(() => readEndOfStream({ flags: 2, bytes }, undefined, 1 << 20), {
      reason: "UPSTREAM_PROTOCOL",
      message: /larger than 61440 bytes/,
    });
  });

  it("an empty body is an empty message, compressed or not", async () => {
    for (const headers of [proto, { ...proto, "content-encoding": "gzip" }]) {
      answer = say([200, headers, ""]);
      assert.equal((await ask("Unary")).code, "OK");
    }
  });

  it("a connection that breaks in the middle is UPSTREAM_RESET", async () => {
    for (const [method, headers] of [
      ["Unary", proto],
      ["Expand", stream],
    ] as const) {
      answer = (_request, response) => {
        response.writeHead(200, headers).write(envelope(0, hi));
        response.socket!.end();
        setImmediate(() => response.socket!.destroy());
      };
      const { code, reason } = await ask(method);
      assert.deepEqual([code, reason], ["UNAVAILABLE", "UPSTREAM_RESET"]);
    }
  });

  it("an answer before the request is over ends the call", async () => {
    const early = await startHttpServer((request, response) => {
      request.resume();
      response.writeHead(200, stream).end(failed({ code: "resource_exhausted", message: "enough" }));
    });
    const eager = connectClusterAt(early.port, { version: "1.1" });
    const front = await startHop({ handler: eager.handler });
    const { client, close } = connectClient("grpc", front.port);
    const call = client as unknown as Record<string, (requests: AsyncIterable<object>) => Promise<unknown>>;
    async function* endless(): AsyncGenerator<object> {
      for (;;) {
        yield { text: "more" };
        await new Promise((resolve) => setImmediate(resolve));
      }
    }
    await assert.rejects(call["collect"]!(endless()), /enough/);
    await until(() => front.ended.length > 0, "the end of the call");
    assert.equal(front.ended[0]!.end.code, Code.RESOURCE_EXHAUSTED);
    close();
    await front.stop();
    await eager.close();
    await early.stop();
  });

  it("metadata that gRPC cannot carry, and what belongs to the connection, stays behind", async () => {
    const headers = {
      ...proto,
      "x-fine": "1",
      "x-latin": "\u00e9",
      "x-data-bin": "???",
      "grpc-status": "5",
      "trailer-grpc-status": "5",
      "trailer-x": "y",
    };
    answer = say([200, headers, hi]);
    const response = await fetch(`http://127.0.0.1:${hop.port}/dragoman.test.v1.Echo/Unary`, {
      method: "POST",
      headers: { "content-type": "application/grpc-web", "accept-encoding": "br", "connect-timeout-ms": "1" },
      body: Buffer.concat([Uint8Array.from(envelopePrefix(0, 0))]),
    });
    const text = await response.text();
    assert.equal(response.headers.get("x-fine"), "1");
    for (const name of ["x-latin", "x-data-bin", "grpc-status", "keep-alive"]) assert.equal(response.headers.get(name), null, name);
    assert.match(text, /grpc-status: ?0/);
    assert.match(text, /x: ?y/);
    const seen = server.seen.at(-1)!.headers;
    assert.deepEqual([seen["accept-encoding"], seen["connect-timeout-ms"]], [undefined, undefined]);
  });
});
