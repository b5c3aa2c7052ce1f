/**
 * No byte of one call in another: many calls at once over HTTP/1.1 and HTTP/2, each with a marker of its own in path, header, body and trailers,
 * their packets cut at random, their answers late and out of order, read buffers overwritten behind every read.
 */
import assert from "node:assert/strict";
import * as net from "node:net";
import { systemClock } from "../../src/core/clock.ts";
import { silentLogger } from "../../src/core/logger.ts";
import type { Exchange } from "../../src/wire/exchange.ts";
import { Http2Client } from "../../src/wire/http2/http2-client.ts";
import type { HttpClient } from "../../src/wire/http-client.ts";
import { defaultLimits } from "../../src/wire/limits.ts";
import { createListener, type Listener } from "../../src/wire/listener.ts";
import { NodeHttp2Client } from "../../src/wire/node-http2/node-http2-client.ts";
import { poisonReads } from "../../src/wire/shared-reading.ts";
import { Collected } from "../contracts/http2-contract.ts";
import { chopping, type ChoppingProxy } from "../support/chopping-proxy.ts";
import { splitAnswers } from "../support/raw-answers.ts";
import { until } from "../support/until.ts";
import { Random } from "./mutate.ts";

const seed = Number(process.env["DRAGOMAN_FUZZ_SEED"] ?? Date.now() % 1_000_000_000);

/** The body of call `id`: nothing in it but its marker. */
function bodyOf(id: number): Buffer {
  const marker = `<${id.toString(36)}>`;
  return Buffer.from(marker.repeat(1 + ((id * 7919) % 700)));
}

async function readAll({ body }: Exchange): Promise<Buffer> {
  const chunks: Uint8Array[] = [Buffer.from(body.whole() ?? [])];
  for (let chunk = await body.read(); chunk !== undefined; chunk = await body.read()) chunks.push(chunk);
  return Buffer.concat(chunks);
}

describe("no byte of one call in another", function () {
  this.timeout(60_000);
  let listener: Listener;
  let proxy: ChoppingProxy;
  let random: Random;
  const failures: unknown[] = [];

  /** Answers with the call's own bytes: late, whole or in pieces that go through one scratch buffer. */
  async function answer(exchange: Exchange): Promise<void> {
    const { head } = exchange;
    const id = Number(head.target.slice(1));
    const body = await readAll(exchange);
    const mixed = `call ${id} of another`;
    assert.ok(body.equals(bodyOf(id)), `${mixed}: request body`);
    assert.equal(head.headers.get("x-marker"), `m${id}`, `${mixed}: request field`);
    for (let turns = random.below(5); turns > 0; turns--) await new Promise((resolve) => setImmediate(resolve));
    const fields = ["x-marker", `m${id}`, "x-same", "for all"];
    if (random.chance(2)) {
      exchange.respond(200, fields, body, ["x-end", `m${id}`]);
      body.fill(0x21);
      return;
    }
    exchange.start(200, fields);
    const scratch = Buffer.alloc(1000);
    for (let at = 0; at < body.length; at += scratch.length) {
      const length = body.copy(scratch, 0, at);
      if (!exchange.write(scratch.subarray(0, length))) await exchange.drained();
      scratch.fill(0x21);
    }
    exchange.finish(["x-end", `m${id}`]);
  }

  before(async () => {
    random = new Random(seed);
    console.log(`      seed ${seed}`);
    poisonReads(true);
    listener = await createListener({
      host: "127.0.0.1",
      port: 0,
      limits: { ...defaultLimits, writeHighWaterBytes: 4096 },
      handler: (exchange) => void answer(exchange).catch((failure: unknown) => failures.push(failure)),
      clock: systemClock,
      logger: silentLogger,
      http2: "own",
    });
    proxy = await chopping(listener.address.port, random);
  });

  after(async () => {
    poisonReads(process.env["DRAGOMAN_POISON_READS"] === "1");
    proxy.close();
    await listener.close();
    assert.deepEqual(failures, []);
  });

  async function askHttp2(client: HttpClient, from: number, to: number): Promise<void> {
    const calls: [number, Collected][] = [];
    const template = { method: "POST", scheme: "http", authority: "a", headers: ["te", "trailers"] } as const;
    for (let id = from; id < to; id++) {
      const sink = new Collected();
      const body = bodyOf(id);
      const stream = (sink.stream = client.open({ ...template, path: `/${id}` }, ["x-marker", `m${id}`], [], sink, Infinity));
      const cut = random.below(body.length);
      stream.write(body.subarray(0, cut), false);
      if (random.chance(2)) await new Promise((resolve) => setImmediate(resolve));
      stream.write(body.subarray(cut), true);
      body.fill(0x21);
      calls.push([id, sink]);
    }
    for (const [id, sink] of calls) {
      await sink.end();
      assert.equal(sink.error, undefined);
      assert.deepEqual(
        sink.headers.filter((text) => /^m\d/.test(text)),
        [`m${id}`],
      );
      assert.ok(sink.body.equals(bodyOf(id)), `body of ${id}`);
      assert.deepEqual(sink.trailers, ["x-end", `m${id}`]);
    }
  }

  for (const [name, make] of [
    ["our client", (port: number): HttpClient => new Http2Client({ host: "127.0.0.1", port, clock: systemClock, poisonReadBuffers: true })],
    ["node's client", (port: number): HttpClient => new NodeHttp2Client({ host: "127.0.0.1", port })],
  ] as const) {
    it(`HTTP/2, ${name}`, async () => {
      const clients = [make(proxy.port), make(proxy.port), make(listener.address.port)];
      await Promise.all(clients.map((client, i) => askHttp2(client, i * 1000, i * 1000 + 50)));
      for (const client of clients) void client.close();
    });
  }

  it("HTTP/1.1, pipelined", async () => {
    const connections = Array.from({ length: 8 }, async (_, connection) => {
      const ids = Array.from({ length: 15 }, (_unused, i) => connection * 1000 + i);
      const socket = net.connect(proxy.port, "127.0.0.1");
      const received: Buffer[] = [];
      let ended = false;
      socket.on("data", (bytes: Buffer) => received.push(bytes)).on("end", () => (ended = true));
      for (const id of ids) {
        const body = bodyOf(id);
        const last = id === ids.at(-1) ? "connection: close\r\n" : "";
        const chunked = random.chance(2);
        const framing = chunked ? "transfer-encoding: chunked" : `content-length: ${body.length}`;
        socket.write(`POST /${id} HTTP/1.1\r\nhost: a\r\nx-marker: m${id}\r\n${last}${framing}\r\n\r\n`);
        socket.write(chunked ? Buffer.concat([Buffer.from(`${body.length.toString(16)}\r\n`), body, Buffer.from("\r\n0\r\n\r\n")]) : body);
      }
      await until(() => ended, "the end of the connection", 30_000);
      const answers = splitAnswers(Buffer.concat(received).toString("latin1"));
      assert.equal(answers.length, ids.length);
      for (const [i, { head, body }] of answers.entries()) {
        const id = ids[i]!;
        assert.match(head, new RegExp(`\r\nx-marker: m${id}\r\n`, "i"));
        assert.equal(body, bodyOf(id).toString(), `body of ${id}`);
      }
    });
    await Promise.all(connections);
  });
});
