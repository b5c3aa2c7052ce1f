/**
 * WebSocket frames from an enemy. What must hold of any bytes behind the upgrade: nothing is thrown, what we send is well formed and ends with
 * at most one close frame, and there is exactly one call, which ends with its connection at the latest. Reads are poisoned.
 */
import assert from "node:assert/strict";
import { systemClock } from "../../src/core/clock.ts";
import type { Handler } from "../../src/core/handler.ts";
import { createInbounds } from "../../src/protocols/index.ts";
import { createDispatcher, type Serving } from "../../src/runtime/dispatch.ts";
import { createMethodTable } from "../../src/schema/method-table.ts";
import { serveHttp1 } from "../../src/wire/http1/serve-http1.ts";
import { defaultLimits } from "../../src/wire/limits.ts";
import { echoHandler } from "../support/echo-handler.ts";
import { echoSchema } from "../support/hop.ts";
import { fuzz } from "./fuzz-run.ts";
import { cleaned, MemoryChannel, settle } from "./memory-channel.ts";
import { fragment, type Random } from "./mutate.ts";

const table = createMethodTable(echoSchema(), { autoMapping: true });
const websocket = { origins: [], messageBytes: 4096, compression: true, pingMs: 30_000, idleMs: 300_000 };
const subprotocols = ["", "json", "dragoman.v1+json", "dragoman.v1+proto", "grpc-websockets"];
const paths = ["Unary", "Expand", "Collect", "Chat"].map((name) => `/dragoman.test.v1.Echo/${name}`).concat("/v1/echo/a?padding=2");

function upgrade(path: string, subprotocol: string, deflate: boolean): Buffer {
  const fields = [
    "Host: h",
    "Connection: Upgrade",
    "Upgrade: websocket",
    "Sec-WebSocket-Version: 13",
    "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==",
  ];
  if (subprotocol !== "") fields.push(`Sec-WebSocket-Protocol: ${subprotocol}`);
  if (deflate) fields.push("Sec-WebSocket-Extensions: permessage-deflate");
  return Buffer.from(`GET ${path} HTTP/1.1\r\n${fields.join("\r\n")}\r\n\r\n`);
}

async function run(input: Buffer, random: Random): Promise<void> {
  let begun = 0;
  let ended = 0;
  const faults: unknown[] = [];
  const observed =
    (next: Handler): Handler =>
    (call) => {
      begun++;
      call.onEnd(() => ended++);
      return next(call);
    };
  const serving: Serving = { table, messageBytes: 4096, websocket, handlerOf: () => observed(echoHandler), observed };
  const handler = createDispatcher({ inbounds: createInbounds(), serving: () => serving, onFault: (thrown) => faults.push(thrown) });
  const channel = new MemoryChannel(random);
  serveHttp1(channel.asChannel, new Uint8Array(0), { limits: defaultLimits, handler, clock: systemClock, scheme: "http" });
  channel.send(upgrade(random.pick(paths), random.pick(subprotocols), random.chance(2)));
  if (random.chance(2)) await settle(channel, () => true, 4);
  for (const piece of fragment(cleaned(input), random)) {
    channel.send(piece);
    if (random.chance(3)) await settle(channel, () => true, 1);
  }
  await settle(channel, () => true, 20);
  channel.drain();
  const output = channel.output;
  channel.close();
  await settle(channel, () => begun === 1 && ended === 1);
  assert.deepEqual(faults, []);
  assert.deepEqual([begun, ended], [1, 1], "calls that began and ended");
  checkFrames(output);
}

function checkFrames(output: Buffer): void {
  const head = output.indexOf("\r\n\r\n");
  if (head < 0) return; // the kernel was full
  assert.equal(output.toString("latin1", 0, 12), "HTTP/1.1 101");
  let closed = false;
  for (let at = head + 4; at + 2 <= output.length;) {
    assert.equal(closed, false, "a frame behind the close frame");
    const first = output[at]!;
    const opcode = first & 0x0f;
    assert.ok([1, 2, 8, 9, 10].includes(opcode) && (first & 0xb0) === 0x80, `first byte ${first.toString(16)}`);
    let length = output[at + 1]!;
    assert.ok(length < 128, "a masked frame");
    let start = at + 2;
    if (length === 126) {
      if (start + 2 > output.length) return;
      length = output.readUInt16BE(start);
      start += 2;
      assert.ok(length > 125);
    } else if (length === 127) return assert.fail("nothing here is so large");
    if (opcode === 8) {
      closed = true;
      assert.notEqual(length, 1);
    }
    at = start + length;
  }
}

describe("fuzz: WebSocket", function () {
  this.timeout(60_000);

  it("survives any frames", () =>
    fuzz({
      name: "websocket",
      run,
      words: ['{"message":{', '"end":true', '{"window":', '{"metadata":{', "\u0081\u0080", "\u0088\u0080"].map((word) =>
        Buffer.from(word, "latin1"),
      ),
    }));
});
