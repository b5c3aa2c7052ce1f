/**
 * The demo as a newcomer meets it: started as a process, and every line it prints is pasted into a shell.
 */
import assert from "node:assert/strict";
import { type ChildProcess, execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { readdirSync, readFileSync } from "node:fs";
import { connect } from "node:net";
import { promisify } from "node:util";
import { fileURLToPath } from "node:url";
import { outside } from "../support/outside.ts";

const MAIN = fileURLToPath(new URL("../../src/cli/main.ts", import.meta.url));
const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const START_LIMIT_MS = 20_000;
const LINE_LIMIT_MS = 15_000;

/** What a line must answer: the HTTP status of a `curl -si`, and something the answer must contain. */
const ANSWERS: readonly (readonly [RegExp, number | undefined, RegExp])[] = [
  [/products\?page_size=2/, undefined, /"id":"assam".*"nextPageToken":"2"/s],
  [/categories\/TEA/, undefined, /"id":"sencha"/],
  [/products\/espresso/, undefined, /"units":"18"/],
  [/shop\.v1\.Catalog\/Get'?$/, undefined, /"(title": ?"Espresso|title":"Hand grinder)/],
  [/products\/nothing/, 404, /"code":5.*"PRODUCT_NOT_FOUND"/s],
  [/stock\/espresso$/, undefined, /"onHand":\{"berlin":"12","hamburg":"6"\}/],
  [/holdFor/, undefined, /"quantity":"3"/],
  [/"quantity":5000/, 400, /"NOT_ENOUGH_STOCK"/],
  [/request_id=first/, undefined, /"number":"9007199254740995".*"status":"PLACED"|"status":"PLACED"/s],
  [/productId":"tea"/, 400, /"fieldViolations":\[/],
  [/read_mask/, undefined, /"createdAt":"2026-11-23T08:15:00Z"/],
  [/status=PLACED/, undefined, /"status":"SHIPPED"/],
  [/-X PATCH/, undefined, /"wrap":"blue"/],
  [/o-1:cancel/, undefined, /"status":"CANCELLED"/],
  [/o-2:cancel/, 400, /"ALREADY_SHIPPED"/],
  [/\/metrics$/, undefined, /^# TYPE /m],
  [/WatchPrices/, undefined, /"changePercent"/],
  [/^grpcurl.*Orders\/Get/, undefined, /"SHIPPED"/],
];

/** The processes below `pid`, as far as /proc tells. */
function childrenOf(pid: number): number[] {
  return readdirSync("/proc")
    .filter((entry) => /^\d+$/.test(entry))
    .map(Number)
    .filter((entry) => {
      try {
        const stat = readFileSync(`/proc/${entry}/stat`, "utf8");
        return Number(stat.slice(stat.lastIndexOf(")") + 2).split(" ")[1]) === pid;
      } catch {
        return false; // ended meanwhile
      }
    });
}

function accepts(address: string): Promise<boolean> {
  const [host, port] = address.split(":");
  return new Promise((resolve) => {
    const socket = connect(Number(port), host, () => {
      socket.destroy();
      resolve(true);
    });
    socket.on("error", () => resolve(false));
  });
}

async function startDemo(): Promise<{ demo: ChildProcess; printed: string }> {
  const demo = spawn(process.execPath, [MAIN, "demo", "--any-port"], { cwd: ROOT, stdio: ["ignore", "pipe", "pipe"] });
  let printed = "";
  let complaints = "";
  demo.stderr.on("data", (chunk: Buffer) => (complaints += chunk.toString()));
  await new Promise<void>((resolve, reject) => {
    const timer = setTimeout(
      () => reject(new Error(`the demo is not up after ${START_LIMIT_MS} ms: ${printed}${complaints}`)),
      START_LIMIT_MS,
    );
    demo.once("exit", () => reject(new Error(`the demo ended: ${complaints}`)));
    demo.stdout.on("data", (chunk: Buffer) => {
      printed += chunk.toString();
      if (!printed.includes("Ctrl-C stops everything.")) return;
      clearTimeout(timer);
      resolve();
    });
  });
  return { demo, printed };
}

describe("dragoman demo", function () {
  this.timeout(60_000);
  let demo: ChildProcess | undefined;
  let printed = "";

  before(async () => {
    ({ demo, printed } = await startDemo());
  });
  after(() => demo?.kill("SIGKILL"));

  const linesOf = (program: string): string[] => printed.split("\n").filter((line) => line.startsWith(`${program} `));

  async function paste(line: string): Promise<string> {
    const path = [`${ROOT}node_modules/.bin`, process.env["PATH"], "/usr/local/go/bin", `${process.env["HOME"] ?? ""}/go/bin`].join(":");
    const { stdout } = await promisify(execFile)("sh", ["-c", line], {
      cwd: ROOT,
      timeout: LINE_LIMIT_MS,
      env: { ...process.env, PATH: path },
    });
    return stdout;
  }

  async function check(line: string): Promise<void> {
    const expected = ANSWERS.find(([pattern]) => pattern.test(line));
    assert.ok(expected, `no expectation for: ${line}`);
    const [, code, content] = expected;
    const answer = await paste(line);
    if (code !== undefined) assert.match(answer, new RegExp(`^HTTP/1\\.1 ${code} `), line);
    assert.match(answer, content, `${line}\n${answer}`);
  }

  it("prints curl lines that work, in their order", async function () {
    outside(this, "curl");
    const lines = linesOf("curl");
    assert.ok(lines.length >= 15, printed);
    for (const line of lines) await check(line);
  });

  it("prints buf lines that work: gRPC and a server stream", async () => {
    const lines = linesOf("npx");
    assert.equal(lines.length, 2, printed);
    await Promise.all(lines.map((line) => check(line.replace(/^npx /, ""))));
  });

  it("prints grpcurl lines that work", async function () {
    outside(this, "grpcurl");
    for (const line of linesOf("grpcurl")) await check(line);
  });

  it("prints where to talk, and serves the page there", async () => {
    const [, page] = /windows.*: (http:\S+\/chat)$/m.exec(printed) ?? [];
    assert.ok(page, printed);
    const response = await fetch(page, { headers: { connection: "close" } });
    assert.match(response.headers.get("content-security-policy") ?? "", /default-src 'none'/);
    for (const [, file] of (await response.text()).matchAll(/(?:src|href)="(\/[^"]+)"/g)) {
      const { status } = await fetch(new URL(file!, page), { headers: { connection: "close" } });
      assert.equal(status, 200, file);
    }
  });

  it("leaves nothing behind on SIGINT", async () => {
    assert.ok(demo?.pid);
    const children = childrenOf(demo.pid);
    assert.equal(children.length, 4, "a process for each sidecar");
    const addresses = [...printed.matchAll(/127\.0\.0\.1:\d+/g)].map(([address]) => address);
    const gone = once(demo, "exit");
    demo.kill("SIGINT");
    assert.deepEqual(await gone, [0, null]);
    for (const pid of children) assert.throws(() => process.kill(pid, 0), { code: "ESRCH" }, `process ${pid} is gone`);
    for (const address of new Set(addresses)) assert.equal(await accepts(address), false, `${address} is closed`);
    demo = undefined;
  });

  it("leaves nothing behind when it is killed", async () => {
    const { demo: victim } = await startDemo();
    const children = childrenOf(victim.pid!);
    assert.equal(children.length, 4);
    victim.kill("SIGKILL");
    const end = Date.now() + LINE_LIMIT_MS;
    const alive = (): number[] => children.filter((pid) => findProcess(pid));
    while (alive().length > 0 && Date.now() < end) await new Promise((resolve) => setTimeout(resolve, 20));
    assert.deepEqual(alive(), []);
  });
});

function findProcess(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
