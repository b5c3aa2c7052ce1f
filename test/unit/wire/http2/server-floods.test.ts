/** Peers that keep the server busy for nothing, and peers that keep it waiting (RFC 9113, section 10.5; the limits are in flood-guard.ts). */
import assert from "node:assert/strict";
import { floodLimits, maxContinuations, maxQueuedControlFrames } from "../../../../src/wire/http2/flood-guard.ts";
import type { WireError } from "../../../../src/wire/wire-error.ts";
import { block, flag, frame, type, uint32 } from "../../../fuzz/frames.ts";
import { until } from "../../../support/until.ts";
import { getFields, head, postFields, RawPeer, serve, type RawServed } from "./raw-peer.ts";

const enhanceYourCalm = 11;
const times = (count: number, make: (i: number) => Buffer): Buffer => Buffer.concat(Array.from({ length: count }, (_, i) => make(i)));

describe("HTTP/2 server, floods", () => {
  let server: RawServed;
  beforeEach(async () => {
    server = await serve();
  });
  afterEach(() => server.close());

  const floods: readonly (readonly [string, number, (i: number) => Buffer])[] = [
    [
      "rapid reset",
      floodLimits.reset.burst,
      (i) => Buffer.concat([head(1 + 2 * i, getFields), frame(type.reset, 0, 1 + 2 * i, uint32(8))]),
    ],
    [
      "made you reset, by bad increments",
      floodLimits.provokedReset.burst,
      (i) => Buffer.concat([head(1 + 2 * i, postFields, 0), frame(type.window, 0, 1 + 2 * i, uint32(0))]),
    ],
    ["made you reset, by malformed heads", floodLimits.provokedReset.burst, (i) => head(1 + 2 * i, ["X", "y"])],
    ["made you reset, by streams above the limit", floodLimits.provokedReset.burst + 100, (i) => head(1 + 2 * i, postFields, 0)],
    ["PING", floodLimits.ping.burst, () => frame(type.ping, 0, 0, Buffer.alloc(8))],
    ["SETTINGS", floodLimits.settings.burst, () => frame(type.settings, 0, 0)],
    ["PRIORITY", floodLimits.priority.burst, () => frame(type.priority, 0, 1, Buffer.concat([uint32(3), Buffer.alloc(1)]))],
    ["WINDOW_UPDATE", floodLimits.windowUpdate.burst, () => frame(type.window, 0, 0, uint32(1))],
    ["unknown frames", floodLimits.idle.burst, () => frame(0x42, 0, 0)],
    [
      "heads above the limit",
      floodLimits.oversizedHead.burst,
      (i) => head(1 + 2 * i, [...getFields, ...Array.from({ length: 240 }, () => "x")]),
    ],
  ];
  for (const [name, allowed, make] of floods) {
    it(name, async () => {
      const peer = await RawPeer.greeted(server.port);
      peer.send(times(Math.floor(allowed / 2), make));
      await peer.settled();
      assert.equal(peer.closed, false, "half the allowance is fine");
      // Heads move frames, which some allowances are measured by: send more than enough.
      peer.send(times(allowed * 2, (i) => make(i + Math.floor(allowed / 2))));
      assert.equal(await peer.goawayCode(), enhanceYourCalm);
      await peer.end();
    });
  }

  it("empty DATA", async () => {
    const peer = await RawPeer.greeted(server.port);
    peer.send(
      head(1, postFields, 0),
      times(floodLimits.emptyData.burst * 3, () => frame(type.data, 0, 1)),
    );
    assert.equal(await peer.goawayCode(), enhanceYourCalm);
  });

  it("requests that were reset in the same read never reach the handler", async () => {
    const peer = await RawPeer.greeted(server.port);
    peer.send(times(200, (i) => Buffer.concat([head(1 + 2 * i, getFields), frame(type.reset, 0, 1 + 2 * i, uint32(8))])));
    await peer.settled();
    assert.ok(server.exchanges.length < 20, `${server.exchanges.length} exchanges`);
  });

  it("many CONTINUATIONs", async () => {
    const peer = await RawPeer.greeted(server.port);
    peer.send(
      frame(type.headers, 0, 1, block(...getFields)),
      times(maxContinuations + 1, () => frame(type.continuation, 0, 1, block("x", "y"))),
    );
    assert.equal(await peer.goawayCode(), enhanceYourCalm);
  });

  it("large CONTINUATIONs", async () => {
    const peer = await RawPeer.greeted(server.port);
    peer.send(
      frame(type.headers, 0, 1, block(...getFields)),
      times(5, () => frame(type.continuation, 0, 1, Buffer.alloc(16_384))),
    );
    assert.equal(await peer.goawayCode(), enhanceYourCalm);
  });

  it("an HPACK bomb is 431, not memory", async () => {
    const peer = await RawPeer.greeted(server.port);
    const bomb = Buffer.concat([Buffer.from([0x40, 1, 0x78, 127, 0x81, 0x1e]), Buffer.alloc(3968, "v"), Buffer.alloc(10_000, 0xbe)]);
    peer.send(frame(type.headers, flag.endHeaders | flag.endStream, 1, Buffer.concat([block(...getFields), bomb])));
    assert.ok((await peer.first(type.headers, 1)).payload.includes("431"));
    assert.equal(server.exchanges.length, 0);
  });

  it("one-byte DATA is gathered", async () => {
    const peer = await RawPeer.greeted(server.port);
    const count = 60_000;
    const before = process.memoryUsage().rss;
    peer.send(
      head(1, postFields, 0),
      times(count, () => frame(type.data, 0, 1, Buffer.from("a"))),
    );
    await peer.settled();
    assert.ok(process.memoryUsage().rss - before < 64e6);
    peer.send(frame(type.data, flag.endStream, 1));
    await peer.settled();
    assert.ok(Buffer.from(server.exchanges[0]!.body.whole()!).equals(Buffer.alloc(count, "a")));
  });

  it("control frames to a peer that does not read", async () => {
    const peer = await RawPeer.greeted(server.port, [4, 0x7fffffff]);
    peer.send(frame(type.window, 0, 0, uint32(0x7fff0000)), head(1, getFields));
    await until(() => server.exchanges.length === 1, "the request");
    peer.socket.pause();
    server.exchanges[0]!.start(200, []);
    for (let i = 0; i < 400; i++) server.exchanges[0]!.write(Buffer.alloc(64 * 1024));
    // The answer moved frames enough for thousands of PINGs; it is their answers that pile up.
    for (let sent = 0; sent < 4 * maxQueuedControlFrames; sent += 100) peer.send(times(100, () => frame(type.ping, 0, 0, Buffer.alloc(8))));
    await until(() => !server.exchanges[0]!.open, "the end of the connection");
  });
});

describe("HTTP/2 server, time limits", () => {
  let server: RawServed | undefined;
  afterEach(() => server?.close());

  it("no preface in time", async () => {
    server = await serve({ headTimeoutMs: 40 });
    const peer = await RawPeer.connect(server.port);
    peer.send(Buffer.from("PRI * HT"));
    await peer.end();
  });

  it("a head that does not come to its end", async () => {
    server = await serve({ headTimeoutMs: 40 });
    const peer = await RawPeer.greeted(server.port);
    await peer.settled();
    peer.send(frame(type.headers, 0, 1, block(...getFields)));
    assert.equal(await peer.goawayCode(), 0);
    await peer.end();
  });

  it("a frame that stops in the middle", async () => {
    server = await serve({ bodyTimeoutMs: 40 });
    const peer = await RawPeer.greeted(server.port);
    peer.send(head(1, postFields, 0), frame(type.data, 0, 1, Buffer.alloc(100)).subarray(0, 50));
    await peer.end();
  });

  it("a client that never opens its window", async () => {
    server = await serve({ bodyTimeoutMs: 40 });
    const peer = await RawPeer.greeted(server.port, [4, 0]);
    peer.send(head(1, getFields));
    await until(() => server!.exchanges.length === 1, "the request");
    const [exchange] = server.exchanges;
    let reason: WireError | undefined;
    exchange!.onAbort((error) => (reason = error));
    exchange!.respond(200, [], Buffer.from("never taken"));
    assert.equal(await peer.resetCode(1), 8);
    assert.equal(reason?.kind, "timeout");
  });

  it("a client that does not send the body it declared", async () => {
    server = await serve({ bodyTimeoutMs: 40 });
    const peer = await RawPeer.greeted(server.port);
    peer.send(head(1, [...postFields, "content-length", "10"], 0));
    await until(() => server!.exchanges.length === 1, "the request");
    await assert.rejects(async () => server!.exchanges[0]!.body.read(), { kind: "timeout" });
    assert.equal(await peer.resetCode(1), 8);
  });

  it("a stream without declared length may be silent", async () => {
    server = await serve({ bodyTimeoutMs: 30 });
    const peer = await RawPeer.greeted(server.port);
    peer.send(head(1, postFields, 0));
    await until(() => server!.exchanges.length === 1, "the request");
    const chunk = server.exchanges[0]!.body.read();
    await new Promise((resolve) => setTimeout(resolve, 120));
    peer.send(frame(type.data, flag.endStream, 1, Buffer.from("at last")));
    assert.equal(Buffer.from((await chunk)!).toString(), "at last");
  });

  it("idleness", async () => {
    server = await serve({ idleTimeoutMs: 40 }, (exchange) => exchange.respond(204, [], undefined));
    const peer = await RawPeer.greeted(server.port);
    peer.send(head(1, getFields));
    await peer.first(type.headers, 1);
    assert.equal(await peer.goawayCode(), 0);
    await peer.end();
  });
});

describe("HTTP/2 server, drain", () => {
  let server: RawServed;
  beforeEach(async () => {
    server = await serve();
  });
  afterEach(() => server.close());

  it("says so twice, finishes what is under way, then closes", async () => {
    const peer = await RawPeer.greeted(server.port);
    peer.send(head(1, getFields));
    await peer.settled();
    const drained = server.connections[0]!.drain(5000);
    const ping = await (async () => {
      await until(() => peer.of(type.ping).length === 2, "the server's PING");
      return peer.of(type.ping)[1]!;
    })();
    assert.equal(peer.of(type.goaway)[0]!.payload.readUInt32BE(0), 0x7fffffff);
    // A request that crossed the first GOAWAY is still taken.
    peer.send(head(3, getFields), frame(type.ping, flag.ack, 0, ping.payload));
    await until(() => peer.of(type.goaway).length === 2, "the final GOAWAY");
    assert.equal(peer.of(type.goaway)[1]!.payload.readUInt32BE(0), 3);
    peer.send(head(5, getFields));
    await until(() => server.exchanges.length === 2, "the second request");
    for (const exchange of server.exchanges) exchange.respond(200, [], Buffer.from("done"));
    await drained;
    await peer.end();
    assert.equal(server.exchanges.length, 2, "what came after the final GOAWAY is not looked at");
    assert.equal(peer.body(3).toString(), "done");
  });

  it("ends by force", async () => {
    const peer = await RawPeer.greeted(server.port);
    peer.send(head(1, getFields));
    await peer.settled();
    let reason: WireError | undefined;
    server.exchanges[0]!.onAbort((error) => (reason = error));
    await server.connections[0]!.drain(30);
    assert.equal(reason?.kind, "closed");
  });

  it("a client that half-closes gets its answer", async () => {
    const peer = await RawPeer.greeted(server.port);
    peer.send(head(1, getFields));
    peer.socket.end();
    await until(() => server.exchanges.length === 1, "the request");
    await new Promise((resolve) => setTimeout(resolve, 20));
    server.exchanges[0]!.respond(200, [], Buffer.from("still here"));
    await peer.end();
    assert.equal(peer.body(1).toString(), "still here");
  });
});
