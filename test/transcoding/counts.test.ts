/** docs/conformance.md says how many cases each group of this suite has: it stays true. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { basename, join } from "node:path";
import type { Suite } from "mocha";
import { readKit } from "../support/kits.ts";

const page = readFileSync(join(import.meta.dirname, "../../docs/conformance.md"), "utf8");
const self = basename(import.meta.filename);
/** Files with cases that are read from the kits. */
const fromKits: ReadonlySet<string> = new Set(["kit.test.ts", "deadlines.test.ts"]);

/** Tests of each file of this folder that was loaded. */
function counted(suite: Suite, into = new Map<string, number>()): Map<string, number> {
  for (const { file } of suite.tests) {
    if (file === undefined || !file.startsWith(import.meta.dirname)) continue;
    const name = basename(file);
    if (name !== self) into.set(name, (into.get(name) ?? 0) + 1);
  }
  for (const inner of suite.suites) counted(inner, into);
  return into;
}

describe("docs/conformance.md", () => {
  const rows = [...page.matchAll(/^\| .*?\| \[`(\w[\w-]*\.test\.ts)`\]\(\S+\) +\| +(\d+) +\|$/gm)].map(
    ([, file, cases]) => [file!, Number(cases)] as const,
  );

  it("counts the cases of the transcoding suite", function () {
    let root = this.test!.parent!;
    while (root.parent !== undefined) root = root.parent;
    const actual = counted(root);
    // Run alone, or without the kits, there is less than the page says.
    const lacksKits = readKit("grpc/wire_text.json") === undefined;
    for (const [file, cases] of rows) if (!actual.has(file) || (lacksKits && fromKits.has(file))) actual.set(file, cases);
    assert.deepEqual(Object.fromEntries(actual), Object.fromEntries(rows));
  });

  it("sums them up", () => {
    const sum = rows.reduce((total, [, cases]) => total + cases, 0);
    assert.match(page, new RegExp(`\\b${sum} cases\\b`), `${sum} cases`);
  });
});
