/** Streams and sockets that outlive their token: each ends with it, in its own form, and a socket goes on with a new one. */
import assert from "node:assert/strict";
import { once } from "node:events";
import * as grpc from "@grpc/grpc-js";
import { loadEcho, startEchoServer, type EchoServer } from "../support/echo-server.ts";
import { audienceName, Issuer, issuerName } from "../support/issuer.ts";
import { startRuntime, type RuntimeHost } from "../support/runtime-host.ts";
import { openSocket } from "../support/socket-client.ts";
import { until } from "../support/until.ts";

/** Long enough that a loaded machine has begun the call by then. */
const lifetimeMs = 2000;

describe("a token that ends", function () {
  this.timeout(30_000);
  let backend: EchoServer;
  let host: RuntimeHost;
  let issuer: Issuer;
  let port: number;

  before(async () => {
    issuer = await Issuer.create(() => Date.now());
    backend = await startEchoServer();
    const jwt = { issuer: issuerName, audience: audienceName, jwks: issuer.keySet };
    host = await startRuntime({ "inbound.upstream": `grpc://127.0.0.1:${backend.port}`, "policies.authenticate": { jwt } });
    port = Number(/:(\d+)$/.exec(host.runtime.address)![1]);
  });
  after(async () => {
    await host.stop();
    await backend.stop();
  });

  /** A token, and the moment of its end. */
  async function token(lifeMs = lifetimeMs): Promise<{ readonly bearer: string; readonly endsAtMs: number }> {
    const endsAtMs = Date.now() + lifeMs;
    const text = await issuer.token({ claims: { exp: endsAtMs / 1000 } });
    return { bearer: `Bearer ${text}`, endsAtMs };
  }

  it("ends a gRPC stream with it", async () => {
    const Echo = loadEcho();
    const client = new Echo(`127.0.0.1:${port}`, grpc.credentials.createInsecure());
    try {
      const { bearer, endsAtMs } = await token();
      const metadata = new grpc.Metadata();
      metadata.set("authorization", bearer);
      const stream = client["chat"]!(metadata) as unknown as grpc.ClientDuplexStream<object, { text: string }>;
      const answers: string[] = [];
      stream.on("data", ({ text }: { text: string }) => answers.push(text));
      stream.write({ text: "hello" });
      const [error] = (await once(stream, "error")) as [grpc.ServiceError];
      assert.ok(Date.now() >= endsAtMs - 20, "not before its end");
      assert.deepEqual(answers, ["hello"]);
      assert.equal(error.code, grpc.status.UNAUTHENTICATED);
      assert.match(error.details, /has expired/);
    } finally {
      client.close();
    }
  });

  it("ends server-sent events with an event that says so, and cancels the backend's stream", async () => {
    const cancelled = backend.cancelled();
    const { bearer, endsAtMs } = await token();
    const response = await fetch(`http://127.0.0.1:${port}/dragoman.test.v1.Echo/Expand`, {
      method: "POST",
      headers: { authorization: bearer, accept: "text/event-stream", "content-type": "application/json" },
      body: JSON.stringify({ text: "hello", count: 1, delayMs: 10_000 }),
      signal: AbortSignal.timeout(20_000),
    });
    const text = await response.text();
    assert.ok(Date.now() >= endsAtMs - 20, "not before its end");
    assert.match(text, /"text":"hello"/);
    assert.match(text, /event: error\ndata: \{"code":16,.*"reason":"TOKEN_EXPIRED"/);
    await until(() => backend.cancelled() > cancelled, "the cancellation at the backend");
  });

  for (const subprotocol of ["json", "dragoman.v1+json"] as const)
    it(`closes a WebSocket of ${subprotocol} with 4401`, async () => {
      const { bearer, endsAtMs } = await token();
      const protocols = [subprotocol, `bearer.${bearer.slice("Bearer ".length)}`];
      const client = await openSocket(port, "/dragoman.test.v1.Echo/Chat", protocols);
      client.send(subprotocol === "json" ? '{"text":"hello"}' : '{"message":{"text":"hello"}}');
      const { code } = await client.closed;
      assert.ok(Date.now() >= endsAtMs - 20, "not before its end");
      assert.equal(code, 4401);
      assert.match(String(client.received.at(-1)), /TOKEN_EXPIRED/);
    });

  it("lets a WebSocket go on that has renewed it", async () => {
    const first = await token();
    const client = await openSocket(port, "/dragoman.test.v1.Echo/Chat", ["dragoman.v1+json"]);
    client.send(JSON.stringify({ metadata: { authorization: first.bearer } }), '{"message":{"text":"one"}}');
    await until(() => client.received.some((frame) => String(frame).includes('"one"')), "the first answer");
    const second = await token(lifetimeMs + 1500);
    client.send(JSON.stringify({ metadata: { authorization: second.bearer } }));
    await until(() => Date.now() > first.endsAtMs + 200, "the end of the first token");
    client.send('{"message":{"text":"two"}}');
    await until(() => client.received.some((frame) => String(frame).includes('"two"')), "an answer after it");
    const { code } = await client.closed;
    assert.ok(Date.now() >= second.endsAtMs - 20, "not before the second's end");
    assert.equal(code, 4401);
  });
});
