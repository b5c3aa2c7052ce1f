/** Every kind of RPC over a WebSocket to a real gRPC backend, in each subprotocol: what goes over the wire, and how it ends. */
import assert from "node:assert/strict";
import type { Cluster } from "../../src/upstream/cluster.ts";
import { startEchoServer, type EchoServer } from "../support/echo-server.ts";
import { clusterAt, startHop, type Hop } from "../support/hop.ts";
import { openSocket, talkSocket } from "../support/socket-client.ts";
import { socketsSchema, startSocketsServer, type SocketsServer } from "../support/sockets-server.ts";
import { until } from "../support/until.ts";

const service = "/dragoman.test.v1.Echo/";
const json = ["dragoman.v1+json"];
const proto = ["dragoman.v1+proto"];
const grpc = ["grpc-websockets"];

/** What a JSON frame says, without the date that the backend adds. */
function said(frame: string | Buffer): unknown {
  assert.equal(typeof frame, "string");
  const value = JSON.parse(frame as string) as { metadata?: Record<string, unknown> };
  delete value.metadata?.["date"];
  return value;
}

const okStatus = { status: { code: 0, message: "", details: [] }, trailers: { "x-trailer": "tail", "x-trailer-bin": "AAH/" } };

describe("WebSocket to a gRPC backend", function () {
  this.timeout(30_000);
  let backend: EchoServer;
  let cluster: Cluster;
  let hop: Hop;

  before(async () => {
    backend = await startEchoServer();
    cluster = clusterAt(backend.port);
    hop = await startHop({ handler: cluster.handler });
  });
  after(async () => {
    await hop.stop();
    await cluster.close();
    await backend.stop();
  });

  const lastEnd = (): string => {
    const { call, end } = hop.ended.at(-1)!;
    return `${call.caller.protocol} ${call.method.name} ${end.code}`;
  };

  describe("plain JSON", () => {
    const cases: [string, string[], string[], number][] = [
      // method            frames                                   answers                                               close
      ["Unary", ['{"text":"hi"}'], ['{"text":"hi"}'], 1000],
      ["Unary", [""], ["{}"], 1000],
      ["Expand", ['{"text":"a","count":2}'], ['{"text":"a"}', '{"text":"a","index":1}'], 1000],
      ["Expand", ['{"count":0}'], [], 1000],
      ["Collect", ['{"text":"a"}', '{"text":"b"}', ""], ['{"text":"a,b","index":2}'], 1000],
      ["Collect", [""], ["{}"], 1000],
      ["Chat", ['{"text":"a"}', '{"text":"b"}', ""], ['{"text":"a"}', '{"text":"b","index":1}'], 1000],
    ];
    for (const [method, frames, answers, code] of cases)
      it(`${method} ${frames.join(" ") || "(empty)"}`, async () => {
        const { received, closed } = await talkSocket(hop.port, service + method, [], frames);
        assert.deepEqual(received, answers);
        assert.deepEqual(closed, { code, reason: "" });
        await until(() => lastEnd() === `websocket ${method} 0`, "the call's end");
      });

    it("says an error as google.rpc.Status and as close code", async () => {
      const { received, closed } = await talkSocket(hop.port, `${service}Unary`, [], ['{"failCode":5}']);
      assert.deepEqual(received.map(said), [{ error: { code: 5, message: "failed with 5: 100% é", details: [] } }]);
      assert.deepEqual(closed, { code: 4005, reason: "failed with 5: 100% é" });
    });

    it("says an error behind messages", async () => {
      const { received, closed } = await talkSocket(hop.port, `${service}Expand`, [], ['{"text":"a","count":1,"failCode":10}']);
      assert.equal(received[0], '{"text":"a"}');
      assert.deepEqual(said(received[1]!), { error: { code: 10, message: "failed with 10: 100% é", details: [] } });
      assert.equal(closed.code, 4010);
    });

    it("names what is wrong with a message", async () => {
      const { received, closed } = await talkSocket(hop.port, `${service}Unary`, [], ['{"texd":"hi"}']);
      assert.match(received[0] as string, /did you mean text/);
      assert.match(received[0] as string, /UNKNOWN_FIELD/);
      assert.equal(closed.code, 4003);
    });

    it("keeps messages before a bad one", async () => {
      const { received, closed } = await talkSocket(hop.port, `${service}Chat`, [], ['{"text":"a"}', "{"]);
      assert.match(received.at(-1) as string, /"error":\{"code":3/);
      assert.equal(closed.code, 4003);
    });

    it("refuses a second message where one is taken", async () => {
      const { received, closed } = await talkSocket(hop.port, `${service}Unary`, [], ['{"delayMs":5000}', "{}"]);
      assert.match(received[0] as string, /TOO_MANY_MESSAGES/);
      assert.equal(closed.code, 4012);
    });

    it("refuses binary frames", async () => {
      const { received, closed } = await talkSocket(hop.port, `${service}Unary`, [], [Buffer.from([8, 1])]);
      assert.match(received[0] as string, /frames of this subprotocol are text/);
      assert.equal(closed.code, 1003);
    });

    it("can be asked for by name", async () => {
      const client = await openSocket(hop.port, `${service}Unary`, ["json"]);
      assert.equal(client.ws.protocol, "json");
      client.send('{"text":"hi"}');
      assert.equal((await client.closed).code, 1000);
      assert.deepEqual(client.received, ['{"text":"hi"}']);
    });
  });

  describe("paths", () => {
    it("binds path and query to the message", async () => {
      const { received } = await talkSocket(hop.port, "/v1/echo/from%20path?padding=2", [], ['{"nested":{"number":"7"}}']);
      assert.deepEqual(received, ['{"text":"from path","nested":{"number":"7"},"padding":"YWE="}']);
    });

    it("lets the path win over the message", async () => {
      const { received } = await talkSocket(hop.port, "/v1/echo/path", json, ['{"message":{"text":"frame"}}']);
      assert.deepEqual(said(received[1]!), { message: { text: "path" } });
    });

    it("finds a binding of another HTTP method", async () => {
      const { received } = await talkSocket(hop.port, "/v1/echo", [], ['{"text":"posted"}']);
      assert.deepEqual(received, ['{"text":"posted"}']);
    });

    it("says what is wrong with the query before a call is made", async () => {
      const { received, closed } = await talkSocket(hop.port, "/v1/echo/a?pading=2", [], ["{}"]);
      assert.match(received[0] as string, /did you mean padding/);
      assert.equal(closed.code, 4003);
    });
  });

  describe("dragoman.v1+json", () => {
    it("carries metadata, messages, half-close, status and trailers", async () => {
      const { received, closed } = await talkSocket(hop.port, `${service}Chat`, json, [
        '{"metadata":{"X-Color":"blue","x-list":["1","2"],"x-some-bin":"AQI"}}',
        '{"message":{"text":"a"}}',
        ' { "message" : {"text":"b"} } ',
        '{"end":true}',
      ]);
      assert.deepEqual(received.map(said), [
        { metadata: { "x-color": "blue", "x-list": "1, 2", "x-some-bin": "AQI=" } },
        { message: { text: "a" } },
        { message: { text: "b", index: 1 } },
        okStatus,
      ]);
      assert.deepEqual(closed, { code: 1000, reason: "" });
      assert.deepEqual(backend.lastMetadata()?.get("x-list"), ["1, 2"]);
      assert.equal(backend.lastMetadata()?.get("sec-websocket-key").length, 0);
    });

    it("takes message and half-close in one frame", async () => {
      const { received } = await talkSocket(hop.port, `${service}Collect`, json, ['{"message":{"text":"a"},"end":true}']);
      assert.deepEqual(received.map(said), [{ metadata: {} }, { message: { text: "a", index: 1 } }, okStatus]);
    });

    it("keeps numbers that JavaScript would round", async () => {
      const frames = ['{"message":{"nested":{"number":9007199254740993}}}'];
      for (const frame of [...frames, ` ${frames[0]!}`]) {
        const { received } = await talkSocket(hop.port, `${service}Unary`, json, [frame]);
        assert.deepEqual(said(received[1]!), { message: { nested: { number: "9007199254740993" } } });
      }
    });

    it("says how a call failed in the last frame", async () => {
      const { received, closed } = await talkSocket(hop.port, `${service}Unary`, json, ['{"message":{"failCode":7}}']);
      assert.deepEqual(said(received.at(-1)!), {
        status: { code: 7, message: "failed with 7: 100% é", details: [] },
        trailers: okStatus.trailers,
      });
      assert.equal(closed.code, 1000);
    });

    it("cancels", async () => {
      const before = backend.cancelled();
      const client = await openSocket(hop.port, `${service}Expand`, json);
      client.send('{"message":{"count":1,"delayMs":5000}}');
      await client.got(2);
      client.send('{"cancel":true}');
      assert.equal((await client.closed).code, 1000);
      assert.equal((said(client.received.at(-1)!) as typeof okStatus).status.code, 1);
      await until(() => backend.cancelled() > before, "the backend's cancellation");
    });

    it("takes a timeout from the metadata", async () => {
      await talkSocket(hop.port, `${service}Unary`, json, ['{"metadata":{"grpc-timeout":"30S"}}', '{"message":{}}']);
      const timeoutMs = backend.lastTimeoutMs()!;
      assert.ok(timeoutMs > 0 && timeoutMs <= 30_000, String(timeoutMs));
    });

    const refused = [
      ["[]", "not one JSON object"],
      ["{}", "says nothing"],
      ['{"massage":{}}', "unknown member"],
      ['{"metadata":7}', "metadata must be an object"],
      ['{"metadata":{"a":7}}', "must be a string"],
      ['{"metadata":{"a b":"c"}}', "metadata name"],
      ['{"metadata":{"a":"x\\r\\ny: z"}}', "characters that no header can"],
      ['{"metadata":{"x-bin":"%%%"}}', "not base64"],
      ['{"metadata":{"grpc-timeout":"soon"}}', "grpc-timeout"],
      ['{"end":"yes"}', "end must be true"],
      ['{"message":}', "message is missing"],
      ['{"message":{"text":"a"},"text":"b"}', "JSON"],
      ['{"end":true}', "no message"],
    ] as const;
    for (const [frame, words] of refused)
      it(`refuses ${frame}`, async () => {
        const { received, closed } = await talkSocket(hop.port, `${service}Unary`, json, [frame]);
        const { status } = said(received.at(-1)!) as { status: { code: number; message: string } };
        assert.notEqual(status.code, 0);
        assert.ok(status.message.includes(words), status.message);
        assert.equal(closed.code, 1000);
      });

    it("refuses metadata behind a message", async () => {
      const { received } = await talkSocket(hop.port, `${service}Chat`, json, ['{"message":{}}', '{"metadata":{"x-late":"1"}}']);
      assert.match(received.at(-1) as string, /metadata comes first/);
    });

    it("refuses a message behind the half-close", async () => {
      const { received } = await talkSocket(hop.port, `${service}Chat`, json, ['{"end":true}', '{"message":{}}']);
      // The call may have ended well before the message came.
      assert.match(received.at(-1) as string, /"status"/);
    });
  });

  describe("dragoman.v1+proto", () => {
    /** EchoRequest {text: "hi"} in Frame.message. */
    const hi = Buffer.from("12040a026869", "hex");
    const end = Buffer.from([0x18, 1]);

    it("carries the same in protobuf", async () => {
      const metadata = Buffer.from([0x0a, 12, 0x0a, 10, 0x0a, 3, ...Buffer.from("x-a"), 0x12, 3, ...Buffer.from("one")]);
      const { received, closed } = await talkSocket(hop.port, `${service}Chat`, proto, [metadata, hi, end]);
      assert.equal(received.length, 3);
      assert.ok((received[0] as Buffer).includes("x-a"));
      assert.equal((received[1] as Buffer)[0], 0x12);
      assert.ok((received[1] as Buffer).includes(Buffer.from("0a026869", "hex")));
      assert.equal((received[2] as Buffer)[0], 0x2a);
      assert.ok((received[2] as Buffer).includes("x-trailer"));
      assert.equal(closed.code, 1000);
    });

    it("takes several things in one frame", async () => {
      const { received } = await talkSocket(hop.port, `${service}Collect`, proto, [Buffer.concat([end, hi])]);
      assert.ok((received[1] as Buffer).includes("hi"));
    });

    it("refuses what is no frame", async () => {
      const { received, closed } = await talkSocket(hop.port, `${service}Unary`, proto, [Buffer.from([0x12, 200])]);
      assert.ok((received.at(-1) as Buffer).includes("dragoman.websocket.v1.Frame"));
      assert.equal(closed.code, 1000);
    });

    it("passes on methods the schema does not know", async () => {
      const { received } = await talkSocket(hop.port, "/dragoman.test.v1.Echo/Nothing", proto, [hi, end]);
      assert.deepEqual([...(received.at(-1) as Buffer).subarray(2, 4)], [8, 12]);
    });
  });

  describe("grpc-websockets", () => {
    const head = Buffer.from("content-type: application/grpc-web+proto\r\nx-grpc-web: 1\r\nX-Color: red\r\n");
    /** 0x00 and an envelope with EchoRequest {text: "hi"}. */
    const hi = Buffer.from("0000000000040a026869", "hex");
    const finish = Buffer.from([1]);

    /** Frames of the answer, whatever the messages they came in. */
    const frames = (received: readonly (string | Buffer)[]): { flags: number; body: Buffer }[] => {
      const bytes = Buffer.concat(received as Buffer[]);
      const found: { flags: number; body: Buffer }[] = [];
      for (let at = 0; at < bytes.length;) {
        const length = bytes.readUInt32BE(at + 1);
        found.push({ flags: bytes[at]!, body: bytes.subarray(at + 5, at + 5 + length) });
        at += 5 + length;
      }
      return found;
    };

    it("carries unary calls", async () => {
      const { received, closed } = await talkSocket(hop.port, `${service}Unary`, grpc, [head, hi, finish]);
      const [metadata, message, trailers, ...more] = frames(received);
      assert.equal(metadata!.flags, 0x80);
      assert.ok(metadata!.body.includes("x-color: red\r\n"));
      assert.equal(message!.flags, 0);
      assert.ok(message!.body.includes("hi"));
      assert.equal(trailers!.flags, 0x80);
      assert.ok(trailers!.body.includes("grpc-status: 0\r\n"));
      assert.ok(trailers!.body.includes("x-trailer: tail\r\n"));
      assert.deepEqual(more, []);
      assert.equal(closed.code, 1000);
    });

    it("carries streams both ways, in pieces of any size", async () => {
      const { received } = await talkSocket(hop.port, `${service}Chat`, grpc, [
        head,
        Buffer.concat([hi, hi.subarray(1, 4)]),
        Buffer.concat([Buffer.from([0]), hi.subarray(4)]),
        finish,
      ]);
      assert.deepEqual(
        frames(received).map(({ flags }) => flags),
        [0x80, 0, 0, 0x80],
      );
    });

    it("says a failure before the head in one frame", async () => {
      const { received } = await talkSocket(hop.port, "/dragoman.test.v1.Echo/Nothing", grpc, [head, finish]);
      const [only, ...more] = frames(received);
      assert.deepEqual(more, []);
      assert.ok(only!.body.includes("grpc-status: 12\r\n"));
    });

    it("refuses what follows another protocol", async () => {
      const { received } = await talkSocket(hop.port, `${service}Chat`, grpc, [head, Buffer.from([7, 7])]);
      assert.match(Buffer.concat(received as Buffer[]).toString("latin1"), /grpc-status: 13/);
    });
  });

  it("cancels the call of a client that closes", async () => {
    const before = backend.cancelled();
    const client = await openSocket(hop.port, `${service}Expand`);
    client.send('{"count":1,"delayMs":5000}');
    await client.got(1);
    client.ws.close(4321, "had enough");
    assert.deepEqual(await client.closed, { code: 4321, reason: "had enough" });
    await until(() => backend.cancelled() > before, "the backend's cancellation");
    await until(() => lastEnd() === "websocket Expand 1", "the call's end");
  });

  it("cancels the call of a client that vanishes", async () => {
    const before = backend.cancelled();
    const client = await openSocket(hop.port, `${service}Expand`);
    client.send('{"count":1,"delayMs":5000}');
    await client.got(1);
    client.ws.terminate();
    await until(() => backend.cancelled() > before, "the backend's cancellation");
  });
});

describe("WebSocket and google.api.HttpBody", () => {
  let backend: SocketsServer;
  let cluster: Cluster;
  let hop: Hop;

  before(async () => {
    backend = await startSocketsServer();
    cluster = clusterAt(backend.port);
    hop = await startHop({ handler: cluster.handler, schema: socketsSchema() });
  });
  after(async () => {
    await hop.stop();
    await cluster.close();
    await backend.stop();
  });

  it("exchanges raw frames, text as text and binary as binary", async () => {
    const client = await openSocket(hop.port, "/v1/mirror");
    client.send("no JSON: é", Buffer.from([0, 255]), "");
    await client.got(3);
    assert.deepEqual(client.received, ["no JSON: é", Buffer.from([0, 255]), ""]);
    client.ws.close();
    await client.closed;
  });

  it("binds the path to every message", async () => {
    const { received } = await talkSocket(hop.port, "/v1/rooms/blue", json, [
      '{"message":{"text":"a"}}',
      '{"message":{"text":"b"},"end":true}',
    ]);
    assert.deepEqual(received.slice(1, 3).map(said), [{ message: { room: "blue", text: "a" } }, { message: { room: "blue", text: "b" } }]);
  });
});
