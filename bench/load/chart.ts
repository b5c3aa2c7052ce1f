/**
 * One SVG with a group of horizontal bars for each scenario: CPU per request, shorter is better.
 *
 * Each group has its own scale, for a list of 90 KB and a greeting have none in common. Text takes the reader's
 * colour scheme; no script, no font file, no outside reference.
 */
import type { ScenarioResult } from "./report.ts";
import { OURS } from "./scenarios.ts";

const WIDTH = 760;
const LABEL = 150;
const VALUE = 90;
const BAR = 16;
const STEP = 22;
const GROUP_GAP = 18;
const TITLE = 24;

const STYLE = [
  "text{font:12px system-ui,sans-serif;fill:#1f2933}",
  ".title{font-weight:600;font-size:13px}",
  ".ours{fill:#0b7a75}.peer{fill:#9aa5b1}.sketch{fill:none;stroke:#9aa5b1;stroke-dasharray:3 2}",
  "@media(prefers-color-scheme:dark){text{fill:#e4e7eb}.ours{fill:#3ebd93}.peer{fill:#616e7c}}",
].join("");

const escaped = (text: string): string => text.replaceAll("&", "&amp;").replaceAll("<", "&lt;");

interface Bar {
  readonly name: string;
  readonly value: number;
}

function bar({ name, value }: Bar, top: number, longest: number): string {
  const width = Math.max(1, ((WIDTH - LABEL - VALUE) * value) / longest);
  const kind = name === OURS ? "ours" : name.startsWith("sketch") ? "sketch" : "peer";
  const baseline = top + BAR - 4;
  return [
    `<text x="${LABEL - 8}" y="${baseline}" text-anchor="end">${escaped(name)}</text>`,
    `<rect class="${kind}" x="${LABEL}" y="${top}" width="${width.toFixed(1)}" height="${BAR}" rx="2"/>`,
    `<text x="${(LABEL + width + 6).toFixed(1)}" y="${baseline}">${value.toFixed(1)}</text>`,
  ].join("");
}

/** The chart of every scenario that has CPU numbers. */
export function chartSvg(scenarios: readonly ScenarioResult[]): string {
  const parts: string[] = [];
  let top = TITLE;
  for (const { scenario, load } of scenarios) {
    if (load === undefined || load.length === 0) continue;
    const bars = load.map((row) => ({ name: row.name, value: row.cpuUs.median }));
    const longest = Math.max(...bars.map(({ value }) => value));
    parts.push(`<text class="title" x="0" y="${top}">${escaped(scenario.title)}</text>`);
    top += 8;
    for (const one of bars) {
      parts.push(bar(one, top, longest));
      top += STEP;
    }
    top += GROUP_GAP + 8;
  }
  const label = "CPU microseconds per request, median; shorter is better";
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${top + 8}" width="${WIDTH}" role="img" aria-label="${label}">`,
    `<style>${STYLE}</style>`,
    ...parts,
    `<text x="0" y="${top}">${label}</text>`,
    "</svg>\n",
  ].join("\n");
}
