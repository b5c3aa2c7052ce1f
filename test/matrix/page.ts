/** docs/matrix.md, from what the cells came to: one table for each outbound, and what the outcomes are. */
import { rowsOf } from "./cells.ts";
import type { Inbound } from "./inbounds.ts";
import type { Outbound } from "./outbounds.ts";
import { outcomes } from "./outcomes.ts";
import type { CellResult } from "./run-matrix.ts";
import { kinds, type Kind } from "./script.ts";

/** The page as `deploy/matrix.ts` writes it, before it is formatted. */
export function pageOf(results: ReadonlyMap<Outbound, readonly CellResult[]>): string {
  const all = [...results.values()].flat();
  const refused = all.filter(({ cell }) => cell.instead?.reason !== undefined).length;
  return [
    "# The matrix",
    `Every protocol that comes in, before every kind of backend, for every kind of RPC, with every way to end: ${all.length} cells, played over real
sockets by \`npm test\` ([test/matrix](../test/matrix)), of which ${passed(all)} pass. ${refused} of them are calls that a protocol cannot carry: there the
documented refusal is what is tested.`,
    `Of each cell is checked what the client sees, in its protocol's own form: code, message, details, messages, metadata, trailers, HTTP status, close
code; what the backend saw: path, messages, metadata, whether they came compressed, the deadline, the cancellation; and that it is one row of the access
log, and one call of the metrics, with the right code and reason. What must be seen follows from the script that both ends play, from
google/rpc/code.proto and from [reasons.md](reasons.md).`,
    `The numbers are outcomes that pass, of ${outcomes.length}. Plain HTTP has two less: a status comes first there, so nothing fails late. This page is written by
\`node deploy/matrix.ts\`, and a test fails when it is behind.`,
    ...[...results].flatMap(([outbound, cells]) => [
      `## To a backend that speaks ${outbound.name}`,
      outbound.about,
      tableOf(outbound, cells),
    ]),
    "## The outcomes",
    table(
      ["outcome", "what is played"],
      outcomes.map(({ name, meaning }) => [name, meaning]),
    ),
  ]
    .join("\n\n")
    .concat("\n");
}

function tableOf(outbound: Outbound, cells: readonly CellResult[]): string {
  const of = (row: Inbound, kind: Kind): string => said(cells.filter(({ cell }) => cell.inbound === row && cell.kind === kind));
  return table(
    ["in", "over", ...kinds],
    rowsOf(outbound).map((row) => [row.name, row.tls ? `${row.over}, TLS` : row.over, ...kinds.map((kind) => of(row, kind))]),
  );
}

function said(cells: readonly CellResult[]): string {
  const { instead } = cells[0]!.cell;
  const count = passed(cells);
  if (instead !== undefined && count === cells.length)
    return instead.reason === undefined ? instead.why : `\`${instead.reason}\`: ${instead.why}`;
  return count === cells.length ? String(count) : `**${count} of ${cells.length}**`;
}

function passed(cells: readonly CellResult[]): number {
  return cells.filter(({ problem }) => problem === undefined).length;
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  return [head, head.map(() => "---"), ...rows].map((cells) => `| ${cells.join(" | ")} |`).join("\n");
}
