/** The client role against servers that only exist here: scripted frame by frame. What it must do with real ones is in the contract. */
import assert from "node:assert/strict";
import { systemClock } from "../../../../src/core/clock.ts";
import { Http2Client, type Http2ClientOptions } from "../../../../src/wire/http2/http2-client.ts";
import type { RequestTemplate } from "../../../../src/wire/http-client.ts";
import { defaultLimits } from "../../../../src/wire/limits.ts";
import { open, type Collected } from "../../../contracts/http2-contract.ts";
import { flag, frame, settings, type, uint32 } from "../../../fuzz/frames.ts";
import { until } from "../../../support/until.ts";
import { head, serveRaw, type RawPeer } from "./raw-peer.ts";

const post: RequestTemplate = { method: "POST", scheme: "http", authority: "a", path: "/x", headers: [] };
const get: RequestTemplate = { method: "GET", scheme: "http", authority: "a", path: "/", headers: [] };
const ok = (streamId: number): Buffer => head(streamId, [":status", "200"]);

describe("HTTP/2 client", () => {
  let close: (() => void)[] = [];
  afterEach(() => {
    for (const one of close) one();
    close = [];
  });

  async function raw(script: (peer: RawPeer, nth: number) => void): Promise<{ port: number; peers: RawPeer[] }> {
    const server = await serveRaw(script);
    close.push(() => server.close());
    return server;
  }

  function clientOf(port: number, options: Partial<Http2ClientOptions> = {}): Http2Client {
    const client = new Http2Client({ host: "127.0.0.1", port, clock: systemClock, poisonReadBuffers: true, ...options });
    close.push(() => client.close());
    return client;
  }

  const greet = (peer: RawPeer): void => peer.send(settings());
  function ask(client: Http2Client, template: RequestTemplate = get): Collected {
    const answer = open(client, template);
    answer.stream!.end();
    return answer;
  }

  it("sends a request without body in one frame", async () => {
    const server = await raw(greet);
    const client = clientOf(server.port);
    const first = ask(client);
    await until(() => server.peers[0]?.of(type.headers).length === 1, "the head");
    assert.equal(server.peers[0]!.of(type.headers)[0]!.flags & flag.endStream, flag.endStream);
    server.peers[0]!.send(ok(1));
    await first.end();
    // A ready connection: the head is in the output already when `end` comes.
    ask(client);
    await server.peers[0]!.first(type.headers, 3);
    assert.equal(server.peers[0]!.of(type.headers, 3)[0]!.flags & flag.endStream, flag.endStream);
    assert.equal(server.peers[0]!.of(type.data).length, 0);
  });

  it("sends nothing before the server's SETTINGS, and keeps what was written", async () => {
    const server = await raw(() => undefined);
    const client = clientOf(server.port);
    const answer = open(client, post);
    answer.stream!.write(Buffer.from("kept "), false);
    answer.stream!.write(Buffer.from("for later"), true, Buffer.from("well "));
    await until(() => server.peers[0]?.of(type.settings).length === 1, "the client's SETTINGS");
    assert.equal(client.state, "connecting");
    assert.equal(client.pendingStreams, 1);
    assert.equal(server.peers[0]!.of(type.headers).length, 0);
    greet(server.peers[0]!);
    await until(() => server.peers[0]!.body(1).toString() === "kept well for later", "the body");
    assert.equal(client.state, "ready");
  });

  it("keeps to the peer's streams and opens more connections, up to its limit", async () => {
    const server = await raw((peer) => peer.send(settings([3, 2])));
    const client = clientOf(server.port, { maxConnections: 2, maxPending: 2 });
    const answers = Array.from({ length: 2 }, () => ask(client));
    await until(() => client.activeStreams === 2, "two streams");
    answers.push(ask(client), ask(client));
    await until(() => client.activeStreams === 4, "a second connection");
    answers.push(ask(client), ask(client), ask(client));
    await answers[6]!.end();
    assert.deepEqual([answers[6]!.error?.kind, answers[6]!.error?.unprocessed], ["refused", true]);
    assert.equal(client.pendingStreams, 2);
    assert.equal(server.peers.length, 2);
    server.peers[0]!.send(ok(1), ok(3));
    await until(() => client.pendingStreams === 0, "room for those that wait");
    assert.equal(client.activeStreams, 4);
  });

  it("GOAWAY: streams above the last are unprocessed, the others end well, the next request takes a new connection", async () => {
    const server = await raw(greet);
    const client = clientOf(server.port);
    const answers = [ask(client), ask(client)];
    await until(() => server.peers[0]?.of(type.headers).length === 2, "two requests");
    server.peers[0]!.send(frame(type.goaway, 0, 0, Buffer.concat([uint32(1), uint32(0), Buffer.from("bye")])));
    await answers[1]!.end();
    assert.deepEqual([answers[1]!.error?.kind, answers[1]!.error?.unprocessed], ["refused", true]);
    assert.equal(answers[0]!.ends, 0);
    const next = ask(client);
    await until(() => server.peers[1]?.of(type.headers).length === 1, "the new connection");
    server.peers[0]!.send(ok(1));
    server.peers[1]!.send(ok(1));
    await Promise.all([answers[0]!.end(), next.end()]);
    assert.equal(answers[0]!.status, 200);
    assert.equal(next.status, 200);
    await server.peers[0]!.end();
  });

  it("a reset in the wake of a GOAWAY for a fault is the connection's end, not an answer to the call", async () => {
    for (const [code, http2Code] of [
      [0x2, undefined],
      [0xb, undefined],
      [0x0, 0x2],
    ] as const) {
      const server = await raw(greet);
      const client = clientOf(server.port);
      const answer = ask(client);
      await until(() => server.peers[0]?.of(type.headers).length === 1, "the request");
      server.peers[0]!.send(frame(type.goaway, 0, 0, Buffer.concat([uint32(1), uint32(code)])), frame(type.reset, 0, 1, uint32(0x2)));
      await answer.end();
      assert.deepEqual([answer.error?.kind, answer.error?.unprocessed, answer.error?.http2Code], ["reset", false, http2Code]);
    }
  });

  it("a connection lost is an error for its streams, and not unprocessed", async () => {
    const server = await raw(greet);
    const client = clientOf(server.port);
    const answer = ask(client);
    await until(() => server.peers[0]?.of(type.headers).length === 1, "the request");
    server.peers[0]!.socket.destroy();
    await answer.end();
    assert.deepEqual([answer.error?.kind, answer.error?.unprocessed], ["reset", false]);
  });

  it("out of stream ids: a new connection", async () => {
    const server = await raw(greet);
    const client = clientOf(server.port, { firstStreamId: 0x7ffffffd });
    const answers = [ask(client), ask(client), ask(client)];
    await until(() => server.peers[1]?.of(type.headers).length === 1, "the second connection");
    server.peers[0]!.send(ok(0x7ffffffd), ok(0x7fffffff));
    server.peers[1]!.send(ok(0x7ffffffd));
    await Promise.all(answers.map((answer) => answer.end()));
    assert.ok(answers.every(({ status }) => status === 200));
    await server.peers[0]!.end();
  });

  it("keepalive: a PING while requests are under way, and an end without an answer", async () => {
    const server = await raw(greet);
    const client = clientOf(server.port, {
      keepaliveMs: 20,
      keepaliveTimeoutMs: 40,
      limits: { ...defaultLimits, bodyTimeoutMs: 40 },
    });
    const answer = ask(client);
    await until(() => (server.peers[0]?.of(type.ping).length ?? 0) > 0, "a PING");
    server.peers[0]!.send(frame(type.ping, flag.ack, 0, server.peers[0]!.of(type.ping)[0]!.payload));
    await until(() => server.peers[0]!.of(type.ping).length > 1, "another PING");
    await answer.end();
    assert.equal(answer.error?.kind, "reset");
  });

  it("a server that refuses connections is left alone for a while", async () => {
    const server = await raw(greet);
    for (const one of close.splice(0)) one();
    const client = clientOf(server.port, { backoff: { baseMs: 60, random: () => 1 } });
    const first = await ask(client).end();
    assert.deepEqual([first.error?.kind, first.error?.unprocessed], ["connect", true]);
    assert.match(first.error!.message, /ECONNREFUSED/);
    assert.equal(client.state, "backing-off");
    const second = ask(client);
    assert.equal(second.ends, 0, "not in the call itself");
    await second.end();
    assert.equal(second.error?.kind, "connect");
    await until(() => client.state === "idle", "the end of the pause");
  });

  it("a server that hangs up at once counts as one that is not there", async () => {
    const server = await raw((peer) => peer.socket.end(settings()));
    const client = clientOf(server.port, { backoff: { baseMs: 1000, random: () => 1 } });
    const answer = await ask(client).end();
    assert.ok(answer.error);
    await until(() => client.state === "backing-off", "the pause");
    assert.ok(server.peers.length <= 2);
  });

  it("something else than HTTP/2 on the other side", async () => {
    const server = await raw((peer) => peer.send(Buffer.from("HTTP/1.1 400 Bad Request\r\n\r\n")));
    const answer = await ask(clientOf(server.port)).end();
    assert.deepEqual([answer.error?.kind, answer.error?.unprocessed], ["connect", true]);
  });

  it("a deadline while waiting, and a cancel while waiting", async () => {
    const server = await raw(() => undefined);
    const client = clientOf(server.port);
    const late = open(client, get, [], performance.now() + 20);
    const cancelled = open(client, get);
    cancelled.stream!.cancel();
    await late.end();
    assert.deepEqual([late.error?.kind, late.error?.unprocessed], ["timeout", true]);
    assert.equal(cancelled.ends, 0);
    assert.equal(client.pendingStreams, 0);
  });

  describe("answers that break the rules reset their stream", () => {
    const protocolError = 1;
    const cases: readonly (readonly [string, () => Buffer[]])[] = [
      ["no :status", () => [head(1, ["x", "y"])]],
      [":status that is no number", () => [head(1, [":status", "2x0"])]],
      [":status after other fields", () => [head(1, ["x", "y", ":status", "200"])]],
      ["a connection field", () => [head(1, [":status", "200", "connection", "close"])]],
      ["an upper-case name", () => [head(1, [":status", "200", "X", "y"])]],
      ["DATA before the head", () => [frame(type.data, 0, 1, Buffer.from("x"))]],
      ["an interim response that ends", () => [head(1, [":status", "103"])]],
      ["101", () => [head(1, [":status", "101"], 0)]],
      ["two heads", () => [head(1, [":status", "200"], 0), head(1, [":status", "200"], 0)]],
      ["a pseudo field in trailers", () => [head(1, [":status", "200"], 0), head(1, [":status", "200"])]],
      ["less body than declared", () => [head(1, [":status", "200", "content-length", "2"], 0), frame(type.data, 1, 1, Buffer.from("x"))]],
      ["more body than declared", () => [head(1, [":status", "200", "content-length", "0"], 0), frame(type.data, 1, 1, Buffer.from("x"))]],
      ["content-length without a body", () => [head(1, [":status", "200", "content-length", "2"])]],
    ];
    for (const [name, frames] of cases) {
      it(name, async () => {
        const server = await raw(greet);
        const client = clientOf(server.port);
        const answer = ask(client);
        await until(() => server.peers[0]?.of(type.headers).length === 1, "the request");
        server.peers[0]!.send(...frames());
        await answer.end();
        assert.equal(answer.error?.kind, "protocol");
        assert.equal(answer.ends, 1);
        assert.equal(await server.peers[0]!.resetCode(1), protocolError);
        assert.equal(client.state, "ready");
      });
    }

    it("PUSH_PROMISE and responses nobody asked for end the connection", async () => {
      for (const bytes of [frame(type.push, flag.endHeaders, 1, uint32(2)), ok(7), ok(2), settings([2, 1])]) {
        const server = await raw(greet);
        const answer = ask(clientOf(server.port));
        await until(() => server.peers[0]?.of(type.headers).length === 1, "the request");
        server.peers[0]!.send(bytes);
        await answer.end();
        assert.equal(answer.error?.kind, "protocol");
        assert.equal(await server.peers[0]!.goawayCode(), protocolError);
      }
    });
  });

  it("interim responses are passed over", async () => {
    const server = await raw(greet);
    const answer = ask(clientOf(server.port));
    await until(() => server.peers[0]?.of(type.headers).length === 1, "the request");
    server.peers[0]!.send(head(1, [":status", "103", "link", "x"], 0), head(1, [":status", "204"]));
    await answer.end();
    assert.equal(answer.status, 204);
  });

  it("windows: no more than the peer allows, all of it in the end, streams in turn", async () => {
    const server = await raw((peer) => peer.send(settings([4, 1000])));
    const client = clientOf(server.port);
    const bodies = [Buffer.alloc(5000, "a"), Buffer.alloc(5000, "b")];
    for (const body of bodies) open(client, post).stream!.write(body, true);
    await until(() => server.peers[0]?.body(3).length === 1000, "the first window");
    const [peer] = server.peers;
    assert.equal(peer!.body(1).length, 1000);
    peer!.send(settings([4, 500]), frame(type.window, 0, 1, uint32(500)), frame(type.window, 0, 3, uint32(700)));
    await until(() => peer!.body(3).length === 1200, "what the smaller window lets through");
    assert.equal(peer!.body(1).length, 1000);
    peer!.send(frame(type.window, 0, 1, uint32(10_000)), frame(type.window, 0, 3, uint32(10_000)));
    await until(() => peer!.body(1).equals(bodies[0]!) && peer!.body(3).equals(bodies[1]!), "both bodies");
  });

  it("credit: half a window is given back at once, for the stream and the connection", async () => {
    const server = await raw(greet);
    const client = clientOf(server.port);
    const answer = open(client, get);
    answer.eager = false;
    answer.stream!.end();
    await until(() => server.peers[0]?.of(type.headers).length === 1, "the request");
    const [peer] = server.peers;
    const before = peer!.of(type.window).length;
    peer!.send(head(1, [":status", "200"], 0));
    for (let i = 0; i < 160; i++) peer!.send(frame(type.data, 0, 1, Buffer.alloc(16_384)));
    await until(() => answer.body.length === 160 * 16_384, "the data");
    assert.equal(peer!.of(type.window).length, before);
    answer.stream!.consumed(160 * 16_384);
    await peer!.first(type.window, 1);
    assert.equal(peer!.of(type.window, 1)[0]!.payload.readUInt32BE(0), 160 * 16_384);
  });

  it("a cancelled stream gives its bytes back to the connection", async () => {
    const server = await raw(greet);
    const client = clientOf(server.port);
    for (let nth = 1; nth <= 5; nth++) {
      const answer = open(client, get);
      answer.eager = false;
      answer.stream!.end();
      const id = 2 * nth - 1;
      await until(() => server.peers[0]?.of(type.headers, id).length === 1, "the request");
      server.peers[0]!.send(
        head(id, [":status", "200"], 0),
        ...Array.from({ length: 250 }, () => frame(type.data, 0, id, Buffer.alloc(16_384))),
      );
      await until(() => answer.body.length === 250 * 16_384, "a full window");
      answer.stream!.cancel();
    }
    assert.ok(server.peers[0]!.of(type.window, 0).length > 1);
    assert.equal(server.peers[0]!.of(type.goaway).length, 0);
  });

  it("a field that cannot be sent fails its request alone", async () => {
    const server = await raw(greet);
    const client = clientOf(server.port);
    const good = ask(client);
    await until(() => client.state === "ready", "the connection");
    const bad = open(client, get, ["x", "\u20ac"]);
    bad.stream!.end();
    await bad.end();
    assert.equal(bad.error?.kind, "protocol");
    await until(() => server.peers[0]!.of(type.headers, 1).length === 1, "the request");
    server.peers[0]!.send(ok(1));
    await good.end();
    assert.equal(good.status, 200);
  });
});
