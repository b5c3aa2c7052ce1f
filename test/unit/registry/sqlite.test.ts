import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { CompactedError } from "../../../src/registry/stores/registry-store.ts";
import { createSqliteStore } from "../../../src/registry/stores/sqlite.ts";
import { FakeClock } from "../../support/fake-clock.ts";

describe("the SQLite store and its file", () => {
  let folder: string;
  let file: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "dragoman-sqlite-"));
    file = join(folder, "registry.db");
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  it("goes on where it was: entries, revisions, and leases with all their time", async () => {
    const clock = new FakeClock();
    const before = createSqliteStore(file, clock);
    const lease = await before.grantLease(2000);
    await before.write("leased", Buffer.from("1"), { lease });
    const revision = await before.write("kept", Buffer.from("2"));
    await before.close();
    clock.advance(60_000);
    const after = createSqliteStore(file, clock);
    assert.equal((await after.read("")).revision, revision);
    assert.deepEqual(
      (await after.read("")).entries.map(({ key }) => key),
      ["kept", "leased"],
    );
    for (let passed = 0; passed < 1500; passed += 250) clock.advance(250);
    await after.keepLease(lease);
    for (let passed = 0; passed < 3000; passed += 250) clock.advance(250);
    assert.deepEqual(
      (await after.read("")).entries.map(({ key }) => key),
      ["kept"],
    );
    await after.close();
  });

  it("has a watch from before it was opened read anew", async () => {
    const before = createSqliteStore(file, new FakeClock());
    await before.write("a", Buffer.from("1"));
    await before.write("a", Buffer.from("2"));
    await before.close();
    const after = createSqliteStore(file, new FakeClock());
    const changes = after.watch("", 1, AbortSignal.timeout(5000))[Symbol.asyncIterator]();
    await assert.rejects(changes.next(), (error: unknown) => error instanceof CompactedError && error.revision === 3);
    await after.close();
  });

  it("says what is wrong with a file that is none of its own", () => {
    writeFileSync(file, "this is no database, and long enough to be looked at as one".repeat(20));
    assert.throws(
      () => createSqliteStore(file, new FakeClock()),
      /^Error: the registry's file .*registry\.db cannot be used: file is not a database$/,
    );
    assert.throws(
      () => createSqliteStore(join(folder, "none/registry.db"), new FakeClock()),
      /cannot be used: unable to open database file/,
    );
  });

  it("leaves the file of a later version alone", () => {
    const db = new DatabaseSync(file);
    db.exec("PRAGMA user_version = 7");
    db.close();
    assert.throws(() => createSqliteStore(file, new FakeClock()), /it was written by a later version \(layout 7, this one knows 1\)/);
  });
});
