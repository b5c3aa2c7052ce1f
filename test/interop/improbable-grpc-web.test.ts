/**
 * @improbable-eng/grpc-web against the proxy: its WebSocket transport, which is what `grpc-websockets` means, and its HTTP transport.
 *
 * The trap: this client hands on `onEnd` whatever happens, so a test asks for the code and never for the mere end.
 */
import assert from "node:assert/strict";
import improbable from "@improbable-eng/grpc-web";
import { NodeHttpTransport } from "@improbable-eng/grpc-web-node-http-transport";
import { loadEcho, startEchoServer, type EchoServer } from "../support/echo-server.ts";
import { clusterAt, startHop, type Hop } from "../support/hop.ts";
import type { Cluster } from "../../src/upstream/cluster.ts";
import { until } from "../support/until.ts";

const { grpc } = improbable;
const { service } = loadEcho();

interface Echo {
  readonly text?: string;
  readonly count?: number;
  readonly failCode?: number;
  readonly delayMs?: number;
  readonly index?: number;
}

const noFields = { text: "", count: 0, failCode: 0, delayMs: 0, padding: 0 };

/** What the client wants of a message class, over proto-loader's functions. */
class EchoMessage {
  readonly fields: Echo;

  constructor(fields: Echo = {}) {
    this.fields = fields;
  }

  static deserializeBinary(bytes: Uint8Array): EchoMessage {
    return new EchoMessage(service["Unary"]!.responseDeserialize(Buffer.from(bytes)) as Echo);
  }

  serializeBinary(): Uint8Array {
    return new Uint8Array(service["Unary"]!.requestSerialize({ ...noFields, ...this.fields }));
  }

  toObject(): object {
    return this.fields;
  }
}

function method(
  methodName: string,
  requestStream: boolean,
  responseStream: boolean,
): improbable.grpc.MethodDefinition<EchoMessage, EchoMessage> {
  return {
    methodName,
    service: { serviceName: "dragoman.test.v1.Echo" },
    requestStream,
    responseStream,
    requestType: EchoMessage,
    responseType: EchoMessage,
  };
}

const methods = {
  unary: method("Unary", false, false),
  expand: method("Expand", false, true),
  collect: method("Collect", true, false),
  chat: method("Chat", true, true),
};

/** One call, and all that its client was told of it. */
class Observed {
  readonly texts: string[] = [];
  headers: improbable.grpc.Metadata | undefined;
  code: number | undefined;
  message = "";
  trailers: improbable.grpc.Metadata | undefined;
  readonly client: improbable.grpc.Client<EchoMessage, EchoMessage>;

  constructor(
    kind: keyof typeof methods,
    host: string,
    transport: improbable.grpc.TransportFactory,
    metadata: Record<string, string> = {},
  ) {
    this.client = grpc.client(methods[kind], { host, transport });
    this.client.onHeaders((headers) => (this.headers = headers));
    this.client.onMessage(({ fields }) => this.texts.push(`${fields.text}${fields.index}`));
    this.client.onEnd((code, message, trailers) => Object.assign(this, { code, message, trailers }));
    this.client.start(metadata);
  }

  send(...messages: Echo[]): this {
    for (const message of messages) this.client.send(new EchoMessage(message));
    return this;
  }

  async end(): Promise<this> {
    this.client.finishSend();
    return this.over();
  }

  async over(): Promise<this> {
    await until(() => this.code !== undefined, "the end of the call");
    return this;
  }
}

describe("@improbable-eng/grpc-web", function () {
  this.timeout(30_000);
  let backend: EchoServer;
  let cluster: Cluster;
  let hop: Hop;
  let host: string;

  before(async () => {
    backend = await startEchoServer();
    cluster = clusterAt(backend.port);
    hop = await startHop({ handler: cluster.handler });
    host = `http://127.0.0.1:${hop.port}`;
  });
  after(async () => {
    await hop.stop();
    await cluster.close();
    await backend.stop();
  });

  const transports = [
    ["WebSocket", grpc.WebsocketTransport(), "websocket"],
    ["HTTP", NodeHttpTransport(), "grpc-web"],
  ] as const;

  for (const [name, transport, protocol] of transports)
    describe(`${name} transport`, () => {
      it("calls unary methods, with metadata and trailers", async () => {
        const call = await new Observed("unary", host, transport, { "x-color": "blue" }).send({ text: "hi" }).end();
        assert.deepEqual([call.code, call.texts], [0, ["hi0"]]);
        assert.deepEqual(call.headers?.get("x-color"), ["blue"]);
        assert.deepEqual(call.trailers?.get("x-trailer"), ["tail"]);
        assert.deepEqual(call.trailers?.get("x-trailer-bin"), ["AAH/"]);
        assert.equal(hop.ended.at(-1)?.call.caller.protocol, protocol);
      });

      it("takes server streams", async () => {
        const call = await new Observed("expand", host, transport).send({ text: "a", count: 500 }).end();
        assert.equal(call.code, 0);
        assert.deepEqual(
          call.texts,
          Array.from({ length: 500 }, (_, index) => `a${index}`),
        );
      });

      it("is told of errors, before and behind messages", async () => {
        const refused = await new Observed("unary", host, transport).send({ failCode: 9 }).end();
        assert.deepEqual([refused.code, refused.message, refused.texts], [9, "failed with 9: 100% é", []]);
        assert.deepEqual(refused.trailers?.get("x-trailer"), ["tail"]);
        const broken = await new Observed("expand", host, transport).send({ text: "a", count: 2, failCode: 7 }).end();
        assert.deepEqual([broken.code, broken.texts], [7, ["a0", "a1"]]);
      });

      it("keeps deadlines", async () => {
        const call = await new Observed("unary", host, transport, { "grpc-timeout": "50m" }).send({ delayMs: 20_000 }).end();
        assert.equal(call.code, 4);
      });

      it("cancels by closing", async () => {
        const cancelled = backend.cancelled();
        const call = new Observed("expand", host, transport).send({ text: "a", count: 1, delayMs: 20_000 });
        call.client.finishSend();
        await until(() => call.texts.length === 1, "the first message");
        call.client.close();
        await until(() => backend.cancelled() > cancelled, "the backend's cancellation");
        await until(() => hop.underWay().length === 0, "the end of the call");
        assert.equal(hop.ended.at(-1)?.end.code, 1);
      });
    });

  describe("WebSocket transport, where HTTP has no way", () => {
    const transport = grpc.WebsocketTransport();

    it("sends client streams", async () => {
      const call = await new Observed("collect", host, transport).send({ text: "a" }, { text: "b" }, { text: "c" }).end();
      assert.deepEqual([call.code, call.texts], [0, ["a,b,c3"]]);
    });

    it("talks both ways, turn by turn", async () => {
      const call = new Observed("chat", host, transport, { "x-color": "blue" });
      for (const [index, text] of ["one", "two", "three"].entries()) {
        call.send({ text });
        await until(() => call.texts.length > index, `the answer to ${text}`);
        assert.equal(call.texts[index], `${text}${index}`);
      }
      assert.deepEqual(call.headers?.get("x-color"), ["blue"]);
      assert.equal(call.code, undefined);
      await call.end();
      assert.equal(call.code, 0);
      assert.deepEqual(call.trailers?.get("x-trailer"), ["tail"]);
    });

    it("hears of an error while it may still send", async () => {
      const call = await new Observed("chat", host, transport).send({ text: "a" }, { failCode: 5 }).over();
      assert.deepEqual([call.code, call.texts], [5, ["a0"]]);
    });

    it("cancels streams that are open both ways", async () => {
      const call = new Observed("chat", host, transport).send({ text: "a" });
      await until(() => call.texts.length === 1, "the answer");
      const [underWay] = hop.underWay();
      call.client.close();
      await until(() => hop.ended.at(-1)?.call === underWay, "the end of the call");
      assert.equal(hop.ended.at(-1)?.end.code, 1);
    });
  });
});
