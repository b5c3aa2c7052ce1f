/** Every kind of client in front of a Connect backend (connect-node), over both versions of HTTP, in clear text and over TLS. */
import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Code, ConnectError } from "@connectrpc/connect";
import * as grpc from "@grpc/grpc-js";
import type { Cluster } from "../../src/upstream/cluster.ts";
import { certificate } from "../support/certificate.ts";
import { connectClient, type ConnectKind } from "../support/connect-client.ts";
import { startConnectBackend, type ConnectBackend } from "../support/connect-backend.ts";
import { connectClusterAt } from "../support/connect-cluster.ts";
import { loadEcho, startEchoServer, type EchoServer } from "../support/echo-server.ts";
import { startHop, type Hop } from "../support/hop.ts";
import { startRuntime } from "../support/runtime-host.ts";
import { talkSocket } from "../support/socket-client.ts";
import { until } from "../support/until.ts";

interface Answer {
  text: string;
  index: number;
}
type Client = Record<string, (request: object, options?: object) => Promise<Answer> & AsyncIterable<Answer>>;

const service = "/dragoman.test.v1.Echo/";
const three = [{ text: "a" }, { text: "b" }, { text: "c" }];

async function* each<T>(items: Iterable<T>): AsyncGenerator<T> {
  yield* items;
}

async function allOf(answers: AsyncIterable<Answer>): Promise<string[]> {
  const texts: string[] = [];
  for await (const { text, index } of answers) texts.push(`${text}${index}`);
  return texts;
}

const backends = [
  ["over HTTP/2", { version: "2", tls: false }],
  ["over HTTP/1.1", { version: "1.1", tls: false }],
  ["over TLS, HTTP/2", { version: "2", tls: true }],
  ["over TLS, HTTP/1.1", { version: "1.1", tls: true }],
] as const;

for (const [name, how] of backends)
  describe(`to a Connect backend ${name}`, () => {
    let backend: ConnectBackend;
    let cluster: Cluster;
    let hop: Hop;

    before(async () => {
      backend = await startConnectBackend(how);
      cluster = connectClusterAt(backend.port, how);
      hop = await startHop({ handler: cluster.handler });
    });
    after(async () => {
      await hop.stop();
      await cluster.close();
      await backend.stop();
    });

    // What comes in is the same in all four; the encrypted ones are about the way to the backend.
    const kinds: readonly ConnectKind[] = how.tls ? ["grpc"] : ["connect", "connect-json", "grpc-web", "grpc"];
    for (const kind of kinds)
      describe(`by ${kind}`, () => {
        let client: Client;
        let close: () => void;
        before(() => {
          const opened = connectClient(kind, hop.port, "2");
          client = opened.client;
          close = opened.close;
        });
        after(() => close());

        it("unary, with metadata both ways", async () => {
          let header: Headers | undefined;
          let trailer: Headers | undefined;
          const answer = await client["unary"]!(
            { text: "hé", padding: 5000 },
            {
              headers: { "x-color": "blue", "x-data-bin": "AAH/" },
              onHeader: (headers: Headers) => (header = headers),
              onTrailer: (trailers: Headers) => (trailer = trailers),
            },
          );
          assert.equal(answer.text, "hé");
          assert.deepEqual([header?.get("x-color"), header?.get("x-data-bin")], ["blue", "AAH/"]);
          assert.deepEqual([trailer?.get("x-trailer"), trailer?.get("x-trailer-bin")], ["tail", "AAH/"]);
          const seen = backend.lastHeaders();
          assert.equal(seen["content-type"], "application/proto");
          assert.equal(seen["connect-protocol-version"], "1");
          assert.deepEqual(
            Object.keys(seen).filter((field) => field.startsWith("grpc-")),
            [],
          );
        });

        for (const [method, request] of [
          ["unary", { failCode: 7 }],
          ["expand", { failCode: 7, text: "s", count: 2 }],
        ] as const)
          it(`a failure of ${method}, with message, details and trailers`, async () => {
            const failed = method === "unary" ? client[method]!(request) : allOf(client[method]!(request));
            const error = ConnectError.from(await failed.then(undefined, (thrown: unknown) => thrown));
            assert.deepEqual([error.code, error.rawMessage], [Code.PermissionDenied, "failed with 7: 100% é"]);
            assert.equal(error.metadata.get("x-trailer"), "tail");
            const [detail] = error.details as { type: string; value: Uint8Array }[];
            assert.deepEqual([detail?.type, [...detail!.value]], ["google.protobuf.Duration", [8, 3]]);
          });

        it("a server stream", async () => {
          const texts = await allOf(client["expand"]!({ text: "s", count: 50, padding: 3000 }));
          assert.deepEqual(
            texts,
            Array.from({ length: 50 }, (_, index) => `s${index}`),
          );
          assert.equal(backend.lastHeaders()["content-type"], "application/connect+proto");
        });

        it("an empty server stream", async () => assert.deepEqual(await allOf(client["expand"]!({})), []));

        it("a client stream", async () => {
          const { text, index } = await client["collect"]!(each(three));
          assert.deepEqual([text, index], ["a,b,c", 3]);
          assert.equal((await client["collect"]!(each([]))).index, 0);
        });

        if (how.version === "2")
          it("a stream in both directions, answer by answer", async () => {
            let resume: () => void = () => undefined;
            async function* requests(): AsyncGenerator<object> {
              for (const request of three) {
                yield request;
                await new Promise<void>((resolve) => (resume = resolve));
              }
            }
            const texts: string[] = [];
            for await (const { text } of client["chat"]!(requests())) {
              texts.push(text);
              resume();
            }
            assert.deepEqual(texts, ["a", "b", "c"]);
          });
        else
          it("a stream in both directions is refused by the backend, and that is said", async () => {
            const refused = allOf(client["chat"]!(each(three)));
            await assert.rejects(refused, /HTTP 505/);
          });

        it("a deadline goes along, and ends the call", async () => {
          await client["unary"]!({ text: "a" }, { timeoutMs: 60_000 });
          const left = backend.lastTimeoutMs();
          assert.ok(left !== undefined && left > 0 && left <= 60_000, String(left));
          const late = client["unary"]!({ delayMs: 60_000 }, { timeoutMs: 50 });
          const error = ConnectError.from(await late.then(undefined, (thrown: unknown) => thrown));
          assert.equal(error.code, Code.DeadlineExceeded);
        });

        for (const [method, request] of [
          ["unary", { text: "a", delayMs: 60_000 }],
          ["expand", { text: "a", count: 1, delayMs: 60_000 }],
        ] as const)
          it(`who leaves cancels ${method} at the backend`, async () => {
            const before = backend.requests();
            const cancelled = backend.cancelled();
            const leaving = new AbortController();
            const call = client[method]!(request, { signal: leaving.signal });
            const failed = assert.rejects(method === "unary" ? call : allOf(call));
            await until(() => backend.requests() > before, "the request at the backend");
            leaving.abort();
            await failed;
            await until(() => backend.cancelled() > cancelled, "the cancellation at the backend");
          });
      });

    if (!how.tls) {
      it("grpc-js: a call and its failure", async () => {
        const client = new (loadEcho())(`127.0.0.1:${hop.port}`, grpc.credentials.createInsecure());
        const call = (request: object): Promise<{ error: grpc.ServiceError | null; answer: Answer | undefined }> =>
          new Promise((resolve) => {
            const done = (error: grpc.ServiceError | null, answer?: Answer): void => resolve({ error, answer });
            (client["unary"] as (request: object, done: unknown) => void).call(client, request, done);
          });
        assert.equal((await call({ text: "js" })).answer?.text, "js");
        const { error } = await call({ failCode: 5 });
        assert.deepEqual([error?.code, error?.details], [5, "failed with 5: 100% é"]);
        assert.ok((error?.metadata.get("grpc-status-details-bin").length ?? 0) > 0);
        client.close();
      });

      it("REST: a call, a failure with its status, a stream, and a failure before its first message", async () => {
        const url = `http://127.0.0.1:${hop.port}`;
        const plain = await fetch(`${url}/v1/echo/rest`, { headers: { "x-color": "red" } });
        assert.deepEqual([plain.headers.get("x-color"), ((await plain.json()) as Answer).text], ["red", "rest"]);
        const failed = await fetch(`${url}/v1/echo/rest?fail_code=5`);
        assert.equal(failed.status, 404);
        const { message, details } = (await failed.json()) as { message: string; details: object[] };
        assert.equal(message, "failed with 5: 100% é");
        assert.deepEqual(details, [{ "@type": "type.googleapis.com/google.protobuf.Duration", value: "3s" }]);
        const post = (body: object): Promise<Response> =>
          fetch(`${url}${service}Expand`, {
            method: "POST",
            headers: { "content-type": "application/json" },
            body: JSON.stringify(body),
          });
        assert.deepEqual(((await (await post({ text: "s", count: 2 })).json()) as Answer[]).length, 2);
        assert.equal((await post({ failCode: 5 })).status, 404);
      });

      it("WebSocket: every kind but a stream in both directions", async () => {
        const talk = async (method: string, ...frames: string[]): Promise<readonly (string | Buffer)[]> =>
          (await talkSocket(hop.port, service + method, [], frames)).received;
        assert.deepEqual(await talk("Unary", '{"text":"ws"}'), ['{"text":"ws"}']);
        assert.deepEqual(await talk("Expand", '{"text":"ws","count":1}'), ['{"text":"ws"}']);
        assert.deepEqual(await talk("Collect", '{"text":"a"}', '{"text":"b"}', ""), ['{"text":"a,b","index":2}']);
      });
    }
  });

describe("a Connect upstream", () => {
  it("is away and comes, whatever finds out its version of HTTP", async () => {
    const first = await startConnectBackend({ version: "1.1", tls: true });
    const { port } = first;
    await first.stop();
    const cluster = connectClusterAt(port, { tls: true });
    const hop = await startHop({ handler: cluster.handler });
    const ask = async (): Promise<number> => (await fetch(`http://127.0.0.1:${hop.port}/v1/echo/a`)).status;
    assert.equal(await ask(), 503);
    assert.equal(hop.ended.at(-1)!.end.error?.reason, "UPSTREAM_UNREACHABLE");
    const second = await startConnectBackend({ version: "1.1", tls: true, port });
    assert.equal(await ask(), 200);
    assert.equal(cluster.state, "ready");
    await hop.stop();
    await cluster.close();
    await second.stop();
    assert.equal(cluster.state, "closed");
  });

  it("that speaks HTTP/1.1 alone cannot be reached over HTTP/2", async () => {
    const backend = await startConnectBackend({ version: "1.1" });
    const cluster = connectClusterAt(backend.port, { version: "2" });
    const hop = await startHop({ handler: cluster.handler });
    assert.equal((await fetch(`http://127.0.0.1:${hop.port}/v1/echo/a`)).status, 503);
    assert.equal(hop.ended[0]!.end.error?.reason, "UPSTREAM_UNREACHABLE");
    await hop.stop();
    await cluster.close();
    await backend.stop();
  });

  it("gives no reflection over HTTP/1.1, and the proxy says so at once", async () => {
    const folder = mkdtempSync(join(tmpdir(), "dragoman-connect-"));
    const backend = await startConnectBackend({ version: "1.1", tls: true });
    try {
      const ca = join(folder, "ca.pem");
      writeFileSync(ca, certificate);
      const started = startRuntime({
        "inbound.upstream": `connects://localhost:${backend.port}`,
        "inbound.upstreamTls": { ca },
        "inbound.schema": "reflection",
        "admin.listen": "off",
      });
      await assert.rejects(started, /has no reflection service: pass --proto or --descriptors/);
      assert.equal(backend.requests(), 0);
    } finally {
      await backend.stop();
      rmSync(folder, { recursive: true });
    }
  });

  describe("that is a sidecar itself", () => {
    let backend: EchoServer;
    before(async () => (backend = await startEchoServer()));
    after(() => backend.stop());

    it("gives its schema by reflection, and every kind of call passes both", async () => {
      const settings = { "admin.listen": "off", "policies.access-log": false };
      const inner = await startRuntime({ ...settings, "inbound.upstream": `grpc://127.0.0.1:${backend.port}` });
      const outer = await startRuntime({
        ...settings,
        "inbound.upstream": `connect://${inner.runtime.address}`,
        "inbound.schema": "reflection",
      });
      const [view] = outer.runtime.clusters();
      assert.deepEqual([view!.schema.source, view!.schema.methods > 3, view!.upstream.split(":")[0]], ["reflection", true, "connect"]);
      const { client, close } = connectClient("grpc", Number(outer.runtime.address.split(":")[1]));
      const calls = client as unknown as Client;
      assert.equal((await calls["unary"]!({ text: "two" })).text, "two");
      assert.deepEqual(await allOf(calls["expand"]!({ text: "s", count: 2 })), ["s0", "s1"]);
      assert.equal((await calls["collect"]!(each(three))).text, "a,b,c");
      assert.deepEqual(await allOf(calls["chat"]!(each(three))), ["a0", "b1", "c2"]);
      const error = ConnectError.from(await calls["unary"]!({ failCode: 9 }).then(undefined, (thrown: unknown) => thrown));
      assert.deepEqual([error.code, error.metadata.get("x-trailer")], [9, "tail"]);
      close();
      await outer.stop();
      await inner.stop();
    });
  });
});
