/** Which connection a request of the client role gets, when it is sent again, and connections that leave HTTP. */
import assert from "node:assert/strict";
import { createServer as createTlsServer, type TLSSocket } from "node:tls";
import type { AddressInfo } from "node:net";
import { systemClock } from "../../../../src/core/clock.ts";
import type { Http1Client, Http1ClientOptions } from "../../../../src/wire/http1/http1-client.ts";
import { certificate, certificateKey } from "../../../support/certificate.ts";
import { until } from "../../../support/until.ts";
import { ask, clientAt, Received, ScriptedServer, type Script } from "./client-sink.ts";

const empty = "HTTP/1.1 200 OK\r\ncontent-length: 0\r\n";
const answer = `${empty}\r\n`;

describe("connections of Http1Client", () => {
  const stops: (() => unknown)[] = [];
  afterEach(() => {
    for (const stop of stops.splice(0).reverse()) stop();
  });

  async function facing(
    script: Script,
    options: Partial<Http1ClientOptions> = {},
  ): Promise<{ client: Http1Client; server: ScriptedServer }> {
    const server = new ScriptedServer(script);
    const client = clientAt(await server.listen(), { idleTimeoutMs: 60_000, ...options });
    stops.push(
      () => server.stop(),
      () => client.close(),
    );
    return { client, server };
  }

  it("are used again, the one used last first", async () => {
    const waiting: (() => void)[] = [];
    const { client, server } = await facing((socket) => waiting.push(() => socket.write(answer)));
    const three = [ask(client), ask(client), ask(client)];
    await until(() => waiting.length === 3, "three requests");
    for (const reply of waiting.splice(0)) reply();
    for (const sink of three) await sink.end();
    for (let i = 0; i < 5; i++) {
      const sink = ask(client);
      await until(() => waiting.length === 1, "the request");
      waiting.pop()!();
      await sink.end();
    }
    assert.equal(server.connections, 3);
  });

  const last: readonly (readonly [name: string, fields: string])[] = [
    ["the server says close", `${empty}connection: close\r\n\r\n`],
    ["the server speaks HTTP/1.0", "HTTP/1.0 200 OK\r\nconnection: keep-alive\r\ncontent-length: 0\r\n\r\n"],
    ["the server keeps it no longer than a moment", `${empty}keep-alive: timeout=1\r\n\r\n`],
  ];
  for (const [name, text] of last)
    it(`are not used again when ${name}`, async () => {
      const { client, server } = await facing((socket) => socket.write(text));
      for (let i = 0; i < 3; i++) assert.equal((await ask(client).end()).status, 200);
      assert.equal(server.connections, 3);
    });

  it("end with an answer that has no length, and close when they have been idle", async () => {
    const { client, server } = await facing(
      (socket, _head, number) => {
        if (server.connections === 1 && number === 1) socket.end("HTTP/1.1 200 OK\r\n\r\nto the end");
        else socket.write(answer);
      },
      { idleTimeoutMs: 20 },
    );
    assert.equal((await ask(client).end()).text, "to the end");
    await ask(client).end();
    await until(() => server.sockets[1]!.closed, "the idle connection to be closed");
    assert.equal(client.state, "idle");
  });

  describe("closed by the server under a request that they have carried", () => {
    /** Answers the first request of a connection and hangs up on the second. */
    const hangsUp: Script = (socket, _head, number) => void (number === 1 ? socket.write(answer) : socket.destroy());

    it("let it be sent once more, when it may be", async () => {
      for (const method of ["GET", "HEAD", "PUT", "DELETE"]) {
        const { client, server } = await facing(hangsUp);
        await ask(client).end();
        assert.equal((await ask(client, method).end()).status, 200, method);
        assert.equal(server.connections, 2);
        assert.equal(server.heads.length, 3);
        assert.deepEqual([client.activeStreams, client.pendingStreams], [0, 0]);
      }
    });

    it("let it fail, and nobody calls it unprocessed, when it may not", async () => {
      for (const [method, body] of [
        ["POST", ""],
        ["PATCH", "x"],
        ["PUT", "x"],
      ] as const) {
        const { client, server } = await facing(hangsUp);
        await ask(client).end();
        const { error } = await ask(client, method, body).end();
        assert.deepEqual([error?.kind, error?.unprocessed], ["reset", false], method);
        assert.equal(server.connections, 1);
      }
    });

    it("let it be sent once more and not twice", async () => {
      const { client, server } = await facing((socket) => void (server.heads.length === 1 ? socket.write(answer) : socket.destroy()));
      await ask(client).end();
      const { error } = await ask(client).end();
      assert.deepEqual([error?.kind, error?.unprocessed], ["reset", false]);
      assert.equal(server.heads.length, 3);
    });

    it("let it fail when the client closes before it was sent again", async () => {
      const { client, server } = await facing((socket, _head, number) => {
        if (number === 1) socket.write(answer);
        else {
          server.stop();
          socket.destroy();
        }
      });
      await ask(client).end();
      const sink = ask(client);
      await until(() => client.pendingStreams === 1 || sink.over, "the second attempt");
      client.close();
      const { error } = await sink.end();
      assert.equal(error?.unprocessed, false);
      assert.equal(client.pendingStreams, 0);
    });

    it("let it fail when its answer had begun", async () => {
      const { client, server } = await facing((socket, _head, number) => {
        if (number === 1) socket.write(answer);
        else socket.end("HTTP/1.1 200 OK\r\n");
      });
      await ask(client).end();
      assert.equal((await ask(client).end()).error?.kind, "reset");
      assert.equal(server.heads.length, 2);
    });
  });

  describe("what is written to them", () => {
    it("is the request line, the host, and each field once", async () => {
      const { client, server } = await facing((socket) => socket.write(answer));
      await ask(client, "GET", "", ["x-a", "1", "te", "trailers", "connection", "x-a", "transfer-encoding", "gzip"]).end();
      await ask(client, "POST", "hello", ["host", "other.test", "content-length", "5"]).end();
      assert.deepEqual(server.heads, [
        "GET /path HTTP/1.1\r\nhost: server.test\r\nx-a: 1\r\nte: trailers\r\nconnection: te\r\n\r\n",
        "POST /path HTTP/1.1\r\nhost: other.test\r\ncontent-length: 5\r\n\r\n",
      ]);
    });

    it("is nothing of a request that could be taken for two", async () => {
      const { client, server } = await facing((socket) => socket.write(answer));
      const bad = [
        ["x-a", "1\r\nx-b: 2"],
        ["x-a", "1\0"],
        ["x a", "1"],
        ["x-a\r\n", "1"],
        ["content-length", "5", "content-length", "6"],
        ["content-length", "+5"],
      ];
      for (const more of bad) {
        const { error } = await ask(client, "POST", "hello", more).end();
        assert.deepEqual([error?.kind, error?.unprocessed], ["protocol", true], JSON.stringify(more));
      }
      for (const path of ["/a b", "/a\r\nx: y", "a", "http://x/"]) {
        const sink = new Received();
        sink.stream = client.open({ method: "GET", scheme: "http", authority: "x", path, headers: [] }, [], [], sink, Infinity);
        sink.stream.end();
        assert.equal((await sink.end()).error?.kind, "protocol", path);
      }
      assert.equal(server.heads.length, 0);
    });

    it("is a body in chunks when nobody knows its length, and counted when somebody does", async () => {
      let read = "";
      const { client, server } = await facing((socket) => {
        socket.on("data", (chunk: Buffer) => {
          read += chunk.toString();
          if (read.endsWith("0\r\n\r\n") || (server.heads.length === 2 && read.endsWith("world"))) socket.write(answer);
        });
      });
      const template = { method: "POST", scheme: "http", authority: "x", path: "/", headers: [] } as const;
      const unknown = new Received();
      unknown.stream = client.open(template, [], [], unknown, Infinity);
      unknown.stream.write(Buffer.from("hello "), false, Buffer.from(">"));
      await until(() => read !== "" || server.heads.length === 1, "the first chunk");
      unknown.stream.write(Buffer.from("world"), false);
      unknown.stream.end();
      await unknown.end();
      assert.match(server.heads[0]!, /transfer-encoding: chunked\r\n\r\n$/);
      assert.ok(read.endsWith("5\r\nworld\r\n0\r\n\r\n"));

      const known = new Received();
      known.stream = client.open(template, [], ["content-length", "11"], known, Infinity);
      known.stream.write(Buffer.from("hello "), false);
      known.stream.write(Buffer.from("world"), true);
      await known.end();
      const wrong = new Received();
      wrong.stream = client.open(template, [], ["content-length", "11"], wrong, Infinity);
      wrong.stream.write(Buffer.from("hello "), false);
      wrong.stream.end();
      assert.equal((await wrong.end()).error?.kind, "reset");
    });
  });

  describe("that leave HTTP", () => {
    const template = { method: "GET", scheme: "http", authority: "server.test", path: "/ws", headers: [] } as const;

    it("are handed over with what came behind the answer", async () => {
      const { client, server } = await facing((socket) => {
        socket.write("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: WebSocket\r\nx-a: 1\r\n\r\nfirst");
        socket.on("data", (chunk: Buffer) => socket.write(`echo ${chunk.toString()}`));
      });
      const sink = new Received();
      let heard = "";
      let closed = false;
      sink.listen = ({ channel }) =>
        channel.listen({
          onBytes: (bytes) => (heard += Buffer.from(bytes).toString()),
          onDrain: () => undefined,
          onEnd: () => undefined,
          onClose: () => (closed = true),
        });
      sink.stream = client.upgrade(template, ["sec-websocket-version", "13"], [], "websocket", sink, Infinity);
      const { switched } = await sink.end();
      assert.match(
        server.heads[0]!,
        /^GET \/ws HTTP\/1\.1\r\nhost: server\.test\r\nsec-websocket-version: 13\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n$/,
      );
      assert.deepEqual(sink.headers, ["x-a", "1"]);
      switched!.channel.write(Buffer.from("ping"));
      const first = Buffer.from(switched!.first).toString();
      await until(() => first + heard === "firstecho ping", "the echo");
      assert.deepEqual([client.activeStreams, client.state], [0, "idle"]);
      client.close();
      assert.equal(closed, false);
      switched!.channel.destroy();
      await until(() => closed, "its end to be heard of");
    });

    it("stay when the server answers otherwise", async () => {
      const { client, server } = await facing((socket) => socket.write("HTTP/1.1 403 Forbidden\r\ncontent-length: 2\r\n\r\nno"));
      for (let i = 0; i < 2; i++) {
        const sink = new Received();
        sink.stream = client.upgrade(template, [], [], "websocket", sink, Infinity);
        await sink.end();
        assert.deepEqual([sink.status, sink.text, sink.switched], [403, "no", undefined]);
      }
      assert.equal(server.connections, 1);
    });

    it("are closed when the server switches to something else", async () => {
      const { client } = await facing((socket) => socket.write("HTTP/1.1 101 Switching\r\nconnection: upgrade\r\nupgrade: h2c\r\n\r\n"));
      const sink = new Received();
      sink.stream = client.upgrade(template, [], [], "websocket", sink, Infinity);
      assert.equal((await sink.end()).error?.kind, "protocol");
    });
  });

  it("speak TLS, and ask for HTTP/1.1 in it", async () => {
    const agreed: (string | false | null)[] = [];
    const server = createTlsServer({ cert: certificate, key: certificateKey, ALPNProtocols: ["h2", "http/1.1"] }, (socket: TLSSocket) => {
      agreed.push(socket.alpnProtocol);
      socket.on("error", () => undefined).on("data", () => socket.write(answer));
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", () => resolve()));
    const { port } = server.address() as AddressInfo;
    const trusting = clientAt(port, { tls: { ca: certificate }, idleTimeoutMs: 60_000 });
    const doubting = clientAt(port, { tls: {} });
    stops.push(
      () => server.close(),
      () => trusting.close(),
      () => doubting.close(),
    );
    for (let i = 0; i < 2; i++) assert.equal((await ask(trusting).end()).status, 200);
    assert.deepEqual(agreed, ["http/1.1"]);
    const { error } = await ask(doubting).end();
    assert.deepEqual([error?.kind, error?.unprocessed], ["connect", true]);
  });

  it("may be waited for until the deadline only", async () => {
    const { client } = await facing(() => undefined, { maxConnections: 1, maxWaitMs: 20 });
    ask(client);
    const sink = new Received();
    sink.stream = client.open(
      { method: "GET", scheme: "http", authority: "x", path: "/", headers: [] },
      [],
      [],
      sink,
      systemClock.nowMs() + 1,
    );
    sink.stream.end();
    assert.equal((await sink.end()).error?.kind, "timeout");
  });
});
