/** The matrix: protocol in, protocol out, kind of RPC, outcome. The table is in inbounds.ts, outbounds.ts and outcomes.ts. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { rowName, rowsOf } from "./cells.ts";
import { outbounds, type Outbound } from "./outbounds.ts";
import { pageOf } from "./page.ts";
import { runOutbound, type CellResult, type OutboundResult } from "./run-matrix.ts";
import { kinds } from "./script.ts";

/** Only a cell that hangs takes so long. */
const runTimeoutMs = 120_000;

describe("matrix", () => {
  const results = new Map<Outbound, readonly CellResult[]>();

  for (const outbound of outbounds)
    describe(`to ${outbound.name}`, () => {
      let result: OutboundResult;
      before(async function () {
        this.timeout(runTimeoutMs);
        result = await runOutbound(outbound);
        results.set(outbound, result.cells);
      });

      for (const inbound of rowsOf(outbound))
        for (const kind of kinds)
          it(`${rowName(inbound)}: ${kind}`, () => {
            const cells = result.cells.filter(({ cell }) => cell.inbound === inbound && cell.kind === kind);
            assert.notEqual(cells.length, 0);
            const problems = cells.filter(({ problem }) => problem !== undefined);
            assert.equal(problems.map(({ name, problem }) => `${name}: ${problem}`).join("\n\n"), "");
          });

      it("counts each call once, in the metrics as in the access log", () => {
        assert.equal(result.counted.log.length, result.cells.length);
        assert.deepEqual(result.counted.metrics, result.counted.log);
        assert.equal(result.active, 0);
      });
    });

  // A suite of its own, because a suite's tests run before those of the suites in it.
  describe("the page", () => {
    it("says the same (else: node deploy/matrix.ts && npm run format)", () => {
      const page = readFileSync(join(import.meta.dirname, "../../docs/matrix.md"), "utf8");
      // Without the spaces and dashes that line tables up.
      const lines = (text: string): string[] => text.split("\n").map((line) => line.replace(/-{3,}/g, "---").replace(/\s+/g, " ").trim());
      assert.deepEqual(lines(page), lines(pageOf(results)));
    });
  });
});
