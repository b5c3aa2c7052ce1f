/** WebSockets passed on to a server of `ws`, by clients of `ws` and byte by byte. */
import assert from "node:assert/strict";
import { createHash, randomBytes } from "node:crypto";
import { once } from "node:events";
import { connect as connectTcp, type Socket } from "node:net";
import { WebSocket, type RawData } from "ws";
import { echo, startRelayHost, type RelayHost, type RelayHostOptions } from "../support/relay-host.ts";
import { echoDescriptors } from "../support/runtime-host.ts";
import { openRaw, openSocket, rawFrame, Refused } from "../support/socket-client.ts";
import { until } from "../support/until.ts";

const upgradeHead = [
  "Host: h",
  "Connection: Upgrade",
  "Upgrade: websocket",
  "Sec-WebSocket-Version: 13",
  "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==",
];

describe("WebSocket pass-through", function () {
  this.timeout(30_000);
  const hosts: RelayHost[] = [];
  const start = async (options: RelayHostOptions = {}): Promise<RelayHost> => {
    const hop = await startRelayHost(options);
    hosts.push(hop);
    return hop;
  };
  afterEach(async () => {
    await Promise.all(hosts.splice(0).map((hop) => hop.stop()));
  });

  describe("the upgrade", () => {
    it("arrives with path, query and fields, and with where it came from", async () => {
      const hop = await start();
      const headers = {
        cookie: "a=b",
        "x-color": "blue",
        host: "shop.test:81",
        origin: "http://shop.test:81",
        "x-forwarded-for": "203.0.113.7",
      };
      const client = await openSocket(hop.port, "/rooms/a%2Fb?x=%20&y", [], { headers });
      client.ws.terminate();
      const { url, headers: seen } = hop.upgrades[0]!;
      assert.equal(url, "/rooms/a%2Fb?x=%20&y");
      assert.equal(seen["cookie"], "a=b");
      assert.equal(seen["x-color"], "blue");
      assert.equal(seen["origin"], "http://shop.test:81");
      assert.equal(seen["host"], "shop.test:81");
      assert.equal(seen["x-forwarded-for"], "203.0.113.7, 127.0.0.1");
      assert.equal(seen["x-forwarded-proto"], "http");
      assert.equal(seen["x-forwarded-host"], "shop.test:81");
      assert.equal(seen["via"], "1.1 dragoman");
      assert.match(String(seen["traceparent"]), /^00-[0-9a-f]{32}-[0-9a-f]{16}-0[0-9a-f]$/);
    });

    it("is answered with the fields of the server, its accept key among them", async () => {
      const hop = await start();
      hop.server.on("headers", (headers: string[]) => void headers.push("Set-Cookie: s=1", "X-Shard: 7"));
      const ws = new WebSocket(`ws://127.0.0.1:${hop.port}/`);
      const [[response]] = (await Promise.all([once(ws, "upgrade"), once(ws, "open")])) as [
        [{ headers: Record<string, string | string[]> }],
        unknown,
      ];
      assert.deepEqual(response.headers["set-cookie"], ["s=1"]);
      assert.equal(response.headers["x-shard"], "7");
      ws.terminate();
    });

    it("leaves the choice of the subprotocol to the server", async () => {
      const hop = await start({ server: { handleProtocols: (offered) => [...offered].at(-1)! } });
      const client = await openSocket(hop.port, "/", ["graphql-ws", "mqtt", "chat.v2"]);
      assert.equal(client.ws.protocol, "chat.v2");
      client.ws.terminate();
    });

    it("sees the server's own host where the settings say so", async () => {
      const hop = await start({ settings: { "inbound.upstreamHost": "upstream" } });
      const client = await openSocket(hop.port, "/", [], { headers: { host: "shop.test" } });
      client.ws.terminate();
      assert.match(hop.upgrades[0]!.headers.host!, /^127\.0\.0\.1:\d+$/);
    });

    it("is for what no schema has a method for; the rest stays a call", async () => {
      const hop = await start({ settings: { "inbound.schema": { descriptors: echoDescriptors } } });
      const passed = await openSocket(hop.port, "/elsewhere");
      passed.send("hello");
      await passed.got(1);
      passed.ws.terminate();
      const called = await openSocket(hop.port, "/grpc.health.v1.Health/Check");
      called.send("{}");
      assert.deepEqual([(await called.closed).code, called.received], [1000, ['{"status":"SERVING"}']]);
      assert.equal(hop.upgrades.length, 1);
    });

    it("is not passed on from a page of another origin", async () => {
      const hop = await start({ settings: { "inbound.websocket.origins": ["https://app.example"] } });
      await assert.rejects(
        openSocket(hop.port, "/", [], { headers: { origin: "https://evil.example" } }),
        (error) => error instanceof Refused && error.status === 403 && error.body.includes("ORIGIN_NOT_ALLOWED"),
      );
      assert.equal(hop.upgrades.length, 0);
      const client = await openSocket(hop.port, "/", [], { headers: { origin: "https://app.example" } });
      client.ws.terminate();
      assert.equal(hop.upgrades[0]!.headers.origin, "https://app.example");
    });

    const malformed: [string, string[], number][] = [
      ["a version that is not 13", [...upgradeHead.slice(0, 3), "Sec-WebSocket-Version: 8", upgradeHead[4]!], 426],
      ["a key that is none", [...upgradeHead.slice(0, 4), "Sec-WebSocket-Key: short"], 400],
      ["a body", [...upgradeHead, "Content-Length: 2"], 400],
    ];
    for (const [what, head, status] of malformed)
      it(`is refused with ${status} for ${what}, unseen by the server`, async () => {
        const hop = await start();
        const answer = await exchanged(hop.port, `GET / HTTP/1.1\r\n${head.join("\r\n")}\r\n\r\n{}`, (text) => text.includes("\r\n\r\n"));
        assert.match(answer, new RegExp(`^HTTP/1.1 ${status} `));
        assert.equal(hop.upgrades.length, 0);
      });

    it("is refused by the server in its own words", async () => {
      const body = "<h1>not you</h1>";
      const hop = await start({
        upgrade: (_request, connection) =>
          void connection.end(
            `HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: Bearer\r\nContent-Type: text/html\r\nContent-Length: ${body.length}\r\n\r\n${body}`,
          ),
      });
      await assert.rejects(
        openSocket(hop.port, "/"),
        (error) =>
          error instanceof Refused &&
          error.status === 401 &&
          error.body === body &&
          error.headers["www-authenticate"] === "Bearer" &&
          error.headers["content-type"] === "text/html",
      );
      await hop.ended("UNAUTHENTICATED");
      assert.deepEqual(hop.codes(), ["UNAUTHENTICATED"]);
    });

    it("is answered as plain HTTP by a server that knows no WebSocket", async () => {
      const hop = await start({ upgrade: (_request, connection) => void connection.end("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi") });
      await assert.rejects(openSocket(hop.port, "/"), (error) => error instanceof Refused && error.status === 200 && error.body === "hi");
      await hop.ended("OK");
    });

    const accept = createHash("sha1").update("AAAAAAAAAAAAAAAAAAAAAA==258EAFA5-E914-47DA-95CA-C5AB0DC85B11").digest("base64");
    const answers: [string, string[], string, RegExp][] = [
      ["another accept key", ["Sec-WebSocket-Accept: AAAA"], "INTERNAL", /^HTTP\/1.1 502 [\s\S]*UPSTREAM_PROTOCOL/],
      ["no accept key", [], "INTERNAL", /^HTTP\/1.1 502 [\s\S]*UPSTREAM_PROTOCOL/],
      [
        "a subprotocol nobody offered",
        [`Sec-WebSocket-Accept: ${accept}`, "Sec-WebSocket-Protocol: chat"],
        "INTERNAL",
        /^HTTP\/1.1 502 [\s\S]*UPSTREAM_PROTOCOL/,
      ],
      [
        "an extension nobody offered",
        [`Sec-WebSocket-Accept: ${accept}`, "Sec-WebSocket-Extensions: permessage-deflate"],
        "INTERNAL",
        /^HTTP\/1.1 502 [\s\S]*UPSTREAM_PROTOCOL/,
      ],
    ];
    for (const [what, fields, code, seen] of answers)
      it(`that is answered with ${what} fails`, async () => {
        const lines = ["HTTP/1.1 101 Switching Protocols", "Upgrade: websocket", "Connection: Upgrade", ...fields];
        const hop = await start({ upgrade: (_request, connection) => void connection.write(`${lines.join("\r\n")}\r\n\r\n`) });
        const answer = await exchanged(hop.port, `GET / HTTP/1.1\r\n${upgradeHead.join("\r\n")}\r\n\r\n`, (text) => text.includes("}]"));
        assert.match(answer, seen);
        await hop.ended(code);
        await until(() => hop.connections.size === 0, "the connection to the server to be closed");
      });

    it("fails with 503 when the server hangs up", async () => {
      const hop = await start({ upgrade: (_request, connection) => connection.destroy() });
      await assert.rejects(openSocket(hop.port, "/"), (error) => error instanceof Refused && error.status === 503);
      await hop.ended("UNAVAILABLE");
    });

    it("may take as long as the caller says", async () => {
      const hop = await start({ upgrade: () => undefined });
      await assert.rejects(
        openSocket(hop.port, "/", [], { headers: { "x-server-timeout": "0.2" } }),
        (error) => error instanceof Refused && error.status === 504 && error.body.includes("DEADLINE_EXCEEDED"),
      );
      await hop.ended("DEADLINE_EXCEEDED");
      await until(() => hop.connections.size === 0, "the connection to the server to be closed");
    });

    it("is given up when the client leaves before its answer", async () => {
      const hop = await start({ upgrade: () => undefined });
      const socket = connectTcp(hop.port, "127.0.0.1");
      socket.write(`GET / HTTP/1.1\r\n${upgradeHead.join("\r\n")}\r\n\r\n`);
      await until(() => hop.upgrades.length === 1, "the upgrade");
      socket.destroy();
      await hop.ended("CANCELLED");
      await until(() => hop.connections.size === 0, "the connection to the server to be closed");
    });

    it("says no more than 64 KiB of a refusal", async () => {
      const hop = await start({
        upgrade: (_request, connection) => {
          connection.write("HTTP/1.1 404 Not Found\r\nContent-Length: 1000000\r\n\r\n");
          connection.end(Buffer.alloc(1_000_000, 0x2e));
        },
      });
      await assert.rejects(openSocket(hop.port, "/"), (error) => error instanceof Refused && error.status === 502);
    });
  });

  describe("messages", () => {
    for (const [what, options] of [
      ["clear text", {}],
      ["TLS on the way in", { secureListener: true }],
      ["TLS on the way out", { secure: true }],
    ] as [string, RelayHostOptions][])
      it(`of every size cross, ${what}`, async () => {
        const hop = await start(options);
        const scheme = options.secureListener === true ? "wss" : "ws";
        const ws = new WebSocket(`${scheme}://127.0.0.1:${hop.port}/`, { rejectUnauthorized: false, perMessageDeflate: false });
        const sizes = [0, 1, 125, 126, 127, 65_535, 65_536, 300_000, 1 << 20];
        const received: [Buffer, boolean][] = [];
        ws.on("message", (data: RawData, binary: boolean) => received.push([data as Buffer, binary]));
        await once(ws, "open");
        const sent = sizes.map((size, index): [Buffer, boolean] => [
          index % 2 === 0 ? Buffer.alloc(size, 0x61) : randomBytes(size),
          index % 2 === 1,
        ]);
        for (const [data, binary] of sent) ws.send(data, { binary });
        await until(() => received.length === sent.length, "the echoes");
        assert.deepEqual(received, sent);
        ws.close(1000);
        await once(ws, "close");
        await hop.ended("OK");
        const row = [...hop.host.runtime.metrics.rows()].find(({ method }) => method === "http/WebSocket")!;
        const total = sizes.reduce((sum, size) => sum + size);
        assert.deepEqual([row.requestBytes, row.responseBytes], [total, total]);
      });

    for (const [what, client] of [
      ["as they come", {}],
      ["without context takeover", { clientNoContextTakeover: true, serverNoContextTakeover: true }],
      ["in small windows", { clientMaxWindowBits: 9, serverMaxWindowBits: 9 }],
    ] as const)
      it(`are compressed end to end, ${what}`, async () => {
        const hop = await start({ server: { perMessageDeflate: { threshold: 0 } }, settings: { "inbound.websocket.compression": false } });
        const socket = await openSocket(hop.port, "/", [], { perMessageDeflate: { threshold: 0, ...client } });
        assert.match(socket.ws.extensions, /^permessage-deflate/);
        const text = "compressible ".repeat(20_000);
        socket.send(text, Buffer.from(text), text);
        await socket.got(3);
        assert.deepEqual(socket.received, [text, Buffer.from(text), text]);
        socket.ws.close();
        await hop.ended("OK");
        const row = [...hop.host.runtime.metrics.rows()].find(({ method }) => method === "http/WebSocket")!;
        assert.ok(row.requestBytes < text.length / 10, `${row.requestBytes} bytes were sent`);
      });

    it("cross in the fragments they are sent in, with pings between", async () => {
      const hop = await start();
      const client = await openSocket(hop.port, "/");
      const pongs: string[] = [];
      const pings: string[] = [];
      client.ws.on("pong", (data: Buffer) => pongs.push(data.toString()));
      hop.sockets[0]!.on("ping", (data: Buffer) => pings.push(data.toString()));
      client.ws.send("one ", { fin: false });
      client.ws.ping("between");
      client.ws.send("two", { fin: true });
      await client.got(1);
      await until(() => pongs.length === 1, "the pong");
      assert.deepEqual([client.received, pings, pongs], [["one two"], ["between"], ["between"]]);
      client.ws.terminate();
    });

    it("that come with the upgrade and with its answer are not lost", async () => {
      const hop = await start({ serve: (socket) => (socket.send("early"), echo(socket)) });
      const socket = connectTcp(hop.port, "127.0.0.1");
      const chunks: Buffer[] = [];
      socket.on("data", (chunk: Buffer) => chunks.push(chunk));
      const hello = rawFrame({ first: 0x81, payload: "hello" });
      socket.write(Buffer.concat([Buffer.from(`GET / HTTP/1.1\r\n${upgradeHead.join("\r\n")}\r\n\r\n`), hello]));
      await until(() => Buffer.concat(chunks).includes("hello"), "the echo");
      const seen = Buffer.concat(chunks);
      assert.ok(seen.indexOf("early") < seen.indexOf("hello"));
      socket.destroy();
    });

    it("10,000 of them cross each way, in order", async () => {
      const hop = await start();
      const client = await openSocket(hop.port, "/");
      for (let i = 0; i < 10_000; i++) client.ws.send(String(i));
      await client.got(10_000);
      assert.ok(client.received.every((text, index) => text === String(index)));
      client.ws.close();
      await hop.ended("OK");
    });
  });

  describe("the end", () => {
    for (const [code, reason] of [
      [1000, ""],
      [1001, "page left"],
      [3000, "x"],
      [4999, "é".repeat(60)],
    ] as const) {
      it(`by the client with ${code} is the server's to hear`, async () => {
        const hop = await start();
        const client = await openSocket(hop.port, "/");
        const closed = once(hop.sockets[0]!, "close");
        client.ws.close(code, reason);
        const [seenCode, seenReason] = (await closed) as [number, Buffer];
        assert.deepEqual([seenCode, seenReason.toString()], [code, reason]);
        assert.deepEqual(await client.closed, { code, reason });
        await hop.ended("OK");
      });

      it(`by the server with ${code} is the client's to hear`, async () => {
        const hop = await start();
        const client = await openSocket(hop.port, "/");
        hop.sockets[0]!.close(code, reason);
        assert.deepEqual(await client.closed, { code, reason });
        await hop.ended("OK");
      });
    }

    for (const [code, status] of [
      [1011, "INTERNAL"],
      [1012, "UNAVAILABLE"],
      [1013, "UNAVAILABLE"],
    ] as const)
      it(`by the server with ${code} counts as ${status}`, async () => {
        const hop = await start();
        const client = await openSocket(hop.port, "/");
        hop.sockets[0]!.close(code);
        assert.equal((await client.closed).code, code);
        await hop.ended(status);
      });

    it("without a code stays without one", async () => {
      const hop = await start();
      const client = await openSocket(hop.port, "/");
      client.ws.close();
      assert.equal((await client.closed).code, 1005);
      await hop.ended("OK");
    });

    for (const how of ["terminate", "FIN"] as const)
      it(`of the client without a word closes the server's connection too: ${how}`, async () => {
        const hop = await start();
        const raw = await openRaw(hop.port, "/");
        const closed = once(hop.sockets[0]!, "close");
        if (how === "FIN") raw.socket.end();
        else raw.socket.resetAndDestroy();
        assert.equal((await closed)[0], 1006);
        await hop.ended("CANCELLED");
        await until(() => hop.connections.size === 0, "the server's connection to be gone");
        assert.equal(hop.host.runtime.listenerStats().connections, 0);
      });

    it("of the server without a word closes the client's connection too", async () => {
      const hop = await start();
      const [one, two] = [await openSocket(hop.port, "/"), await openSocket(hop.port, "/")];
      const [first, second] = [...hop.connections] as [Socket, Socket];
      first.destroy();
      second.resetAndDestroy();
      assert.deepEqual([(await one.closed).code, (await two.closed).code], [1006, 1006]);
      await hop.ended("UNAVAILABLE", 2);
    });

    it("comes in time for a client that has stopped reading", async () => {
      const hop = await start({ settings: { "inbound.websocket.idle": "300ms" } });
      const socket = await openBare(hop.port);
      for (let i = 0; i < 16; i++) hop.sockets[0]!.send(Buffer.alloc(1 << 20));
      await hop.ended("DEADLINE_EXCEEDED");
      socket.destroy();
      await until(() => hop.connections.size === 0, "the server's connection to be gone");
    });
  });

  describe("what breaks the protocol", () => {
    const cases: [string, Buffer[], number, string][] = [
      ["a frame without a mask", [rawFrame({ first: 0x81, payload: "x" }, false)], 1002, "INVALID_ARGUMENT"],
      ["a reserved bit", [rawFrame({ first: 0xa1, payload: "x" })], 1002, "INVALID_ARGUMENT"],
      ["compression nobody agreed on", [rawFrame({ first: 0xc1, payload: "x" })], 1002, "INVALID_ARGUMENT"],
      ["an unknown kind", [rawFrame({ first: 0x83 })], 1002, "INVALID_ARGUMENT"],
      ["a ping in pieces", [rawFrame({ first: 0x09 })], 1002, "INVALID_ARGUMENT"],
      ["a ping that is too long", [rawFrame({ first: 0x89, payload: "x".repeat(126) })], 1002, "INVALID_ARGUMENT"],
      ["a message over the limit", [rawFrame({ first: 0x82, length: (1 << 20) + 1 })], 1009, "RESOURCE_EXHAUSTED"],
      [
        "fragments over the limit",
        [rawFrame({ first: 0x02, payload: Buffer.alloc(1 << 20) }), rawFrame({ first: 0x80, payload: "x" })],
        1009,
        "RESOURCE_EXHAUSTED",
      ],
    ];
    for (const [what, frames, code, status] of cases)
      it(`closes the client with ${code} for ${what}, and the server with 1001`, async () => {
        const hop = await start();
        const raw = await openRaw(hop.port, "/");
        const closed = once(hop.sockets[0]!, "close");
        for (const frame of frames) raw.socket.write(frame);
        await until(() => raw.closeCode() === code, "the close frame");
        assert.equal((await closed)[0], 1001);
        await until(() => raw.ended(), "the end of the connection");
        await hop.ended(status);
      });

    it("closes the server with 1002 and the client with 1014 when the server does it", async () => {
      const toServer: Buffer[] = [];
      const hop = await start({
        serve: (socket) => {
          const connection = connectionOf(socket);
          connection.removeAllListeners("data").on("data", (chunk: Buffer) => toServer.push(chunk));
          connection.write(
            Buffer.concat([rawFrame({ first: 0x81, payload: "fine" }, false), rawFrame({ first: 0x81, payload: "masked" })]),
          );
        },
      });
      const client = await openSocket(hop.port, "/");
      assert.equal((await client.closed).code, 1014);
      assert.deepEqual(client.received, ["fine"]);
      await hop.ended("INTERNAL");
      const [first, second, ...rest] = Buffer.concat(toServer);
      assert.deepEqual([first, second], [0x88, 0x82]);
      assert.equal(((rest[4]! ^ rest[0]!) << 8) | (rest[5]! ^ rest[1]!), 1002);
    });

    it("is nothing that follows the close frame", async () => {
      const hop = await start();
      const raw = await openRaw(hop.port, "/");
      const closed = once(hop.sockets[0]!, "close");
      raw.socket.write(Buffer.concat([rawFrame({ first: 0x88, payload: Buffer.from([0x03, 0xe8]) }), Buffer.from("garbage")]));
      assert.equal((await closed)[0], 1000);
      await until(() => raw.closeCode() === 1000, "the server's close frame");
      await hop.ended("OK");
    });
  });

  describe("time", () => {
    it("ends with 1001 when nothing passes", async () => {
      const hop = await start({ settings: { "inbound.websocket.idle": "200ms" } });
      const client = await openSocket(hop.port, "/");
      const closed = once(hop.sockets[0]!, "close");
      assert.equal((await client.closed).code, 1001);
      assert.equal((await closed)[0], 1001);
      await hop.ended("DEADLINE_EXCEEDED");
    });

    it("does not run while the end points ping", async () => {
      const hop = await start({ settings: { "inbound.websocket.idle": "1s" } });
      const client = await openSocket(hop.port, "/");
      let pongs = 0;
      hop.sockets[0]!.on("pong", () => pongs++);
      const ping = setInterval(() => hop.sockets[0]!.ping(), 50);
      await until(() => pongs >= 40, "two seconds of pings");
      clearInterval(ping);
      assert.equal(client.ws.readyState, WebSocket.OPEN);
      client.ws.terminate();
    });

    it("sends no pings of its own", async () => {
      const hop = await start({ settings: { "inbound.websocket.ping": "50ms", "inbound.websocket.idle": "1s" } });
      const client = await openSocket(hop.port, "/");
      let pings = 0;
      client.ws.on("ping", () => pings++);
      hop.sockets[0]!.on("ping", () => pings++);
      await client.closed;
      assert.equal(pings, 0);
    });

    it("of the caller holds for the whole of it", async () => {
      const hop = await start();
      const client = await openSocket(hop.port, "/", [], { headers: { "x-server-timeout": "0.5" } });
      assert.match(hop.upgrades[0]!.headers["x-server-timeout"] as string, /^0\.\d{3}$/);
      assert.equal((await client.closed).code, 1001);
      await hop.ended("DEADLINE_EXCEEDED");
    });
  });

  describe("a drain", () => {
    it("tells the client to go with 1001, and what it sent before still arrives", async () => {
      const heard: string[] = [];
      const hop = await start({ serve: (socket) => void socket.on("message", (data: Buffer) => heard.push(data.toString())) });
      const client = await openSocket(hop.port, "/");
      const closed = once(hop.sockets[0]!, "close");
      const drained = hop.host.runtime.drain(4000);
      client.send("last words");
      assert.equal((await client.closed).code, 1001);
      assert.equal((await closed)[0], 1001);
      assert.deepEqual(heard, ["last words"]);
      await drained;
      await hop.ended("UNAVAILABLE");
    });

    it("waits for the end of a frame that is passing", async () => {
      const written = Promise.withResolvers<Socket>();
      const size = 200_000;
      const whole = rawFrame({ first: 0x82, payload: Buffer.alloc(size, 0x2e) }, false);
      const hop = await start({
        serve: (socket) => {
          const connection = connectionOf(socket);
          connection.write(whole.subarray(0, 1000));
          written.resolve(connection);
        },
      });
      const client = await openSocket(hop.port, "/");
      const drained = hop.host.runtime.drain(1000);
      const connection = await written.promise;
      await until(() => hop.host.runtime.readiness().ready === false, "the drain");
      await new Promise((resolve) => setTimeout(resolve, 600)); // the latest moment of the spread: half of the grace
      connection.write(whole.subarray(1000));
      assert.equal((await client.closed).code, 1001);
      assert.equal((client.received[0] as Buffer).length, size);
      await drained;
    });

    it("of a frame that is passing holds no more of it than at other times", async () => {
      const size = 48 << 20;
      const head = Buffer.from([0x82, 127, 0, 0, 0, 0, size >>> 24, (size >> 16) & 255, (size >> 8) & 255, size & 255]);
      const hop = await start({ serve: (socket) => void connectionOf(socket).write(head) });
      const socket = await openBare(hop.port);
      const drained = hop.host.runtime.drain(2000);
      await new Promise((resolve) => setTimeout(resolve, 1100)); // behind the spread: our close frame waits for the end of the frame
      const connection = connectionOf(hop.sockets[0]!);
      const piece = Buffer.alloc(1 << 20);
      for (let written = 0; written < size; written += piece.length) connection.write(piece);
      let leftBytes = size;
      const watch = setInterval(() => (leftBytes = connection.destroyed ? leftBytes : Math.min(leftBytes, connection.writableLength)), 20);
      await drained; // by force: the client has not read
      clearInterval(watch);
      assert.ok(leftBytes > size / 4, `${leftBytes} bytes are left`);
      socket.destroy();
    });

    it("does not wait for a client that says nothing", async () => {
      const hop = await start();
      const raw = await openRaw(hop.port, "/");
      const closed = once(hop.sockets[0]!, "close");
      await hop.host.runtime.drain(100);
      await until(() => raw.ended(), "the end of the connection");
      assert.equal((await closed)[0], 1001);
    });
  });

  describe("who does not read", () => {
    const pieces = 48;
    const pieceBytes = 1 << 20;

    it("stops who writes: a client, the server", async () => {
      const hop = await start({ serve: () => undefined });
      const socket = await openBare(hop.port);
      const server = hop.sockets[0]!;
      for (let i = 0; i < pieces; i++) server.send(Buffer.alloc(pieceBytes));
      // What two kernels and the relay take is a few megabytes; the rest stays with who wrote it.
      await standsStill(() => server.bufferedAmount);
      assert.ok(server.bufferedAmount > (pieces * pieceBytes) / 4, `${server.bufferedAmount} bytes are left`);
      let seen = 0;
      socket.on("data", (chunk: Buffer) => (seen += chunk.length)).resume();
      await until(() => seen >= pieces * pieceBytes, "everything", 20_000);
      socket.destroy();
    });

    it("stops who writes: the server, a client", async () => {
      let seen = 0;
      const hop = await start({ serve: (socket) => void socket.on("message", (data: Buffer) => (seen += data.length)) });
      const socket = await openBare(hop.port);
      const [connection] = hop.connections;
      connection!.pause();
      const piece = rawFrame({ first: 0x82, payload: Buffer.alloc(pieceBytes) });
      for (let i = 0; i < pieces; i++) socket.write(piece);
      await standsStill(() => socket.writableLength);
      assert.ok(socket.writableLength > (pieces * pieceBytes) / 4, `${socket.writableLength} bytes are left`);
      connection!.resume();
      await until(() => seen === pieces * pieceBytes, "everything", 20_000);
      socket.destroy();
    });
  });

  it("leaves nothing behind of a thousand connections", async () => {
    const hop = await start();
    for (let round = 0; round < 10; round++) {
      const clients = await Promise.all(Array.from({ length: 100 }, () => openSocket(hop.port, "/")));
      clients.forEach((client) => client.send("x"));
      await Promise.all(clients.map((client) => client.got(1)));
      clients.forEach((client, index) => (index % 3 === 0 ? client.ws.terminate() : client.ws.close(1000)));
      await Promise.all(clients.map((client) => client.closed));
    }
    await until(() => hop.codes().length === 1000, "every call's end");
    await until(() => hop.connections.size === 0, "the server's connections to be gone");
    await until(() => hop.host.runtime.listenerStats().connections === 0, "the proxy's connections to be gone");
  });
});

/** What is below a socket of `ws`, to write what `ws` would not. */
function connectionOf(socket: WebSocket): Socket {
  return (socket as unknown as { _socket: Socket })._socket;
}

/** Waits until `left` has been the same for a while. */
async function standsStill(left: () => number): Promise<void> {
  let last = left();
  let since = performance.now();
  await until(() => {
    const now = left();
    if (now !== last) since = performance.now();
    last = now;
    return performance.now() - since > 300;
  }, "the writer to be stopped");
}

/** An upgraded connection that is not read. */
async function openBare(port: number): Promise<Socket> {
  const socket = connectTcp(port, "127.0.0.1");
  socket.on("error", () => undefined);
  socket.write(`GET / HTTP/1.1\r\n${upgradeHead.join("\r\n")}\r\n\r\n`);
  const [head] = (await once(socket, "data")) as [Buffer];
  socket.pause();
  assert.match(head.toString(), /^HTTP\/1.1 101 /);
  return socket;
}

/** Sends raw bytes and reads until `enough`. */
async function exchanged(port: number, text: string, enough: (seen: string) => boolean): Promise<string> {
  const socket = connectTcp(port, "127.0.0.1");
  let seen = "";
  socket.on("data", (chunk: Buffer) => (seen += chunk.toString("latin1")));
  socket.on("error", () => undefined);
  socket.write(text, "latin1");
  await until(() => enough(seen) || socket.closed, "the answer");
  socket.destroy();
  return seen;
}
