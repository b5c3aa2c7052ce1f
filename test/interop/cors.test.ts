/** CORS on the inbound port: over the wire, and in Chromium with connect-web, grpc-web and fetch. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { build } from "esbuild";
import { chromium, type Browser, type Page } from "playwright-core";
import { startEchoServer, type EchoServer } from "../support/echo-server.ts";
import { outside } from "../support/outside.ts";
import { echoDescriptors, startRuntime, type RuntimeHost } from "../support/runtime-host.ts";
import { until } from "../support/until.ts";

const page = "https://app.example.com";

describe("CORS", () => {
  let backend: EchoServer;
  let host: RuntimeHost;

  before(async () => {
    backend = await startEchoServer();
    host = await startRuntime({
      "inbound.upstream": `grpc://127.0.0.1:${backend.port}`,
      "inbound.cors": { origins: [page, "https://*.example.org"], credentials: true, maxAge: "10m" },
    });
  });
  after(async () => {
    await host.stop();
    await backend.stop();
  });

  const send = (method: string, path: string, headers: Record<string, string>, body?: string): Promise<Response> =>
    fetch(`http://${host.runtime.address}${path}`, { method, headers, ...(body === undefined ? {} : { body }) });
  const preflight = (origin: string, path = "/v1/echo"): Promise<Response> =>
    send("OPTIONS", path, { origin, "access-control-request-method": "POST", "access-control-request-headers": "content-type, x-color" });
  const count = (code: string): number => {
    let calls = 0;
    for (const row of host.runtime.metrics.rows())
      for (const cell of row.codes())
        if (cell.protocol === "cors" && cell.code === code) for (const bucket of cell.buckets) calls += bucket;
    return calls;
  };

  it("answers a preflight on any path, and counts it as a call of its own", async () => {
    const before = count("OK");
    for (const path of ["/v1/echo", "/dragoman.test.v1.Echo/Unary", "/nowhere"]) {
      const response = await preflight(page, path);
      assert.equal(response.status, 204);
      assert.equal(response.headers.get("access-control-allow-origin"), page);
      assert.equal(response.headers.get("access-control-allow-credentials"), "true");
      assert.equal(response.headers.get("access-control-allow-methods"), "POST");
      assert.equal(response.headers.get("access-control-allow-headers"), "content-type, x-color");
      assert.equal(response.headers.get("access-control-max-age"), "600");
    }
    await until(() => count("OK") === before + 3, "three calls of cors/preflight");
  });

  it("refuses a preflight of a page that is not on the list, in words", async () => {
    const before = count("PERMISSION_DENIED");
    const response = await preflight("https://evil.test");
    assert.equal(response.status, 403);
    assert.equal(response.headers.get("access-control-allow-origin"), null);
    assert.equal(response.headers.get("vary"), "origin");
    assert.match(await response.text(), /ORIGIN_NOT_ALLOWED/);
    await until(() => count("PERMISSION_DENIED") === before + 1, "the refusal to be counted");
  });

  it("leaves other OPTIONS requests to the service", async () => {
    const response = await send("OPTIONS", "/v1/echo", { origin: page });
    assert.equal(response.status, 204);
    assert.equal(response.headers.get("allow"), "OPTIONS, POST");
    assert.equal(response.headers.get("access-control-allow-origin"), page);
  });

  const json = { "content-type": "application/json" };
  const requests = [
    ["REST", "/v1/echo", json, '{"text":"hi"}'],
    ["a REST error", "/v1/echo", json, '{"text":1}'],
    ["an unknown path", "/nowhere", json, "{}"],
    ["Connect", "/dragoman.test.v1.Echo/Unary", { ...json, "connect-protocol-version": "1" }, '{"text":"hi"}'],
    ["a Connect error", "/dragoman.test.v1.Echo/Unary", { ...json, "connect-protocol-version": "1" }, '{"failCode":5}'],
    ["gRPC-Web", "/dragoman.test.v1.Echo/Unary", { "content-type": "application/grpc-web+proto" }, "\0\0\0\0\0"],
    ["health", "/grpc.health.v1.Health/Check", json, "{}"],
  ] as const;
  for (const [name, path, headers, body] of requests) {
    it(`marks the answer of ${name} for the page, and for no other`, async () => {
      const allowed = await send("POST", path, { ...headers, origin: page, "x-color": "blue" }, body);
      assert.equal(allowed.headers.get("access-control-allow-origin"), page);
      assert.match(allowed.headers.get("vary")!, /origin/);
      const exposed = allowed.headers.get("access-control-expose-headers")!.split(", ");
      for (const always of ["grpc-status", "grpc-message", "grpc-status-details-bin"]) assert.ok(exposed.includes(always));
      for (const field of ["x-color", "trailer-x-trailer"]) assert.equal(exposed.includes(field), allowed.headers.has(field), field);
      for (const origin of [undefined, "https://evil.test"]) {
        const other = await send("POST", path, { ...headers, ...(origin === undefined ? {} : { origin }) }, body);
        assert.equal(other.status, allowed.status);
        assert.equal(other.headers.get("access-control-allow-origin"), null);
        assert.match(other.headers.get("vary")!, /origin/);
      }
    });
  }

  it("is taken up, changed and dropped by a reload", async () => {
    const { config } = host.runtime;
    const without: typeof config = { ...config, inbound: { ...config.inbound, cors: undefined } };
    await host.runtime.reload(without);
    const off = await preflight(page);
    assert.equal(off.headers.get("access-control-allow-origin"), null);
    await host.runtime.reload({
      ...config,
      inbound: { ...config.inbound, cors: { ...config.inbound.cors!, origins: ["*"], credentials: false } },
    });
    assert.equal((await preflight("https://evil.test")).headers.get("access-control-allow-origin"), "*");
    await host.runtime.reload(config);
    assert.equal((await preflight(page)).status, 204);
  });
});

describe("CORS in Chromium", function () {
  this.timeout(60_000);
  let backend: EchoServer;
  let host: RuntimeHost;
  let site: Server;
  let browser: Browser | undefined;
  const descriptors = readFileSync(echoDescriptors).toString("base64");

  before(async function () {
    const executablePath = outside(this, "chromium");
    const script = await build({
      entryPoints: [join(import.meta.dirname, "../support/browser/echo-page.ts")],
      bundle: true,
      write: false,
      format: "iife",
      platform: "browser",
      logLevel: "silent",
    });
    site = createServer((request, response) => {
      const isScript = request.url === "/page.js";
      response.setHeader("content-type", isScript ? "text/javascript" : "text/html");
      response.end(isScript ? script.outputFiles[0]!.contents : '<!doctype html><script src="/page.js"></script>');
    });
    await new Promise<void>((resolve) => site.listen(0, "127.0.0.1", resolve));
    backend = await startEchoServer();
    host = await startRuntime({
      "inbound.upstream": `grpc://127.0.0.1:${backend.port}`,
      "inbound.cors": { origins: ["http://127.0.0.1:*"], credentials: true, privateNetwork: true },
    });
    browser = await chromium.launch({
      executablePath,
      args: ["--headless", "--no-sandbox", "--disable-quic", "--disable-background-networking"],
    });
  });
  after(async () => {
    await browser?.close();
    if (browser === undefined) return;
    await host.stop();
    await backend.stop();
    site.close();
    site.closeAllConnections();
  });

  const visit = async (name: string): Promise<Page> => {
    const tab = await browser!.newPage();
    tab.setDefaultTimeout(20_000);
    await tab.goto(`http://${name}:${(site.address() as AddressInfo).port}/`);
    return tab;
  };
  const evaluate = (tab: Page, expression: string): Promise<Record<string, unknown>> => tab.evaluate(expression);

  for (const protocol of ["connect", "connect-json", "connect-get", "grpc-web"]) {
    it(`connect-web calls by ${protocol} from a page on the list, and not from another`, async () => {
      const expression = `rpc(${JSON.stringify(protocol)}, "http://${host.runtime.address}", ${JSON.stringify(descriptors)})`;
      const allowed = await visit("127.0.0.1");
      assert.deepEqual(await evaluate(allowed, expression), {
        text: "hi",
        streamed: [0, 1, 2],
        failure: "ConnectError: [failed_precondition] failed with 9: 100% é",
        color: "blue",
        trailer: "tail",
      });
      await allowed.close();
      const other = await visit("localhost");
      const { kept } = await evaluate(other, expression);
      assert.ok(kept !== undefined);
      await other.close();
    });
  }

  it("grpc-web calls from a page on the list, and not from another", async () => {
    const expression = `grpcWeb("http://${host.runtime.address}")`;
    const allowed = await visit("127.0.0.1");
    assert.deepEqual(await evaluate(allowed, expression), { answer: [0x0a, 2, 0x68, 0x69], status: ["blue"] });
    await allowed.close();
    const other = await visit("localhost");
    assert.notEqual((await evaluate(other, expression))["code"], undefined);
    await other.close();
  });

  for (const credentials of ["omit", "include"]) {
    it(`fetch calls REST (credentials: ${credentials}) and reads metadata and trailers`, async () => {
      const expression = `rest("http://${host.runtime.address}", ${JSON.stringify(credentials)})`;
      const allowed = await visit("127.0.0.1");
      assert.deepEqual(await evaluate(allowed, expression), { text: "hi", color: "blue", trailer: "tail" });
      await allowed.close();
      const other = await visit("localhost");
      assert.deepEqual(await evaluate(other, expression), { kept: "TypeError" });
      await other.close();
    });
  }
});
