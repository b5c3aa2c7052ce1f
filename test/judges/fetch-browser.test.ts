/**
 * Streams by fetch in Chromium, without a library: Connect, gRPC-Web and server-sent events read slowly, left, ended by a drain and taken up again.
 *
 * The trap: fetch sends a body as a stream only over HTTP/2 and TLS, so half-closing has a proxy of its own.
 */
import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { chromium, type Browser, type Page } from "playwright-core";
import { certificate, certificateKey } from "../support/certificate.ts";
import { startEchoServer, type EchoServer } from "../support/echo-server.ts";
import { clusterAt, startHop } from "../support/hop.ts";
import { outside } from "../support/outside.ts";
import { startRuntime, type RuntimeHost } from "../support/runtime-host.ts";
import { until } from "../support/until.ts";

const script = readFileSync(join(import.meta.dirname, "../support/browser/fetch-streams.js"), "utf8");
const service = "/dragoman.test.v1.Echo/";

type Form = "connect" | "grpc-web" | "sse";

/** What the page does runs there: it sees the script's functions as globals. */
declare const takeSlowly: (form: string, count: number) => Promise<{ taken: number; inOrder: boolean; end: unknown }>;
declare const listen: (form: string) => Promise<string>;
declare const envelope: (json: object) => Uint8Array<ArrayBuffer>;
declare const envelopes: (response: Response) => AsyncGenerator<{ last: boolean; body: Uint8Array }>;
declare const document: { title: string };
interface EventSourceLike {
  onmessage: (event: { data: string; lastEventId: string }) => void;
  close(): void;
}
declare const EventSource: new (url: string) => EventSourceLike;

describe("streams by fetch in Chromium", function () {
  this.timeout(60_000);
  let browser: Browser | undefined;
  let backend: EchoServer;
  let folder: string;

  before(async function () {
    const executablePath = outside(this, "chromium");
    folder = mkdtempSync(join(tmpdir(), "dragoman-fetch-"));
    browser = await chromium.launch({
      executablePath,
      args: ["--headless", "--no-sandbox", "--disable-quic", "--disable-background-networking"],
    });
    backend = await startEchoServer();
  });
  after(async () => {
    await browser?.close();
    await backend?.stop();
    if (folder !== undefined) rmSync(folder, { recursive: true, force: true });
  });

  /** What a test has started, to be ended in the reverse order. */
  const stops: (() => Promise<unknown>)[] = [];
  afterEach(async () => {
    for (const stop of stops.splice(0).reverse()) await stop();
  });

  async function startProxy(settings: Record<string, unknown> = {}): Promise<RuntimeHost> {
    const host = await startRuntime({ "inbound.upstream": `grpc://127.0.0.1:${backend.port}`, "admin.listen": "off", ...settings });
    let stopped: Promise<void> | undefined;
    const stop = (): Promise<void> => (stopped ??= host.stop());
    stops.push(stop);
    return { ...host, stop };
  }

  async function visit(origin: string): Promise<{ page: Page; faults: string[] }> {
    const context = await browser!.newContext({ ignoreHTTPSErrors: true });
    stops.push(() => context.close());
    const page = await context.newPage();
    page.setDefaultTimeout(40_000);
    const faults: string[] = [];
    page.on("pageerror", (error) => faults.push(String(error)));
    await page.goto(`${origin}/v1/echo/page`);
    await page.evaluate(script);
    return { page, faults };
  }

  const ends: Record<Form, (end: unknown) => void> = {
    connect: (end) => assert.deepEqual(end, { metadata: { "x-trailer": ["tail"], "x-trailer-bin": ["AAH/"] } }),
    "grpc-web": (end) => assert.match(String(end), /^(?=[^]*grpc-status: ?0\r\n)(?=[^]*x-trailer: ?tail\r\n)/),
    // A stream of events that went well just ends; an error would be the last event.
    sse: (end) => assert.equal(end, undefined),
  };

  for (const form of ["connect", "grpc-web", "sse"] as const)
    it(`${form}: 10,000 messages to a page that reads slowly, then status and trailers`, async () => {
      const host = await startProxy();
      const { page, faults } = await visit(`http://${host.runtime.address}`);
      const { end, ...seen } = await page.evaluate(([name, count]) => takeSlowly(name, count), [form, 10_000] as const);
      assert.deepEqual(seen, { taken: 10_000, inOrder: true });
      ends[form](end);
      assert.deepEqual(faults, []);
    });

  it("cancels at the backend when the page leaves", async () => {
    const cluster = clusterAt(backend.port);
    stops.push(async () => cluster.close());
    const hop = await startHop({ handler: cluster.handler });
    stops.push(() => hop.stop());
    const { page } = await visit(`http://127.0.0.1:${hop.port}`);
    // How much of a stream Chromium reads ahead of the page is its own affair; this one does not end by itself before the test does.
    await page.evaluate(
      async ({ path, body }) => {
        const headers = { "content-type": "application/json", accept: "application/x-ndjson" };
        const response = await fetch(path, { method: "POST", headers, body });
        const reader = response.body!.getReader();
        await reader.read();
        Object.assign(globalThis, { reader });
      },
      { path: `${service}Expand`, body: JSON.stringify({ text: "a", count: 10, delayMs: 60_000 }) },
    );
    assert.equal(hop.underWay().length, 1);
    const cancelled = backend.cancelled();
    await page.evaluate("reader.cancel()");
    await until(() => backend.cancelled() > cancelled, "the backend's cancellation");
  });

  it("half-closes a client stream over HTTP/2", async () => {
    const [cert, key] = [join(folder, "cert.pem"), join(folder, "key.pem")];
    writeFileSync(cert, certificate);
    writeFileSync(key, certificateKey);
    const host = await startProxy({ "inbound.tls": { cert, key } });
    const { page, faults } = await visit(`https://${host.runtime.address}`);
    const seen = await page.evaluate(async (path) => {
      const { readable, writable } = new TransformStream<Uint8Array, Uint8Array>();
      const answered = fetch(path, {
        method: "POST",
        headers: { "content-type": "application/connect+json" },
        body: readable,
        duplex: "half",
      });
      const writer = writable.getWriter();
      for (const text of ["a", "b", "c"]) await writer.write(envelope({ text }));
      await writer.close();
      const said: unknown[] = [];
      for await (const { body } of envelopes(await answered)) said.push(JSON.parse(new TextDecoder().decode(body)));
      return said;
    }, `${service}Collect`);
    assert.deepEqual(seen, [{ text: "a,b,c", index: 3 }, { metadata: { "x-trailer": ["tail"], "x-trailer-bin": ["AAH/"] } }]);
    assert.deepEqual(faults, []);
  });

  for (const form of ["connect", "grpc-web", "sse"] as const)
    it(`${form}: hears that the proxy goes, and calls the next one`, async () => {
      const leaving = await startProxy();
      const { address } = leaving.runtime;
      const { page, faults } = await visit(`http://${address}`);
      const heard = page.evaluate((name) => listen(name), form);
      await page.waitForFunction(() => document.title === "under way");
      await leaving.runtime.drain(300);
      // Either the last word says UNAVAILABLE, or there is none: never an end that looks like success.
      assert.match(await heard, /^said: .*(unavailable|grpc-status: ?14|"code":14)|^broken:/);
      await leaving.stop();
      await startProxy({ "inbound.listen": address });
      const again = await page.evaluate((name) => takeSlowly(name, 3), form);
      assert.equal(again.taken, 3);
      ends[form](again.end);
      assert.deepEqual(faults, []);
    });

  it("EventSource comes back by itself to the next proxy", async () => {
    const settings = { "inbound.rules": [{ selector: "dragoman.test.v1.Echo.Expand", get: "/v1/expand/{text}" }] };
    const leaving = await startProxy(settings);
    const { address } = leaving.runtime;
    const { page, faults } = await visit(`http://${address}`);
    const seen = page.evaluate(async () => {
      let opened = 0;
      return new Promise<number>((resolve) => {
        const source = new EventSource("/v1/expand/a?count=1&delay_ms=30000");
        source.onmessage = () => {
          document.title = "under way";
          if (++opened < 2) return;
          source.close();
          resolve(opened);
        };
      });
    });
    await page.waitForFunction(() => document.title === "under way");
    await leaving.runtime.drain(300);
    await leaving.stop();
    await startProxy({ ...settings, "inbound.listen": address });
    assert.equal(await seen, 2);
    assert.deepEqual(faults, []);
  });
});
