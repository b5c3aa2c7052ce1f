/**
 * When the kernel does not take everything, a buffer that was given to `write` belongs to it until later. Answers of all sizes go through one
 * scratch buffer that is overwritten behind every call, over channels that are often full; what arrives must be what was sent.
 */
import assert from "node:assert/strict";
import { systemClock } from "../../src/core/clock.ts";
import type { Exchange, ExchangeHandler } from "../../src/wire/exchange.ts";
import { serveHttp1 } from "../../src/wire/http1/serve-http1.ts";
import { HpackDecoder } from "../../src/wire/http2/hpack/hpack-decoder.ts";
import { serveHttp2 } from "../../src/wire/http2/serve-http2.ts";
import { defaultLimits } from "../../src/wire/limits.ts";
import { splitAnswers } from "../support/raw-answers.ts";
import { block, flag, frame, framesOf, preface, settings, type, uint32 } from "./frames.ts";
import { MemoryChannel, settle } from "./memory-channel.ts";
import { Random } from "./mutate.ts";

const seed = Number(process.env["DRAGOMAN_FUZZ_SEED"] ?? Date.now() % 1_000_000_000);
const sizes = [0, 1, 10, 100, 1000, 5000, 16_384, 20_000, 70_000, 140_000, 300_000];
const requests = 12;
const rounds = 25;
const scratch = Buffer.alloc(Math.max(...sizes));

/** The bytes of answer `id`, in the scratch buffer. */
function fill(id: number, size: number): Buffer {
  const body = scratch.subarray(0, size);
  body.fill(`<${id}>`);
  return body;
}

const expected = (id: number, size: number): string => Buffer.alloc(size, `<${id}>`).toString("latin1");

/** `sent[id]` is told the size of answer `id`. */
function answering(random: Random, sent: Map<number, number>, open: Set<Exchange>): ExchangeHandler {
  const respond = async (exchange: Exchange): Promise<void> => {
    const id = Number(exchange.head.target.slice(1));
    const size = random.pick(sizes);
    for (let turns = random.below(3); turns > 0; turns--) await new Promise((resolve) => setImmediate(resolve));
    sent.set(id, size);
    if (random.chance(2)) {
      exchange.respond(200, ["x-id", `${id}`], fill(id, size));
      scratch.fill(0x21);
      return;
    }
    exchange.start(200, ["x-id", `${id}`]);
    for (let at = 0; at < size;) {
      const end = Math.min(size, at + 1 + random.below(150_000));
      const room = exchange.write(fill(id, size).subarray(at, end));
      scratch.fill(0x21);
      at = end;
      if (!room) await exchange.drained();
    }
    exchange.finish();
  };
  return (exchange) => {
    open.add(exchange);
    void respond(exchange).finally(() => open.delete(exchange));
  };
}

async function exchangeAll(serve: (channel: MemoryChannel, handler: ExchangeHandler) => void, input: Buffer[], random: Random) {
  const sent = new Map<number, number>();
  const open = new Set<Exchange>();
  const channel = new MemoryChannel(random);
  serve(channel, answering(random, sent, open));
  for (const piece of input) {
    channel.send(piece);
    if (random.chance(2)) await settle(channel, () => true, 1);
  }
  await settle(channel, () => sent.size === requests && open.size === 0 && channel.queuedBytes === 0, 5000);
  assert.equal(open.size, 0, "an answer that does not end");
  const { output } = channel;
  channel.close();
  return { sent, output };
}

const ids = Array.from({ length: requests }, (_, id) => id);

describe("writes that the kernel takes later", () => {
  const random = new Random(seed);
  before(() => console.log(`      seed ${seed}`));

  it("HTTP/1.1", async () => {
    for (let round = 0; round < rounds; round++) {
      const input = ids.map((id) => Buffer.from(`GET /${id} HTTP/1.1\r\nhost: a\r\n\r\n`));
      const options = { limits: defaultLimits, clock: systemClock, scheme: "http" } as const;
      const serve = (channel: MemoryChannel, handler: ExchangeHandler): void =>
        void serveHttp1(channel.asChannel, new Uint8Array(0), { ...options, handler });
      const { sent, output } = await exchangeAll(serve, input, random);
      const answers = splitAnswers(output.toString("latin1"));
      assert.equal(answers.length, requests);
      for (const [id, { head, body }] of answers.entries()) {
        assert.match(head, new RegExp(`\r\nx-id: ${id}\r\n`));
        assert.ok(body === expected(id, sent.get(id)!), `answer ${id} of ${sent.get(id)} bytes`);
      }
    }
  }).timeout(20_000);

  it("HTTP/2", async () => {
    for (let round = 0; round < rounds; round++) {
      const heads = ids.map((id) => {
        const fields = block(":method", "GET", ":scheme", "http", ":path", `/${id}`, ":authority", "a");
        return frame(type.headers, flag.endStream | flag.endHeaders, 2 * id + 1, fields);
      });
      const input = [preface, settings([4, 0x7fffffff]), frame(type.window, 0, 0, uint32(0x7fff0000)), ...heads];
      const options = { limits: defaultLimits, clock: systemClock, scheme: "http" } as const;
      const serve = (channel: MemoryChannel, handler: ExchangeHandler): void =>
        void serveHttp2(channel.asChannel, new Uint8Array(0), { ...options, handler });
      const { sent, output } = await exchangeAll(serve, input, random);
      const bodies = new Map<number, string>();
      const decoder = new HpackDecoder({ maxTableBytes: 4096, maxListBytes: 10_000, maxFields: 20 });
      for (const one of framesOf(output)) {
        assert.ok(one.type >= 0 && one.type <= type.continuation, `frame type ${one.type}`);
        if (one.type === type.headers) {
          const list = decoder.decode(one.payload, 0, one.payload.length);
          assert.equal(list[list.indexOf("x-id") + 1], `${(one.stream - 1) / 2}`);
        }
        if (one.type === type.data) bodies.set(one.stream, (bodies.get(one.stream) ?? "") + one.payload.toString("latin1"));
      }
      for (const id of ids)
        assert.ok((bodies.get(2 * id + 1) ?? "") === expected(id, sent.get(id)!), `answer ${id} of ${sent.get(id)} bytes`);
    }
  }).timeout(20_000);
});
