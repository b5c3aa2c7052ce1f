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

  it("name the place of a mistake", async () => {
    await assert.rejects(loadConfig({ file: file("  json: {enumNumber: true}\n") }), /enumNumber.*did you mean enumNumbers\?/);
    await assert.rejects(loadConfig({ file: file("  rules: [{selector: a.B, get: v1}]\n") }), /rules\[0\]\.get.*path template/);
  });
});
