/** gRPC-Web and Connect byte for byte, and connect-node through the proxy to a real gRPC backend, streams included. */
import assert from "node:assert/strict";
import { ConnectError } from "@connectrpc/connect";
import type { Cluster } from "../../src/upstream/cluster.ts";
import { envelopePrefix } from "../../src/protocols/shared/envelope.ts";
import { connectClient, type ConnectKind } from "../support/connect-client.ts";
import { startEchoServer, type EchoServer } from "../support/echo-server.ts";
import { clusterAt, startHop, type Hop } from "../support/hop.ts";
import { talk } from "../support/raw-http1.ts";
import { until } from "../support/until.ts";

/** EchoRequest/EchoResponse {text: "hi"}. */
const hi = Buffer.from([0x0a, 2, 0x68, 0x69]);
const path = "/dragoman.test.v1.Echo/Unary";

function envelope(flags: number, bytes: Uint8Array): Buffer<ArrayBuffer> {
  return Buffer.concat([Uint8Array.from(envelopePrefix(flags, bytes.length)), bytes]);
}

/** Envelopes of an answer. */
function frames(body: Buffer): { flags: number; bytes: Buffer }[] {
  const found: { flags: number; bytes: Buffer }[] = [];
  for (let at = 0; at < body.length;) {
    const length = body.readUInt32BE(at + 1);
    found.push({ flags: body[at]!, bytes: body.subarray(at + 5, at + 5 + length) });
    at += 5 + length;
  }
  return found;
}

describe("web protocols to a gRPC backend", () => {
  let backend: EchoServer;
  let cluster: Cluster;
  let hop: Hop;

  before(async () => {
    backend = await startEchoServer();
    cluster = clusterAt(backend.port);
    hop = await startHop({ handler: cluster.handler });
  });
  after(async () => {
    await hop.stop();
    await cluster.close();
    await backend.stop();
  });

  const post = async (
    target: string,
    contentType: string,
    body: Uint8Array<ArrayBuffer> | string,
    headers: Record<string, string> = {},
  ): Promise<{ response: Response; body: Buffer }> => {
    const response = await fetch(`http://127.0.0.1:${hop.port}${target}`, {
      method: "POST",
      headers: { "content-type": contentType, ...headers },
      body,
    });
    return { response, body: Buffer.from(await response.arrayBuffer()) };
  };

  describe("gRPC-Web", () => {
    it("answers with a message frame and a trailers frame", async () => {
      const { response, body } = await post(path, "application/grpc-web+proto", envelope(0, hi), { "x-color": "blue" });
      assert.equal(response.status, 200);
      assert.equal(response.headers.get("content-type"), "application/grpc-web+proto");
      assert.equal(response.headers.get("x-color"), "blue");
      const [message, trailers] = frames(body);
      assert.equal(message!.flags, 0);
      assert.deepEqual(message!.bytes.subarray(0, 4), hi);
      assert.equal(trailers!.flags, 0x80);
      const lines = trailers!.bytes.toString("latin1").split("\r\n");
      assert.ok(lines.includes("grpc-status: 0"), lines.join("|"));
      assert.ok(lines.includes("x-trailer: tail"));
    });

    it("takes text in padded chunks and answers in text", async () => {
      const whole = envelope(0, hi);
      const text = whole.subarray(0, 4).toString("base64") + whole.subarray(4).toString("base64");
      assert.match(text.slice(0, -1), /=/);
      const { response, body } = await post(path, "application/grpc-web-text", text);
      assert.equal(response.headers.get("content-type"), "application/grpc-web-text+proto");
      const decoded = Buffer.concat((body.toString("latin1").match(/[^=]+={0,2}/g) ?? []).map((part) => Buffer.from(part, "base64")));
      const [message, trailers] = frames(decoded);
      assert.deepEqual(message!.bytes.subarray(0, 4), hi);
      assert.match(trailers!.bytes.toString(), /grpc-status: 0/);
    });

    it("refuses text that is not base64, and says so in a trailers frame", async () => {
      const { response, body } = await post(path, "application/grpc-web-text", "!!!!");
      assert.equal(response.status, 200);
      assert.match(Buffer.from(body.toString("latin1"), "base64").toString(), /grpc-status: 13/);
    });

    it("cannot be tricked into a forged trailer line", async () => {
      const { body } = await post("/a.b/c%0d%0agrpc-status: 0", "application/grpc-web", envelope(0, hi));
      const text = frames(body).at(-1)!.bytes.toString();
      assert.equal(text.split("\r\n").filter((line) => line.startsWith("grpc-status:")).length, 1);
    });
  });

  describe("Connect", () => {
    it("answers unary protobuf bare, with trailers as headers", async () => {
      const { response, body } = await post(path, "application/proto", hi, { "connect-protocol-version": "1" });
      assert.equal(response.status, 200);
      assert.equal(response.headers.get("content-type"), "application/proto");
      assert.equal(response.headers.get("trailer-x-trailer"), "tail");
      assert.deepEqual(body.subarray(0, 4), hi);
    });

    it("answers unary JSON when told it is Connect", async () => {
      const { response, body } = await post(path, "application/json", '{"text":"hi"}', { "connect-protocol-version": "1" });
      assert.equal(response.status, 200);
      assert.deepEqual(JSON.parse(body.toString()), { text: "hi" });
    });

    it("answers failures with Connect's JSON and HTTP statuses", async () => {
      const { response, body } = await post(path, "application/json", '{"failCode":5}', { "connect-protocol-version": "1" });
      assert.equal(response.status, 404);
      assert.deepEqual(JSON.parse(body.toString()), { code: "not_found", message: "failed with 5: 100% é" });
    });

    it("takes GET for a method without side effects, and no other", async () => {
      const get = (target: string): Promise<Response> => fetch(`http://127.0.0.1:${hop.port}${target}`);
      const json = encodeURIComponent('{"text":"hi"}');
      const plain = await get(`${path}?connect=v1&encoding=json&message=${json}`);
      assert.deepEqual(await plain.json(), { text: "hi" });
      const base64 = await get(`${path}?message=${hi.toString("base64url")}&base64=1&encoding=proto&connect=v1`);
      assert.deepEqual(Buffer.from(await base64.arrayBuffer()).subarray(0, 4), hi);
      assert.equal((await get("/dragoman.test.v1.Echo/Collect?connect=v1&encoding=json&message={}")).status, 405);
      assert.equal((await get(`${path}?connect=v1&encoding=json`)).status, 400);
      assert.equal((await get(`${path}?connect=v1&encoding=xml&message=a`)).status, 415);
    });

    for (const [what, contentType, headers, status] of [
      ["another content type", "application/connect+xml", {}, 415],
      ["an envelope for a unary method", "application/connect+proto", {}, 415],
      ["another version", "application/proto", { "connect-protocol-version": "2" }, 400],
      ["an unreadable timeout", "application/proto", { "connect-timeout-ms": "soon" }, 400],
      ["an unknown compression", "application/proto", { "content-encoding": "snappy" }, 501],
    ] as const)
      it(`refuses ${what} with ${status}`, async () => assert.equal((await post(path, contentType, hi, headers)).response.status, status));

    it("ends a stream with an end-of-stream message, whatever happened", async () => {
      const request = Buffer.from('{"text":"s","count":2,"failCode":9}');
      const { response, body } = await post("/dragoman.test.v1.Echo/Expand", "application/connect+json", envelope(0, request));
      assert.equal(response.status, 200);
      assert.equal(response.headers.get("content-type"), "application/connect+json");
      const [first, second, end] = frames(body);
      assert.deepEqual(JSON.parse(first!.bytes.toString()), { text: "s" });
      assert.deepEqual(JSON.parse(second!.bytes.toString()), { text: "s", index: 1 });
      assert.equal(end!.flags, 2);
      const { error, metadata } = JSON.parse(end!.bytes.toString()) as { error: { code: string }; metadata: Record<string, string[]> };
      assert.equal(error.code, "failed_precondition");
      assert.deepEqual(metadata["x-trailer"], ["tail"]);
    });
  });

  const kinds: [kind: ConnectKind, httpVersion: "1.1" | "2"][] = [
    ["connect", "1.1"],
    ["connect", "2"],
    ["connect-json", "1.1"],
    ["connect-json", "2"],
    ["connect-get", "1.1"],
    ["grpc-web", "1.1"],
    ["grpc-web", "2"],
    ["grpc", "2"],
  ];
  for (const [kind, httpVersion] of kinds)
    describe(`connect-node by ${kind} over HTTP/${httpVersion}`, () => {
      interface Response_ {
        text: string;
        index: number;
      }
      type Call = (...args: unknown[]) => unknown;
      let close: () => void;
      let client: Record<string, Call>;
      beforeEach(() => {
        const opened = connectClient(kind, hop.port, httpVersion);
        client = opened.client;
        close = opened.close;
      });
      afterEach(() => close());

      it("unary", async () => assert.equal(((await client["unary"]!({ text: "hé" })) as Response_).text, "hé"));

      it("unary failure with code, message and trailers", async () => {
        const error = await (client["unary"]!({ failCode: 7 }) as Promise<never>).catch((thrown: unknown) => ConnectError.from(thrown));
        assert.equal(error.code, 7);
        assert.equal(error.rawMessage, "failed with 7: 100% é");
        assert.equal(error.metadata.get("x-trailer"), "tail");
      });

      it("server stream", async () => {
        const indexes: number[] = [];
        for await (const message of client["expand"]!({ text: "s", count: 50, padding: 2000 }) as AsyncIterable<Response_>)
          indexes.push(message.index);
        assert.deepEqual(indexes, [...Array(50).keys()]);
      });

      it("server stream that is left early is cancelled at the backend", async () => {
        const cancelled = backend.cancelled();
        const controller = new AbortController();
        const leave = async (): Promise<void> => {
          for await (const _message of client["expand"]!(
            { text: "s", count: 1_000_000, padding: 1000 },
            { signal: controller.signal },
          ) as AsyncIterable<Response_>)
            controller.abort();
        };
        await assert.rejects(leave());
        await until(() => backend.cancelled() > cancelled, "the cancellation at the backend");
      });

      if (kind !== "grpc-web" || httpVersion === "2") {
        it("client stream", async () => {
          async function* requests(): AsyncGenerator<object> {
            for (let i = 0; i < 20; i++) yield { text: String(i) };
          }
          assert.equal(((await client["collect"]!(requests())) as Response_).index, 20);
        });
      }

      if (httpVersion === "2")
        it("bidi stream", async () => {
          let resume: () => void = () => undefined;
          async function* requests(): AsyncGenerator<object> {
            for (let i = 0; i < 5; i++) {
              yield { text: `m${i}` };
              await new Promise<void>((resolve) => (resume = resolve));
            }
          }
          const texts: string[] = [];
          for await (const message of client["chat"]!(requests()) as AsyncIterable<Response_>) {
            texts.push(message.text);
            resume();
          }
          assert.deepEqual(texts, ["m0", "m1", "m2", "m3", "m4"]);
        });
    });

  it("refuses a body that is declared too large before it comes, in the words of its protocol, as a call that is counted", async () => {
    const cases = [
      ["application/json", /^HTTP\/1\.1 413 /, /"reason":"MESSAGE_TOO_LARGE"/],
      ["application/proto", /^HTTP\/1\.1 429 /, /"code":"resource_exhausted"/],
      ["application/grpc-web+proto", /^HTTP\/1\.1 200 /, /grpc-status: 8/],
    ] as const;
    for (const [type, status, words] of cases) {
      const before = hop.ended.length;
      const answer = await talk(
        hop.port,
        `POST ${path} HTTP/1.1\r\nhost: a\r\ncontent-type: ${type}\r\ncontent-length: 5000000\r\nconnection: close\r\n\r\n`,
      );
      assert.match(answer, status);
      assert.match(answer, words);
      await until(() => hop.ended.length > before, "the call to be counted");
      assert.equal(hop.ended.at(-1)!.end.error?.reason, "MESSAGE_TOO_LARGE");
    }
  });
});
