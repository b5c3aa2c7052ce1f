/**
 * The results of one run: as JSON (everything), as Markdown (what a reader wants) and on the screen.
 *
 * Ratios are to ourselves and from the same run, for absolute numbers vary with the machine's mood far more than ratios.
 */
import type { FootprintRow } from "./measure-footprint.ts";
import type { Failure, LoadRow } from "./measure-load.ts";
import type { SocketsRow } from "./measure-sockets.ts";
import { type LoadScenario, OURS, type Scenario } from "./scenarios.ts";

export interface ContestantNote {
  readonly name: string;
  readonly version?: string;
  readonly on: string;
  readonly absent?: string;
}

export interface ScenarioResult {
  readonly scenario: Scenario;
  readonly load?: readonly LoadRow[];
  readonly footprint?: readonly FootprintRow[];
  readonly sockets?: readonly SocketsRow[];
  readonly failures: readonly Failure[];
}

export interface Report {
  readonly startedAt: string;
  readonly commandLine: string;
  readonly machine: string;
  readonly pinned: boolean;
  readonly backend: string;
  readonly contestants: readonly ContestantNote[];
  readonly scenarios: readonly ScenarioResult[];
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const widths = head.map((title, column) => Math.max(title.length, ...rows.map((row) => row[column]!.length)));
  const line = (cells: readonly string[]): string =>
    `| ${cells.map((cell, column) => (column === 0 ? cell.padEnd(widths[column]!) : cell.padStart(widths[column]!))).join(" | ")} |`;
  const rule = `|${widths.map((width, column) => (column === 0 ? "-".repeat(width + 2) : `${"-".repeat(width + 1)}:`)).join("|")}|`;
  return [line(head), rule, ...rows.map(line)].join("\n");
}

const one = (value: number): string => (value >= 1000 ? Math.round(value).toLocaleString("en") : value.toFixed(value < 2 ? 2 : 1));
const latency = (value: number | undefined): string => (value === undefined ? "-" : `${Math.round(value)}`);

function loadTable(scenario: LoadScenario, rows: readonly LoadRow[]): string {
  const ours = rows.find((row) => row.name === OURS)?.cpuUs.median;
  const single = scenario.connections === 1;
  const unit = scenario.unit ?? (scenario.messages === undefined ? "request" : "message");
  const head = ["", `CPU us/${unit}: median (min)`, "x ours", `${unit}s/s`, "core used", "MB under load", "failed"];
  if (single) head.splice(4, 0, "p50 us", "p99 us");
  return table(
    head,
    rows.map((row) => {
      const cells = [
        row.name,
        `${one(row.cpuUs.median)} (${one(row.cpuUs.min)})`,
        ours === undefined ? "-" : (row.cpuUs.median / ours).toFixed(2),
        Math.round(row.perSecond).toLocaleString("en"),
        `${Math.round(row.utilisation * 100)} %`,
        Math.round(row.residentMb).toString(),
        String(row.failed),
      ];
      if (single) cells.splice(4, 0, latency(row.p50Us), latency(row.p99Us));
      return cells;
    }),
  );
}

function footprintTable(rows: readonly FootprintRow[]): string {
  const connections = rows[0]?.connections.toLocaleString("en") ?? "";
  return table(
    ["", "start to first answer, ms: median (min)", "idle MB", `MB at ${connections} idle connections`],
    rows.map((row) => [
      row.name,
      `${Math.round(row.startMs.median)} (${Math.round(row.startMs.min)})`,
      row.idleMb.toFixed(0),
      row.connectionsMb === undefined ? "-" : row.connectionsMb.toFixed(0),
    ]),
  );
}

const SOCKET_TITLES: Readonly<Record<SocketsRow["route"], string>> = { "ws-grpc": "to a gRPC stream", "ws-echo": "passed through" };

function socketsTable(rows: readonly SocketsRow[]): string {
  return table(
    ["", "each", "sockets", "idle MB", "MB with them", "KB a socket"],
    rows.map(({ name, route, sockets, idleMb, openMb }) => [
      name,
      SOCKET_TITLES[route],
      sockets.toLocaleString("en"),
      idleMb.toFixed(0),
      openMb.toFixed(0),
      (((openMb - idleMb) * 1e3) / sockets).toFixed(1),
    ]),
  );
}

/** One scenario as Markdown. */
export function scenarioMarkdown({ scenario, load, footprint, sockets, failures }: ScenarioResult): string {
  const parts = [`## ${scenario.title}`];
  if (load !== undefined && load.length > 0 && "connections" in scenario) parts.push(loadTable(scenario, load));
  if (footprint !== undefined && footprint.length > 0) parts.push(footprintTable(footprint));
  if (sockets !== undefined && sockets.length > 0) parts.push(socketsTable(sockets));
  if (failures.length > 0) parts.push(failures.map(({ name, failed }) => `Not measured: ${name}: ${failed}`).join("\n"));
  return parts.join("\n\n");
}

/** The whole run as Markdown. */
export function reportMarkdown(report: Report): string {
  const { startedAt, commandLine, machine, pinned, backend, contestants, scenarios } = report;
  const who = contestants.map(({ name, version, on, absent }) => [name, absent === undefined ? (version ?? "") : `absent: ${absent}`, on]);
  const head = [
    `# Benchmark of ${startedAt.slice(0, 10)}`,
    `Command: \`${commandLine}\`  \nMachine: ${machine}  \nBackend: ${backend}  \nPinned: ${pinned ? "load and backend on core 0, contestant on core 1" : "no (one core or no taskset): do not compare"}`,
    table(["contestant", "version", "switched on"], who),
  ];
  return `${[...head, ...scenarios.map(scenarioMarkdown)].join("\n\n")}\n`;
}
