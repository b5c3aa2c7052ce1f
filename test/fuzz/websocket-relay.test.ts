/**
 * A WebSocket passed on between enemies. What must hold of any bytes from either side: nothing is thrown; what each side gets is whole frames of
 * the other's, then at most one close frame, and nothing behind it; and the call ends with the connections at the latest. Reads are poisoned.
 */
import assert from "node:assert/strict";
import { Call } from "../../src/core/call.ts";
import { systemClock } from "../../src/core/clock.ts";
import { Deadline } from "../../src/core/deadline.ts";
import { MessageList } from "../../src/core/messages.ts";
import { Metadata } from "../../src/core/metadata.ts";
import { systemRandom } from "../../src/core/random.ts";
import { Relay } from "../../src/protocols/websocket/relay/relay.ts";
import { passedOnMethod } from "../../src/protocols/websocket/relay/upgrade-call.ts";
import { UpstreamSocket } from "../../src/protocols/websocket/relay/upstream-socket.ts";
import { rawFrame } from "../support/socket-client.ts";
import { fuzz } from "./fuzz-run.ts";
import { cleaned, MemoryChannel, settle, turn } from "./memory-channel.ts";
import { fragment, type Random } from "./mutate.ts";

const settings = { origins: [], messageBytes: 4096, compression: true, pingMs: 30_000, idleMs: 300_000 };
const caller = { address: "192.0.2.1", protocol: "websocket", secure: false, tls: undefined };
const close = Buffer.from([0x03, 0xe8]);

/** Lawful frames for the most part, made of `input`: what is all garbage ends too soon. */
function conversation(input: Buffer, masked: boolean, random: Random): Buffer {
  const frames: Buffer[] = [];
  for (let count = random.below(8); count > 0; count--) {
    const payload = Buffer.alloc(random.skewed(700), input.length === 0 ? "x" : input);
    const whole = random.chance(3);
    frames.push(rawFrame({ first: whole ? 0x82 : 0x02, payload }, masked));
    if (random.chance(4)) frames.push(rawFrame({ first: random.pick([0x89, 0x8a]), payload: payload.subarray(0, 100) }, masked));
    if (!whole) frames.push(rawFrame({ first: 0x80, payload: "end" }, masked));
  }
  if (random.chance(4)) frames.push(input.subarray(0, random.below(200)));
  if (random.chance(2)) frames.push(rawFrame({ first: 0x88, payload: Buffer.from(close) }, masked));
  const bytes = Buffer.concat(frames);
  for (let flips = random.chance(3) ? random.below(4) : 0; flips > 0 && bytes.length > 0; flips--)
    bytes[random.below(bytes.length)]! ^= 1 << random.below(8);
  return cleaned(bytes);
}

async function run(input: Buffer, random: Random): Promise<void> {
  const client = new MemoryChannel(random);
  const service = new MemoryChannel(random);
  const call = new Call(passedOnMethod, caller, new Metadata(), new MessageList([]), new Deadline(), systemClock.nowMs());
  const reservedBits = random.pick([0, 0x40, undefined]);
  const socket = new UpstreamSocket({ channel: service.asChannel, first: new Uint8Array(0) }, reservedBits);
  const raw = { channel: client.asChannel, first: new Uint8Array(0), handOver: () => undefined };
  let ended = 0;
  const relay = new Relay({ call, client: raw, service: socket, settings, clock: systemClock, random: systemRandom });
  void relay.run().then(() => ended++);
  const sides = [
    { channel: client, pieces: fragment(conversation(input, true, random), random) },
    { channel: service, pieces: fragment(conversation(input, false, random), random) },
  ];
  while (sides.some(({ pieces }) => pieces.length > 0)) {
    const { channel, pieces } = random.pick(sides);
    const piece = pieces.shift();
    if (piece !== undefined) channel.send(piece);
    if (random.chance(3)) await turn();
    client.drain();
    service.drain();
  }
  await settle(client, () => true, 10);
  await settle(service, () => true, 10);
  const outputs = [client.output, service.output];
  if (random.chance(2)) client.close();
  service.close();
  client.close();
  await settle(client, () => ended === 1);
  assert.equal(ended, 1, "calls that ended");
  checkFrames(outputs[0]!, false, reservedBits);
  checkFrames(outputs[1]!, true, reservedBits);
}

function checkFrames(output: Buffer, masked: boolean, reservedBits: number | undefined): void {
  let closed = false;
  for (let at = 0; at < output.length;) {
    assert.equal(closed, false, "something behind the close frame");
    if (at + 2 > output.length) return assert.fail("a head that is cut");
    const first = output[at]!;
    const second = output[at + 1]!;
    assert.equal(second >= 128, masked, "a frame with a mask, or without");
    if (reservedBits !== undefined) {
      assert.ok([0, 1, 2, 8, 9, 10].includes(first & 0x0f), `opcode ${first & 0x0f}`);
      assert.equal(first & 0x70 & ~reservedBits, 0, "reserved bits");
    }
    let length = second & 0x7f;
    let head = masked ? 6 : 2;
    if (length === 126) {
      length = output.readUInt16BE(at + 2);
      head += 2;
    } else if (length === 127) {
      length = Number(output.readBigUInt64BE(at + 2));
      head += 8;
    }
    if (masked) assert.ok(length <= settings.messageBytes, `a frame of ${length} bytes`);
    closed = (first & 0x0f) === 8;
    at += head + length;
  }
}

describe("fuzz: WebSocket pass-through", function () {
  this.timeout(60_000);

  it("survives any frames from either side", () =>
    fuzz({ name: "websocket", run, words: [Buffer.from([0x88, 0x80]), Buffer.from([0x7e, 0, 0])] }));
});
