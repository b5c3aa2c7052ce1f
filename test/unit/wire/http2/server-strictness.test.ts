/** What the server role refuses, and whether the stream or the connection pays for it (RFC 9113). The judge h2spec asks the same in its own words. */
import assert from "node:assert/strict";
import { block, flag, frame, preface, settings, type, uint32 } from "../../../fuzz/frames.ts";
import { getFields, head, postFields, RawPeer, serve, type RawServed } from "./raw-peer.ts";

const protocolError = 1;
const flowControlError = 3;
const streamClosed = 5;
const frameSizeError = 6;
const refusedStream = 7;
const compressionError = 9;
const enhanceYourCalm = 11;

const with_ = (...more: string[]): string[] => [...getFields, ...more];
const without = (name: string): string[] => getFields.filter((_, i) => getFields[i - (i % 2)] !== name);
const opened = head(1, postFields, 0);

describe("HTTP/2 server, strictness", () => {
  let server: RawServed;
  beforeEach(async () => {
    server = await serve();
  });
  afterEach(() => server.close());

  describe("malformed requests reset their stream", () => {
    const cases: readonly (readonly [string, readonly string[]])[] = [
      ["no :method", without(":method")],
      ["no :path", without(":path")],
      ["no :scheme", without(":scheme")],
      ["an empty :path", [...without(":path"), ":path", ""]],
      ["a :path that is no path", [...without(":path"), ":path", "a"]],
      ["white space in :path", [...without(":path"), ":path", "/a b"]],
      ["a fragment in :path", [...without(":path"), ":path", "/a#b"]],
      ["* for GET", [...without(":path"), ":path", "*"]],
      ["two :path", [...getFields, ":path", "/"]],
      ["user information in :authority", [...without(":authority"), ":authority", "me@a"]],
      ["a response's pseudo field", [...getFields, ":status", "200"]],
      ["an unknown pseudo field", [...getFields, ":protocol", "websocket"]],
      ["a pseudo field after the others", [...without(":path"), "x", "y", ":path", "/"]],
      ["a method that is no token", [...without(":method"), ":method", "GE T"]],
      ["an upper-case name", with_("X-Name", "v")],
      ["an empty name", with_("", "v")],
      ["white space in a name", with_("x y", "v")],
      ["NUL in a value", with_("x", "a\0b")],
      ["CR in a value", with_("x", "a\rb")],
      ["LF in a value", with_("x", "a\nb")],
      ["leading white space in a value", with_("x", " a")],
      ["trailing white space in a value", with_("x", "a\t")],
      ["connection", with_("connection", "close")],
      ["transfer-encoding", with_("transfer-encoding", "chunked")],
      ["upgrade", with_("upgrade", "h2c")],
      ["te other than trailers", with_("te", "gzip")],
      ["a host other than :authority", with_("host", "b")],
      ["two different content-lengths", with_("content-length", "0", "content-length", "1")],
      ["a content-length that is no number", with_("content-length", "+1")],
      ["a content-length without a body", with_("content-length", "1")],
      ["CONNECT with a path", [":method", "CONNECT", ":authority", "a:1", ":path", "/"]],
    ];
    for (const [name, fields] of cases) {
      it(name, async () => {
        const peer = await RawPeer.greeted(server.port);
        peer.send(head(1, fields), head(3, getFields));
        assert.equal(await peer.resetCode(1), protocolError);
        await peer.settled();
        assert.equal(server.exchanges.length, 1, "the next request is served");
        assert.equal(peer.closed, false);
      });
    }
  });

  describe("faults of a stream", () => {
    const cases: readonly (readonly [string, number, () => Buffer[]])[] = [
      ["DATA after END_STREAM", streamClosed, () => [head(1, postFields), frame(type.data, 0, 1, Buffer.from("x"))]],
      ["HEADERS after END_STREAM", streamClosed, () => [head(1, postFields), head(1, ["x", "y"])]],
      ["trailers without END_STREAM", protocolError, () => [opened, head(1, ["x", "y"], 0)]],
      ["a pseudo field in trailers", protocolError, () => [opened, head(1, [":path", "/"])]],
      ["WINDOW_UPDATE of 0", protocolError, () => [opened, frame(type.window, 0, 1, uint32(0))]],
      ["a window above 2^31-1", flowControlError, () => [opened, frame(type.window, 0, 1, uint32(0x7fffffff))]],
      [
        "more body than declared",
        protocolError,
        () => [head(1, [...postFields, "content-length", "1"], 0), frame(type.data, 1, 1, Buffer.from("xy"))],
      ],
      [
        "less body than declared",
        protocolError,
        () => [head(1, [...postFields, "content-length", "3"], 0), frame(type.data, 1, 1, Buffer.from("xy"))],
      ],
      [
        "a stream that depends on itself",
        protocolError,
        () => [opened, frame(type.priority, 0, 1, Buffer.concat([uint32(1), Buffer.alloc(1)]))],
      ],
      [
        "a head that depends on itself",
        protocolError,
        () => [frame(type.headers, flag.endHeaders | flag.priority, 1, Buffer.concat([uint32(1), Buffer.alloc(1), block(...getFields)]))],
      ],
      [
        "more DATA than the window",
        flowControlError,
        () => [opened, ...Array.from({ length: 17 }, () => frame(type.data, 0, 1, Buffer.alloc(16_384)))],
      ],
      ["PRIORITY of a wrong length", frameSizeError, () => [opened, frame(type.priority, 0, 1, Buffer.alloc(4))]],
    ];
    for (const [name, code, frames] of cases) {
      it(name, async () => {
        const peer = await RawPeer.greeted(server.port);
        peer.send(...frames());
        assert.equal(await peer.resetCode(1), code);
        await peer.settled();
        assert.equal(peer.closed, false);
      });
    }
  });

  describe("faults of the connection", () => {
    const cases: readonly (readonly [string, number, () => Buffer[]])[] = [
      ["DATA on stream 0", protocolError, () => [frame(type.data, 0, 0)]],
      ["DATA on an idle stream", protocolError, () => [frame(type.data, 0, 1)]],
      ["HEADERS on stream 0", protocolError, () => [head(0, getFields)]],
      ["a request on an even stream", protocolError, () => [head(2, getFields)]],
      ["a stream id below the last", protocolError, () => [head(5, getFields), head(3, getFields)]],
      ["RST_STREAM on an idle stream", protocolError, () => [frame(type.reset, 0, 1, uint32(8))]],
      ["RST_STREAM of a wrong length", frameSizeError, () => [opened, frame(type.reset, 0, 1, Buffer.alloc(3))]],
      ["WINDOW_UPDATE on an idle stream", protocolError, () => [frame(type.window, 0, 1, uint32(1))]],
      ["WINDOW_UPDATE of a wrong length", frameSizeError, () => [frame(type.window, 0, 0, Buffer.alloc(5))]],
      ["WINDOW_UPDATE of 0", protocolError, () => [frame(type.window, 0, 0, uint32(0))]],
      ["a window above 2^31-1", flowControlError, () => [frame(type.window, 0, 0, uint32(0x7fffffff))]],
      ["SETTINGS on a stream", protocolError, () => [frame(type.settings, 0, 1)]],
      ["SETTINGS of a wrong length", frameSizeError, () => [frame(type.settings, 0, 0, Buffer.alloc(5))]],
      ["acknowledgement with a payload", frameSizeError, () => [frame(type.settings, flag.ack, 0, Buffer.alloc(6))]],
      ["SETTINGS_ENABLE_PUSH of 2", protocolError, () => [settings([2, 2])]],
      ["SETTINGS_INITIAL_WINDOW_SIZE of 2^31", flowControlError, () => [settings([4, 0x80000000])]],
      ["SETTINGS_MAX_FRAME_SIZE of 1", protocolError, () => [settings([5, 1])]],
      [
        "SETTINGS that push a stream's window above 2^31-1",
        flowControlError,
        () => [settings([4, 1]), opened, frame(type.window, 0, 1, uint32(0x7ffffffe)), settings([4, 2])],
      ],
      ["PING on a stream", protocolError, () => [frame(type.ping, 0, 1, Buffer.alloc(8))]],
      ["PING of a wrong length", frameSizeError, () => [frame(type.ping, 0, 0, Buffer.alloc(7))]],
      ["GOAWAY on a stream", protocolError, () => [frame(type.goaway, 0, 1, Buffer.alloc(8))]],
      ["GOAWAY of a wrong length", frameSizeError, () => [frame(type.goaway, 0, 0, Buffer.alloc(7))]],
      ["PUSH_PROMISE", protocolError, () => [opened, frame(type.push, flag.endHeaders, 1, uint32(2))]],
      ["CONTINUATION of nothing", protocolError, () => [frame(type.continuation, flag.endHeaders, 1, block(...getFields))]],
      [
        "another frame inside a header block",
        protocolError,
        () => [frame(type.headers, flag.endStream, 1, block(...getFields)), frame(type.ping, 0, 0, Buffer.alloc(8))],
      ],
      [
        "CONTINUATION of another stream",
        protocolError,
        () => [frame(type.headers, flag.endStream, 1, block(...getFields)), frame(type.continuation, flag.endHeaders, 3)],
      ],
      ["padding longer than its frame", protocolError, () => [opened, frame(type.data, flag.padded, 1, Buffer.from([5, 0, 0]))]],
      [
        "padding of HEADERS longer than its frame",
        protocolError,
        () => [frame(type.headers, flag.padded | flag.endHeaders, 1, Buffer.from([9]))],
      ],
      ["a frame above the largest size", frameSizeError, () => [opened, frame(type.data, 0, 1, Buffer.alloc(16_385))]],
      ["a header block that is none", compressionError, () => [frame(type.headers, flag.endHeaders, 1, Buffer.from([0x80]))]],
    ];
    for (const [name, code, frames] of cases) {
      it(name, async () => {
        const peer = await RawPeer.greeted(server.port);
        peer.send(...frames());
        assert.equal(await peer.goawayCode(), code);
        await peer.end();
      });
    }

    it("something other than SETTINGS after the preface", async () => {
      const peer = await RawPeer.connect(server.port);
      peer.send(preface, head(1, getFields));
      assert.equal(await peer.goawayCode(), protocolError);
    });

    it("a preface that is none", async () => {
      const peer = await RawPeer.connect(server.port);
      peer.send(Buffer.from("PRI * HTTP/2.0\r\n\r\nXX\r\n\r\n"));
      assert.equal(await peer.goawayCode(), protocolError);
      await peer.end();
    });
  });

  describe("what must be taken", () => {
    it("one byte at a time", async () => {
      const peer = await RawPeer.connect(server.port);
      const request = [preface, settings(), opened, frame(type.data, flag.padded, 1, Buffer.from("\x03body\0\0\0")), head(1, ["t", "1"])];
      for (const byte of Buffer.concat(request)) {
        peer.send(Buffer.from([byte]));
        await new Promise((resolve) => setImmediate(resolve));
      }
      await peer.settled();
      const { body } = server.exchanges[0]!;
      assert.equal(Buffer.from(body.whole()!).toString(), "body");
      assert.deepEqual(body.trailers?.flat, ["t", "1"]);
    });

    it("unknown frames and settings", async () => {
      const peer = await RawPeer.greeted(server.port, [0x99, 1]);
      peer.send(frame(0x42, 0xff, 7, Buffer.alloc(100)), head(1, getFields));
      await peer.settled();
      assert.equal(server.exchanges.length, 1);
    });

    it("frames that cross our reset", async () => {
      const peer = await RawPeer.greeted(server.port);
      peer.send(opened);
      await peer.settled();
      server.exchanges[0]!.abort(8);
      await peer.first(type.reset, 1);
      peer.send(frame(type.data, 0, 1, Buffer.from("late")), frame(type.window, 0, 1, uint32(5)), head(1, ["t", "1"]));
      await peer.settled();
      assert.equal(peer.closed, false);
    });

    it("cookies in crumbs, host for :authority", async () => {
      const peer = await RawPeer.greeted(server.port);
      peer.send(head(1, [...without(":authority"), "host", "h:1", "cookie", "a=b", "x", "y", "cookie", "c=d"]));
      await peer.settled();
      const request = server.exchanges[0]!.head;
      assert.equal(request.authority, "h:1");
      assert.deepEqual(request.headers.flat, ["x", "y", "cookie", "a=b; c=d"]);
    });

    it("a head in many frames", async () => {
      const peer = await RawPeer.greeted(server.port);
      const bytes = block(...with_("x", "y".repeat(300)));
      const cuts = Array.from({ length: 20 }, (_, i) => bytes.subarray((i * bytes.length) / 20, ((i + 1) * bytes.length) / 20));
      peer.send(...cuts.map((cut, i) => frame(i === 0 ? type.headers : type.continuation, (i === 0 ? 1 : 0) | (i === 19 ? 4 : 0), 1, cut)));
      await peer.settled();
      assert.equal(server.exchanges[0]!.head.headers.get("x"), "y".repeat(300));
    });

    it("100-continue: asked for when the body is read", async () => {
      const peer = await RawPeer.greeted(server.port);
      peer.send(head(1, [...postFields, "expect", "100-continue"], 0));
      await peer.settled();
      assert.equal(peer.of(type.headers).length, 0);
      const chunk = server.exchanges[0]!.body.read();
      await peer.first(type.headers, 1);
      peer.send(frame(type.data, flag.endStream, 1, Buffer.from("now")));
      assert.equal(Buffer.from((await chunk)!).toString(), "now");
    });
  });

  describe("limits", () => {
    it("streams above the limit are refused", async () => {
      const peer = await RawPeer.greeted(server.port);
      for (let i = 0; i <= 100; i++) peer.send(head(1 + 2 * i, postFields, 0));
      assert.equal(await peer.resetCode(201), refusedStream);
      await peer.settled();
      assert.equal(server.exchanges.length, 100);
      assert.equal(server.connections[0]!.activeStreams, 100);
    });

    it("431 for too many fields, 414 for a long path, and the next request is served", async () => {
      const peer = await RawPeer.greeted(server.port);
      const many = Array.from({ length: 240 }, (_, i) => (i % 2 === 0 ? `x-${i}` : "v"));
      peer.send(head(1, with_(...many)), head(3, [...without(":path"), ":path", `/${"x".repeat(8192)}`]), head(5, getFields));
      await peer.settled();
      assert.ok((await peer.first(type.headers, 1)).payload.includes("431"));
      assert.ok((await peer.first(type.headers, 3)).payload.includes("414"));
      assert.equal(server.exchanges.length, 1);
    });

    it("a header block without end", async () => {
      const peer = await RawPeer.greeted(server.port);
      peer.send(frame(type.headers, 0, 1, block(...getFields)));
      for (let i = 0; i < 100; i++) peer.send(frame(type.continuation, 0, 1));
      assert.equal(await peer.goawayCode(), enhanceYourCalm);
    });
  });
});
