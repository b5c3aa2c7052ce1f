/** HTTP/1.1 as clients see it: framing of answers, pipelines, bodies, interim answers, timeouts, back-pressure, drain and upgrades. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { Agent, request as httpRequest } from "node:http";
import { ByteChannel } from "../../../../src/wire/byte-channel.ts";
import type { Exchange } from "../../../../src/wire/exchange.ts";
import { threadLlhttp } from "../../../../src/wire/http1/message-parser.ts";
import { isUpgradable } from "../../../../src/wire/http1/upgradable.ts";
import { poisonReads } from "../../../../src/wire/shared-reading.ts";
import { WireError } from "../../../../src/wire/wire-error.ts";
import {
  answers,
  echoing,
  hostHttp1,
  open,
  readAll,
  statuses,
  talk,
  until,
  within,
  type Http1Host,
  type Seen,
} from "../../../support/raw-http1.ts";

const text = ["content-type", "text/plain"];
const get = (target: string, fields = ""): string => `GET ${target} HTTP/1.1\r\nHost: a\r\n${fields}\r\n`;
const last = "Connection: close\r\n";

describe("HTTP/1.1 connections", () => {
  const open_: Http1Host[] = [];
  const host: typeof hostHttp1 = async (...options) => {
    const http = await hostHttp1(...options);
    open_.push(http);
    return http;
  };
  before(() => poisonReads(true));
  after(() => poisonReads(false));
  afterEach(async () => {
    await Promise.all(open_.splice(0).map(({ listener }) => listener.close()));
    await until(() => threadLlhttp().allocated === 0, "every parser given back");
  });

  describe("heads", () => {
    it("a head that comes again is the same list, on every connection, and another of its length is not", async () => {
      const seen: (readonly string[])[] = [];
      const { port } = await host((x) => {
        seen.push(x.head.headers.flat);
        x.respond(200, [], undefined);
      });
      const one = get("/", "x-tint: red\r\n");
      const other = get("/", "x-tint: tan\r\n");
      const closing = get("/", `x-tint: red\r\n${last}`);
      for (let connection = 0; connection < 2; connection++) await talk(port, one, one, one, other, other, other, one, closing);
      const tints = ["red", "red", "red", "tan", "tan", "tan", "red", "red"];
      assert.deepEqual(
        seen.map((flat) => flat[1]),
        [...tints, ...tints],
      );
      assert.equal(seen[10], seen[2]);
      assert.equal(seen[13], seen[5]);
    });

    it("hands on end-to-end fields only, names in lower case, and takes the rest apart", async () => {
      let head: Exchange["head"] | undefined;
      const { port } = await host((exchange) => {
        ({ head } = exchange);
        exchange.respond(204, [], undefined);
      });
      const fields =
        "X-A: 1\r\nconnection: close, X-Hop, te\r\nx-hop: 2\r\nKeep-Alive: 5\r\nTE: gzip;q=1, trailers\r\nTrailer: X-T\r\nProxy-Connection: x\r\nX-a: 3  \r\nCookie: a\r\n";
      await talk(port, `DELETE /x?y HTTP/1.1\r\nHost: h:1\r\n${fields}\r\n`);
      assert.deepEqual(head?.headers.flat, ["x-a", "1", "x-a", "3", "cookie", "a"]);
      const { version, method, target, scheme, authority, contentLength, acceptsTrailers, upgrade } = head;
      assert.deepEqual([version, method, target, scheme, authority], ["1.1", "DELETE", "/x?y", "http", "h:1"]);
      assert.deepEqual([contentLength, acceptsTrailers, upgrade], [-1, true, undefined]);
    });

    it("keeps the list's identity while a client repeats itself, and only then", async () => {
      const lists: (readonly string[])[] = [];
      const { port } = await host((exchange) => {
        lists.push(exchange.head.headers.flat);
        exchange.respond(200, text, undefined);
      });
      const same = "X-A: 1\r\nX-B: 2\r\n";
      await talk(
        port,
        get("/0", same),
        get("/1", same),
        get("/2", same),
        get("/3", `${same}Keep-Alive: 1\r\n`),
        get("/4", "X-A: 1\r\nX-B: 3\r\n"),
        get("/5", same + last),
      );
      lists.shift();
      assert.equal(lists[1], lists[0]);
      assert.equal(lists[2], lists[0]);
      assert.deepEqual(lists[3], ["x-a", "1", "x-b", "3"]);
      assert.deepEqual(lists[4], lists[0]);
    });

    it("says the peer and when the head came", async () => {
      let exchange: Exchange | undefined;
      const { port } = await host((x) => {
        exchange = x;
        x.respond(200, text, undefined);
      });
      const before = performance.now();
      await talk(port, get("/", last));
      assert.equal(exchange!.peer.address, "127.0.0.1");
      assert.ok(exchange!.peer.port > 0);
      assert.equal(exchange!.peer.tls, undefined);
      assert.ok(exchange!.arrivedAtMs >= before && exchange!.arrivedAtMs <= performance.now());
    });
  });

  describe("answers", () => {
    const cases: readonly (readonly [string, string, (x: Exchange) => void, RegExp])[] = [
      [
        "200 with a body",
        get("/", last),
        (x) => x.respond(200, text, Buffer.from("ab")),
        /^HTTP\/1\.1 200 OK\r\ncontent-type: text\/plain\r\ndate: [^\r]+ GMT\r\nconnection: close\r\ncontent-length: 2\r\n\r\nab$/,
      ],
      [
        "200 without",
        get("/", last),
        (x) => x.respond(200, [], undefined),
        /^HTTP\/1\.1 200 OK\r\ndate: [^\r]+\r\nconnection: close\r\ncontent-length: 0\r\n\r\n$/,
      ],
      ["HEAD", `HEAD / HTTP/1.1\r\nHost: a\r\n${last}\r\n`, (x) => x.respond(200, [], Buffer.from("abc")), /content-length: 3\r\n\r\n$/],
      [
        "204",
        get("/", last),
        (x) => x.respond(204, [], Buffer.from("abc")),
        /^HTTP\/1\.1 204 No Content\r\ndate: [^\r]+\r\nconnection: close\r\n\r\n$/,
      ],
      [
        "304",
        get("/", last),
        (x) => x.respond(304, ["etag", "x"], undefined),
        /^HTTP\/1\.1 304 Not Modified\r\netag: x\r\ndate: [^\r]+\r\nconnection: close\r\n\r\n$/,
      ],
      ["a status without a name", get("/", last), (x) => x.respond(299, [], undefined), /^HTTP\/1\.1 299 \r\n/],
      [
        "the protocol's own date",
        get("/", last),
        (x) => x.respond(200, ["date", "now"], undefined),
        /^HTTP\/1\.1 200 OK\r\ndate: now\r\nconnection/,
      ],
      [
        "framing fields said twice",
        get("/", last),
        (x) => x.respond(200, ["content-length", "9", "transfer-encoding", "x", "connection", "y"], Buffer.from("a")),
        /OK\r\ndate: [^\r]+\r\nconnection: close\r\ncontent-length: 1\r\n\r\na$/,
      ],
      [
        "a stream",
        get("/", last),
        (x) => (
          x.start(200, []),
          x.write(Buffer.from("abc")),
          x.write(Buffer.alloc(0)),
          x.write(Buffer.from("de"), Buffer.from("p")),
          x.finish()
        ),
        /transfer-encoding: chunked\r\n\r\n3\r\nabc\r\n3\r\npde\r\n0\r\n\r\n$/,
      ],
      [
        "a stream's trailers",
        get("/", `TE: trailers\r\n${last}`),
        (x) => (x.start(200, []), x.finish(["grpc-status", "0"])),
        /\r\n\r\n0\r\ngrpc-status: 0\r\n\r\n$/,
      ],
      [
        "no trailers for who cannot take them",
        get("/", last),
        (x) => (x.start(200, []), x.finish(["grpc-status", "0"])),
        /\r\n\r\n0\r\n\r\n$/,
      ],
      [
        "trailers of a whole answer",
        get("/", `TE: trailers\r\n${last}`),
        (x) => x.respond(200, [], Buffer.from("a"), ["t", "1"]),
        /chunked\r\n\r\n1\r\na\r\n0\r\nt: 1\r\n\r\n$/,
      ],
      [
        "a stream for HEAD",
        `HEAD / HTTP/1.1\r\nHost: a\r\n${last}\r\n`,
        (x) => (x.start(200, []), x.write(Buffer.from("abc")), x.finish()),
        /chunked\r\n\r\n$/,
      ],
      [
        "a stream for HTTP/1.0",
        "GET / HTTP/1.0\r\n\r\n",
        (x) => (x.start(200, []), x.write(Buffer.from("abc")), x.finish()),
        /^HTTP\/1\.1 200 OK\r\ndate: [^\r]+\r\nconnection: close\r\n\r\nabc$/,
      ],
      [
        "a second answer, ignored",
        get("/", last),
        (x) => (x.respond(200, [], undefined), x.respond(500, [], undefined), x.finish()),
        /^HTTP\/1\.1 200 OK\r\n[^]*content-length: 0\r\n\r\n$/,
      ],
    ];
    for (const [name, bytes, answer, expected] of cases)
      it(name, async () => {
        const { port } = await host(answer);
        assert.match(await talk(port, bytes), expected);
      });

    for (const [name, headers] of [
      ["CR LF in a value", ["x", "a\r\nset-cookie: evil"]],
      ["LF in a value", ["x", "a\nb"]],
      ["NUL in a value", ["x", "a\0b"]],
      ["a character above 255", ["x", "\u{10ffff}"]],
      ["a space in a name", ["x y", "a"]],
      ["CR LF in a name", ["x: y\r\nz", "a"]],
    ] as const)
      it(`splits no answer: ${name}`, async () => {
        const { port } = await host((x) => x.respond(200, headers, Buffer.from("a")));
        const received = await talk(port, get("/"), get("/", last));
        assert.deepEqual(statuses(received), [500, 500]);
        assert.doesNotMatch(received, /evil/);
      });

    it("breaks a stream off rather than split its trailers", async () => {
      const { port } = await host((x) => (x.start(200, []), x.finish(["x", "a\r\nb"])));
      assert.doesNotMatch(await talk(port, get("/", "TE: trailers\r\n")), /0\r\n.*\r\n\r\n$/);
    });

    it("large answers are whole", async () => {
      const body = Buffer.alloc(3_000_000, "0123456789");
      const { port } = await host((x) => {
        const scratch = Buffer.from(body);
        x.respond(200, text, scratch);
        scratch.fill(0); // the caller may use its buffer again at once
      });
      const received = await talk(port, get("/"), get("/", last));
      assert.deepEqual(
        answers(received).map((answer) => answer.body === body.toString()),
        [true, true],
      );
    });
  });

  describe("pipelines", () => {
    it("answers in order what is answered out of order, and coalesces it", async () => {
      const waiting: Exchange[] = [];
      const { port } = await host((x) => {
        waiting.push(x);
        if (waiting.length === 3) for (const one of waiting.reverse()) one.respond(200, text, Buffer.from(one.head.target));
      });
      const received = await talk(port, get("/1") + get("/2") + get("/3", last));
      assert.deepEqual(
        answers(received).map(({ body }) => body),
        ["/1", "/2", "/3"],
      );
    });

    it("streams in order too", async () => {
      const waiting: Exchange[] = [];
      const { port } = await host((x) => {
        waiting.push(x);
        x.start(200, []);
        x.write(Buffer.from(x.head.target));
        if (waiting.length === 2) for (const one of waiting.reverse()) one.finish();
      });
      const received = await talk(port, get("/1") + get("/2", last));
      assert.deepEqual(
        answers(received).map(({ body }) => body),
        ["/1", "/2"],
      );
    });

    it("does not begin a request behind an unsafe one before that is answered", async () => {
      const waiting: Exchange[] = [];
      const { port } = await host((x) => void waiting.push(x));
      const { socket, data } = await open(port);
      socket.write(`POST /1 HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n${get("/2", last)}`);
      await until(() => waiting.length === 1, "the first");
      await new Promise((resolve) => setTimeout(resolve, 20));
      assert.equal(waiting.length, 1);
      waiting[0]!.respond(200, [], undefined);
      await until(() => waiting.length === 2, "the second");
      waiting[1]!.respond(200, [], undefined);
      await until(() => data().split("HTTP/1.1 200").length === 3, "both answers");
      socket.destroy();
    });

    it("is bounded, and goes on when there is room", async () => {
      const waiting: Exchange[] = [];
      const { port } = await host((x) => void waiting.push(x), { pipelined: 4 });
      const { socket, data } = await open(port);
      for (let i = 0; i < 50; i++) socket.write(get(`/${i}`));
      await until(() => waiting.length === 4, "four");
      await new Promise((resolve) => setTimeout(resolve, 30));
      assert.equal(waiting.length, 4);
      for (let i = 0; i < 50; i++) {
        await until(() => waiting.length > i, `request ${i}`);
        waiting[i]!.respond(200, [], Buffer.from(String(i)));
        assert.ok(waiting.length <= i + 5);
      }
      await until(() => data().endsWith("\r\n\r\n49"), "the last answer");
      assert.deepEqual(
        answers(data()).map(({ body }) => Number(body)),
        Array.from({ length: 50 }, (_, i) => i),
      );
      socket.destroy();
    });

    it("many requests in one write, all sorts of cuts", async () => {
      const { port, seen } = await host();
      const bytes = Buffer.from(
        Array.from({ length: 40 }, (_, i) =>
          i % 2 === 0 ? get(`/${i}`) : `POST /${i} HTTP/1.1\r\nHost: a\r\nContent-Length: ${i}\r\n\r\n${"b".repeat(i)}`,
        ).join("") + get("/end", last),
      );
      for (const cut of [1, 7, 64, 1000, 100_000]) {
        seen.splice(0);
        const pieces: Buffer[] = [];
        for (let at = 0; at < bytes.length; at += cut) pieces.push(bytes.subarray(at, at + cut));
        assert.equal(statuses(await talk(port, ...pieces)).length, 41);
        assert.deepEqual(
          seen.map(({ target, body }) => `${target} ${body.length}`),
          [...Array.from({ length: 40 }, (_, i) => `/${i} ${i % 2 === 0 ? 0 : i}`), "/end 0"],
        );
      }
    });
  });

  describe("bodies", () => {
    it("a small one is whole when the handler is called, and belongs to it", async () => {
      let body: Uint8Array | undefined;
      const { port } = await host((x) => {
        const whole = x.body.whole();
        body ??= whole;
        x.respond(200, [], Buffer.from(String(x.body.whole())));
      });
      const post = `POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n`;
      const received = await talk(port, `${post}\r\nhello`, `${post}${last}\r\nWORLD`);
      assert.deepEqual(
        answers(received).map((answer) => answer.body),
        ["undefined", "undefined"],
      );
      assert.equal(Buffer.from(body!).toString(), "hello");
    });

    it("large ones arrive whole, by length and chunked, with trailers", async () => {
      const seen: Seen[] = [];
      const { port } = await host(echoing(seen));
      const body = "0123456789".repeat(50_000);
      await talk(port, `POST / HTTP/1.1\r\nHost: a\r\nContent-Length: ${body.length}\r\n${last}\r\n${body}`);
      const pieces = body.match(/.{1,7000}/g)!.map((piece) => `${piece.length.toString(16)}\r\n${piece}\r\n`);
      await talk(
        port,
        `POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n${last}\r\n`,
        ...pieces,
        "0\r\nX-T: 1 \r\nHost: b\r\nX-",
        "T: 2\r\n\r\n",
      );
      assert.deepEqual(
        seen.map((one) => one.body === body),
        [true, true],
      );
      assert.deepEqual(seen[1]!.exchange.body.trailers?.flat, ["x-t", "1", "x-t", "2"]);
    });

    it("reading pauses while nobody reads", async () => {
      let exchange: Exchange | undefined;
      const { port } = await host((x) => (exchange = x), { bodyBytes: 100_000_000 });
      const { socket } = await open(port);
      const size = 30_000_000;
      socket.write(`POST / HTTP/1.1\r\nHost: a\r\nContent-Length: ${size}\r\n\r\n`);
      socket.write(Buffer.alloc(size));
      await until(() => exchange !== undefined, "the exchange");
      await new Promise((resolve) => setTimeout(resolve, 100));
      assert.ok(socket.writableLength > size / 2, "the client could not send it all");
      const first = await exchange!.body.read();
      assert.ok(first!.length < 300_000, `${first!.length} held`);
      const rest = await readAll(exchange!);
      assert.equal(first!.length + rest.length, size);
      exchange!.respond(200, [], undefined);
      socket.destroy();
    });

    it("sends 100 Continue when the body is first read", async () => {
      let exchange: Exchange | undefined;
      const { port } = await host((x) => (exchange = x));
      const { socket, data } = await open(port);
      socket.write("POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n");
      await until(() => exchange !== undefined, "the exchange");
      assert.equal(data(), "");
      const body = readAll(exchange!);
      await until(() => data() === "HTTP/1.1 100 Continue\r\n\r\n", "the interim answer");
      socket.write("abc");
      assert.equal((await body).toString(), "abc");
      exchange!.respond(200, [], undefined);
      await until(() => data().includes("200 OK"), "the answer");
      assert.doesNotMatch(data(), /connection: close/);
      socket.destroy();
    });

    it("a final answer instead of 100 Continue ends the connection", async () => {
      const { port } = await host((x) => x.respond(403, [], undefined));
      const received = await talk(port, "POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n");
      assert.match(received, /^HTTP\/1\.1 403 [^]*connection: close/);
    });

    it("what is left of a small body is thrown away, and the connection kept", async () => {
      const { port } = await host((x) => x.respond(200, [], Buffer.from(x.head.target)));
      const received = await talk(
        port,
        "POST /1 HTTP/1.1\r\nHost: a\r\nContent-Length: 40\r\n\r\n",
        "GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n".padEnd(40),
        get("/2", last),
      );
      assert.deepEqual(
        answers(received).map(({ body }) => body),
        ["/1", "/2"],
      );
    });

    it("a streamed answer before the end of the body keeps the connection it promised to keep, for 192 KB more too", async () => {
      const { port } = await host((x) => {
        x.start(200, []);
        x.write(Buffer.from("early"));
        x.finish();
      });
      const { socket, data } = await open(port);
      socket.write("POST /a HTTP/1.1\r\nhost: h\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n");
      await until(() => data().includes("0\r\n\r\n"), "the answer");
      socket.write(`30000\r\n${"x".repeat(0x30000)}\r\n`);
      socket.write("3\r\ndef\r\n0\r\n\r\nGET /b HTTP/1.1\r\nhost: h\r\nconnection: close\r\n\r\n");
      await once(socket, "end");
      assert.deepEqual(
        answers(data()).map(({ status, headers }) => [status, headers.get("connection")]),
        [
          [200, undefined],
          [200, "close"],
        ],
      );
      socket.destroy();
    });

    it("but not for a body without end", async () => {
      const { port } = await host((x) => {
        x.start(200, []);
        x.finish();
      });
      const { socket } = await open(port);
      const ended = once(socket, "end");
      socket.write("POST /a HTTP/1.1\r\nhost: h\r\ntransfer-encoding: chunked\r\n\r\n");
      const chunk = `4000\r\n${"x".repeat(0x4000)}\r\n`;
      const writing = setInterval(() => socket.write(chunk), 1);
      await within(5000, ended, () => "the server does not close");
      clearInterval(writing);
      socket.destroy();
    });

    it("an answer before the end of a large body ends the connection, and can be read", async () => {
      const { port } = await host((x) => x.respond(200, [], Buffer.from("no")), { bodyBytes: 1e9 });
      const received = await talk(port, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 900000000\r\n\r\n", Buffer.alloc(200_000));
      assert.deepEqual(
        answers(received).map(({ status, headers }) => [status, headers.get("connection")]),
        [[200, "close"]],
      );
    });

    it("a body that breaks its framing ends the exchange with 400 and tells the reader", async () => {
      let reading = false;
      let failure: unknown;
      let aborted: WireError | undefined;
      const { port } = await host((x) => {
        reading = true;
        x.onAbort((reason) => (aborted = reason));
        readAll(x).catch((error: unknown) => (failure = error));
      });
      const { socket, data } = await open(port);
      socket.write("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n");
      await until(() => reading, "the handler reads");
      socket.write("zz\r\n");
      await within(3000, once(socket, "end"), () => "no end");
      assert.deepEqual(statuses(data()), [400]);
      assert.ok(failure instanceof WireError && failure.kind === "protocol");
      assert.equal(aborted?.kind, "protocol");
    });
  });

  describe("time", () => {
    it("408 for a head that does not end", async () => {
      const { port } = await host(undefined, { headTimeoutMs: 40 });
      assert.deepEqual(statuses(await talk(port, "GET / HTTP/1.1\r\nHost: a\r\n")), [408]);
    });

    it("closes what sends nothing", async () => {
      const { port } = await host(undefined, { headTimeoutMs: 40 });
      assert.equal(await talk(port), "");
    });

    it("408 for a body that does not end", async () => {
      let failure: unknown;
      const { port } = await host((x) => void readAll(x).catch((error: unknown) => (failure = error)), { bodyTimeoutMs: 40 });
      assert.deepEqual(statuses(await talk(port, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\na")), [408]);
      assert.ok(failure instanceof WireError && failure.kind === "timeout");
    });

    it("closes an idle connection", async () => {
      const { port } = await host(undefined, { idleTimeoutMs: 40 });
      assert.deepEqual(statuses(await talk(port, get("/"))), [200]);
    });

    it("leaves a connection alone while a handler works", async () => {
      const { port } = await host((x) => void setTimeout(() => x.respond(200, [], undefined), 150), {
        idleTimeoutMs: 20,
        headTimeoutMs: 20,
        bodyTimeoutMs: 20,
      });
      assert.deepEqual(statuses(await talk(port, get("/", last))), [200]);
    });

    it("closes on a client that does not take its answer", async () => {
      let aborted: WireError | undefined;
      const { port, listener } = await host(
        (x) => {
          x.onAbort((reason) => (aborted = reason));
          x.start(200, []);
          const chunk = Buffer.alloc(64 * 1024);
          void (async () => {
            while (x.open) if (!x.write(chunk)) await x.drained();
          })();
        },
        { bodyTimeoutMs: 60 },
      );
      const { socket } = await open(port);
      socket.pause();
      socket.write(get("/"));
      await until(() => aborted !== undefined, "the connection is given up");
      await until(() => listener.stats().connections === 0, "the connection is closed");
      socket.destroy();
    });
  });

  describe("back-pressure", () => {
    it("write says no above the limit, drained settles, and every byte arrives", async () => {
      let refused = 0;
      const size = 8_000_000;
      const { port } = await host((x) => {
        x.start(200, []);
        void (async () => {
          for (let sent = 0; sent < size; sent += 10_000) {
            if (x.write(Buffer.alloc(10_000, 0x61 + (sent % 26)))) continue;
            refused++;
            await x.drained();
          }
          x.finish();
        })();
      });
      const { socket, data } = await open(port);
      socket.pause();
      socket.write(get("/", last));
      await until(() => refused > 0, "a refused write");
      await new Promise((resolve) => setTimeout(resolve, 30));
      assert.equal(refused, 1);
      const ended = once(socket, "end");
      socket.resume();
      await ended;
      assert.equal(answers(data())[0]!.body.length, size);
    });

    it("a client that pipelines and does not read is not served without end", async () => {
      let served = 0;
      const { port } = await host((x) => {
        served++;
        x.respond(200, [], Buffer.alloc(100_000));
      });
      const { socket } = await open(port);
      socket.pause();
      for (let i = 0; i < 2000; i++) socket.write(get(`/${i}`));
      await new Promise((resolve) => setTimeout(resolve, 150));
      assert.ok(served < 200, `${served} answers made`);
      socket.destroy();
    });
  });

  describe("ends", () => {
    it("tells the handler that the client has gone", async () => {
      let exchange: Exchange | undefined;
      const reasons: string[] = [];
      const { port } = await host((x) => {
        exchange = x;
        x.onAbort((reason) => reasons.push(reason.kind));
      });
      const { socket } = await open(port);
      socket.write(get("/"));
      await until(() => exchange !== undefined, "the exchange");
      socket.destroy();
      await until(() => reasons.length === 1, "the news");
      assert.equal(exchange!.open, false);
      exchange!.respond(200, [], undefined); // without effect
      exchange!.onAbort((reason) => reasons.push(reason.kind));
      assert.deepEqual(reasons, ["reset", "reset"]);
    });

    it("answers a client that closed its sending side only", async () => {
      const { port } = await host((x) => void setTimeout(() => x.respond(200, [], Buffer.from("ok")), 30));
      const { socket, data } = await open(port);
      socket.end(get("/"));
      await within(3000, once(socket, "end"), () => "no end");
      assert.deepEqual(
        answers(data()).map(({ body }) => body),
        ["ok"],
      );
    });

    it("abort closes the connection, and is no news to who did it", async () => {
      let told = 0;
      const { port } = await host((x) => {
        x.onAbort(() => told++);
        x.start(200, []);
        x.write(Buffer.from("abc"));
        x.abort(2);
        assert.equal(x.open, false);
      });
      const received = await talk(port, get("/"));
      assert.doesNotMatch(received, /0\r\n\r\n$/);
      assert.equal(told, 0);
    });

    it("an aborted exchange in a pipeline lets the earlier ones be answered", async () => {
      const waiting: Exchange[] = [];
      const { port } = await host((x) => {
        waiting.push(x);
        if (waiting.length < 2) return;
        waiting[1]!.abort(2);
        waiting[0]!.respond(200, [], Buffer.from("first"));
      });
      assert.deepEqual(
        answers(await talk(port, get("/1") + get("/2"))).map(({ body }) => body),
        ["first"],
      );
    });

    it("drain: idle connections close at once, answers under way say close, the rest is forced", async () => {
      const waiting: Exchange[] = [];
      const { port, listener } = await host((x) => void (x.head.target === "/now" ? x.respond(200, [], undefined) : waiting.push(x)));
      const idle = await open(port);
      const busy = await open(port);
      const stuck = await open(port);
      idle.socket.write(get("/now"));
      busy.socket.write(get("/1") + get("/2"));
      stuck.socket.write(get("/3"));
      await until(() => idle.data() !== "" && waiting.length === 3, "all under way");
      const idleEnd = once(idle.socket, "end");
      const busyEnd = once(busy.socket, "end");
      const drained = listener.drain(300);
      await idleEnd;
      idle.socket.end();
      for (const exchange of waiting.slice(0, 3))
        if (exchange.head.target !== "/3") exchange.respond(200, [], Buffer.from(exchange.head.target));
      await busyEnd;
      busy.socket.end();
      assert.deepEqual(
        answers(busy.data()).map(({ body, headers }) => [body, headers.get("connection")]),
        [
          ["/1", undefined],
          ["/2", "close"],
        ],
      );
      assert.equal(stuck.socket.closed, false);
      await within(3000, drained, () => "drain does not end");
      await until(() => stuck.socket.closed || stuck.socket.readableEnded, "the stuck one is closed");
      assert.equal(listener.stats().connections, 0);
      stuck.socket.destroy();
      await assert.rejects(talk(port, ""));
    });

    it("node:http keeps its connection and takes every answer", async () => {
      const { port, listener } = await host();
      const agent = new Agent({ keepAlive: true, maxSockets: 1 });
      for (let i = 0; i < 20; i++) {
        const request = httpRequest({ port, host: "127.0.0.1", path: `/${i}`, method: "POST", agent });
        request.end("x".repeat(i));
        const [response] = (await once(request, "response")) as [NodeJS.ReadableStream];
        let body = "";
        for await (const chunk of response) body += String(chunk);
        assert.equal(body, `POST /${i} ${i}`);
      }
      assert.equal(listener.stats().accepted, 1);
      agent.destroy();
    });
  });

  describe("upgrades", () => {
    const upgrade = "Connection: Upgrade\r\nUpgrade: WebSocket\r\n";

    it("gives the connection away with what came behind the request", async () => {
      const { port } = await host((x) => {
        assert.equal(x.head.upgrade, "websocket");
        assert.ok(isUpgradable(x));
        const raw = x.switchProtocols(["x-a", "1"])!;
        assert.equal(x.open, false);
        const echo = (bytes: Uint8Array): void => void raw.channel.write(Buffer.from(bytes));
        raw.channel.listen({ onBytes: echo, onDrain: () => undefined, onEnd: () => raw.channel.end(), onClose: () => undefined });
        if (raw.first.length > 0) echo(raw.first);
      });
      const { socket, data } = await open(port);
      const head = "HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: websocket\r\nx-a: 1\r\n\r\n";
      socket.write(`${get("/", upgrade)}early`);
      await until(() => data() === `${head}early`, "the early bytes");
      socket.write(" late");
      await until(() => data() === `${head}early late`, "the late bytes");
      socket.destroy();
    });

    it("goes on with HTTP when the handler answers otherwise", async () => {
      const { port } = await host(
        (x) => void setTimeout(() => x.respond(x.head.upgrade === undefined ? 200 : 426, [], Buffer.from(x.head.target)), 5),
      );
      const received = await talk(port, get("/0") + get("/1", upgrade) + get("/2") + get("/3", last));
      assert.deepEqual(
        answers(received).map(({ status, body }) => `${status} ${body}`),
        ["200 /0", "426 /1", "200 /2", "200 /3"],
      );
    });

    it("is not for who did not ask", async () => {
      const { port } = await host((x) => {
        assert.ok(isUpgradable(x));
        assert.equal(x.switchProtocols([]), undefined);
        x.respond(200, [], undefined);
      });
      assert.deepEqual(statuses(await talk(port, get("/", `Upgrade: websocket\r\n${last}`))), [200]);
    });
  });

  it("shows no byte of one read to whoever looks later", async () => {
    const kept: Uint8Array[] = [];
    const { listener, port } = await host();
    const { socket } = await open(port);
    assert.ok(listener.stats().accepted >= 0);
    const { createServer, connect } = await import("node:net");
    const server = createServer((accepted) => {
      ByteChannel.accepted(accepted).listen({
        onBytes: (bytes) => void kept.push(bytes),
        onDrain: () => undefined,
        onEnd: () => undefined,
        onClose: () => undefined,
      });
    }).listen(0, "127.0.0.1");
    await once(server, "listening");
    const client = connect((server.address() as { port: number }).port, "127.0.0.1");
    client.write("secret");
    await until(() => kept.length > 0, "a read");
    await new Promise((resolve) => setImmediate(resolve));
    assert.deepEqual(new Set(kept[0]), new Set([0xdb]));
    client.destroy();
    socket.destroy();
    server.close();
  });
});
