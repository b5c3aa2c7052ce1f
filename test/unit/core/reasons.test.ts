import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { Code, codeFromNumber, codeName } from "../../../src/core/code.ts";
import { CallError } from "../../../src/core/call-error.ts";
import { reasons, type Reason } from "../../../src/core/reasons.ts";

describe("reasons", () => {
  for (const [reason, entry] of Object.entries(reasons)) {
    it(`${reason} is a stable word with a code, an HTTP error status and one sentence`, () => {
      assert.match(reason, /^[A-Z][A-Z_]*[A-Z]$/);
      assert.equal(codeFromNumber(entry.code), entry.code);
      assert.notEqual(entry.code, Code.OK);
      assert.ok(entry.httpStatus >= 400 && entry.httpStatus < 600);
      assert.match(entry.summary, /^[A-Z].*\.$/);
      const error = new CallError(reason as Reason);
      assert.equal(error.code, entry.code);
      assert.equal(error.message, entry.summary);
      assert.equal(error.retry, entry.retry);
    });
  }

  it("docs/reasons.md has a row for each, and no other", () => {
    const page = readFileSync(new URL("../../../docs/reasons.md", import.meta.url), "utf8");
    const rows = page.split("\n").filter((line) => line.startsWith("| <a"));
    const expected = Object.entries(reasons).map(([reason, { code, httpStatus, retry, summary }]) => [
      `\`${reason}\``,
      codeName(code),
      String(httpStatus),
      retry,
      summary,
    ]);
    const cells = (row: string): string[] =>
      row
        .split("|")
        .slice(1, -1)
        .map((cell) => cell.replace(/<a.*<\/a>/, "").trim());
    assert.deepEqual(rows.map(cells), expected);
  });

  it("an unknown throw is INTERNAL and its text stays inside", () => {
    const error = CallError.of(new Error("secret"));
    assert.equal(error.reason, "INTERNAL");
    assert.ok(!error.message.includes("secret"));
    assert.equal((error.cause as Error).message, "secret");
  });

  it("codes outside the table are UNKNOWN", () => {
    for (const value of [-1, 17, 1.5, NaN, 2 ** 31]) assert.equal(codeFromNumber(value), Code.UNKNOWN);
    assert.equal(codeName(Code.UNAUTHENTICATED), "UNAUTHENTICATED");
  });
});
