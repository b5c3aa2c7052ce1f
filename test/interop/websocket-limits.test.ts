/** Who may open a WebSocket, what it may use up, and how it is told to go: against a handler of the test's own. */
import assert from "node:assert/strict";
import { connect } from "node:net";
import { once } from "node:events";
import { inflateRawSync } from "node:zlib";
import type { Call } from "../../src/core/call.ts";
import type { WebSocketSettings } from "../../src/protocols/protocol.ts";
import { certificate, certificateKey } from "../support/certificate.ts";
import { echoHandler as echo } from "../support/echo-handler.ts";
import { startHop, type Hop, type HopOptions } from "../support/hop.ts";
import { openRaw, openSocket, rawFrame, Refused, talkSocket } from "../support/socket-client.ts";
import { until } from "../support/until.ts";

const service = "/dragoman.test.v1.Echo/";
const defaults: WebSocketSettings = { origins: [], messageBytes: 1 << 20, compression: true, pingMs: 30_000, idleMs: 300_000 };

describe("WebSocket limits", function () {
  this.timeout(30_000);
  const hops: Hop[] = [];
  const start = async (websocket: Partial<WebSocketSettings> = {}, more: Partial<HopOptions> = {}): Promise<Hop> => {
    const hop = await startHop({ handler: echo, websocket: { ...defaults, ...websocket }, ...more });
    hops.push(hop);
    return hop;
  };
  afterEach(async () => {
    await Promise.all(hops.splice(0).map((hop) => hop.stop()));
  });

  describe("the upgrade", () => {
    const refusals: [string, Record<string, string>, number, string][] = [
      ["no key", { "sec-websocket-key": "short" }, 400, "sec-websocket-key"],
      ["another version", { "sec-websocket-version": "8" }, 426, "must be 13"],
      ["no subprotocol of ours", { "sec-websocket-protocol": "graphql-ws, bearer.abc" }, 400, "dragoman.v1+json"],
      ["a broken list of subprotocols", { "sec-websocket-protocol": "a,,b" }, 400, "sec-websocket-protocol"],
      ["a broken extension", { "sec-websocket-extensions": "permessage-deflate; =" }, 400, "sec-websocket-extensions"],
      ["an unreadable timeout", { "grpc-timeout": "soon" }, 400, "grpc-timeout"],
    ];
    for (const [what, headers, status, words] of refusals)
      it(`is refused with ${status} for ${what}`, async () => {
        const hop = await start();
        const all = { "sec-websocket-key": "AAAAAAAAAAAAAAAAAAAAAA==", "sec-websocket-version": "13", ...headers };
        const lines = Object.entries(all).map(([name, value]) => `${name}: ${value}\r\n`);
        const socket = connect(hop.port, "127.0.0.1");
        let answer = "";
        socket.on("data", (data: Buffer) => (answer += data.toString()));
        socket.write(`GET ${service}Unary HTTP/1.1\r\nHost: h\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n${lines.join("")}\r\n`);
        await until(() => answer.includes("}]}"), "the refusal");
        assert.match(answer, new RegExp(`^HTTP/1.1 ${status} `));
        assert.ok(answer.includes(words), answer);
        // The connection is still HTTP's.
        answer = "";
        socket.end(
          "POST /v1/echo HTTP/1.1\r\nHost: h\r\ncontent-type: application/json\r\ncontent-length: 2\r\nconnection: close\r\n\r\n{}",
        );
        await once(socket, "close");
        assert.match(answer, /^HTTP\/1.1 200 /);
        await until(() => hop.ended.length === 2, "both calls' ends");
        assert.equal(hop.ended[0]!.call.caller.protocol, "websocket");
      });

    it("is refused for unknown paths", async () => {
      const hop = await start();
      await assert.rejects(openSocket(hop.port, "/nowhere"), (error) => error instanceof Refused && error.status === 404);
    });

    it("takes the subprotocol that the client names first", async () => {
      const hop = await start();
      const client = await openSocket(hop.port, `${service}Chat`, ["unknown", "dragoman.v1+proto", "dragoman.v1+json"]);
      assert.equal(client.ws.protocol, "dragoman.v1+proto");
      client.ws.terminate();
    });

    it("takes a token from the list of subprotocols, and does not show it again", async () => {
      const seen: (string | undefined)[] = [];
      const hop = await start({}, { handler: (call) => (seen.push(call.metadata.get("authorization")), echo(call)) });
      const client = await openSocket(hop.port, `${service}Unary`, ["bearer.abc.def-g", "dragoman.v1+json"], {
        headers: { cookie: "a=b", authorization: "Basic none" },
      });
      assert.equal(client.ws.protocol, "dragoman.v1+json");
      client.send('{"message":{}}');
      await client.closed;
      assert.deepEqual(seen, ["Bearer abc.def-g"]);
    });

    it("serves over TLS", async () => {
      const hop = await start({}, { tls: { cert: certificate, key: certificateKey } });
      const { WebSocket } = await import("ws");
      const ws = new WebSocket(`wss://127.0.0.1:${hop.port}${service}Unary`, { rejectUnauthorized: false });
      const message = once(ws, "message");
      await once(ws, "open");
      ws.send('{"text":"sealed"}');
      assert.equal(String((await message)[0]), '{"text":"sealed"}');
      assert.equal((await once(ws, "close"))[0], 1000);
      await until(() => hop.ended.length === 1, "the call's end");
      assert.equal(hop.ended[0]!.call.caller.secure, true);
    });
  });

  describe("Origin", () => {
    const cases: [string | undefined, string[], boolean][] = [
      [undefined, [], true],
      ["http://127.0.0.1:PORT", [], true],
      ["https://127.0.0.1:PORT", [], true],
      ["http://127.0.0.1", [], false],
      ["http://evil.example", [], false],
      ["null", [], false],
      ["https://app.example", ["https://app.example"], true],
      ["https://a.b.app.example", ["https://*.app.example"], true],
      ["https://evilapp.example", ["https://*.app.example"], false],
      ["null", ["*"], true],
    ];
    for (const [origin, origins, allowed] of cases)
      it(`${origin ?? "none"} ${allowed ? "may" : "may not"} connect${origins.length > 0 ? ` where ${origins.join()} may` : ""}`, async () => {
        const hop = await start({ origins });
        const headers: Record<string, string> = origin === undefined ? {} : { origin: origin.replace("PORT", String(hop.port)) };
        const opened = openSocket(hop.port, `${service}Chat`, [], { headers });
        if (allowed) (await opened).ws.terminate();
        else
          await assert.rejects(
            opened,
            (error) => error instanceof Refused && error.status === 403 && error.body.includes("ORIGIN_NOT_ALLOWED"),
          );
      });
  });

  describe("frames", () => {
    const chat = `${service}Chat`;
    const cases: [string, Buffer[], number][] = [
      ["without a mask", [rawFrame({ first: 0x81, payload: "{}" }, false)], 1002],
      ["with a reserved bit", [rawFrame({ first: 0xa1, payload: "{}" })], 1002],
      ["compressed without agreement", [rawFrame({ first: 0xc1, payload: "{}" })], 1002],
      ["of an unknown kind", [rawFrame({ first: 0x83 })], 1002],
      ["that continue nothing", [rawFrame({ first: 0x80, payload: "{}" })], 1002],
      ["in the middle of another message", [rawFrame({ first: 0x01, payload: "{" }), rawFrame({ first: 0x81, payload: "}" })], 1002],
      ["of control in pieces", [rawFrame({ first: 0x09, payload: "a" })], 1002],
      ["of control that are long", [rawFrame({ first: 0x89, payload: "a".repeat(126) })], 1002],
      ["of text that is not UTF-8", [rawFrame({ first: 0x81, payload: Buffer.from([0x7b, 0xff, 0x7d]) })], 1007],
      ["over the limit", [rawFrame({ first: 0x82, length: (1 << 20) + 1 })], 1009],
      ["of a length beyond all limits", [rawFrame({ first: 0x82, length: 2 ** 40 })], 1009],
      [
        "over the limit in pieces",
        [rawFrame({ first: 0x01, payload: "a".repeat(700_000) }), rawFrame({ first: 0x80, payload: "a".repeat(700_000) })],
        1009,
      ],
      [
        "in very many pieces",
        [rawFrame({ first: 0x01, payload: "a" }), ...Array.from({ length: 33_000 }, () => rawFrame({ first: 0x00, payload: "a" }))],
        1008,
      ],
      ["of close with half a code", [rawFrame({ first: 0x88, payload: "a" })], 1002],
      ["of close with a code nobody may send", [rawFrame({ first: 0x88, payload: Buffer.from([0x03, 0xed]) })], 1002],
      ["of close with words that are not UTF-8", [rawFrame({ first: 0x88, payload: Buffer.from([3, 232, 0xff]) })], 1007],
      ["of close without a code", [rawFrame({ first: 0x88 })], 1005],
      ["of close", [rawFrame({ first: 0x88, payload: Buffer.from([3, 232]), mask: [1, 2, 3, 4] })], 1000],
    ];
    for (const [what, frames, code] of cases)
      it(`${what}: ${code}`, async () => {
        const hop = await start();
        const raw = await openRaw(hop.port, chat);
        for (const frame of frames) raw.socket.write(frame);
        await until(() => raw.closeCode() !== undefined, "a close frame");
        assert.equal(raw.closeCode(), code);
        await until(() => raw.ended(), "the end of the connection");
        await until(() => hop.ended.length === 1, "the call's end");
        assert.notEqual(hop.ended[0]!.end.code, 0);
      });

    it("are answered when they ping", async () => {
      const hop = await start();
      const raw = await openRaw(hop.port, chat);
      raw.socket.write(rawFrame({ first: 0x89, payload: "are you there" }));
      await until(() => raw.bytes().includes("are you there"), "the pong");
      assert.equal(raw.bytes()[0], 0x8a);
      raw.socket.destroy();
    });

    it("count what they are when opened", async () => {
      const hop = await start({ messageBytes: 100_000 });
      const client = await openSocket(hop.port, chat, [], { perMessageDeflate: true });
      client.ws.send(`{"text":"${"a".repeat(200_000)}"}`, { compress: true });
      assert.equal((await client.closed).code, 1009);
    });
  });

  describe("compression", () => {
    it("is for messages that are worth it", async () => {
      const hop = await start();
      const raw = await openRaw(hop.port, `${service}Chat`, ["Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits"]);
      const text = `{"text":"${"ab".repeat(2000)}"}`;
      raw.socket.write(rawFrame({ first: 0x81, payload: '{"text":"short"}' }));
      raw.socket.write(rawFrame({ first: 0x81, payload: text }));
      const short = Buffer.concat([Buffer.from([0x81, 16]), Buffer.from('{"text":"short"}')]);
      await until(() => raw.bytes().length > short.length + 4, "both answers");
      assert.deepEqual(raw.bytes().subarray(0, short.length), short);
      const frame = raw.bytes().subarray(short.length);
      assert.equal(frame[0], 0xc1);
      assert.ok(frame[1]! < 126 && frame.length >= 2 + frame[1]!);
      const opened = inflateRawSync(Buffer.concat([frame.subarray(2, 2 + frame[1]!), Buffer.from([0, 0, 0xff, 0xff])]), { finishFlush: 2 });
      assert.equal(opened.toString(), text);
      raw.socket.destroy();
    });

    it("can be switched off", async () => {
      const hop = await start({ compression: false });
      const client = await openSocket(hop.port, `${service}Chat`, [], { perMessageDeflate: true });
      assert.equal(client.ws.extensions, "");
      client.ws.terminate();
    });

    it("keeps the order of large and small messages", async () => {
      const hop = await start();
      const client = await openSocket(hop.port, `${service}Chat`, [], { perMessageDeflate: true });
      const texts = Array.from({ length: 60 }, (_, i) => `${i}`.repeat(i % 3 === 0 ? 3000 : 1));
      for (const text of texts) client.ws.send(JSON.stringify({ text }));
      client.ws.send("");
      assert.equal((await client.closed).code, 1000);
      assert.deepEqual(
        client.received.map((frame) => (JSON.parse(frame as string) as { text: string }).text),
        texts,
      );
    });
  });

  describe("time", () => {
    it("drops a client that answers no ping", async () => {
      const hop = await start({ pingMs: 40 });
      const raw = await openRaw(hop.port, `${service}Chat`);
      await until(() => raw.ended(), "the end of the connection");
      assert.deepEqual([...raw.bytes()], [0x89, 0, 0x89, 0]);
      await until(() => hop.ended.length === 1, "the call's end");
      assert.equal(hop.ended[0]!.end.code, 1);
    });

    it("keeps one that does", async () => {
      const hop = await start({ pingMs: 40 });
      const client = await openSocket(hop.port, `${service}Chat`);
      let pings = 0;
      client.ws.on("ping", () => pings++);
      await until(() => pings >= 5, "five pings");
      client.send("{}", "");
      assert.equal((await client.closed).code, 1000);
    });

    it("ends a call on which nothing happens", async () => {
      const hop = await start({ idleMs: 60 });
      const { received, closed } = await talkSocket(hop.port, `${service}Chat`, ["dragoman.v1+json"], ['{"message":{}}']);
      assert.match(received.at(-1) as string, /"code":4,"message":"no message/);
      assert.equal(closed.code, 1000);
    });

    it("ends a connection on which no call is made", async () => {
      const hop = await start({ idleMs: 60 });
      const client = await openSocket(hop.port, `${service}Unary`);
      assert.equal((await client.closed).code, 4004);
    });
  });

  describe("a drain", () => {
    it("ends streams with 1001 and says why", async () => {
      const hop = await start();
      const client = await openSocket(hop.port, `${service}Chat`, ["dragoman.v1+json"]);
      const silent = await openSocket(hop.port, `${service}Unary`);
      client.send('{"message":{"text":"a"}}');
      await client.got(2);
      await hop.drain(2000);
      assert.equal((await client.closed).code, 1001);
      assert.match(client.received.at(-1) as string, /"code":14.*SHUTTING_DOWN/);
      assert.equal((await silent.closed).code, 1001);
    });

    it("lets a unary call finish", async () => {
      const calls: Call[] = [];
      const released = Promise.withResolvers<void>();
      const hop = await start({}, { handler: async (call) => (calls.push(call), await released.promise, echo(call)) });
      const client = await openSocket(hop.port, `${service}Unary`);
      client.send('{"text":"last"}');
      await until(() => calls.length === 1, "the call");
      const drained = hop.drain(8000);
      released.resolve();
      assert.equal((await client.closed).code, 1000);
      assert.deepEqual(client.received, ['{"text":"last"}']);
      await drained;
    });

    it("does not wait for a client that says nothing", async () => {
      const hop = await start();
      const raw = await openRaw(hop.port, `${service}Chat`);
      await hop.drain(100);
      await until(() => raw.ended(), "the end of the connection");
    });
  });
});
