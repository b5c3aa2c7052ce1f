/** The registry's file survives kill -9 at any moment: what a writer was told is there afterwards, and the file is sound. */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { systemClock } from "../../../src/core/clock.ts";
import { createSqliteStore } from "../../../src/registry/stores/sqlite.ts";

const kills = 50;
const writer = join(import.meta.dirname, "../../support/registry-writer.ts");

interface Told {
  readonly value: string;
  readonly revision: number;
}

/** Runs the writer until it has said `lines` lines, and kills it. */
async function writeAndKill(file: string, lines: number): Promise<Map<string, Told>> {
  const child = spawn(process.execPath, [writer, file], { stdio: ["ignore", "pipe", "inherit"] });
  const exited = once(child, "exit");
  let text = "";
  child.stdout.setEncoding("utf8").on("data", (chunk: string) => {
    text += chunk;
    if (child.exitCode === null && text.split("\n").length > lines) child.kill("SIGKILL");
  });
  const [, signal] = (await exited) as [number | null, string | null];
  assert.equal(signal, "SIGKILL");
  const told = new Map<string, Told>();
  // The last line may be cut off.
  for (const line of text.split("\n").slice(0, -1)) {
    const [key, value, revision] = line.split(" ") as [string, string, string];
    told.set(key, { value, revision: Number(revision) });
  }
  return told;
}

describe("the SQLite store", () => {
  it(`loses nothing it has confirmed when it is killed ${kills} times`, async function () {
    this.timeout(120_000);
    const folder = mkdtempSync(join(tmpdir(), "dragoman-killed-"));
    const file = join(folder, "registry.db");
    let highest = 0;
    try {
      for (let kill = 0; kill < kills; kill++) {
        const told = await writeAndKill(file, 1 + ((kill * 37) % 90));
        const store = createSqliteStore(file, systemClock);
        const { revision, entries } = await store.read("k/");
        const found = new Map(entries.map((entry) => [entry.key, entry]));
        assert.ok(revision >= highest, "revisions never go back");
        for (const [key, { value, revision: at }] of told) {
          highest = Math.max(highest, at);
          const entry = found.get(key);
          // A later write or removal, of which nobody was told any more, may have come after.
          if (entry === undefined) assert.ok(revision > at, `${key} was removed after ${at}`);
          else if (entry.revision === at) assert.equal(Buffer.from(entry.value).toString(), value);
          else assert.ok(entry.revision > at, `${key} is at ${entry.revision}, before ${at}`);
        }
        await store.close();
      }
      const db = new DatabaseSync(file);
      assert.deepEqual({ ...db.prepare("PRAGMA integrity_check").get() }, { integrity_check: "ok" });
      db.close();
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});
