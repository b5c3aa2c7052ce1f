/** A1.17, B9: timeouts as callers write them, what arrives of them at the backend, and what becomes of a call that takes longer. */
import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { readKit } from "../support/kits.ts";
import { startRuntime } from "../support/runtime-host.ts";
import { TranscodingSuite, type SuiteOptions } from "../support/transcoding-suite/transcoding-suite.ts";
import { until } from "../support/until.ts";

const rules = {
  Get: { get: "/v1/things" },
  Post: { post: "/v1/things", body: "*" },
  List: { get: "/v1/list", streams: "out" },
  Collect: { post: "/v1/collect", body: "*", streams: "in" },
} as const;
type Headers = Readonly<Record<string, string>>;
/** What a slow machine may take between the arrival of a request and its arrival at the backend. */
const slackMs = 8000;

function arrivesWithin(suite: TranscodingSuite, headers: Headers, ms: number): void {
  it(`${JSON.stringify(headers)} arrives as ${ms === Infinity ? "no timeout" : `${ms} ms at most`}`, async () => {
    suite.backend.script = {};
    for (const version of ["1.1", "2"] as const) {
      const { reply, seen } = await suite.send({ send: "GET /v1/things", headers }, version);
      assert.equal(reply.status, 200, reply.body.toString());
      const [call] = seen;
      // grpc-js rounds to whole milliseconds.
      assert.ok(call!.timeoutMs <= ms + 1 && call!.timeoutMs >= ms - slackMs, `HTTP/${version}: ${call!.timeoutMs}`);
      assert.deepEqual(call!.metadata.get("grpc-timeout"), []);
    }
  });
}

describe("transcoding: deadlines", () => {
  const suite = TranscodingSuite.inSuite(rules);

  describe("that are sent on", () => {
    const cases: readonly (readonly [headers: Headers, ms: number])[] = [
      [{}, Infinity],
      [{ "grpc-timeout": "1H" }, 3_600_000],
      [{ "grpc-timeout": "17H" }, 61_200_000],
      [{ "grpc-timeout": "19M" }, 1_140_000],
      [{ "grpc-timeout": "23S" }, 23_000],
      [{ "grpc-timeout": "00000100S" }, 100_000],
      [{ "grpc-timeout": "99999m" }, 99_999],
      [{ "grpc-timeout": "99999999u" }, 99_999.999],
      [{ "connect-timeout-ms": "30000" }, 30_000],
      [{ "x-server-timeout": "30" }, 30_000],
      [{ "x-server-timeout": "30.25" }, 30_250],
      // The shortest counts, whatever it is written in.
      [{ "grpc-timeout": "1H", "connect-timeout-ms": "60000", "x-server-timeout": "30" }, 30_000],
      [{ "grpc-timeout": "30S", "connect-timeout-ms": "60000", "x-server-timeout": "90" }, 30_000],
      [{ "grpc-timeout": "1M", "connect-timeout-ms": "20000", "x-server-timeout": "90" }, 20_000],
    ];
    for (const [headers, ms] of cases) arrivesWithin(suite, headers, ms);
  });

  describe("that cannot be read", () => {
    const broken: Readonly<Record<string, readonly string[]>> = {
      "grpc-timeout": ["100000000S", "1", "S", "", "1s", "-1S", "1.5S", "1 S", "1SS", "0x1S", "soon", "100000007n"],
      "connect-timeout-ms": ["10000000000", "", "-1", "1.5", "1s", "1e3"],
      "x-server-timeout": ["", "-1", "1s", "1e3", "NaN", "Infinity", ".5", "1.", "1,5", "99999999999"],
    };
    for (const [name, texts] of Object.entries(broken))
      for (const text of texts)
        suite.row(`${name}: ${text}`, {
          send: "GET /v1/things",
          headers: { [name]: text },
          refused: [400, "INVALID_TIMEOUT"],
          says: new RegExp(name),
        });
    suite.row("one of two", {
      send: "GET /v1/things",
      headers: { "grpc-timeout": "1H", "x-server-timeout": "soon" },
      refused: [400, "INVALID_TIMEOUT"],
    });
  });

  describe("that pass", () => {
    const silent = { silent: true };
    const cases: readonly (readonly [headers: Headers])[] = [
      [{ "grpc-timeout": "50m" }],
      [{ "connect-timeout-ms": "50" }],
      [{ "x-server-timeout": "0.05" }],
    ];
    for (const [headers] of cases) {
      suite.row(`${JSON.stringify(headers)}: unary`, {
        send: "GET /v1/things",
        headers,
        backend: silent,
        status: 504,
        text: /^\{"code":4,/,
      });
      suite.row(`${JSON.stringify(headers)}: a server stream`, {
        send: "GET /v1/list",
        headers,
        backend: silent,
        status: 504,
        text: /^\{"code":4,/,
      });
      suite.row(`${JSON.stringify(headers)}: a client stream`, {
        send: "POST /v1/collect",
        json: [{}],
        headers,
        backend: silent,
        status: 504,
        text: /^\{"code":4,/,
      });
    }
    for (const headers of [{ "grpc-timeout": "0S" }, { "grpc-timeout": "1n" }, { "connect-timeout-ms": "0" }, { "x-server-timeout": "0" }])
      suite.row(`${JSON.stringify(headers)} has passed already`, { send: "GET /v1/things", headers, refused: [504, "DEADLINE_EXCEEDED"] });
    for (const [accept, text] of [
      ["application/json", /^\[\{"id":"a"\},\{"error":\{"code":4,.*\}\}\]$/],
      ["application/x-ndjson", /^\{"id":"a"\}\n\{"error":\{"code":4,.*\}\}\n$/],
      ["text/event-stream", /^id: 0\ndata: \{"id":"a"\}\n\nevent: error\ndata: \{"code":4,.*\}\n\n$/],
    ] as const)
      it(`in the middle of a stream as ${accept}: the last record`, async function () {
        this.timeout(30_000);
        suite.backend.script = { silent: true, messages: [suite.schema.wireOf("suite.v1.Everything", { id: "a" })] };
        // Where the first message takes longer than the first of these, the next one will do.
        for (const timeout of ["0.25", "2", "7"]) {
          const headers = { accept, "x-server-timeout": timeout, te: "trailers" };
          const { reply } = await suite.send({ send: "GET /v1/list", headers }, "2");
          if (reply.status === 504 && timeout !== "7") continue;
          assert.equal(reply.status, 200);
          assert.match(reply.body.toString(), text);
          return assert.equal(reply.trailers.get("grpc-status"), "4");
        }
      });
    it("end the backend's call", async function () {
      this.timeout(30_000);
      suite.backend.script = { silent: true };
      for (const timeout of ["0.1", "2", "7"]) {
        const { seen } = await suite.send({ send: "GET /v1/things", headers: { "x-server-timeout": timeout } });
        const [call] = seen;
        // On a slow machine the first of these may pass before the call arrives.
        if (call === undefined && timeout !== "7") continue;
        return until(() => call?.cancelled === true, "the end of the backend's call");
      }
    });
  });

  describe("as the kit writes them", function () {
    const kit = readKit<{ cases: { kind: string; text: string; ms: number | null }[] }>("grpc/wire_text.json");
    if (kit === undefined) return void it("skipped: needs kits/grpc/wire_text.json");
    for (const { kind, text, ms } of kit.cases) {
      // HTTP takes the spaces around a value away, and what is shorter than a second may pass on a slow machine.
      if ((kind !== "grpc-timeout" && kind !== "connect-timeout-ms") || text !== text.trim() || (ms !== null && ms > 0 && ms < slackMs))
        continue;
      const headers = { [kind]: Buffer.from(text).toString("latin1") };
      if (ms === null)
        suite.row(`${kind}: ${text} is refused`, {
          send: "GET /v1/things",
          headers,
          refused: [400, "INVALID_TIMEOUT"],
          ...(/[^ -~]/.test(text) ? { over: "1.1" } : {}),
        });
      else if (ms === 0) suite.row(`${kind}: ${text} has passed`, { send: "GET /v1/things", headers, refused: [504, "DEADLINE_EXCEEDED"] });
      else if (ms < 2 ** 31) arrivesWithin(suite, headers, ms);
      else
        // Longer than a JavaScript timer can be set: grpc-js cannot say how long it is.
        suite.row(`${kind}: ${text} is taken`, { send: "GET /v1/things", headers, calls: "Get", arrives: {} });
    }
  });
});

/** The product as it is configured, in place of a hop. */
function configured(settings: Readonly<Record<string, unknown>>): NonNullable<SuiteOptions["serve"]> {
  return async (backendPort, { descriptorSet }) => {
    const folder = mkdtempSync(join(tmpdir(), "dragoman-suite-"));
    const descriptors = join(folder, "suite.binpb");
    writeFileSync(descriptors, descriptorSet);
    const host = await startRuntime({
      "inbound.upstream": `grpc://127.0.0.1:${backendPort}`,
      "inbound.schema": { descriptors },
      ...settings,
    });
    return {
      port: Number(host.runtime.address.split(":").at(-1)),
      stop: async () => {
        await host.stop();
        rmSync(folder, { recursive: true });
      },
    };
  };
}

describe("transcoding: deadlines of the configuration", () => {
  describe("the default", () => {
    const suite = TranscodingSuite.inSuite(rules, { serve: configured({}) });
    arrivesWithin(suite, {}, 15_000);
    arrivesWithin(suite, { "grpc-timeout": "10S" }, 10_000);
    arrivesWithin(suite, { "grpc-timeout": "1H" }, 15_000);
  });

  describe("a longer one", () => {
    const suite = TranscodingSuite.inSuite(rules, { serve: configured({ "policies.timeout": { total: "60s" } }) });
    arrivesWithin(suite, {}, 60_000);
    arrivesWithin(suite, { "x-server-timeout": "30" }, 30_000);
  });

  describe("a short one", () => {
    const suite = TranscodingSuite.inSuite(rules, { serve: configured({ "policies.timeout": { total: "50ms" } }) });
    suite.row("ends the call", { send: "GET /v1/things", backend: { silent: true }, status: 504, text: /^{"code":4,/ });
    suite.row("whatever the caller asked for", {
      send: "GET /v1/things",
      headers: { "grpc-timeout": "1H" },
      backend: { silent: true },
      status: 504,
    });
  });

  describe("none", () => {
    const suite = TranscodingSuite.inSuite(rules, { serve: configured({ "policies.timeout": false }) });
    arrivesWithin(suite, {}, Infinity);
  });
});
