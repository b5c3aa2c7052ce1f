/** The command line as scripts and people use it: real processes, real signals. */
import assert from "node:assert/strict";
import { existsSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { echoDescriptors } from "../support/runtime-host.ts";
import { startEchoServer, type EchoServer } from "../support/echo-server.ts";
import { SidecarProcess, type Ended } from "../support/sidecar-process.ts";
import { until } from "../support/until.ts";

describe("command line", function () {
  this.timeout(30_000);
  let echo: EchoServer;
  let upstream = "";
  let folder = "";
  const running = new Set<SidecarProcess>();

  before(async () => {
    echo = await startEchoServer();
    upstream = `grpc://127.0.0.1:${echo.port}`;
    folder = mkdtempSync(join(tmpdir(), "dragoman-cli-"));
  });
  afterEach(async () => {
    for (const one of running) await one.kill();
    running.clear();
  });
  after(async () => {
    await echo.stop();
    rmSync(folder, { recursive: true });
  });

  const start = (args: readonly string[], env?: NodeJS.ProcessEnv): SidecarProcess => {
    const process = new SidecarProcess(args, env);
    running.add(process);
    return process;
  };
  const run = (args: readonly string[], env?: NodeJS.ProcessEnv): Promise<Ended> => start(args, env).ended;
  const serve = (...more: string[]): SidecarProcess =>
    start(["run", "--upstream", upstream, "--descriptors", echoDescriptors, "--listen", "127.0.0.1:0", "--admin", "127.0.0.1:0", ...more]);
  const get = async (address: string, path: string): Promise<{ status: number; body: string }> => {
    const response = await fetch(`http://${address}${path}`, { headers: { connection: "close" }, signal: AbortSignal.timeout(8000) });
    return { status: response.status, body: await response.text() };
  };
  /** Waits until a call is at the upstream. */
  const underWay = async (admin: string): Promise<void> => {
    const endMs = performance.now() + 8000;
    while (!(await get(admin, "/clusters")).body.includes('"activeStreams": 1'))
      assert.ok(performance.now() < endMs, "no call is under way");
  };
  const file = (name: string, text: string): string => {
    const path = join(folder, name);
    writeFileSync(path, text);
    return path;
  };

  describe("bad use", () => {
    const taken = (): string => `127.0.0.1:${echo.port}`;
    const cases: readonly (readonly [string, () => readonly string[], number, RegExp])[] = [
      [
        "an unknown flag",
        () => ["run", "--upstrem", "x"],
        2,
        /^dragoman: unknown option '--upstrem' \(Did you mean --upstream\?\); --help lists the flags$/,
      ],
      ["an unknown command", () => ["rn"], 2, /^dragoman: unknown command 'rn' \(Did you mean run\?\)$/],
      ["no upstream", () => ["run"], 2, /^dragoman: no upstream: pass --upstream grpc:\/\/HOST:PORT, or set inbound\.upstream/],
      [
        "an upstream without a scheme",
        () => ["run", "--upstream", "a:1"],
        2,
        /^dragoman: --upstream: "a:1" has no scheme: write grpc:\/\/a:1/,
      ],
      [
        "a value that is none",
        () => ["run", "--upstream", upstream, "--drain", "long"],
        2,
        /^dragoman: --drain: expected a duration such as/,
      ],
      [
        "a backend without reflection",
        () => ["run", "--upstream", upstream, "--listen", "127.0.0.1:0", "--admin", "off"],
        1,
        /^dragoman: upstream grpc:\S+ has no reflection service: pass --proto or --descriptors, or add reflection to the server$/,
      ],
      [
        "a schema with a missing import",
        () => ["run", "--upstream", upstream, "--proto", file("a.proto", 'syntax = "proto3"; import "gone/b.proto"; package a;')],
        2,
        /^dragoman: \S*a\.proto:1 imports gone\/b\.proto, which is not in .*--import-path$/,
      ],
      [
        "a port in use",
        () => ["run", "--upstream", upstream, "--descriptors", echoDescriptors, "--listen", taken(), "--admin", "off"],
        1,
        /^dragoman: cannot listen on \S+: the port is in use: choose another with --listen or inbound\.listen$/,
      ],
      [
        "an admin port in use",
        () => ["run", "--upstream", upstream, "--descriptors", echoDescriptors, "--listen", "127.0.0.1:0", "--admin", taken()],
        1,
        /^dragoman: cannot listen on \S+: the port is in use: choose another with --admin, or --admin off$/,
      ],
      [
        "an unreadable configuration",
        () => ["run", "--config", join(folder, "none.yaml")],
        2,
        /^dragoman: \S+none\.yaml cannot be read: there is no such file$/,
      ],
      [
        "an unreadable proto file",
        () => ["run", "--upstream", upstream, "--proto", join(folder, "none.proto")],
        2,
        /^dragoman: .*none\.proto.*there is no such file/,
      ],
      [
        "a fault in a configuration",
        () => ["check", file("bad.yaml", "inbound:\n  upstrem: x\n")],
        2,
        /^dragoman: \S*bad\.yaml:2:3 inbound\.upstrem: unknown key "upstrem" \(did you mean upstream\?\)/m,
      ],
      [
        "admin pages open to the network",
        () => ["run", "--upstream", upstream, "--descriptors", echoDescriptors, "--listen", "127.0.0.1:0", "--admin", "0.0.0.0:0"],
        2,
        /DRAGOMAN_ADMIN_TOKEN/,
      ],
      ["an explanation of nothing", () => ["explain", "GET"], 2, /^dragoman: missing required argument 'url'$/],
      [
        "an explanation of what is no URL",
        () => ["explain", "GET", "v1/a", "--descriptors", echoDescriptors],
        2,
        /^dragoman: the URL is neither a path \(\/v1\/\.\.\.\) nor an http or ws URL$/,
      ],
      [
        "a header field without a colon",
        () => ["explain", "GET", "/v1/a", "-H", "x", "--descriptors", echoDescriptors],
        2,
        /^dragoman: -H: expected 'name: value'$/,
      ],
      [
        "a body in a file that is not there",
        () => ["explain", "POST", "/v1/a", "--data", `@${join(folder, "none.json")}`, "--descriptors", echoDescriptors],
        2,
        /^dragoman: --data: \S+none\.json cannot be read: there is no such file$/,
      ],
      [
        "an explanation without a schema",
        () => ["explain", "GET", "/v1/a", "--upstream", upstream],
        1,
        /^dragoman: upstream grpc:\S+ has no reflection service: pass --proto or --descriptors/,
      ],
    ];
    for (const [what, args, code, line] of cases)
      it(`${what} is one line that says what to do, and ${code}`, async () => {
        const ended = await run(args(), { DRAGOMAN_ADMIN_TOKEN: "" });
        const lines = ended.stderr.trimEnd().split("\n");
        assert.match(ended.stderr.trimEnd(), line);
        assert.ok(lines.length === 1 || what === "a fault in a configuration", ended.stderr);
        assert.deepEqual([ended.code, ended.stdout], [code, ""]);
        assert.doesNotMatch(ended.stderr, /\n\s+at /, "no stack");
      });
  });

  it("says its version and its help", async () => {
    const { version } = JSON.parse(readFileSync(join(import.meta.dirname, "../../package.json"), "utf8")) as { version: string };
    const [said, help] = await Promise.all([run(["version"]), run(["run", "--help"])]);
    assert.deepEqual([said.code, said.stdout], [0, `${version}\n`]);
    assert.equal(help.code, 0);
    for (const flag of "config service upstream listen admin proto import-path descriptors access-log http2 drain".split(" "))
      assert.ok(help.stdout.includes(`--${flag} `), `--${flag} is explained`);
  });

  it("checks a good configuration with its schema", async () => {
    const good = file("good.yaml", `inbound: {upstream: "${upstream}", schema: {descriptors: ${JSON.stringify(echoDescriptors)}}}\n`);
    const { code, stdout, stderr } = await run(["check", good]);
    assert.deepEqual([code, stderr], [0, ""]);
    assert.match(stdout, /is fine/);
  });

  it("prints OpenAPI without an upstream, and JSON Schema for the configuration", async () => {
    const [openapi, schema] = await Promise.all([run(["openapi", "--descriptors", echoDescriptors]), run(["check", "--schema"])]);
    assert.equal(openapi.code, 0);
    assert.ok("/v1/echo/{text}" in (JSON.parse(openapi.stdout) as { paths: object }).paths);
    assert.equal((JSON.parse(schema.stdout) as { type: string }).type, "object");
  });

  it("serves where its first line says, logs calls, and drains on SIGTERM with 0", async () => {
    const log = join(folder, "calls.log");
    const sidecar = serve("--access-log", log);
    const { inbound, admin } = await sidecar.listeners();
    assert.deepEqual(await get(inbound, "/v1/echo/hi"), { status: 200, body: '{"text":"hi"}' });
    assert.equal((await get(admin, "/healthz")).status, 200);
    const slow = get(inbound, "/v1/echo/slow?delay_ms=500");
    await underWay(admin);
    sidecar.signal("SIGTERM");
    assert.equal((await slow).body, '{"text":"slow"}', "the call under way finishes");
    const { code, stdout } = await sidecar.ended;
    assert.equal(code, 0);
    assert.equal(stdout.split("\n").length, 2, "nothing but the ready line");
    const lines = readFileSync(log, "utf8").trimEnd().split("\n");
    assert.deepEqual(
      lines.map((line) => (JSON.parse(line) as { code: string }).code),
      ["OK", "OK"],
    );
  });

  it("ends at once on a second signal", async () => {
    const sidecar = serve();
    const { inbound, admin } = await sidecar.listeners();
    const slow = get(inbound, "/v1/echo/slow?delay_ms=20000").catch(() => undefined);
    await underWay(admin);
    sidecar.signal("SIGINT");
    await until(() => sidecar.stderr.includes("draining"), "draining to begin");
    sidecar.signal("SIGINT");
    const { code, stderr } = await sidecar.ended;
    assert.equal(code, 0);
    assert.match(stderr, /stopped at once/);
    await slow;
  });

  it("reloads on SIGHUP: opens the log anew, takes a good configuration, refuses a bad one and says why", async () => {
    const log = join(folder, "rotated.log");
    const text = (extra: string): string =>
      `inbound: {listen: "127.0.0.1:0", upstream: "${upstream}", schema: {descriptors: ${JSON.stringify(echoDescriptors)}}}\nadmin: {listen: "127.0.0.1:0"}\npolicies: {access-log: ${log}${extra}}\n`;
    const config = file("reload.yaml", text(""));
    const sidecar = start(["run", "--config", config]);
    const { inbound } = await sidecar.listeners();
    await get(inbound, "/v1/echo/a");
    await until(() => existsSync(log) && readFileSync(log, "utf8") !== "", "the first line");
    renameSync(log, `${log}.1`);

    file("reload.yaml", text(", timeout: 100ms"));
    sidecar.signal("SIGHUP");
    await until(() => sidecar.stderr.includes("configuration reloaded"), "the reload");
    assert.equal((await get(inbound, "/v1/echo/b?delay_ms=3000")).status, 504);
    await until(() => existsSync(log) && readFileSync(log, "utf8").includes("DEADLINE_EXCEEDED"), "a line in the new file");
    assert.ok(!readFileSync(`${log}.1`, "utf8").includes("DEADLINE_EXCEEDED"));

    file("reload.yaml", text(", timeot: 1s"));
    sidecar.signal("SIGHUP");
    await until(() => sidecar.stderr.includes("the old one keeps running"), "the refusal");
    assert.match(sidecar.stderr, /reload\.yaml:3:\d+ policies\.timeot: unknown key \\"timeot\\" \(did you mean timeout\?\)/);
    assert.equal((await get(inbound, "/v1/echo/c?delay_ms=3000")).status, 504, "the old timeout still holds");
    sidecar.signal("SIGTERM");
    assert.equal((await sidecar.ended).code, 0);
  });

  it("starts while the upstream is away, says so, and recovers by itself", async () => {
    const away = await startEchoServer();
    const { port } = away;
    await away.stop();
    const sidecar = start([
      "run",
      "--upstream",
      `grpc://127.0.0.1:${port}`,
      "--descriptors",
      echoDescriptors,
      "--listen",
      "127.0.0.1:0",
      "--admin",
      "127.0.0.1:0",
    ]);
    const { inbound, admin } = await sidecar.listeners();
    await until(() => sidecar.stderr.includes("cannot be reached; trying again"), "it to say so");
    const refused = await get(inbound, "/v1/echo/hi");
    assert.equal(refused.status, 503);
    assert.match(refused.body, /"reason":"UPSTREAM_UNREACHABLE"/);
    assert.equal((await get(admin, "/readyz")).status, 503);
    const back = await startEchoServer(port);
    try {
      const endMs = performance.now() + 15_000;
      while ((await get(admin, "/readyz")).status !== 200 || (await get(inbound, "/v1/echo/hi")).status !== 200)
        assert.ok(performance.now() < endMs, "it did not recover");
    } finally {
      await back.stop();
    }
  });

  it("runs on node:http2 when asked to", async () => {
    const { inbound } = await serve("--http2", "node").listeners();
    assert.equal((await get(inbound, "/v1/echo/hi")).status, 200);
  });
});

describe("launcher", () => {
  it("says in one line that Node is too old, and ends with 2", async () => {
    const folder = mkdtempSync(join(tmpdir(), "dragoman-launcher-"));
    try {
      const text = readFileSync(join(import.meta.dirname, "../../deploy/launcher.mjs"), "utf8").replace("OLDEST_NODE", "99.1.0");
      const launcher = join(folder, "dragoman.mjs");
      writeFileSync(launcher, text);
      const { spawnSync } = await import("node:child_process");
      const { status, stderr, stdout } = spawnSync(process.execPath, [launcher, "run"], { encoding: "utf8" });
      assert.deepEqual([status, stdout], [2, ""]);
      assert.match(stderr, /^dragoman: needs Node 99\.1\.0 or later, and this is \S+: install it from nodejs\.org\n$/);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});
