import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtempSync, openSync, closeSync, readFileSync, readSync, renameSync, rmSync, constants } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { silentLogger } from "../../../src/core/logger.ts";
import { LineWriter } from "../../../src/telemetry/line-writer.ts";
import { systemClock } from "../../../src/core/clock.ts";
import { until } from "../../support/until.ts";

describe("line writer", () => {
  let folder = "";
  let path = "";
  before(() => (folder = mkdtempSync(join(tmpdir(), "dragoman-lines-"))));
  beforeEach(() => {
    path = join(folder, "calls.log");
    rmSync(path, { force: true });
  });
  after(() => rmSync(folder, { recursive: true }));

  const options = { clock: systemClock, logger: silentLogger };

  it("writes lines in order, by size and by time, and the rest when closed", async () => {
    const writer = new LineWriter(path, { ...options, flushAtBytes: 50 });
    for (let i = 0; i < 100; i++) writer.write(`line ${i}\n`);
    await until(() => readFileSync(path, "utf8").endsWith("line 99\n"), "the clock to flush");
    writer.write("last\n");
    await writer.close();
    const lines = readFileSync(path, "utf8").trimEnd().split("\n");
    assert.deepEqual(lines, [...Array.from({ length: 100 }, (_, i) => `line ${i}`), "last"]);
    assert.equal(writer.droppedLines, 0);
  });

  it("opens the file anew after it was moved away, and loses no line over it", async () => {
    const writer = new LineWriter(path, { ...options, flushAtBytes: 10 });
    writer.write("before the move\n");
    await until(() => readFileSync(path, "utf8") !== "", "the first line");
    renameSync(path, `${path}.1`);
    writer.write("into the old file\n");
    await writer.reopen();
    writer.write("into the new file\n");
    await writer.close();
    assert.equal(readFileSync(`${path}.1`, "utf8"), "before the move\ninto the old file\n");
    assert.equal(readFileSync(path, "utf8"), "into the new file\n");
  });

  it("drops and counts lines beyond its limit while the reader is slow, then goes on", async () => {
    // A named pipe that is read late: what the kernel does not take waits in the writer, up to its limit.
    execFileSync("sh", ["-c", 'mkfifo "$0"', path]);
    const reader = openSync(path, constants.O_RDWR | constants.O_NONBLOCK);
    const writer = new LineWriter(path, { ...options, flushAtBytes: 1000, limitBytes: 10_000 });
    const line = `${"x".repeat(99)}\n`;
    for (let i = 0; i < 5000; i++) writer.write(line);
    await until(() => writer.droppedLines > 0, "lines to be dropped");
    const dropped = writer.droppedLines;
    assert.ok(dropped < 5000);
    let gotBytes = 0;
    const chunk = Buffer.alloc(1 << 16);
    const drain = setInterval(() => {
      try {
        for (;;) gotBytes += readSync(reader, chunk);
      } catch {
        // EAGAIN: empty for now.
      }
    }, 1);
    await writer.close(5000);
    await until(() => gotBytes === (5000 - dropped) * line.length, "every line that was not dropped");
    clearInterval(drain);
    closeSync(reader);
  });

  it("writes at once what waits, in every page, for a process that ends", async () => {
    const writer = new LineWriter(path, { ...options, flushAtBytes: 1000 });
    const lines = Array.from({ length: 500 }, (_, i) => `line ${i} ${"x".repeat(100)}`);
    for (const line of lines) writer.write(`${line}\n`); // one page is being written, the others wait for it
    writer.flushSync();
    await writer.close();
    assert.deepEqual(new Set(readFileSync(path, "utf8").trimEnd().split("\n")), new Set(lines));
  });

  it("says why a file cannot be opened", () => {
    assert.throws(() => new LineWriter(join(folder, "none", "x.log"), options), { code: "ENOENT" });
  });

  it("tells of a failing destination once", async () => {
    const said: string[] = [];
    const logger = { ...silentLogger, error: (message: string) => void said.push(message) };
    const writer = new LineWriter("/dev/full", { ...options, logger, flushAtBytes: 1 });
    for (let i = 0; i < 5; i++) {
      writer.write("x\n");
      await until(() => writer.droppedLines > i, "the write to fail");
    }
    await writer.close();
    assert.equal(said.length, 1);
    assert.equal(writer.droppedLines, 5);
  });
});
