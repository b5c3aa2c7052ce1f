/** The browser client, which Node can run too (it has a WebSocket), against the proxy and a real gRPC backend. */
import assert from "node:assert/strict";
import { bidi, clientStream, open, RpcError, serverStream, unary } from "../../src/browser-client/client.ts";
import type { Cluster } from "../../src/upstream/cluster.ts";
import { browserClientModule, minifiedClient } from "../../deploy/browser-client.ts";
import { startEchoServer, type EchoServer } from "../support/echo-server.ts";
import { clusterAt, startHop, type Hop } from "../support/hop.ts";
import { startRuntime } from "../support/runtime-host.ts";
import { until } from "../support/until.ts";

interface Echo {
  readonly text?: string;
  readonly index?: number;
}

const service = "/dragoman.test.v1.Echo/";

describe("browser client", function () {
  this.timeout(30_000);
  let backend: EchoServer;
  let cluster: Cluster;
  let hop: Hop;
  let origin: string;

  before(async () => {
    backend = await startEchoServer();
    cluster = clusterAt(backend.port);
    hop = await startHop({ handler: cluster.handler });
    origin = `http://127.0.0.1:${hop.port}`;
  });
  after(async () => {
    await hop.stop();
    await cluster.close();
    await backend.stop();
  });

  const texts = async (answers: AsyncIterable<Echo>): Promise<(string | undefined)[]> => {
    const all: (string | undefined)[] = [];
    for await (const { text } of answers) all.push(text);
    return all;
  };

  it("calls unary methods", async () => {
    assert.deepEqual(await unary(`${service}Unary`, { text: "hi" }, { origin }), { text: "hi" });
  });

  it("calls at REST paths", async () => {
    assert.deepEqual(await unary("/v1/echo/a%20b", {}, { origin }), { text: "a b" });
  });

  it("takes server streams", async () => {
    assert.deepEqual(await texts(serverStream(`${service}Expand`, { text: "a", count: 3 }, { origin })), ["a", "a", "a"]);
  });

  it("sends client streams", async () => {
    assert.deepEqual(await clientStream(`${service}Collect`, [{ text: "a" }, { text: "b" }], { origin }), { text: "a,b", index: 2 });
  });

  it("talks both ways", async () => {
    async function* questions(): AsyncGenerator<Echo> {
      yield { text: "a" };
      yield { text: "b" };
    }
    assert.deepEqual(await texts(bidi<Echo, Echo>(`${service}Chat`, questions(), { origin })), ["a", "b"]);
  });

  it("shows metadata and trailers, and takes turns", async () => {
    const call = open<Echo, Echo>(`${service}Chat`, { origin, metadata: { "x-color": "blue" } });
    assert.equal((await call.metadata)["x-color"], "blue");
    const answers = call[Symbol.asyncIterator]();
    for (const text of ["one", "two"]) {
      await call.send({ text });
      assert.equal(((await answers.next()).value as Echo).text, text);
    }
    call.end();
    assert.equal((await answers.next()).done, true);
    assert.deepEqual(await call.status, { code: 0, message: "", details: [], trailers: { "x-trailer": "tail", "x-trailer-bin": "AAH/" } });
  });

  it("throws what went wrong", async () => {
    await assert.rejects(unary(`${service}Unary`, { failCode: 7 }, { origin }), (error) => {
      assert.ok(error instanceof RpcError);
      assert.deepEqual([error.code, error.message, error.trailers["x-trailer"]], [7, "failed with 7: 100% é", "tail"]);
      return true;
    });
    await assert.rejects(unary(`${service}Unary`, { texd: "" }, { origin }), (error) => error instanceof RpcError && error.code === 3);
  });

  it("says that it could not connect", async () => {
    await assert.rejects(unary("/nowhere", {}, { origin }), (error) => error instanceof RpcError && error.code === 14);
  });

  it("cancels by leaving the loop, by signal and by hand", async () => {
    const ways: ((call: ReturnType<typeof open<Echo, Echo>>, controller: AbortController) => void | Promise<void>)[] = [
      async (call) => {
        for await (const _ of call) break;
      },
      (_call, controller) => controller.abort(),
      (call) => call.cancel(),
    ];
    for (const leave of ways) {
      const controller = new AbortController();
      const before = backend.cancelled();
      const call = serverStream<object, Echo>(`${service}Expand`, { count: 1, delayMs: 5000 }, { origin, signal: controller.signal });
      await call.metadata;
      await leave(call, controller);
      assert.equal((await call.status).code, 1);
      await until(() => backend.cancelled() > before, "the backend's cancellation");
    }
  });

  it("does not begin what is cancelled already", async () => {
    await assert.rejects(
      unary(`${service}Unary`, {}, { origin, signal: AbortSignal.abort() }),
      (error) => error instanceof RpcError && error.code === 1,
    );
  });

  it("carries 10,000 messages each way", async () => {
    const count = 10_000;
    const questions = Array.from({ length: count }, (_, index) => ({ text: `m${index}` }));
    let next = 0;
    for await (const { text } of bidi<Echo, Echo>(`${service}Chat`, questions, { origin })) assert.equal(text, `m${next++}`);
    assert.equal(next, count);
  });

  it("makes the server wait while the page does not take messages", async () => {
    const call = serverStream<object, Echo>(`${service}Expand`, { text: "a", count: 5000 }, { origin });
    let taken = 0;
    let waited = false;
    for await (const _ of call) {
      if (++taken !== 10) continue;
      const frameBytes = '{"text":"a","index":9}'.length;
      const sent = (): number => hop.underWay().reduce((bytes, { responseBytes }) => bytes + responseBytes, 0) / frameBytes;
      // 64 messages and the 10 that were taken make no new window yet.
      await until(() => sent() >= 60, "the window to be used up");
      await new Promise((resolve) => setImmediate(resolve));
      assert.ok(sent() < 100, `${sent()} messages were sent`);
      waited = true;
    }
    assert.deepEqual([taken, waited], [5000, true]);
  });

  it("is at most 3 KB and needs nothing", async () => {
    const script = await minifiedClient();
    assert.ok(script.length <= 3000, `${script.length} bytes`);
    assert.doesNotMatch(script, /\bimport\b/);
  });

  it("is served, with its types, from the sources and from the bundle", async () => {
    const host = await startRuntime({ "inbound.upstream": `grpc://127.0.0.1:${backend.port}`, "admin.listen": "off" });
    try {
      const script = await host.get("/.dragoman/client.js");
      assert.equal(script.status, 200);
      assert.match(script.body, /export function open/);
      const types = await host.get("/.dragoman/client.d.ts");
      assert.match(types.body, /export declare function bidi/);
    } finally {
      await host.stop();
    }
    const built = (await import(`data:text/javascript,${encodeURIComponent(await browserClientModule())}`)) as {
      clientFiles(): Promise<ReadonlyMap<string, string>>;
    };
    assert.equal((await built.clientFiles()).get("client.js"), await minifiedClient());
  });
});
