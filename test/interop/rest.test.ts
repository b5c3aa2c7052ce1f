/** REST in, a real grpc-js backend behind: bindings, errors, server streams, limits, over real sockets. */
import assert from "node:assert/strict";
import { request as httpRequest, type IncomingMessage } from "node:http";
import type { Cluster } from "../../src/upstream/cluster.ts";
import { startEchoServer, type EchoServer } from "../support/echo-server.ts";
import { clusterAt, startHop, type Hop } from "../support/hop.ts";
import { until } from "../support/until.ts";

interface ErrorBody {
  code: number;
  message: string;
  details: { "@type": string; reason?: string; domain?: string; fieldViolations?: { field: string; description: string }[] }[];
}

describe("REST to a gRPC backend", () => {
  let backend: EchoServer;
  let cluster: Cluster;
  let hop: Hop;
  let base: string;

  before(async () => {
    backend = await startEchoServer();
    cluster = clusterAt(backend.port);
    hop = await startHop({ handler: cluster.handler });
    base = `http://127.0.0.1:${hop.port}`;
  });
  after(async () => {
    await hop.stop();
    await cluster.close();
    await backend.stop();
  });

  const json = { "content-type": "application/json" };
  const post = (path: string, body: unknown, headers: Record<string, string> = {}): Promise<Response> =>
    fetch(base + path, { method: "POST", headers: { ...json, ...headers }, body: typeof body === "string" ? body : JSON.stringify(body) });
  const failure = async (response: Response): Promise<ErrorBody> => (await response.json()) as ErrorBody;

  it("binds the path", async () => {
    const response = await fetch(`${base}/v1/echo/gr%C3%BC%C3%9Fe%2Fan%20alle`);
    assert.equal(response.status, 200);
    assert.equal(response.headers.get("content-type"), "application/json");
    assert.deepEqual(await response.json(), { text: "grüße/an alle" });
  });

  it("binds the query, nested, maps and int64", async () => {
    const response = await fetch(`${base}/v1/echo/a?nested.number=9007199254740993&nested.labels[k]=v%26w`);
    assert.deepEqual(await response.json(), { text: "a", nested: { number: "9007199254740993", labels: { k: "v&w" } } });
  });

  it("takes the body; a binding of the whole body has no query parameters", async () => {
    assert.deepEqual(await (await post("/v1/echo", { text: "b", nested: { number: 7 } })).json(), { text: "b", nested: { number: "7" } });
    assert.equal((await post("/v1/echo?text=url", { text: "body" })).status, 400);
  });

  it("maps a body to one field and answers with one field", async () => {
    const response = await fetch(`${base}/v1/echo/x`, { method: "PUT", headers: json, body: '{"number":"5"}' });
    assert.equal(response.status, 200);
    assert.deepEqual(await response.json(), { number: "5" });
  });

  it("answers every method at its gRPC path", async () => {
    assert.deepEqual(await (await post("/dragoman.test.v1.Echo/Unary", { text: "auto" })).json(), { text: "auto" });
  });

  it("carries metadata in and trailers out", async () => {
    const response = await post("/v1/echo", { text: "a" }, { "x-color": "blue" });
    assert.equal(response.headers.get("x-color"), "blue");
    assert.equal(response.headers.get("trailer-x-trailer"), "tail");
  });

  const refusals: [what: string, send: () => Promise<Response>, status: number, code: number, reason: string, field?: string][] = [
    ["unknown path", () => fetch(`${base}/nowhere`), 404, 5, "UNKNOWN_PATH"],
    ["wrong method", () => fetch(`${base}/v1/echo`, { method: "DELETE" }), 405, 12, "METHOD_NOT_ALLOWED"],
    ["wrong content type", () => post("/v1/echo", "a=b", { "content-type": "text/plain" }), 415, 3, "UNSUPPORTED_MEDIA_TYPE"],
    ["broken JSON", () => post("/v1/echo", '{"text":'), 400, 3, "INVALID_JSON"],
    ["wrong type", () => post("/v1/echo", '{"text":7}'), 400, 3, "INVALID_JSON", "text"],
    ["nested wrong type", () => post("/v1/echo", '{"nested":{"number":"x"}}'), 400, 3, "INVALID_JSON", "nested.number"],
    ["unknown JSON field", () => post("/v1/echo", '{"txet":"a"}'), 400, 3, "UNKNOWN_FIELD", "txet"],
    ["unknown query parameter", () => fetch(`${base}/v1/echo/a?txet=1`), 400, 3, "UNKNOWN_FIELD", "txet"],
    ["bad query value", () => fetch(`${base}/v1/echo/a?count=many`), 400, 3, "INVALID_PARAMETER", "count"],
    ["bad escape", () => fetch(`${base}/v1/echo/%zz`), 400, 3, "INVALID_PARAMETER"],
    ["bad timeout", () => fetch(`${base}/v1/echo/a`, { headers: { "grpc-timeout": "soon" } }), 400, 3, "INVALID_TIMEOUT"],
    ["too large", () => post("/v1/echo", { text: "x".repeat(5 << 20) }), 413, 8, "MESSAGE_TOO_LARGE"],
    ["two streams over HTTP/1.1", () => post("/dragoman.test.v1.Echo/Chat", {}), 400, 12, "UNSUPPORTED_STREAMING"],
  ];
  for (const [what, send, status, code, reason, field] of refusals)
    it(`${what}: ${status} ${reason}`, async () => {
      const response = await send();
      const body = await failure(response);
      assert.equal(response.status, status, JSON.stringify(body));
      assert.equal(response.headers.get("content-type"), "application/json");
      assert.equal(body.code, code);
      assert.equal(body.details[0]?.["@type"], "type.googleapis.com/google.rpc.ErrorInfo");
      assert.equal(body.details[0]?.reason, reason);
      assert.equal(body.details[0]?.domain, "dragoman");
      if (field !== undefined) assert.equal(body.details[1]?.fieldViolations?.[0]?.field, field);
    });

  it("405 says what the path takes; a misspelt name gets the nearest", async () => {
    assert.match((await fetch(`${base}/v1/echo`, { method: "DELETE" })).headers.get("allow")!, /POST/);
    assert.match((await failure(await fetch(`${base}/v1/echo/a?txet=1`))).message, /did you mean text\?/);
  });

  for (const [code, status] of [
    [1, 499],
    [3, 400],
    [4, 504],
    [5, 404],
    [7, 403],
    [8, 429],
    [9, 400],
    [12, 501],
    [13, 500],
    [14, 503],
    [16, 401],
  ] as const)
    it(`backend status ${code} is HTTP ${status}`, async () => {
      const response = await post("/v1/echo", { failCode: code });
      assert.equal(response.status, status);
      const body = await failure(response);
      assert.deepEqual([body.code, body.message, body.details], [code, `failed with ${code}: 100% é`, []]);
      assert.equal(response.headers.get("trailer-x-trailer"), "tail");
    });

  it("a deadline ends the call at the backend too", async () => {
    const cancelled = backend.cancelled();
    const response = await post("/v1/echo", { delayMs: 3000 }, { "x-server-timeout": "0.1" });
    // Without the deadline policy it is the backend's own deadline that ends it.
    assert.equal(response.status, 504);
    await until(() => backend.cancelled() > cancelled, "the cancellation at the backend");
  });

  it("a caller that leaves cancels the backend's call", async () => {
    const cancelled = backend.cancelled();
    const controller = new AbortController();
    const answer = fetch(`${base}/v1/echo`, { method: "POST", headers: json, body: '{"delayMs":5000}', signal: controller.signal }).catch(
      () => undefined,
    );
    await new Promise((resolve) => setTimeout(resolve, 100));
    controller.abort();
    await answer;
    await until(() => backend.cancelled() > cancelled, "the cancellation at the backend");
  });

  describe("server streams", () => {
    const expand = (body: object, accept?: string): Promise<Response> =>
      post("/dragoman.test.v1.Echo/Expand", body, accept === undefined ? {} : { accept });

    it("are a JSON array by default", async () => {
      const response = await expand({ text: "a", count: 3 });
      assert.equal(response.headers.get("content-type"), "application/json");
      assert.deepEqual(await response.json(), [{ text: "a" }, { text: "a", index: 1 }, { text: "a", index: 2 }]);
      assert.deepEqual(await (await expand({ count: 0 })).json(), []);
    });

    it("are lines when asked for", async () => {
      const response = await expand({ text: "a", count: 2 }, "application/x-ndjson");
      assert.equal(response.headers.get("content-type"), "application/x-ndjson");
      assert.equal(await response.text(), '{"text":"a"}\n{"text":"a","index":1}\n');
    });

    it("are events when asked for", async () => {
      const response = await expand({ text: "a", count: 2 }, "text/event-stream;q=0.9, text/html;q=1");
      assert.equal(response.headers.get("content-type"), "text/event-stream");
      assert.equal(await response.text(), 'id: 0\ndata: {"text":"a"}\n\nid: 1\ndata: {"text":"a","index":1}\n\n');
    });

    it("that fail at once have a real status", async () => {
      const response = await expand({ failCode: 5 });
      assert.equal(response.status, 404);
      assert.equal((await failure(response)).code, 5);
    });

    for (const [accept, last] of [
      ["application/json", /,\{"error":\{"code":9,.*\}\]$/],
      ["application/jsonl", /\n\{"error":\{"code":9,.*\}\n$/],
      ["text/event-stream", /\n\nevent: error\ndata: \{"code":9,.*\}\n\n$/],
    ] as const)
      it(`that fail later say so in ${accept}`, async () => {
        const response = await expand({ text: "a", count: 2, failCode: 9 }, accept);
        assert.equal(response.status, 200);
        assert.match(await response.text(), last);
      });

    it("stop the backend while nobody reads, and cancel it when the reader leaves", async () => {
      const cancelled = backend.cancelled();
      const sent = httpRequest(`${base}/dragoman.test.v1.Echo/Expand`, {
        method: "POST",
        headers: { ...json, accept: "application/x-ndjson" },
      });
      sent.end(JSON.stringify({ count: 100_000, padding: 10_000 }));
      const response = await new Promise<IncomingMessage>((resolve) => sent.on("response", resolve));
      response.on("error", () => undefined);
      response.pause();
      const before = process.memoryUsage().arrayBuffers;
      await new Promise((resolve) => setTimeout(resolve, 200));
      assert.ok(process.memoryUsage().arrayBuffers - before < 32 << 20, "memory grows while nobody reads");
      assert.equal(backend.cancelled(), cancelled);
      sent.destroy();
      await until(() => backend.cancelled() > cancelled, "the cancellation at the backend");
    });
  });
});
