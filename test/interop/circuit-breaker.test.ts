/** The circuit breaker in a whole runtime: a service that fails is left alone, a reload does not forget it, and the admin pages say so. */
import assert from "node:assert/strict";
import { startHttpServer, type HttpServer } from "../support/http-server.ts";
import { configOf, startRuntime, type RuntimeHost } from "../support/runtime-host.ts";
import { until } from "../support/until.ts";

describe("a service that fails", () => {
  let server: HttpServer;
  let host: RuntimeHost | undefined;
  let status = 200;

  before(async () => {
    server = await startHttpServer((_request, response) => response.writeHead(status).end("answered"));
  });
  afterEach(() => host?.stop());
  after(() => server.stop());

  const settings = (breaker: unknown, timeout = "15s"): Readonly<Record<string, unknown>> => ({
    "inbound.upstream": server.url,
    "inbound.schema": "none",
    "policies.circuit-breaker": breaker,
    "policies.timeout": { total: timeout },
  });
  const ask = async (): Promise<string> => {
    const { status: answered, reason } = await host!.get("/anything");
    return reason ?? String(answered);
  };
  const circuit = (): string => host!.runtime.clusters()[0]!.hosts[0]!.circuit;

  it("is left alone after seven failures, also through a reload, and asked again when a probe succeeds", async () => {
    status = 503;
    host = await startRuntime(settings({ open: "1h", longestOpen: "1h" }));
    for (let n = 0; n < 7; n++) await ask();
    const asked = server.seen.length;
    await until(() => circuit() === "open", "the breaker to open");
    assert.equal(await ask(), "CIRCUIT_OPEN");
    await host.runtime.reload(await configOf(settings({ open: "1h", longestOpen: "1h" }, "14s")));
    assert.equal(await ask(), "CIRCUIT_OPEN", "after a reload");
    assert.equal(server.seen.length, asked, "it hears nothing meanwhile");
    assert.ok(host.logged.includes("circuit opened"));
    status = 200;
    await host.runtime.reload(await configOf(settings({ open: "1ms" })));
    assert.equal(await ask(), "200", "other settings are another breaker");
  });

  it("closes by one probe", async () => {
    status = 503;
    host = await startRuntime(settings({ failures: 2, open: "1ms", longestOpen: "1ms" }));
    for (let n = 0; n < 3; n++) await ask();
    await until(() => circuit() !== "closed", "the breaker to open");
    status = 200;
    const deadlineMs = performance.now() + 8000;
    while ((await ask()) !== "200") assert.ok(performance.now() < deadlineMs, "it is asked again");
    await until(() => circuit() === "closed", "the breaker to close");
    assert.equal(host.services.metrics.policies.of("circuit-breaker", "closed").count, 1);
  });

  it("is asked for ever where the policy is off", async () => {
    status = 503;
    host = await startRuntime(settings(false));
    for (let n = 0; n < 30; n++) assert.equal(await ask(), "503");
  });
});
