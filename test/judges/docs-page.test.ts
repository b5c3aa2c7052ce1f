/** The docs page in a browser: what it shows, what it sends, and that nothing leaves the machine. */
import assert from "node:assert/strict";
import { copyFileSync, mkdirSync, mkdtempSync, renameSync, rmSync, statSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { chromium, type Browser, type BrowserContext, type Page } from "playwright-core";
import { docsPageModule } from "../../deploy/docs-page.ts";
import { catalog } from "../../src/demo/catalog.ts";
import { orders } from "../../src/demo/orders.ts";
import { startShopServer, type ShopServer } from "../../src/demo/shop-server.ts";
import { bufBuild } from "../support/buf-build.ts";
import { outside } from "../support/outside.ts";
import { startRuntime, type RuntimeHost } from "../support/runtime-host.ts";

const waitMs = 20_000;

describe("docs page in Chromium", function () {
  this.timeout(90_000);
  let folder = "";
  let browser: Browser | undefined;
  const shops: ShopServer[] = [];
  const hosts: RuntimeHost[] = [];

  before(async function () {
    const executablePath = outside(this, "chromium");
    folder = mkdtempSync(join(tmpdir(), "dragoman-docs-page-"));
    const args = ["--headless", "--no-sandbox", "--disable-quic", "--disable-background-networking"];
    browser = await chromium.launch({ executablePath, args });
    for (const part of [catalog(() => 0.75), orders()]) {
      const shop = await startShopServer(part, 0);
      shops.push(shop);
      hosts.push(await startRuntime({ "inbound.upstream": `grpc://${shop.address}`, "inbound.schema": "reflection", service: "shop" }));
    }
  });
  after(async () => {
    await browser?.close();
    for (const host of hosts) await host.stop();
    for (const shop of shops) shop.close();
    if (folder !== "") rmSync(folder, { recursive: true, force: true });
  });

  /** A page, and everything that must not have happened on it. */
  class Visit {
    readonly page: Page;
    private readonly context: BrowserContext;
    private readonly host: string;
    private readonly faults: string[] = [];
    private readonly requests: string[] = [];

    private constructor(context: BrowserContext, page: Page, host: string) {
      this.context = context;
      this.page = page;
      this.host = host;
      page.setDefaultTimeout(waitMs);
      page.on("pageerror", (error) => this.faults.push(String(error)));
      page.on("request", (request) => this.requests.push(request.url()));
      page.on("console", (message) => {
        // Chromium itself notes every answer of 400 and above: a call that was meant to fail is not the page's error.
        const isRefusedCall = message.text().startsWith("Failed to load resource") && message.location().url.includes("/v1/");
        if (message.type() === "error" && !isRefusedCall) this.faults.push(message.text());
      });
    }

    static async open(host: string, hash = "", colorScheme: "light" | "dark" = "light"): Promise<Visit> {
      const context = await browser!.newContext({ colorScheme, viewport: { width: 1440, height: 900 } });
      const visit = new Visit(context, await context.newPage(), host);
      await visit.page.goto(`http://${host}/.dragoman/docs${hash}`);
      await visit.page.locator("#methods a").first().waitFor();
      return visit;
    }

    async set(field: string, value: string): Promise<void> {
      await this.page.locator(`[id="value-${field}"]`).fill(value);
    }

    send(): Promise<void> {
      return this.page.getByRole("button", { name: "Send" }).click();
    }

    /** What the status line says, once it begins with `words`. */
    async status(words: string): Promise<string> {
      await this.page.locator(".result .status", { hasText: words }).waitFor();
      return this.page.locator(".result .status").innerText();
    }

    async answer(): Promise<Record<string, unknown>> {
      return JSON.parse(await this.page.locator(".result .answer").innerText()) as Record<string, unknown>;
    }

    /** Into DRAGOMAN_SCREENSHOTS where somebody wants to look at them. */
    async screenshot(name: string): Promise<void> {
      const path = join(folder, `${name}.png`);
      await this.page.screenshot({ path });
      assert.ok(statSync(path).size > 10_000, `${name} shows something`);
      const wanted = process.env["DRAGOMAN_SCREENSHOTS"];
      if (wanted === undefined) return;
      mkdirSync(wanted, { recursive: true });
      copyFileSync(path, join(wanted, `${name}.png`));
    }

    async close(): Promise<void> {
      await this.context.close();
      assert.deepEqual(this.faults, [], "no errors in the console");
      assert.ok(this.requests.length > 3);
      for (const url of this.requests) assert.equal(new URL(url).host, this.host, `${url} stays here`);
    }
  }

  const catalogHost = (): string => hosts[0]!.runtime.address;
  const ordersHost = (): string => hosts[1]!.runtime.address;

  it("lists services and methods, and finds them by their words", async () => {
    const visit = await Visit.open(catalogHost());
    const { page } = visit;
    assert.equal(await page.title(), "shop");
    const names = page.locator("#methods a span:last-child");
    assert.deepEqual((await names.allInnerTexts()).slice(0, 3), ["List", "Get", "WatchPrices"]);
    assert.ok(await page.getByText("What the shop sells").isVisible(), "the service's comment");
    await page.keyboard.press("/");
    await page.keyboard.type("as it happens");
    await page.locator("#methods a", { hasText: "WatchPrices" }).waitFor();
    assert.deepEqual(await names.allInnerTexts(), ["WatchPrices"]);
    await page.keyboard.press("Tab");
    await page.keyboard.press("Enter");
    await page.getByRole("heading", { name: "WatchPrices" }).waitFor();
    assert.equal(await page.title(), "WatchPrices, shop");
    await visit.close();
  });

  for (const scheme of ["light", "dark"] as const)
    it(`sends a unary call and shows the answer (${scheme})`, async () => {
      const visit = await Visit.open(catalogHost(), "", scheme);
      await visit.screenshot(`overview-${scheme}`);
      await visit.page.locator(".cards a", { hasText: "One product." }).click();
      await visit.set("path:id", "espresso");
      await visit.page.locator("summary.field", { hasText: "price" }).click();
      await visit.page.locator(".fields .name", { hasText: "currency" }).waitFor();
      await visit.send();
      assert.match(await visit.status("bytes"), /^200 OK [\d.]+ m?s, \d+ bytes$/);
      assert.equal((await visit.answer())["barcode"], "4006381333931");
      assert.match(await visit.page.locator(".result .curl").textContent().then(String), /^curl -s 'http:\S+\/v1\/products\/espresso'$/);
      await visit.page.locator(".result summary", { hasText: "headers" }).click();
      assert.match(await visit.page.locator(".headers").innerText(), /content-type\s+application\/json/);
      await visit.screenshot(`unary-${scheme}`);
      await visit.close();
    });

  it("shows an error with its status and details", async () => {
    const visit = await Visit.open(catalogHost(), "#/shop.v1.Catalog/Get");
    await visit.send();
    assert.match(await visit.status("The path needs"), /a value for id/);
    await visit.set("path:id", "no such/thing?");
    await visit.send();
    assert.match(await visit.status("404 Not Found"), /ms/);
    const { code, message } = await visit.answer();
    assert.equal(code, 5);
    assert.match(String(message), /no such\/thing\?/);
    await visit.screenshot("error");
    await visit.close();
  });

  it("shows the messages of a stream as they come, in each form, to the end", async () => {
    const visit = await Visit.open(catalogHost(), "#/shop.v1.Catalog/WatchPrices");
    await visit.set("query:ids", "espresso\nassam");
    await visit.set("query:limit", "3");
    for (const form of ["application/x-ndjson", "text/event-stream", "application/json"]) {
      await visit.page.locator("#value-accept").selectOption(form);
      await visit.send();
      assert.match(await visit.status("bytes"), /^200 OK 3 messages, [\d.]+ m?s, \d+ bytes$/, form);
      const messages = await visit.page.locator(".records pre").allInnerTexts();
      const ids = new Set(messages.map((text) => (JSON.parse(text) as { id: string }).id));
      assert.deepEqual([messages.length, [...ids].sort()], [3, ["assam", "espresso"]], form);
    }
    await visit.close();
  });

  for (const scheme of ["light", "dark"] as const)
    it(`stops a stream that has no end (${scheme})`, async () => {
      const visit = await Visit.open(catalogHost(), "#/shop.v1.Catalog/WatchPrices", scheme);
      const { page } = visit;
      const stop = page.getByRole("button", { name: "Stop" });
      assert.equal(await stop.isEnabled(), false);
      await visit.send();
      await page.locator(".records li").nth(5).waitFor();
      await visit.screenshot(`stream-${scheme}`);
      await stop.click();
      assert.match(await visit.status("Stopped"), /^Stopped \d+ messages/);
      assert.equal(await stop.isEnabled(), false);
      await visit.close();
    });

  it("begins a body with an example, sends it, and shows which fields were refused", async () => {
    const visit = await Visit.open(ordersHost(), "#/shop.v1.Orders/Create", "dark");
    const { page } = visit;
    const example = JSON.parse(await page.locator("#value-body").inputValue()) as Record<string, unknown>;
    assert.ok("customer" in example && "cardToken" in example && !("cashOnDelivery" in example), "of a oneof the first");
    await visit.set("body", '{"lines": [{"productId": "tea"}]}');
    await visit.send();
    await visit.status("400 Bad Request");
    assert.match(JSON.stringify(await visit.answer()), /"field":"order\.customer"/);
    await visit.screenshot("refused-dark");
    await visit.set(
      "body",
      '{"customer": {"name": "Ann", "email": "ann@example.com"}, "lines": [{"productId": "espresso", "quantity": 1}], "cashOnDelivery": true}',
    );
    await page.locator("summary", { hasText: /^Headers$/ }).click();
    await visit.set("headers", "grpc-metadata-note: hello");
    const sent = page.waitForRequest((request) => request.method() === "POST");
    await visit.send();
    assert.equal((await sent).headers()["grpc-metadata-note"], "hello");
    await visit.status("200 OK");
    assert.equal(((await visit.answer())["customer"] as { name: string }).name, "Ann");
    await visit.close();
  });

  it("fits a small screen", async () => {
    const visit = await Visit.open(catalogHost(), "#/shop.v1.Catalog/List");
    const { page } = visit;
    await page.setViewportSize({ width: 390, height: 800 });
    assert.equal(await page.locator("#methods").isVisible(), false);
    const fits = await page.evaluate("document.documentElement.scrollWidth <= innerWidth");
    assert.equal(fits, true, "nothing sticks out");
    await visit.screenshot("small");
    await page.getByRole("button", { name: "Methods" }).click();
    await page.locator("#methods a", { hasText: "WatchPrices" }).click();
    await page.getByRole("heading", { name: "WatchPrices" }).waitFor();
    assert.equal(await page.locator("#methods").isVisible(), false, "the menu closes behind a choice");
    await visit.close();
  });

  it("takes up a changed schema by itself, and leaves what was typed", async () => {
    const proto = (comment: string, more: string): Uint8Array =>
      bufBuild({
        "a.proto": `syntax = "proto3"; package live.v1; import "google/api/annotations.proto";
          message M { string id = 1; }
          service Live {
            // ${comment}
            rpc Get(M) returns (M) { option (google.api.http) = { get: "/v1/live/{id}" }; }
            ${more}
          }`,
      });
    const file = join(folder, "live.binpb");
    writeFileSync(file, proto("<b>Not</b> markup.", ""));
    const host = await startRuntime({ "inbound.upstream": "grpc://127.0.0.1:1", "inbound.schema": { descriptors: file } });
    hosts.push(host);
    const visit = await Visit.open(host.runtime.address, "#/live.v1.Live/Get");
    const { page } = visit;
    assert.ok(await page.getByText("<b>Not</b> markup.").isVisible());
    await visit.set("path:id", "typed");
    writeFileSync(`${file}.new`, proto("Said anew.", "rpc Added(M) returns (M);"));
    renameSync(`${file}.new`, file);
    await page.locator("#methods a", { hasText: "Added" }).waitFor();
    await page.getByText("Said anew.").waitFor();
    assert.equal(await page.locator('[id="value-path:id"]').inputValue(), "typed");
    assert.equal(await page.evaluate("document.activeElement.id"), "value-path:id");
    await visit.close();
  });

  it("works as the bundle carries it", async () => {
    const server = await serveBuilt(catalogHost());
    try {
      const visit = await Visit.open(`127.0.0.1:${(server.address() as AddressInfo).port}`, "#/shop.v1.Catalog/Get", "dark");
      await visit.set("path:id", "assam");
      await visit.send();
      await visit.status("200 OK");
      assert.equal((await visit.answer())["id"], "assam");
      await visit.screenshot("built");
      await visit.close();
    } finally {
      server.closeAllConnections();
      server.close();
    }
  });
});

/** The built page in place of the sources; everything else comes from `host`. */
async function serveBuilt(host: string): Promise<Server> {
  const module = (await import(`data:text/javascript,${encodeURIComponent(await docsPageModule())}`)) as {
    pageFiles(): Promise<ReadonlyMap<string, string>>;
  };
  const files = await module.pageFiles();
  const server = createServer((request, response) => {
    const path = request.url!.replace(/\?.*$/, "");
    void fetch(`http://${host}${request.url}`).then(async (original) => {
      const headers = Object.fromEntries([...original.headers].filter(([name]) => !/^(content-length|transfer-encoding|date)$/.test(name)));
      const built = files.get(path === "/.dragoman/docs" ? "index.html" : path.replace("/.dragoman/docs/", ""));
      response.writeHead(original.status, headers).end(built ?? Buffer.from(await original.arrayBuffer()));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return server;
}
