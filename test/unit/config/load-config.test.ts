import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ConfigError } from "../../../src/config/config-error.ts";
import { configJsonSchema } from "../../../src/config/json-schema.ts";
import { loadConfig, type Override } from "../../../src/config/load-config.ts";
import { policiesFor } from "../../../src/config/method-policies.ts";
import { redact } from "../../../src/config/redact.ts";
import type { Config } from "../../../src/config/schema.ts";
import { defaultLimits } from "../../../src/wire/limits.ts";

const upstream: Override = { origin: "--upstream", path: ["inbound", "upstream"], value: "grpc://127.0.0.1:50051" };

describe("configuration", () => {
  let folder = "";
  before(() => (folder = mkdtempSync(join(tmpdir(), "dragoman-config-"))));
  after(() => rmSync(folder, { recursive: true }));

  const file = (text: string): string => {
    const path = join(folder, "dragoman.yaml");
    writeFileSync(path, text);
    return path;
  };
  const load = (text: string, overrides: readonly Override[] = []): Promise<Config> => loadConfig({ file: file(text), overrides });
  const faults = async (text: string, overrides: readonly Override[] = []): Promise<readonly string[]> => {
    try {
      await load(text, overrides);
    } catch (error) {
      assert.ok(error instanceof ConfigError, String((error as Error).stack));
      return error.lines.map((line) => line.replace(`${folder}/`, ""));
    }
    return assert.fail("it was accepted");
  };

  it("needs nothing but an upstream", async () => {
    const config = await loadConfig({ overrides: [upstream] });
    assert.equal(config.inbound.listen, "127.0.0.1:8080");
    assert.equal(config.inbound.schema, "reflection");
    assert.equal(config.drainMs, 30_000);
    assert.equal(config.admin.listen, "127.0.0.1:9901");
  });

  it("has the wire's own limits as defaults", async () => {
    const { messageBytes, connections, ...limits } = (await loadConfig({ overrides: [upstream] })).limits;
    assert.deepEqual(limits, defaultLimits);
    assert.deepEqual([messageBytes, connections], [4 * 1024 * 1024, 20_000]);
  });

  it("takes flags over the file, and paths in the file relative to it", async () => {
    const config = await load("inbound: {upstream: 'grpc://a:1', schema: {protos: [x.proto, /y.proto], importPaths: [inc]}}\ndrain: 5s", [
      upstream,
      { origin: "--drain", path: ["drain"], value: "7s" },
    ]);
    assert.equal(config.inbound.upstream, upstream.value);
    assert.equal(config.drainMs, 7000);
    assert.deepEqual(config.inbound.schema, { protos: [join(folder, "x.proto"), "/y.proto"], importPaths: [join(folder, "inc")] });
  });

  it("writes shorthands of policies out", async () => {
    const { policies } = await load("policies: {timeout: 2s, trace: true, metrics: false, access-log: stdout}", [upstream]);
    const { "circuit-breaker": breaker, ...written } = policies;
    assert.deepEqual(written, { timeout: { total: "2s" }, trace: {}, metrics: false, "access-log": { path: "stdout" } });
    assert.equal(breaker, false, "off for calls that come in");
  });

  it("has a circuit breaker for calls that come in where it is asked for", async () => {
    const { policies } = await load("policies: {circuit-breaker: true}", [upstream]);
    assert.deepEqual(policies["circuit-breaker"], {
      failures: 7,
      successRate: "50%",
      calls: 20,
      open: "1s",
      longestOpen: "60s",
      active: 1024,
    });
  });

  const cases: readonly (readonly [string, readonly string[]])[] = [
    ["inbound:\n  upstrem: x\n", ['dragoman.yaml:2:3 inbound.upstrem: unknown key "upstrem" (did you mean upstream?)']],
    ["polices: {}\n", ['dragoman.yaml:1:1 polices: unknown key "polices" (did you mean policies?)']],
    ["policies:\n  quota: {}\n", ['dragoman.yaml:2:3 policies.quota: unknown key "quota"']],
    [
      'policies:\n  authorize:\n    allow:\n      - prncipal == "a"\n',
      ["dragoman.yaml:4:9 policies.authorize.allow[0]: Unknown variable: prncipal, at character 1"],
    ],
    ["policies:\n  authenticate: {}\n", ["dragoman.yaml:2:3 policies.authenticate: expected at least one of jwt, apiKey and mtls"]],
    ["policies:\n  timeout: 2 secs\n", ["dragoman.yaml:2:12 policies.timeout: expected a duration such as 500ms, 15s or 1m30s"]],
    [
      "policies:\n  timeout:\n    total: soon\n",
      ["dragoman.yaml:3:12 policies.timeout.total: expected a duration such as 500ms, 15s or 1m30s"],
    ],
    ["policies: {rescue: false}\n", ["dragoman.yaml:1:20 policies.rescue: expected a mapping, got false"]],
    ["policies: {access-log: {}}\n", ["dragoman.yaml:1:12 policies.access-log.path: is missing"]],
    ["inbound:\n  http2: nod\n", ['dragoman.yaml:2:10 inbound.http2: unknown value "nod" (did you mean node?)']],
    [
      "inbound: {listen: localhost}\n",
      ['dragoman.yaml:1:19 inbound.listen: "localhost" is not an address: write HOST:PORT, such as 127.0.0.1:8080 or [::1]:8080'],
    ],
    ["inbound: {schema: {protos: []}}\n", ["dragoman.yaml:1:20 inbound.schema.protos: expected at least one file"]],
    [
      "methods:\n  shop.v1.Orders: {}\n",
      ['dragoman.yaml:2:3 methods["shop.v1.Orders"]: expected "package.Service/Method", "package.Service/*", "package.*" or "*"'],
    ],
    [
      "methods:\n  shop.v1.Orders/*: {timeout: x}\n",
      ['dragoman.yaml:2:31 methods["shop.v1.Orders/*"].timeout: expected a duration such as 500ms, 15s or 1m30s'],
    ],
    ["limits: {streams: many}\n", ["dragoman.yaml:1:19 limits.streams: expected a whole number"]],
    ["limits: [1]\n", ["dragoman.yaml:1:1 limits: expected a mapping, got a list"]],
    ["admin: {token: short}\n", ["dragoman.yaml:1:16 admin.token: expected at least 16 characters"]],
    ["- a\n", ['dragoman.yaml:1:1 expected a mapping, such as "inbound: {upstream: grpc://127.0.0.1:50051}"']],
    ["a: [\n", ["dragoman.yaml:2:1 Flow sequence in block collection must be sufficiently indented and end with a ]"]],
    ["drain: 1s\ndrain: 2s\n", ["dragoman.yaml:2:1 Map keys must be unique"]],
  ];
  for (const [text, lines] of cases)
    it(`says what is wrong with ${JSON.stringify(text)}`, async () => assert.deepEqual(await faults(text, [upstream]), lines));

  it("names every fault at once, in the order of the text", async () => {
    const lines = await faults("drain: x\nservice: ''\nlimits: {uri: 1}\n", [upstream]);
    assert.deepEqual(
      lines.map((line) => line.split(" ")[0]),
      ["dragoman.yaml:1:8", "dragoman.yaml:2:10", "dragoman.yaml:3:15"],
    );
  });

  it("wants a schema file for Connect over HTTP/1.1, which carries no reflection", async () => {
    const words =
      "the schema cannot come by reflection, a stream in both directions, which HTTP/1.1 does not carry: pass --proto or --descriptors, or set {protos} or {descriptors}";
    const text = "inbound:\n  upstream: connect+http1://a:1\n  schema: reflection\n";
    assert.deepEqual(await faults(text, []), [`dragoman.yaml:3:11 inbound.schema: ${words}`]);
    assert.deepEqual(await faults("inbound: {upstream: 'connect+http1://a:1'}", []), [`dragoman.yaml:1:1 inbound: ${words}`]);
    for (const url of ["connect+http1://a:1", "connect://a:1", "connects://a:1"])
      assert.equal((await load(`inbound: {upstream: '${url}', schema: none}`)).inbound.upstream, url);
  });

  it("says how to give an upstream when there is none", async () => {
    const words = "no upstream: pass --upstream grpc://HOST:PORT, or set inbound.upstream in the configuration";
    await assert.rejects(loadConfig({}), { message: words });
    assert.deepEqual(await faults("inbound:\n  listen: ':0'\n"), [`dragoman.yaml:1:1 ${words}`]);
  });

  for (const [value, words] of [
    [
      "127.0.0.1:50051",
      '--upstream: "127.0.0.1:50051" has no scheme: write grpc://127.0.0.1:50051, grpcs:// for TLS, connect:// for Connect, or http:// and https:// for REST',
    ],
    [
      "ftp://x:1",
      '--upstream: "ftp://x:1": ftp:// upstreams cannot be served; the upstream is a gRPC server, grpc://HOST:PORT or grpcs://HOST:PORT, a Connect server, connect://HOST:PORT, connect+http1://HOST:PORT or connects://HOST:PORT, or a REST server, http://HOST:PORT or https://HOST:PORT',
    ],
    ["grpc://x", '--upstream: "grpc://x" is not an upstream: write grpc://HOST:PORT, such as grpc://127.0.0.1:50051'],
    ["grpc://user@x:1", '--upstream: "grpc://user@x:1" is not an upstream: write grpc://HOST:PORT, such as grpc://127.0.0.1:50051'],
    ["grpc://x:0", '--upstream: "grpc://x:0" is not an upstream: write grpc://HOST:PORT, such as grpc://127.0.0.1:50051'],
    ["grpc://x:1/path", '--upstream: "grpc://x:1/path" is not an upstream: write grpc://HOST:PORT, such as grpc://127.0.0.1:50051'],
  ] as const)
    it(`names the flag for --upstream ${value}`, () =>
      assert.rejects(loadConfig({ overrides: [{ ...upstream, value }] }), { message: words }));

  it("says why a file cannot be read", async () => {
    await assert.rejects(loadConfig({ file: join(folder, "none.yaml") }), {
      message: `${folder}/none.yaml cannot be read: there is no such file`,
    });
    await assert.rejects(loadConfig({ file: folder }), { message: `${folder} cannot be read: it is a folder` });
  });

  it("stops an alias bomb", async () => {
    const bomb = [
      "a: &a [x,x,x,x,x,x,x,x,x]",
      ..."bcdefghi".split("").map((name, at) => `${name}: &${name} [${`*${"abcdefgh"[at]},`.repeat(9)}]`),
    ];
    const lines = await faults(bomb.join("\n"), [upstream]);
    assert.match(lines.join(), /alias/i);
  });

  it("is described by a JSON Schema that refuses unknown keys", () => {
    const schema = configJsonSchema() as { additionalProperties: unknown; properties: Record<string, unknown>; required: string[] };
    assert.equal(schema.additionalProperties, false);
    assert.deepEqual(schema.required, ["inbound"]);
    assert.ok("policies" in schema.properties);
  });
});

describe("policies for a method", () => {
  const config = {
    policies: { timeout: { total: "1s" }, trace: {} },
    methods: {
      "shop.v1.Orders/Get": { timeout: { total: "4s" } },
      "shop.v1.Orders/*": { timeout: { total: "3s" }, metrics: false as const },
      "shop.*": { timeout: { total: "2s" }, trace: false as const },
      "*": { deadline: {} },
      "shop.v1.Orders/List": { trace: {} },
    },
  };
  const cases = [
    ["/shop.v1.Orders/Get", { timeout: { total: "4s" }, trace: false, metrics: false, deadline: {} }],
    ["/shop.v1.Orders/List", { timeout: { total: "3s" }, trace: {}, metrics: false, deadline: {} }],
    ["/shop.v1.Items/Get", { timeout: { total: "2s" }, trace: false, deadline: {} }],
    ["/shopping.v1.Items/Get", { timeout: { total: "1s" }, trace: {}, deadline: {} }],
  ] as const;
  for (const [path, expected] of cases)
    it(`${path}: the more specific line wins, key by key`, () => assert.deepEqual(policiesFor(config, path), expected));
});

describe("redacted configuration", () => {
  it("holds no secret by name, at any depth", () => {
    const shown = redact({ admin: { token: "t0ken", listen: "x" }, list: [{ password: "p", clientSecret: "s" }], service: "orders" });
    assert.deepEqual(shown, {
      admin: { token: "[redacted]", listen: "x" },
      list: [{ password: "[redacted]", clientSecret: "[redacted]" }],
      service: "orders",
    });
  });
});
