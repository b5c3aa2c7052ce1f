/** Plays the matrix and writes docs/matrix.md: `node deploy/matrix.ts && npm run format`. A test fails when the page is behind. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { outbounds, type Outbound } from "../test/matrix/outbounds.ts";
import { pageOf } from "../test/matrix/page.ts";
import { runOutbound, type CellResult } from "../test/matrix/run-matrix.ts";

const results = new Map<Outbound, readonly CellResult[]>();
for (const outbound of outbounds) {
  const { cells } = await runOutbound(outbound);
  for (const { name, problem } of cells) if (problem !== undefined) console.error(`${name}: ${problem}`);
  results.set(outbound, cells);
}
writeFileSync(join(import.meta.dirname, "../docs/matrix.md"), pageOf(results));
