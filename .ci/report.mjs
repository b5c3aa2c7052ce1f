// Reads mocha's JSON report: prints "PASSED FAILED FILES...", the files being those with failures, and writes the failures to a file as text.
import { readFileSync, writeFileSync } from "node:fs";

const [report, text] = process.argv.slice(2);
const { stats, failures, pending } = JSON.parse(readFileSync(report, "utf8"));
const lines = [
  ...failures.map(
    ({ fullTitle, err }) =>
      `${fullTitle}\n    ${String(err.stack ?? err.message)
        .split("\n")
        .slice(0, 8)
        .join("\n    ")}`,
  ),
  ...pending.map(({ fullTitle }) => `${fullTitle}\n    was skipped, and here everything is required`),
];
writeFileSync(text, lines.map((line) => `${line}\n`).join(""));
// What was skipped would be skipped again.
const files = new Set(pending.length > 0 ? [] : failures.map(({ file }) => file));
console.log([stats.passes, failures.length + pending.length, ...files].join(" "));
