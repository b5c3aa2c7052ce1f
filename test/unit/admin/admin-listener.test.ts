import assert from "node:assert/strict";
import { request } from "node:http";
import { createAdminListener } from "../../../src/admin/admin-listener.ts";
import { systemClock } from "../../../src/core/clock.ts";
import { silentLogger } from "../../../src/core/logger.ts";
import type { Listener } from "../../../src/wire/listener.ts";
import { startEchoServer, type EchoServer } from "../../support/echo-server.ts";
import { startRuntime, type RuntimeHost } from "../../support/runtime-host.ts";
import { until } from "../../support/until.ts";

interface Answer {
  readonly status: number;
  readonly headers: NodeJS.Dict<string | string[]>;
  readonly body: string;
}

const token = "a-token-of-some-length";

describe("admin listener", () => {
  let echo: EchoServer;
  let host: RuntimeHost;
  let open: Listener;
  let guarded: Listener;
  before(async () => {
    echo = await startEchoServer();
    host = await startRuntime({ "inbound.upstream": `grpc://127.0.0.1:${echo.port}`, "admin.token": token });
    const options = { runtime: host.runtime, clock: systemClock, logger: silentLogger };
    open = await createAdminListener({ ...options, listen: "127.0.0.1:0", token: undefined });
    guarded = await createAdminListener({ ...options, listen: "0.0.0.0:0", token });
    await until(() => host.runtime.readiness().ready, "readiness");
  });
  after(async () => {
    await Promise.all([open.close(), guarded.close()]);
    await host.stop();
    await echo.stop();
  });

  const ask = (listener: Listener, path: string, headers: NodeJS.Dict<string> = {}, method = "GET"): Promise<Answer> =>
    new Promise((resolve, reject) => {
      const asked = request({ host: "127.0.0.1", port: listener.address.port, path, method, headers, agent: false }, (response) => {
        let body = "";
        response.setEncoding("utf8").on("data", (part: string) => (body += part));
        response.on("end", () => resolve({ status: response.statusCode!, headers: response.headers, body }));
      });
      asked.on("error", reject).end();
    });

  it("answers /healthz, /readyz, /clusters and a list of its pages", async () => {
    assert.equal((await ask(open, "/healthz")).status, 200);
    assert.deepEqual(JSON.parse((await ask(open, "/readyz")).body), { ready: true, reasons: [] });
    const { clusters } = JSON.parse((await ask(open, "/clusters")).body) as { clusters: { upstream: string }[] };
    assert.equal(clusters[0]!.upstream, `grpc://127.0.0.1:${echo.port}`);
    const { pages } = JSON.parse((await ask(open, "/")).body) as { pages: object };
    for (const path of Object.keys(pages)) assert.equal((await ask(open, path)).status, 200, path);
  });

  it("shows the configuration without its secrets", async () => {
    const { body } = await ask(open, "/config");
    assert.ok(!body.includes(token));
    assert.equal((JSON.parse(body) as { admin: { token: string } }).admin.token, "[redacted]");
  });

  it("counts calls in /metrics, with the process beside them", async () => {
    await host.get("/v1/echo/hi");
    await host.get("/none");
    const { body, headers } = await ask(open, "/metrics");
    assert.match(headers["content-type"] as string, /^text\/plain; version=0\.0\.4/);
    for (const pattern of [
      /^dragoman_calls_total\{protocol="rest",method="dragoman\.test\.v1\.Echo\/Unary",code="OK"\} [1-9]/m,
      /^dragoman_calls_total\{protocol="rest",method="other",code="NOT_FOUND"\} [1-9]/m,
      /^dragoman_call_failures_total\{reason="UNKNOWN_PATH",source="caller"\} [1-9]/m,
      /^dragoman_connections_open\{protocol="http1"\} \d/m,
      /^process_resident_memory_bytes [1-9]/m,
      /^nodejs_eventloop_utilization_ratio/m,
      /^dragoman_ready 1$/m,
    ])
      assert.match(body, pattern);
  });

  it("explains a request to /explain, as JSON or as text", async () => {
    const query = (fields: Record<string, string>): string => `/explain?${new URLSearchParams(fields).toString()}`;
    const answer = await ask(open, query({ url: "/v1/echo/hi?none=1", header: "authorization: Bearer sesame" }));
    const { verdict, error } = JSON.parse(answer.body) as { verdict: string; error: { reason: string } };
    assert.deepEqual([answer.status, verdict, error.reason], [200, "refusal", "UNKNOWN_FIELD"]);
    const text = await ask(open, query({ method: "GET", url: "/v1/echo/hi", header: "authorization: Bearer sesame" }), {
      accept: "text/plain",
    });
    assert.match(text.headers["content-type"] as string, /^text\/plain/);
    assert.match(text.body, /calls \/dragoman\.test\.v1\.Echo\/Unary[^]*authorization[^]*grpc:\/\/127\.0\.0\.1:\d+ \(ready\)/);
    for (const { body } of [answer, text]) assert.ok(!body.includes("sesame"));
    const posted = await ask(open, query({ method: "POST", url: "/dragoman.test.v1.Echo/Unary", data: '{"text": 1' }));
    assert.equal((JSON.parse(posted.body) as { error: { reason: string } }).error.reason, "INVALID_JSON");
  });

  for (const [query, message] of [
    ["?method=GET", /url is missing/],
    ["?url=v1", /neither a path/],
    ["?url=/v1/a&b=1", /unknown parameter "b": an & inside url is written %26/],
    ["?url=/v1&header=x", /header: expected name:value/],
    ["?url=/v1&httpVersion=3", /expected 1\.1 or 2/],
    [`?url=/v1${"&header=a:b".repeat(101)}`, /more than 100/],
  ] as const)
    it(`refuses /explain${query.slice(0, 40)}`, async () => {
      const { status, body } = await ask(open, `/explain${query}`);
      assert.equal(status, 400);
      assert.match((JSON.parse(body) as { message: string }).message, message);
    });

  it("answers what it does not have with a JSON error", async () => {
    const missing = await ask(open, "/none?x=1");
    assert.equal(missing.status, 404);
    assert.equal((JSON.parse(missing.body) as { code: number }).code, 5);
    const written = await ask(open, "/config", {}, "POST");
    assert.deepEqual([written.status, written.headers["allow"]], [405, "GET, HEAD"]);
    assert.equal((await ask(open, "/healthz", {}, "HEAD")).body, "");
  });

  for (const authority of ["evil.example", "evil.example:9901", "127.0.0.1.evil.example", "localhost.evil.example", "10.0.0.1"])
    it(`does not answer for the host ${authority}`, async () =>
      assert.equal((await ask(open, "/config", { host: authority })).status, 421));

  for (const authority of ["localhost:9901", "127.0.0.1", "127.1.2.3:1", "[::1]:9901", "admin.localhost"])
    it(`answers for the host ${authority}`, async () => assert.equal((await ask(open, "/config", { host: authority })).status, 200));

  it("demands its token off loopback, but for yes or no", async () => {
    for (const authorization of [undefined, "Bearer wrong", `Basic ${token}`, `Bearer ${token}x`, `Bearer ${token.slice(0, -1)}`]) {
      const refused = await ask(guarded, "/metrics", authorization === undefined ? {} : { authorization });
      assert.deepEqual([refused.status, refused.headers["www-authenticate"]], [401, 'Bearer realm="dragoman"']);
    }
    assert.equal((await ask(guarded, "/metrics", { authorization: `Bearer ${token}` })).status, 200);
    assert.equal((await ask(guarded, "/none")).status, 401);
    assert.deepEqual(JSON.parse((await ask(guarded, "/readyz")).body), { ready: true });
  });

  it("does not open to the network without a token", async () => {
    const options = { runtime: host.runtime, listen: "0.0.0.0:0", token: undefined, clock: systemClock, logger: silentLogger };
    await assert.rejects(createAdminListener(options), { name: "StartError", fault: "config", message: /DRAGOMAN_ADMIN_TOKEN/ });
  });
});
