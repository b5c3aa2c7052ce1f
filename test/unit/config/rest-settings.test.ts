/** `inbound.json` and `inbound.rules`, from YAML to the method table. */
import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { loadTable } from "../../../src/cli/load-table.ts";
import { loadConfig } from "../../../src/config/load-config.ts";
import { Payload } from "../../../src/core/payload.ts";

describe("inbound.json and inbound.rules", () => {
  let folder: string;
  before(() => (folder = mkdtempSync(join(tmpdir(), "dragoman-rest-"))));
  after(() => rmSync(folder, { recursive: true }));

  function file(lines: string): string {
    const path = join(folder, "dragoman.yaml");
    const descriptors = join(import.meta.dirname, "../../support/protos/transcoding.binpb");
    writeFileSync(path, `inbound:\n  upstream: grpc://127.0.0.1:1\n  schema: {descriptors: ${descriptors}}\n${lines}`);
    return path;
  }

  it("reach the method table", async () => {
    const config = await loadConfig({
      file: file(`  json: {enumNumbers: true}
  rules:
    - selector: dragoman.transcoding.v1.Transcoding.Submit
      put: /configured/{title}
      body: inner
      additionalBindings: [{custom: {kind: REPORT, path: /report}}]
`),
    });
    const table = await loadTable(config);
    assert.deepEqual(table.problems, []);
    assert.ok(table.route("REPORT", "/report").found);
    assert.ok(!table.route("POST", "/v1/form").found);
    const route = table.route("PUT", "/configured/t");
    assert.ok(route.found);
    assert.equal(
      Buffer.from(route.binder.responseJson(Payload.ofWire(route.method.output, Buffer.from([0x20, 1])))).toString(),
      '{"kind":1}',
    );
  });

  it("hold for the listener, for methods and for named profiles", async () => {
    const config = await loadConfig({
      file: file(`  json: {protoNames: true}
  profiles: {web: {stripEnumPrefix: true}}
methods:
  dragoman.transcoding.v1.Transcoding/*: {json: {emitDefaults: true}}
  dragoman.transcoding.v1.Transcoding/Submit: {json: {enumNumbers: true}}
  dragoman.transcoding.v1.Transcoding/List: {sse: {id: number, retry: 2s, heartbeat: 5s}, stream: events, timeout: 1s}
`),
    });
    const table = await loadTable(config);
    assert.deepEqual(table.problems, []);
    const printed = (httpMethod: string, path: string, wire: number[], profile?: string): string => {
      const route = table.route(httpMethod, path);
      assert.ok(route.found);
      const binder = profile === undefined ? route.binder : route.binder.profiled(profile)!;
      return Buffer.from(binder.responseJson(Payload.ofWire(route.method.output, Buffer.from(wire)))).toString();
    };
    assert.equal(printed("POST", "/v1/form", [0x20, 1, 0x7a, 1, 0x61]), '{"kind":1,"snake_name":"a"}');
    assert.equal(printed("POST", "/v1/end", [0x20, 1], "web").slice(0, 30), '{"kind":"SMALL","title":"","co');
    const list = table.route("GET", "/v1/notes/ann");
    assert.ok(list.found);
    assert.equal(list.binder.streamForm, "events");
    assert.deepEqual(list.binder.eventOptions, { id: "number", retryMs: 2000, heartbeatMs: 5000 });
  });

  it("name the place of a mistake", async () => {
    await assert.rejects(loadConfig({ file: file("  json: {enumNumber: true}\n") }), /enumNumber.*did you mean enumNumbers\?/);
    await assert.rejects(loadConfig({ file: file("  profiles: {web: {int64Number: true}}\n") }), /profiles.*did you mean int64Numbers\?/);
    await assert.rejects(loadConfig({ file: file("methods: {a.B/C: {sse: {id: a-b}}}\n") }), /sse\.id.*the name of a field/);
    await assert.rejects(loadConfig({ file: file("policies: {json: {}}\n") }), /unknown key "json"/);
    await assert.rejects(loadConfig({ file: file("  rules: [{selector: a.B, get: v1}]\n") }), /rules\[0\]\.get.*path template/);
  });
});
