/** Paths below /.dragoman/: what they answer to whom, over real sockets. */
import assert from "node:assert/strict";
import { renameSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { request, type IncomingHttpHeaders } from "node:http";
import { connect, type OutgoingHttpHeaders } from "node:http2";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { docsPageModule } from "../../deploy/docs-page.ts";
import { createAdminListener } from "../../src/admin/admin-listener.ts";
import { systemClock } from "../../src/core/clock.ts";
import { silentLogger } from "../../src/core/logger.ts";
import { pageFiles } from "../../src/docs-page/page-files.ts";
import { bufBuild } from "../support/buf-build.ts";
import { startEchoServer, type EchoServer } from "../support/echo-server.ts";
import { SidecarProcess } from "../support/sidecar-process.ts";
import { echoDescriptors, startRuntime, type RuntimeHost } from "../support/runtime-host.ts";

interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

const page = "/.dragoman/docs";
const openapi = "/.dragoman/openapi.json";
/** All of it, as it travels. */
const largestPageBytes = 48 * 1024;

describe("docs site", function () {
  this.timeout(30_000);
  let echo: EchoServer;
  let host: RuntimeHost;
  before(async () => {
    echo = await startEchoServer();
    host = await startRuntime({
      "inbound.upstream": `grpc://127.0.0.1:${echo.port}`,
      "admin.token": "a-token-of-some-length",
    });
  });
  after(async () => {
    await host.stop();
    await echo.stop();
  });

  const ask = (path: string, { method = "GET", headers = {}, body = "" } = {}, at = host): Promise<Answer> =>
    new Promise((resolve, reject) => {
      const [hostname, port] = at.runtime.address.split(":");
      const asked = request({ host: hostname, port, path, method, headers, agent: false }, (response) => {
        let text = "";
        response.setEncoding("utf8").on("data", (part: string) => (text += part));
        response.on("end", () => resolve({ status: response.statusCode!, headers: response.headers, body: text }));
      });
      asked.on("error", reject).end(body);
    });

  it("serves the document of the schema in use", async () => {
    const { status, headers, body } = await ask(openapi);
    assert.equal(status, 200);
    assert.equal(headers["content-type"], "application/json");
    const document = JSON.parse(body) as { openapi: string; info: { title: string }; paths: object };
    assert.deepEqual([document.openapi, document.info.title], ["3.1.0", "service"]);
    assert.ok("/v1/echo/{text}" in document.paths);
    assert.ok(!body.includes("a-token-of-some-length") && !body.includes(String(echo.port)), "nothing of the configuration");
  });

  it("is what the command line prints", async () => {
    const { code, stdout } = await new SidecarProcess(["openapi", "--descriptors", echoDescriptors]).ended;
    assert.deepEqual([code, JSON.parse(stdout)], [0, JSON.parse((await ask(openapi)).body)]);
  });

  it("is what operators see, on the admin listener", async () => {
    const admin = await createAdminListener({
      ...{ runtime: host.runtime, listen: "127.0.0.1:0", token: undefined },
      ...{ clock: systemClock, logger: silentLogger },
    });
    try {
      const answer = await fetch(`http://127.0.0.1:${admin.address.port}/openapi.json`, { headers: { connection: "close" } });
      assert.deepEqual(await answer.json(), JSON.parse((await ask(openapi)).body));
    } finally {
      await admin.close();
    }
  });

  it("serves the page and what it needs, with types that browsers believe", async () => {
    const html = await ask(page);
    assert.equal(html.headers["content-type"], "text/html; charset=utf-8");
    const files = [...html.body.matchAll(/(?:src|href)="(docs\/[^"]+)"/g)].map(([, name]) => name!);
    assert.equal(files.length, 3);
    for (const name of files) {
      const file = await ask(`/.dragoman/${name}`);
      assert.equal(file.status, 200, name);
      assert.match(file.headers["content-type"]!, /^(text\/javascript|text\/css|image\/svg\+xml)/);
      assert.equal(file.headers["x-content-type-options"], "nosniff");
    }
  });

  it("has nothing inline, and a policy that allows nothing but its own files", async () => {
    const { headers, body } = await ask(page);
    assert.doesNotMatch(body, /<style|style=|\son\w+=|<script(?![^>]*\ssrc=)/);
    assert.doesNotMatch(body, /https?:/);
    const policy = new Map(
      headers["content-security-policy"]!.toString()
        .split("; ")
        .map((each) => each.split(/ (.*)/s) as [string, string]),
    );
    assert.deepEqual(Object.fromEntries(policy), {
      "default-src": "'none'",
      "script-src": "'self'",
      "style-src": "'self'",
      "connect-src": "'self'",
      "img-src": "'self'",
      "base-uri": "'none'",
      "form-action": "'none'",
      "frame-ancestors": "'none'",
      "require-trusted-types-for": "'script'",
      "trusted-types": "'none'",
    });
  });

  it("answers HEAD without the body, and what is known already with 304", async () => {
    for (const path of [page, openapi]) {
      const full = await ask(path);
      const { etag } = full.headers;
      assert.match(etag!, /^"[\w-]{22}"$/);
      const head = await ask(path, { method: "HEAD" });
      assert.deepEqual([head.status, head.body, head.headers["content-length"]], [200, "", String(Buffer.byteLength(full.body))]);
      for (const known of [etag!, `W/${etag}`, `"other", ${etag}`, "*"]) {
        const again = await ask(path, { headers: { "if-none-match": known } });
        assert.deepEqual([again.status, again.body, again.headers.etag], [304, "", etag], known);
      }
      assert.equal((await ask(path, { headers: { "if-none-match": '"other"' } })).status, 200);
    }
  });

  it("takes a query it does not need", async () => assert.equal((await ask(`${page}?x=1`)).status, 200));

  for (const path of [
    "/.dragoman/",
    "/.dragoman/docs/",
    "/.dragoman/docs/index.html",
    "/.dragoman/docs/tsconfig.json",
    "/.dragoman/docs/main.ts",
    "/.dragoman/docs/../../page-files.ts",
    "/.dragoman/docs/%2e%2e/page-files.ts",
    "/.dragoman/docs//main.js",
    "/.dragoman/docs/__proto__",
    "/.dragoman/DOCS",
    "/.dragoman/config",
    "/.dragoman/%00",
  ])
    it(`has no ${path}`, async () => {
      const { status, body } = await ask(path);
      assert.equal(status, 404);
      assert.deepEqual((JSON.parse(body) as { code: number; details: { reason: string }[] }).details[0]!.reason, "UNKNOWN_PATH");
    });

  for (const method of ["POST", "PUT", "DELETE", "OPTIONS", "PURGE"])
    it(`is not for ${method}`, async () => {
      const { status, headers } = await ask(openapi, { method, body: method === "POST" ? "x".repeat(100_000) : "" }).catch(
        // A refused upload may be cut off.
        () => ({ status: 405, headers: { allow: "GET, HEAD" } }),
      );
      assert.deepEqual([status, headers.allow], [405, "GET, HEAD"]);
    });

  it("is the same over HTTP/2, whatever the content type", async () => {
    const session = connect(`http://${host.runtime.address}`);
    const statusOf = (headers: OutgoingHttpHeaders): Promise<number> =>
      new Promise((resolve, reject) => {
        const stream = session.request({ ":path": openapi, ...headers }).on("error", reject);
        stream.on("response", (answer) => resolve(answer[":status"]!)).resume();
        stream.end();
      });
    try {
      assert.equal(await statusOf({}), 200);
      assert.equal(await statusOf({ ":method": "POST", "content-type": "application/grpc" }), 405);
      assert.equal(await statusOf({ ":path": "/.dragoman/x" }), 404);
    } finally {
      session.destroy();
    }
  });

  it("leaves the paths to the service when it is switched off", async () => {
    const off = await startRuntime({ "inbound.upstream": `grpc://127.0.0.1:${echo.port}`, "inbound.docs": false });
    try {
      for (const path of [page, openapi]) {
        const { status, headers } = await ask(path, {}, off);
        assert.deepEqual([status, headers["content-security-policy"]], [404, undefined]);
      }
    } finally {
      await off.stop();
    }
  });

  it("shows the page before there is a schema, says that there is none, and follows it as it changes", async () => {
    const folder = mkdtempSync(join(tmpdir(), "dragoman-docs-site-"));
    const file = join(folder, "a.binpb");
    const write = (more: string): void => {
      const text = `syntax = "proto3"; package a; message M { string id = 1; } service S { rpc One(M) returns (M); ${more} }`;
      writeFileSync(`${file}.new`, bufBuild({ "a.proto": text }));
      renameSync(`${file}.new`, file);
    };
    write("");
    const changing = await startRuntime({ "inbound.upstream": "grpc://127.0.0.1:1", "inbound.schema": { descriptors: file } });
    const without = await startRuntime({ "inbound.upstream": "grpc://127.0.0.1:1", "inbound.schema": "none" });
    try {
      const missing = await ask(openapi, {}, without);
      assert.deepEqual([missing.status, (await ask(page, {}, without)).status], [503, 200]);
      assert.match(missing.body, /NO_SCHEMA/);

      const { etag } = (await ask(openapi, {}, changing)).headers;
      write("rpc Two(M) returns (M);");
      const endMs = performance.now() + 20_000;
      let latest: Answer;
      do {
        latest = await ask(openapi, { headers: { "if-none-match": etag! } }, changing);
        assert.ok(performance.now() < endMs, "the document stays as it was");
        await new Promise((resolve) => setTimeout(resolve, 50));
      } while (latest.status === 304);
      assert.ok(latest.body.includes("/a.S/Two"));
      assert.notEqual(latest.headers.etag, etag);
    } finally {
      await changing.stop();
      await without.stop();
      rmSync(folder, { recursive: true });
    }
  });

  it("travels in the bundle as one small page", async () => {
    const module = (await import(`data:text/javascript,${encodeURIComponent(await docsPageModule())}`)) as { pageFiles: typeof pageFiles };
    const built = await module.pageFiles();
    const sources = await pageFiles();
    assert.deepEqual([...built.keys()].sort(), ["icon.svg", "index.html", "main.js", "style.css"]);
    for (const name of built.keys()) assert.ok(sources.has(name), name);
    const bytes = [...built.values()].reduce((sum, text) => sum + Buffer.byteLength(text), 0);
    assert.ok(bytes <= largestPageBytes, `${bytes} bytes`);
  });
});
