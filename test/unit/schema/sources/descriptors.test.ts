/** Descriptor sets from files, watched. */
import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Schema } from "../../../../src/schema/descriptor.ts";
import { createDescriptorsSource } from "../../../../src/schema/sources/descriptors.ts";
import type { SchemaProblem } from "../../../../src/schema/sources/schema-problem.ts";
import { bufBuild } from "../../../support/buf-build.ts";
import { until } from "../../../support/until.ts";

describe("descriptors source", () => {
  let folder: string;
  let path: string;
  let one: Uint8Array;
  let two: Uint8Array;

  before(function () {
    this.timeout(30_000);
    one = bufBuild({ "a.proto": `syntax = "proto3"; package a; message M { string x = 1; }` });
    two = bufBuild({ "a.proto": `syntax = "proto3"; package a; message M { string x = 1; int32 y = 2; }` });
  });
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "dragoman-descriptors-"));
    path = join(folder, "set.binpb");
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  const first = async (file: string): Promise<Schema> => {
    const abort = new AbortController();
    const { value } = await createDescriptorsSource({ path: file }).watch(abort.signal)[Symbol.asyncIterator]().next();
    abort.abort();
    return value as Schema;
  };

  it("reads a set", async () => {
    writeFileSync(path, one);
    assert.equal((await first(path)).message("a.M")!.fields.length, 1);
  });

  it("yields the edited set, keeps the last good one through a broken edit, and ends on abort", async () => {
    writeFileSync(path, one);
    const abort = new AbortController();
    const problems: SchemaProblem[] = [];
    const source = createDescriptorsSource({ path, intervalMs: 5, onProblem: (problem) => problems.push(problem) });
    const schemas = source.watch(abort.signal)[Symbol.asyncIterator]();
    await schemas.next();
    const next = schemas.next();
    writeFileSync(path, two.subarray(0, 20));
    await until(() => problems.length > 0, "a problem");
    assert.match(problems[0]!.message, /^descriptor set \S+: .*; the last good schema stays in use$/);
    rmSync(path);
    await until(() => problems.length > 1, "the next problem");
    assert.match(problems[1]!.message, /^cannot read descriptor set \S+: there is no such file; the last good schema stays in use$/);
    writeFileSync(path, one);
    writeFileSync(path, two);
    assert.equal(((await next) as IteratorYieldResult<Schema>).value.message("a.M")!.fields.length, 2);
    const last = schemas.next();
    abort.abort();
    assert.equal((await last).done, true);
  });

  it("says in one line why it cannot start", async () => {
    await assert.rejects(first(join(folder, "gone")), {
      name: "SchemaError",
      message: `cannot read descriptor set ${folder}/gone: there is no such file`,
    });
    await assert.rejects(first(folder), { message: `cannot read descriptor set ${folder}: it is a directory` });
    writeFileSync(path, `syntax = "proto3";\n`);
    await assert.rejects(
      first(path),
      /^SchemaError: descriptor set \S+set.binpb: not valid protobuf: .* \(it looks like text: pass .proto files with --proto\)$/,
    );
    writeFileSync(path, "");
    await assert.rejects(first(path), /the descriptor set holds no files$/);
  });
});
