/** The browser client in Chromium, on a page of the proxy's own origin: streams held open, half-closed, read slowly, drained and taken up again. */
import assert from "node:assert/strict";
import { chromium, type Browser, type Page } from "playwright-core";
import type * as Client from "../../src/browser-client/client.ts";
import { startEchoServer, type EchoServer } from "../support/echo-server.ts";
import { outside } from "../support/outside.ts";
import { startRuntime, type RuntimeHost } from "../support/runtime-host.ts";

/** What the page does runs there: it sees the client as a module, under the name that a page would import. */
declare const client: typeof Client;
declare const location: { readonly origin: string };
declare const document: { title: string };

const service = "/dragoman.test.v1.Echo/";

interface Echo {
  text: string;
}

describe("WebSocket in Chromium", function () {
  this.timeout(60_000);
  let browser: Browser | undefined;
  let backend: EchoServer;
  let host: RuntimeHost;

  before(async function () {
    const executablePath = outside(this, "chromium");
    browser = await chromium.launch({
      executablePath,
      args: ["--headless", "--no-sandbox", "--disable-quic", "--disable-background-networking"],
    });
    backend = await startEchoServer();
    host = await startRuntime({ "inbound.upstream": `grpc://127.0.0.1:${backend.port}`, "admin.listen": "off" });
  });
  after(async () => {
    await browser?.close();
    await host?.stop();
    await backend?.stop();
  });

  /** A page of the proxy's origin on which `client` is the module. */
  async function visit(of: RuntimeHost = host): Promise<{ page: Page; faults: string[] }> {
    const page = await browser!.newPage();
    page.setDefaultTimeout(40_000);
    const faults: string[] = [];
    page.on("pageerror", (error) => faults.push(String(error)));
    // Any answer of this origin that comes without a policy for scripts.
    await page.goto(`http://${of.runtime.address}/v1/echo/page`);
    await page.evaluate(async () => {
      const module = "/.dragoman/client.js";
      Object.assign(globalThis, { client: await import(module) });
    });
    return { page, faults };
  }

  it("holds a bidirectional stream, half-closes it, and gets status and trailers", async () => {
    const { page, faults } = await visit();
    const seen = await page.evaluate(async (path) => {
      const call = client.open<Echo, Echo>(path, { metadata: { "x-color": "blue" } });
      const answers = call[Symbol.asyncIterator]();
      const texts: string[] = [];
      const color = (await call.metadata)["x-color"];
      for (const text of ["one", "two"]) {
        await call.send({ text });
        texts.push(((await answers.next()).value as Echo).text);
      }
      call.end();
      const { done } = await answers.next();
      return { color, texts, done, status: await call.status };
    }, `${service}Chat`);
    assert.deepEqual(seen, {
      color: "blue",
      texts: ["one", "two"],
      done: true,
      status: { code: 0, message: "", details: [], trailers: { "x-trailer": "tail", "x-trailer-bin": "AAH/" } },
    });
    assert.deepEqual(faults, []);
    await page.close();
  });

  it("carries 10,000 messages each way to a page that reads slowly", async () => {
    const { page, faults } = await visit();
    const seen = await page.evaluate(async (path) => {
      const count = 10_000;
      let sent = 0;
      let taken = 0;
      let inOrder = true;
      async function* questions(): AsyncGenerator<Echo> {
        for (; sent < count; sent++) yield { text: `m${sent}` };
      }
      for await (const { text } of client.bidi<Echo, Echo>(path, questions())) {
        inOrder &&= text === `m${taken}`;
        // Every hundredth message takes a frame of the display to read.
        if (++taken % 100 === 0) await new Promise((resolve) => setTimeout(resolve, 16));
      }
      return { sent, taken, inOrder };
    }, `${service}Chat`);
    assert.deepEqual(seen, { sent: 10_000, taken: 10_000, inOrder: true });
    assert.deepEqual(faults, []);
    await page.close();
  });

  it("shows errors, and cancels", async () => {
    const { page, faults } = await visit();
    const seen = await page.evaluate(async (base) => {
      const failure = await client.unary(`${base}Unary`, { failCode: 9 }).catch((error: unknown) => error);
      const { code, message } = failure as { code: number; message: string };
      const call = client.serverStream<object, Echo>(`${base}Expand`, { count: 1, delayMs: 3000 });
      for await (const _ of call) break;
      return { code, message, cancelled: (await call.status).code };
    }, service);
    assert.deepEqual(seen, { code: 9, message: "failed with 9: 100% é", cancelled: 1 });
    assert.deepEqual(faults, []);
    await page.close();
  });

  it("is told of a drain and goes on elsewhere", async () => {
    const leaving = await startRuntime({
      "inbound.upstream": `grpc://127.0.0.1:${backend.port}`,
      "admin.listen": "off",
      "inbound.websocket.origins": ["*"],
    });
    const staying = await startRuntime({
      "inbound.upstream": `grpc://127.0.0.1:${backend.port}`,
      "admin.listen": "off",
      "inbound.websocket.origins": ["*"],
    });
    const { page, faults } = await visit(leaving);
    const seen = page.evaluate(
      async ({ path, other }) => {
        const codes: number[] = [];
        const texts: string[] = [];
        for (const origin of [location.origin, other]) {
          const call = client.open<Echo, Echo>(path, { origin });
          await call.send({ text: origin === other ? "again" : "first" });
          try {
            for await (const { text } of call) {
              texts.push(text);
              if (origin === other) call.end();
              else document.title = "under way";
            }
          } catch {
            // the status says it
          }
          codes.push((await call.status).code);
        }
        return { codes, texts };
      },
      { path: `${service}Chat`, other: `http://${staying.runtime.address}` },
    );
    await page.waitForFunction(() => document.title === "under way");
    await leaving.runtime.drain(1000);
    assert.deepEqual(await seen, { codes: [14, 0], texts: ["first", "again"] });
    assert.deepEqual(faults, []);
    await page.close();
    await leaving.stop();
    await staying.stop();
  });

  it("is refused to a page of another origin", async () => {
    const other = await startRuntime({ "inbound.upstream": `grpc://127.0.0.1:${backend.port}`, "admin.listen": "off" });
    const { page } = await visit();
    const code = await page.evaluate(
      async ({ path, origin }) => {
        const failure = await client.unary(path, {}, { origin }).catch((error: unknown) => error);
        return (failure as { code: number }).code;
      },
      { path: `${service}Unary`, origin: `http://${other.runtime.address}` },
    );
    assert.equal(code, 14);
    await page.close();
    await other.stop();
  });
});
