/**
 * `npm run bench:micro`: runs every *.bench.ts beside this file, or those whose names are given.
 *
 *   npm run bench:micro -- hpack codec --ms 300
 *
 * The form of a file is in README.md. Times are medians with the fastest sample beside them.
 */
import { readdirSync } from "node:fs";
import { parseArgs } from "node:util";
import { Bench } from "tinybench";

const SUFFIX = ".bench.ts";
const { values, positionals } = parseArgs({ allowPositionals: true, options: { ms: { type: "string", default: "500" } } });

interface BenchFile {
  default(bench: Bench): void | Promise<void>;
}

function nanoseconds(ms: number): string {
  const ns = ms * 1e6;
  return ns >= 1e5 ? `${(ns / 1e3).toFixed(1)} us` : `${ns.toFixed(ns < 100 ? 1 : 0)} ns`;
}

async function runFile(name: string): Promise<boolean> {
  const { default: fill } = (await import(new URL(name, import.meta.url).href)) as BenchFile;
  const bench = new Bench({ time: Number(values.ms), warmupTime: Number(values.ms) / 2 });
  await fill(bench);
  await bench.run();
  console.log(`\n${name.slice(0, -SUFFIX.length)}`);
  const width = Math.max(...bench.tasks.map(({ name: task }) => task.length));
  let whole = true;
  for (const { name: task, result } of bench.tasks) {
    if (result.state === "completed") {
      const { p50, min } = result.latency;
      console.log(`  ${task.padEnd(width)} ${nanoseconds(p50).padStart(12)}  (${nanoseconds(min)})`);
    } else {
      whole = false;
      console.log(`  ${task.padEnd(width)} ${result.state === "errored" ? String(result.error) : result.state}`);
    }
  }
  return whole;
}

const files = readdirSync(new URL(".", import.meta.url))
  .filter((name) => name.endsWith(SUFFIX) && (positionals.length === 0 || positionals.some((word) => name.startsWith(word))))
  .sort();
for (const name of files) if (!(await runFile(name))) process.exitCode = 1;
