/**
 * `npm run bench`: every contestant through every scenario in one interleaved run.
 *
 *   npm run bench -- --only rest-get,grpc --peers dragoman,envoy --rounds 3 --seconds 2
 *
 * Writes bench/results/DATE.json, .md and .svg (or --out FOLDER) and prints the tables. Exit code 1 when a contestant
 * that is at hand could not be measured; a peer that is absent is reported and costs nothing, unless --require-all.
 * --keep leaves the run's scratch folder with configurations and logs of the contestants.
 */
import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { cpus, release, tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { type Backends, startBackends } from "./backend.ts";
import { chartSvg } from "./chart.ts";
import type { Contestant } from "./contestant.ts";
import { contestants } from "./contestants.ts";
import { measureFootprint } from "./measure-footprint.ts";
import { type Entry, measureLoad, type Settings } from "./measure-load.ts";
import { measureSockets } from "./measure-sockets.ts";
import { pinned } from "./processes.ts";
import { type ContestantNote, type Report, reportMarkdown, scenarioMarkdown, type ScenarioResult } from "./report.ts";
import { type Scenario, scenarios } from "./scenarios.ts";
import { cacheFolder, PROJECT } from "./scratch.ts";

const { values: flags } = parseArgs({
  options: {
    only: { type: "string", default: "" },
    peers: { type: "string", default: "" },
    rounds: { type: "string", default: "5" },
    seconds: { type: "string", default: "2" },
    warm: { type: "string", default: "2" },
    connections: { type: "string", default: "10000" },
    out: { type: "string", default: join(PROJECT, "bench", "results") },
    keep: { type: "boolean", default: false },
    "require-all": { type: "boolean", default: false },
  },
});

/** True when a comma-separated list is empty or one of its words begins `name`. */
function chosen(list: string, name: string): boolean {
  return list === "" || list.split(",").some((word) => name.startsWith(word.trim()));
}

async function prepareAll(wanted: readonly Contestant[], cache: string): Promise<{ entries: Entry[]; notes: ContestantNote[] }> {
  const entries: Entry[] = [];
  const notes: ContestantNote[] = [];
  for (const contestant of wanted) {
    const prepared = await contestant.prepare(cache);
    const { name, on } = contestant;
    if ("absent" in prepared) {
      console.log(`absent: ${name}: ${prepared.absent}`);
      notes.push({ name, on, absent: prepared.absent });
    } else {
      entries.push({ contestant, prepared });
      notes.push({ name, on, version: prepared.version });
    }
  }
  return { entries, notes };
}

async function measureScenario(
  scenario: Scenario,
  entries: readonly Entry[],
  settings: Settings,
  backends: Backends,
): Promise<ScenarioResult> {
  if (scenario.kind === "footprint") {
    const { rows, failures } = await measureFootprint(Number(flags.connections), entries, backends, settings);
    return { scenario, footprint: rows, failures };
  }
  if (scenario.kind === "open-sockets") {
    const { rows, failures } = await measureSockets(scenario, Number(flags.connections), entries, backends, settings);
    return { scenario, sockets: rows, failures };
  }
  if (scenario.kind !== "sockets" && spawnSync(scenario.kind, ["--version"]).error !== undefined) {
    return { scenario, failures: [{ name: "everyone", failed: `needs ${scenario.kind}, which is not installed` }] };
  }
  const able = entries.filter(({ contestant }) => contestant.routes.includes(scenario.route));
  const { rows, failures } = await measureLoad(scenario, able, backends, settings);
  return { scenario, load: rows, failures };
}

async function measureAll(folder: string): Promise<Report> {
  const cache = cacheFolder();
  const settings = { rounds: Number(flags.rounds), seconds: Number(flags.seconds), warmSeconds: Number(flags.warm), folder };
  const wanted = contestants.filter(({ name }) => chosen(flags.peers, name));
  const { entries, notes } = await prepareAll(wanted, cache);
  const backends = await startBackends(cache, folder);
  const results: ScenarioResult[] = [];
  for (const scenario of scenarios) {
    if (!chosen(flags.only, scenario.name)) continue;
    const result = await measureScenario(scenario, entries, settings, backends);
    if (!flags.keep) rmSync(join(folder, scenario.name), { recursive: true, force: true }); // access logs grow by gigabytes
    results.push(result);
    console.log(`\n${scenarioMarkdown(result)}`);
  }
  await backends.stop();
  return {
    startedAt: new Date().toISOString(),
    commandLine: ["npm run bench --", ...process.argv.slice(2)].join(" "),
    machine: `${cpus().length} x ${cpus()[0]?.model ?? "unknown"}, Linux ${release()}`,
    pinned,
    backend: backends.kind,
    contestants: notes,
    scenarios: results,
  };
}

async function main(): Promise<number> {
  const folder = mkdtempSync(join(tmpdir(), "dragoman-bench-"));
  try {
    const report = await measureAll(folder);
    write(report);
    const missing = flags["require-all"] && report.contestants.some(({ absent }) => absent !== undefined);
    return missing || report.scenarios.some(({ failures }) => failures.length > 0) ? 1 : 0;
  } finally {
    if (!flags.keep) rmSync(folder, { recursive: true, force: true });
    else console.log(`kept ${folder}`);
  }
}

function write(report: Report): void {
  mkdirSync(flags.out, { recursive: true });
  const base = join(flags.out, report.startedAt.slice(0, 16).replace("T", "-").replace(":", ""));
  writeFileSync(`${base}.json`, `${JSON.stringify(report, null, 1)}\n`);
  writeFileSync(`${base}.md`, reportMarkdown(report));
  writeFileSync(`${base}.svg`, chartSvg(report.scenarios));
  console.log(`\nwritten: ${base}.{json,md,svg}`);
}

process.exitCode = await main();
