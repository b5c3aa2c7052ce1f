/** Servers that break the protocol, or never come to an end: what the request ends with, and that the connection is not used again. */
import assert from "node:assert/strict";
import type { Socket } from "node:net";
import type { Http1Client, Http1ClientOptions } from "../../../../src/wire/http1/http1-client.ts";
import { until } from "../../../support/until.ts";
import { ask, clientAt, ScriptedServer, type Script } from "./client-sink.ts";

const ok = "HTTP/1.1 200 OK\r\n";
const chunked = `${ok}transfer-encoding: chunked\r\n\r\n`;

const refused: readonly (readonly [name: string, answer: string, kind: string])[] = [
  ["a length and chunks", `${ok}content-length: 3\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n`, "protocol"],
  ["chunks and a length", `${ok}transfer-encoding: chunked\r\ncontent-length: 3\r\n\r\n3\r\nabc\r\n0\r\n\r\n`, "protocol"],
  ["two lengths", `${ok}content-length: 3\r\ncontent-length: 3\r\n\r\nabc`, "protocol"],
  ["a list of lengths", `${ok}content-length: 3, 3\r\n\r\nabc`, "protocol"],
  ["a length with a sign", `${ok}content-length: +3\r\n\r\nabc`, "protocol"],
  ["a length beyond arithmetic", `${ok}content-length: 9007199254740993\r\n\r\nabc`, "protocol"],
  ["another transfer coding", `${ok}transfer-encoding: gzip\r\n\r\nabc`, "protocol"],
  ["a coding behind chunked", `${ok}transfer-encoding: chunked, gzip\r\n\r\nabc`, "protocol"],
  ["chunked twice", `${ok}transfer-encoding: chunked\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n`, "protocol"],
  ["a chunk size with a sign", `${chunked}-3\r\nabc\r\n0\r\n\r\n`, "protocol"],
  ["a chunk that is longer than it says", `${chunked}2\r\nabc\r\n0\r\n\r\n`, "protocol"],
  ["a chunk size without end", `${chunked}ffffffffffffffffff\r\nabc`, "protocol"],
  ["line ends without CR", "HTTP/1.1 200 OK\ncontent-length: 0\n\n", "protocol"],
  ["a status line that ends in CR CR", `HTTP/1.1 200 OK\r\r\r\nx: y\r\n\r\n`, "protocol"],
  ["a line end before the status line", `\r\n${ok}content-length: 0\r\n\r\n`, "protocol"],
  ["a folded field", `${ok}x: a\r\n b\r\ncontent-length: 0\r\n\r\n`, "protocol"],
  ["white space before the colon", `${ok}content-length : 0\r\n\r\n`, "protocol"],
  ["a zero byte in a value", `${ok}x: a\0b\r\ncontent-length: 0\r\n\r\n`, "protocol"],
  ["a status of four digits", "HTTP/1.1 2000 OK\r\ncontent-length: 0\r\n\r\n", "protocol"],
  ["a status below 100", "HTTP/1.1 099 Odd\r\ncontent-length: 0\r\n\r\n", "protocol"],
  ["another version", "HTTP/2.0 200 OK\r\ncontent-length: 0\r\n\r\n", "protocol"],
  ["another protocol", "ICY 200 OK\r\n\r\n", "protocol"],
  ["too many fields", `${ok}${"x: y\r\n".repeat(300)}content-length: 0\r\n\r\n`, "too-large"],
];

describe("hostile HTTP/1.1 answers", () => {
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

  for (const [name, answer, kind] of refused)
    it(`are refused: ${name}`, async () => {
      const { client, server } = await facing((socket) => socket.write(answer, "latin1"));
      const sink = await ask(client, "POST", "x").end();
      assert.deepEqual([sink.error?.kind, sink.error?.unprocessed], [kind, false]);
      await until(() => server.sockets[0]!.closed, "the connection to be closed");
    });

  it("are refused the same when every byte comes alone", async () => {
    let answer = "";
    const { client } = await facing((socket) => void byByte(socket, answer));
    for (const [name, bytes, kind] of refused) {
      if (bytes.length > 200) continue;
      answer = bytes;
      const sink = await ask(client, "POST", "x").end();
      assert.equal(sink.error?.kind, kind, name);
    }
  });

  it("that are good are taken the same when every byte comes alone", async () => {
    const answer = `HTTP/1.1 100 Continue\r\n\r\n${chunked}5\r\nhello\r\n1;a=b\r\n!\r\n0\r\nx-sum: 1\r\n\r\n`;
    const { client, server } = await facing((socket) => void byByte(socket, answer));
    for (let i = 0; i < 2; i++) {
      const sink = await ask(client).end();
      assert.deepEqual([sink.status, sink.text, sink.trailers], [200, "hello!", ["x-sum", "1"]]);
    }
    assert.equal(server.connections, 1);
  });

  const endless: readonly (readonly [name: string, begin: string, more: string, kind: string])[] = [
    ["a head", ok, "x-more: and more\r\n", "too-large"],
    ["interim answers", "", "HTTP/1.1 102 Processing\r\n\r\n", "protocol"],
    ["trailers", `${chunked}0\r\n`, "x-more: and more\r\n", "too-large"],
    ["trailers behind a long body", `${chunked}40000\r\n${"x".repeat(0x40000)}\r\n0\r\n`, "x-more: and more\r\n", "too-large"],
    ["a chunk extension", `${chunked}1;`, "extension;", "protocol"],
  ];
  for (const [name, begin, more, kind] of endless)
    it(`do not go on for ever: ${name}`, async () => {
      const { client, server } = await facing((socket) => {
        socket.write(begin, "latin1");
        const goOn = (): void => {
          while (!socket.destroyed && socket.write(more.repeat(50))) if (socket.writableLength > 0) break;
          if (!socket.destroyed) setImmediate(goOn);
        };
        goOn();
      });
      const sink = await ask(client).end();
      assert.equal(sink.error?.kind, kind);
      await until(() => server.sockets[0]!.closed, "the connection to be closed");
    });

  for (const [name, begin] of [
    ["silence", ""],
    ["a head that drips", ok],
    ["silence within the body", `${ok}content-length: 5\r\n\r\nab`],
  ] as const)
    it(`that do not come are given up: ${name}`, async () => {
      const { client } = await facing(
        (socket) => {
          socket.write(begin);
          if (begin !== ok) return;
          const timer = setInterval(() => socket.write("x"), 5);
          socket.on("close", () => clearInterval(timer));
        },
        { silenceTimeoutMs: 60 },
      );
      const sink = await ask(client).end();
      assert.deepEqual([sink.error?.kind, sink.error?.unprocessed], ["timeout", false]);
    });

  it("leave no bytes for the next request: what comes behind an answer ends the connection", async () => {
    const forged = `${ok}content-length: 6\r\n\r\nforged`;
    const { client, server } = await facing((socket, _head, number) => {
      socket.write(`${ok}content-length: 4\r\n\r\ngood${number === 1 ? forged : ""}`);
    });
    assert.equal((await ask(client).end()).text, "good");
    assert.equal((await ask(client).end()).text, "good");
    assert.equal(server.connections, 2);
  });

  it("leave no bytes for the next request: what comes while nobody asks ends the connection", async () => {
    const { client, server } = await facing((socket) => socket.write(`${ok}content-length: 4\r\n\r\ngood`));
    assert.equal((await ask(client).end()).text, "good");
    server.sockets[0]!.write(`${ok}content-length: 6\r\n\r\nforged`);
    await until(() => server.sockets[0]!.closed, "the connection to be closed");
    assert.equal((await ask(client).end()).text, "good");
    assert.equal(server.connections, 2);
  });

  it("to HEAD, and of 204 and 304, have no body whatever they say", async () => {
    const { client, server } = await facing((socket, head) => {
      const status = head.startsWith("HEAD") ? "200 OK" : head.startsWith("DELETE") ? "204 None" : "304 Same";
      socket.write(`HTTP/1.1 ${status}\r\n${head.startsWith("OPTIONS") ? "transfer-encoding: chunked" : "content-length: 7"}\r\n\r\n`);
    });
    for (const method of ["HEAD", "DELETE", "GET", "OPTIONS", "HEAD"]) {
      const sink = await ask(client, method).end();
      assert.deepEqual([sink.ended, sink.text], [true, ""], method);
    }
    assert.equal(server.connections, 1);
  });
});

async function byByte(socket: Socket, answer: string): Promise<void> {
  for (const byte of Buffer.from(answer, "latin1")) {
    socket.write(Buffer.from([byte]));
    await new Promise((resolve) => setImmediate(resolve));
  }
}
