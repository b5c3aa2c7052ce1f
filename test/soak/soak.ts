/**
 * `npm run soak`: ten minutes of mixed traffic over every protocol, with cancels, resets, slow readers, deadlines and bad input; exits with 1 when
 * a call is not accounted for, something leaks, or a proxy complains. docs/soak.md tells more.
 */
import { parseArgs } from "node:util";
import { runSoak } from "./run-soak.ts";
import { soakReport } from "./soak-report.ts";

const { values } = parseArgs({
  options: {
    seconds: { type: "string", default: "600" },
    seed: { type: "string", default: String(Date.now() % 1_000_000) },
    concurrency: { type: "string", default: "60" },
  },
});

const seconds = Number(values.seconds);
const seed = Number(values.seed);
console.log(`seed ${seed}`);
const result = await runSoak({ seconds, seed, concurrency: Number(values.concurrency), heapGrowthBytes: 8e6 });
console.log(soakReport(result));
process.exitCode = result.ledger.faults.length === 0 ? 0 : 1;
