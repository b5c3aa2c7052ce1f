/** grpc-js on both sides, the proxy between: all four kinds of RPC, with metadata, trailers, errors, deadlines, cancellation, compression. */
import assert from "node:assert/strict";
import * as grpc from "@grpc/grpc-js";
import { Code } from "../../src/core/code.ts";
import type { Cluster } from "../../src/upstream/cluster.ts";
import { loadEcho, startEchoServer, type EchoServer } from "../support/echo-server.ts";
import { clusterAt, echoSchema, startHop, type Hop } from "../support/hop.ts";
import { until } from "../support/until.ts";

interface EchoResponse {
  text: string;
  index: number;
  nested: { number: string; labels: Record<string, string> } | null;
  padding: Buffer;
}

const Echo = loadEcho();
type Stub = Record<"unary" | "expand" | "collect" | "chat", (...args: never[]) => unknown> & grpc.Client;

for (const known of [true, false]) {
  describe(`grpc-js through the proxy, ${known ? "with the schema" : "methods unknown to the schema"}`, () => {
    let backend: EchoServer;
    let cluster: Cluster;
    let hop: Hop;
    let client: Stub;

    beforeEach(async () => {
      backend = await startEchoServer();
      cluster = clusterAt(backend.port);
      const schema = echoSchema();
      hop = await startHop({ handler: cluster.handler, schema: known ? schema : { ...schema, services: [] } });
      client = new Echo(`127.0.0.1:${hop.port}`, grpc.credentials.createInsecure(), {
        "grpc.max_receive_message_length": -1,
      }) as unknown as Stub;
    });
    afterEach(async () => {
      client.close();
      await hop.stop();
      await cluster.close();
      await backend.stop();
    });

    const unary = (request: object, metadata = new grpc.Metadata(), options: grpc.CallOptions = {}) =>
      new Promise<{ body: EchoResponse | undefined; head: grpc.Metadata | undefined; status: grpc.StatusObject }>((resolve) => {
        let head: grpc.Metadata | undefined;
        let body: EchoResponse | undefined;
        const start = client.unary as unknown as (
          r: object,
          m: grpc.Metadata,
          o: grpc.CallOptions,
          done: (e: unknown, v: EchoResponse) => void,
        ) => grpc.ClientUnaryCall;
        const call = start.call(client, request, metadata, options, (_error, value) => (body = value));
        call.on("metadata", (received: grpc.Metadata) => (head = received));
        call.on("status", (status: grpc.StatusObject) => resolve({ body, head, status }));
      });
    const stream = <T>(name: "expand" | "chat", ...args: unknown[]): T =>
      (client[name] as unknown as (...given: unknown[]) => T).apply(client, args);

    it("unary: message, metadata both ways, trailers, binary values", async () => {
      const metadata = new grpc.Metadata();
      metadata.set("x-color", "blue");
      metadata.set("x-bytes-bin", Buffer.from([0, 255, 7]));
      const { body, head, status } = await unary({ text: "hé", nested: { number: "9007199254740993", labels: { a: "b" } } }, metadata);
      assert.equal(status.code, grpc.status.OK);
      assert.equal(body?.text, "hé");
      assert.deepEqual(body?.nested, { number: "9007199254740993", labels: { a: "b" } });
      assert.deepEqual(head?.get("x-color"), ["blue"]);
      assert.deepEqual(head?.get("x-bytes-bin"), [Buffer.from([0, 255, 7])]);
      assert.deepEqual(status.metadata.get("x-trailer"), ["tail"]);
      assert.deepEqual(status.metadata.get("x-trailer-bin"), [Buffer.from([0, 1, 255])]);
    });

    it("unary: empty message", async () => {
      const { body, status } = await unary({});
      assert.equal(status.code, grpc.status.OK);
      assert.equal(body?.text, "");
    });

    for (let code = 1; code <= 16; code++)
      it(`unary: failure ${code} with message, initial metadata and trailers`, async () => {
        const metadata = new grpc.Metadata();
        metadata.set("x-color", "red");
        const { head, status } = await unary({ failCode: code }, metadata);
        assert.equal(status.code, code);
        assert.equal(status.details, `failed with ${code}: 100% é`);
        assert.deepEqual(head?.get("x-color"), ["red"]);
        assert.deepEqual(status.metadata.get("x-trailer"), ["tail"]);
      });

    it("unary: 3 MB both ways", async () => {
      const { body, status } = await unary({ text: "x".repeat(3 << 20), padding: 100 });
      assert.equal(status.code, grpc.status.OK);
      assert.equal(body?.text.length, 3 << 20);
    });

    it("unary: gzip both ways crosses untouched", async () => {
      const metadata = new grpc.Metadata();
      const compressing = new Echo(`127.0.0.1:${hop.port}`, grpc.credentials.createInsecure(), {
        "grpc.default_compression_algorithm": 2,
      }) as unknown as Stub;
      const plain = client;
      client = compressing;
      try {
        const { body, status } = await unary({ text: "z".repeat(5000), padding: 5000 }, metadata);
        assert.equal(status.code, grpc.status.OK);
        assert.equal(body?.text.length, 5000);
      } finally {
        compressing.close();
        client = plain;
      }
    });

    it("unary: the deadline arrives at the backend, shorter than it left, and ends the call", async () => {
      const { status } = await unary({ text: "a" }, undefined, { deadline: Date.now() + 5000 });
      assert.equal(status.code, grpc.status.OK);
      const left = backend.lastTimeoutMs()!;
      assert.ok(left > 3000 && left <= 5000, String(left));
      const late = await unary({ delayMs: 3000 }, undefined, { deadline: Date.now() + 100 });
      assert.equal(late.status.code, grpc.status.DEADLINE_EXCEEDED);
      await until(() => backend.cancelled() === 1, "the cancellation at the backend");
    });

    it("unary: cancellation reaches the backend", async () => {
      const start = client.unary as unknown as (r: object, done: () => void) => grpc.ClientUnaryCall;
      const call = start.call(client, { delayMs: 5000 }, () => undefined);
      await until(() => backend.lastMetadata() !== undefined, "the call at the backend");
      call.cancel();
      await until(() => backend.cancelled() === 1, "the cancellation at the backend");
      await until(() => hop.ended.length === 1, "the end of the call");
      assert.equal(hop.ended[0]!.end.code, Code.CANCELLED);
    });

    it("server stream: all messages in order, trailers at the end", async () => {
      const call = stream<grpc.ClientReadableStream<EchoResponse>>("expand", { text: "s", count: 500, padding: 1000 });
      const got: number[] = [];
      const status = new Promise<grpc.StatusObject>((resolve) => call.on("status", resolve));
      for await (const message of call) got.push((message as EchoResponse).index);
      assert.deepEqual(got, [...Array(500).keys()]);
      assert.deepEqual((await status).metadata.get("x-trailer"), ["tail"]);
    });

    it("server stream: empty, and an error after some messages", async () => {
      for (const [count, failCode] of [
        [0, 0],
        [0, 5],
        [3, 9],
      ] as const) {
        const call = stream<grpc.ClientReadableStream<EchoResponse>>("expand", { text: "s", count, failCode });
        let messages = 0;
        call.on("data", () => messages++);
        call.on("error", () => undefined);
        const status = await new Promise<grpc.StatusObject>((resolve) => call.on("status", resolve));
        assert.equal(status.code, failCode);
        assert.equal(messages, count);
      }
    });

    it("server stream: a slow reader holds the backend back, and leaving cancels it", async () => {
      const call = stream<grpc.ClientReadableStream<EchoResponse>>("expand", { text: "s", count: 100_000, padding: 10_000 });
      call.on("error", () => undefined);
      await new Promise((resolve) => call.once("data", resolve));
      call.pause();
      await new Promise((resolve) => setTimeout(resolve, 150));
      assert.ok(hop.ended.length === 0);
      const before = process.memoryUsage().arrayBuffers;
      await new Promise((resolve) => setTimeout(resolve, 150));
      assert.ok(process.memoryUsage().arrayBuffers - before < 16 << 20, "memory grows while nobody reads");
      call.cancel();
      await until(() => backend.cancelled() === 1, "the cancellation at the backend");
      await until(() => hop.ended.length === 1, "the end of the call");
    });

    it("client stream: many messages, one answer", async () => {
      const start = client.collect as unknown as (done: (e: unknown, v: EchoResponse) => void) => grpc.ClientWritableStream<object>;
      const answer = await new Promise<EchoResponse>((resolve, reject) => {
        const call = start.call(client, (error, value) => (error ? reject(error as Error) : resolve(value)));
        for (let i = 0; i < 300; i++) call.write({ text: String(i) });
        call.end();
      });
      assert.equal(answer.index, 300);
      assert.equal(answer.text, [...Array(300).keys()].join(","));
    });

    it("bidi: each answer before the next request", async () => {
      const call = stream<grpc.ClientDuplexStream<object, EchoResponse>>("chat");
      const messages = call[Symbol.asyncIterator]() as AsyncIterator<EchoResponse>;
      for (let i = 0; i < 50; i++) {
        call.write({ text: `m${i}` });
        const { value } = await messages.next();
        assert.equal((value as EchoResponse).text, `m${i}`);
      }
      const status = new Promise<grpc.StatusObject>((resolve) => call.on("status", resolve));
      call.end();
      assert.equal((await messages.next()).done, true);
      assert.equal((await status).code, grpc.status.OK);
    });

    it("bidi: an error in the middle ends both sides", async () => {
      const call = stream<grpc.ClientDuplexStream<object, EchoResponse>>("chat");
      call.on("error", () => undefined);
      call.on("data", () => undefined);
      const status = new Promise<grpc.StatusObject>((resolve) => call.on("status", resolve));
      call.write({ text: "a" });
      call.write({ failCode: 7 });
      const { code, details } = await status;
      assert.equal(code, grpc.status.PERMISSION_DENIED, details);
    });

    it("200 calls at once keep their answers apart", async () => {
      const answers = await Promise.all(Array.from({ length: 200 }, (_, i) => unary({ text: `t${i}`, padding: i * 10 })));
      answers.forEach(({ body }, i) => {
        assert.equal(body?.text, `t${i}`);
        assert.equal(body?.padding.length, i * 10);
      });
    });

    it("a backend that goes away: UNAVAILABLE, and all is well when it is back", async () => {
      const { port } = backend;
      assert.equal((await unary({ text: "a" })).status.code, grpc.status.OK);
      await backend.stop();
      const { status } = await unary({ text: "b" });
      assert.equal(status.code, grpc.status.UNAVAILABLE);
      backend = await startEchoServer(port);
      const endAtMs = performance.now() + 5000;
      for (;;) {
        const again = await unary({ text: "c" });
        if (again.status.code === grpc.status.OK) break;
        assert.ok(performance.now() < endAtMs, "the proxy did not find the backend again");
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
    });
  });
}
