/** What a soak has seen, as Markdown tables. */
import { isSure, type CallRecord, type Outcome } from "./ledger.ts";
import type { SoakResult } from "./run-soak.ts";

const outcomes: readonly Outcome[] = ["ok", "error", "left", "raced", "lost"];
const megabytes = (bytes: number | undefined): string => (bytes === undefined ? "" : (bytes / 1e6).toFixed(1));

function table(heads: readonly string[], rows: readonly (readonly (string | number)[])[]): string {
  const all = [heads, ...rows.map((row) => row.map(String))];
  const widths = heads.map((_, column) => Math.max(3, ...all.map((row) => row[column]!.length)));
  const line = (row: readonly string[]): string =>
    `| ${row.map((cell, column) => (column === 0 ? cell.padEnd(widths[column]!) : cell.padStart(widths[column]!))).join(" | ")} |`;
  const rule = `| ${widths.map((width, column) => (column === 0 ? "-".repeat(width) : `${"-".repeat(width - 1)}:`)).join(" | ")} |`;
  return [line(heads), rule, ...all.slice(1).map(line)].join("\n");
}

export function soakReport({ ledger, metrics, samples, seconds }: SoakResult): string {
  const protocols = [...new Set(ledger.calls.map(({ form }) => form.protocol))];
  const line = (name: string, calls: readonly CallRecord[]): (string | number)[] => {
    const counted = (test: (call: CallRecord) => boolean): number => calls.filter(test).length;
    return [
      name,
      calls.length,
      ...outcomes.map((outcome) => counted((call) => call.outcome === outcome)),
      counted((call) => !isSure(call)),
      calls.reduce((sum, { rows }) => sum + rows, 0),
    ];
  };
  const heads = ["protocol", "calls", "answered", "failed", "left", "raced", "lost", "left unheard", "rows"];
  const calls = [
    ...protocols.map((protocol) =>
      line(
        protocol,
        ledger.calls.filter(({ form }) => form.protocol === protocol),
      ),
    ),
    line("all", ledger.calls),
  ];
  const counted = [...metrics.values()].reduce((sum, count) => sum + count, 0);
  const behaviours = [...new Set(ledger.calls.map(({ behaviour }) => behaviour))];
  return [
    `${ledger.calls.length} calls in ${seconds.toFixed(0)} s; ${ledger.rows} rows in the access logs, ${counted} calls in the metrics.`,
    table(heads, calls),
    table(
      ["what happened to them", ...heads.slice(1)],
      behaviours.map((behaviour) =>
        line(
          behaviour,
          ledger.calls.filter((call) => call.behaviour === behaviour),
        ),
      ),
    ),
    table(
      ["process", "when", "heap and buffers, MB", "open files", "sockets"],
      [...samples]
        .sort((left, right) => left.process.localeCompare(right.process))
        .map(({ process, when, heapBytes, files }) => [process, when, megabytes(heapBytes), files.all, files.sockets]),
    ),
    ledger.faults.length === 0 ? "Nothing amiss." : `${ledger.faults.length} faults:\n${ledger.faults.join("\n")}`,
  ].join("\n\n");
}
