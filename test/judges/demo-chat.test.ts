/** The demo's chat in Chromium: two pages talk to each other, one is loaded again, and both come back when the sidecar was replaced. */
import assert from "node:assert/strict";
import { mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { chromium, type Browser, type BrowserContext, type Page } from "playwright-core";
import { chat } from "../../src/demo/chat.ts";
import { startShopServer, type ShopServer } from "../../src/demo/shop-server.ts";
import { outside } from "../support/outside.ts";
import { startRuntime, type RuntimeHost } from "../support/runtime-host.ts";

const docs = join(import.meta.dirname, "../../docs/browser.md");
const waitMs = 20_000;

describe("chat of the demo in Chromium", function () {
  this.timeout(90_000);
  let browser: Browser | undefined;
  let shop: ShopServer;
  let host: RuntimeHost;
  const contexts: BrowserContext[] = [];
  let faults: string[] = [];

  const startSidecar = (listen: string): Promise<RuntimeHost> =>
    startRuntime({
      "inbound.listen": listen,
      "inbound.upstream": `grpc://${shop.address}`,
      "inbound.schema": "reflection",
      "admin.listen": "off",
    });

  before(async function () {
    const executablePath = outside(this, "chromium");
    browser = await chromium.launch({
      executablePath,
      args: ["--headless", "--no-sandbox", "--disable-quic", "--disable-background-networking"],
    });
    shop = await startShopServer(chat(), 0);
    host = await startSidecar("127.0.0.1:0");
  });
  beforeEach(() => (faults = []));
  afterEach(async () => {
    for (const context of contexts.splice(0)) await context.close();
  });
  after(async () => {
    await browser?.close();
    await host?.stop();
    shop?.close();
  });

  /** A page in a browser of its own, in which `name` is in `room`. */
  async function enter(name: string, room: string, colorScheme: "light" | "dark" = "light"): Promise<Page> {
    const context = await browser!.newContext({ colorScheme, viewport: { width: 1100, height: 720 } });
    contexts.push(context);
    const page = await context.newPage();
    page.setDefaultTimeout(waitMs);
    page.on("pageerror", (error) => faults.push(String(error)));
    page.on("console", (message) => {
      // Chromium itself notes a connection that could not be made: that is the outage, not the page.
      if (message.type() === "error" && !/WebSocket connection|ERR_CONNECTION/.test(message.text())) faults.push(message.text());
    });
    await page.goto(`http://${host.runtime.address}/chat#/${room}`);
    await page.getByLabel("Your name").fill(name);
    await page.keyboard.press("Enter");
    await connected(page);
    return page;
  }

  const connected = (page: Page): Promise<void> => page.getByRole("status").getByText("Connected", { exact: true }).waitFor();

  async function say(page: Page, text: string): Promise<void> {
    await page.getByRole("textbox", { name: "Message" }).fill(text);
    await page.keyboard.press("Enter");
  }

  const line = (page: Page, text: string) => page.locator("#log .said", { hasText: text });

  async function screenshot(page: Page, name: string): Promise<void> {
    const folder = process.env["DRAGOMAN_SCREENSHOTS"];
    if (folder === undefined) return;
    mkdirSync(folder, { recursive: true });
    await page.screenshot({ path: join(folder, `${name}.png`) });
  }

  /** Waits for it by asking from outside: the page's policy forbids code made of text, and so what Playwright would ask with. */
  async function holds(page: Page, expression: string): Promise<void> {
    const endAtMs = performance.now() + waitMs;
    while ((await page.evaluate(expression)) !== true) assert.ok(performance.now() < endAtMs, `waited in vain for ${expression}`);
  }

  it("is served with a policy that allows its own files alone", async () => {
    const response = await fetch(`http://${host.runtime.address}/chat`);
    assert.equal(response.headers.get("content-type"), "text/html; charset=utf-8");
    assert.match(response.headers.get("content-security-policy")!, /^default-src 'none'; script-src 'self'; style-src 'self';/);
    assert.doesNotMatch(await response.text(), /<script>|style=|onclick=/);
    assert.equal((await fetch(`http://${host.runtime.address}/chat/nothing`)).status, 404);
  });

  it("carries what is said from page to page, and tells who comes and goes", async () => {
    const ann = await enter("Ann", "tea");
    const bob = await enter("Bob", "tea", "dark");
    await ann.locator("#log .news", { hasText: "Bob came in" }).waitFor();
    await say(ann, "Is there <b>sencha</b> left?");
    await line(bob, "Is there <b>sencha</b> left?").waitFor();
    await say(bob, "Two packets.");
    await line(ann, "Two packets.").waitFor();
    await ann.locator("#rooms a[aria-current]", { hasText: "tea" }).getByLabel("2 here").waitFor();
    await say(ann, "I take both of them, and a very long sentence to see where a line is broken when it does not fit into its bubble.");
    await line(bob, "a very long sentence").waitFor();
    await screenshot(ann, "chat-light");
    await screenshot(bob, "chat-dark");
    await bob.close();
    await ann.locator("#log .news", { hasText: "Bob left" }).waitFor();
    assert.deepEqual(faults, []);
  });

  it("shows what was said before to who comes late, or loads the page again", async () => {
    const ann = await enter("Ann", "late");
    await say(ann, "first");
    await line(ann, "first").waitFor();
    const bob = await enter("Bob", "late");
    await line(bob, "first").waitFor();
    await say(bob, "second");
    await line(ann, "second").waitFor();
    await ann.reload();
    await connected(ann);
    assert.deepEqual(await ann.locator("#log .said").allInnerTexts(), ["first", "second"]);
    assert.deepEqual(faults, []);
  });

  it("comes back by itself when the sidecar is replaced, and shows nothing twice", async () => {
    const ann = await enter("Ann", "drain");
    const bob = await enter("Bob", "drain");
    await say(ann, "before");
    await line(bob, "before").waitFor();
    const { address } = host.runtime;
    await host.runtime.drain(500);
    await bob.getByRole("status").getByText("Connecting again").waitFor();
    assert.equal(await bob.getByRole("button", { name: "Send" }).isDisabled(), true, "nothing is sent into nowhere");
    await screenshot(bob, "chat-away");
    await host.stop();
    host = await startSidecar(address);
    await connected(ann);
    await connected(bob);
    await say(bob, "after");
    await line(ann, "after").waitFor();
    for (const page of [ann, bob]) assert.deepEqual(await page.locator("#log .said").allInnerTexts(), ["before", "after"]);
    assert.deepEqual(faults, []);
  });

  it("is what docs/browser.md shows", async () => {
    const examples = new Map(
      [...readFileSync(docs, "utf8").matchAll(/^```js (\w+)\n([^]*?)^```$/gm)].map(([, title, code]) => [
        title!,
        code!.replace(/^import (\{.*\}) from "(.*)";$/m, 'const $1 = await import("$2");'),
      ]),
    );
    const page = await enter("Ann", "tea");
    const chatted = page.evaluate(`(async () => {
      const [form, leave, input] = [{}, {}, {}];
      const list = { text: "", append(more) { this.text += more; } };
      Object.assign(globalThis, { form, leave, input, list });
      ${examples.get("chat")!}
      return list.text;
    })()`);
    // It is there when the room says so.
    await page.locator("#present", { hasText: "2 here" }).waitFor();
    await page.evaluate(`input.value = "hello"; form.onsubmit({ preventDefault() {} });`);
    await line(page, "hello").waitFor();
    await page.evaluate("leave.onclick()");
    assert.match(String(await chatted), /Ann: hello\n(?:.*\n)*gone with 0\n$/);

    await page.evaluate(`(async () => {
      ${examples.get("again")!}
      globalThis.seen = [];
      globalThis.leaving = new AbortController();
      globalThis.stayed = stay("again", "Bob", (event) => seen.push(event.kind + event.name), leaving.signal);
    })()`);
    await holds(page, `seen.includes("CAMEBob")`);
    const { address } = host.runtime;
    await host.runtime.drain(300);
    await host.stop();
    host = await startSidecar(address);
    await holds(page, `seen.filter((each) => each === "CAMEBob").length === 2`);
    await page.evaluate("leaving.abort(); stayed");
    assert.deepEqual(faults, []);
  });

  it("says why it cannot enter", async () => {
    const page = await enter("Ann", "x");
    await page.goto(`http://${host.runtime.address}/chat#/${"x".repeat(60)}`);
    await page.getByRole("alert").getByText("has more than 40 characters").waitFor();
    assert.deepEqual(faults, []);
  });

  it("fits a small screen and is used by keyboard alone", async () => {
    const page = await enter("Ann", "small");
    await page.setViewportSize({ width: 380, height: 700 });
    await say(page, "hello");
    await line(page, "hello").waitFor();
    assert.equal(await page.evaluate("document.documentElement.scrollWidth <= innerWidth"), true, "nothing sticks out");
    await screenshot(page, "chat-small");
    const reached: string[] = [];
    await page.evaluate("document.activeElement.blur()");
    for (let step = 0; step < 16; step++) {
      await page.keyboard.press("Tab");
      reached.push(String(await page.evaluate("document.activeElement.id || document.activeElement.textContent.trim()")));
    }
    for (const wanted of ["Skip to the message", "lobby", "log", "text", "Send"])
      assert.ok(reached.includes(wanted), `${wanted}: ${reached.join()}`);
    assert.deepEqual(faults, []);
  });
});
