/** Small charts of seconds, one below the other, as one SVG. Text takes the reader's colour scheme; no script, no font, no outside reference. */

export interface Line {
  readonly name: string;
  /** One value a second. */
  readonly values: readonly number[];
  readonly kind: "with" | "without";
}

export interface Chart {
  readonly title: string;
  readonly lines: readonly Line[];
  /** From when to when it went wrong, in seconds. */
  readonly trouble: readonly [from: number, to: number];
}

const width = 760;
const left = 48;
const height = 110;
const top = 28;
const step = height + 64;
const style = [
  "text{font:12px system-ui,sans-serif;fill:#1f2933}.title{font-weight:600;font-size:13px}",
  ".with{fill:none;stroke:#0b7a75;stroke-width:2}.without{fill:none;stroke:#9aa5b1;stroke-width:1.5;stroke-dasharray:4 3}",
  ".trouble{fill:#cf1124;opacity:.08}.axis{stroke:#9aa5b1}",
  "@media(prefers-color-scheme:dark){text{fill:#e4e7eb}.with{stroke:#3ebd93}.without{stroke:#9fb3c8}.trouble{opacity:.25}}",
].join("");

export function chartsSvg(label: string, charts: readonly Chart[]): string {
  const total = charts.length * step + 8;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${total}" width="${width}" role="img" aria-label="${label}">`,
    `<style>${style}</style>`,
    ...charts.map((chart, index) => `<g transform="translate(0 ${index * step})">${inner(chart)}</g>`),
    "</svg>\n",
  ].join("\n");
}

function inner({ title, lines, trouble }: Chart): string {
  const seconds = Math.max(...lines.map(({ values }) => values.length));
  const most = Math.max(1, ...lines.flatMap(({ values }) => values));
  const x = (second: number): string => (left + ((width - left) * second) / seconds).toFixed(1);
  const y = (value: number): string => (top + height - (height * value) / most).toFixed(1);
  const base = top + height;
  const [from, to] = trouble;
  return [
    `<text class="title" x="0" y="16">${title}</text>`,
    `<rect class="trouble" x="${x(from)}" y="${top}" width="${(Number(x(to)) - Number(x(from))).toFixed(1)}" height="${height}"/>`,
    `<line class="axis" x1="${left}" y1="${base}" x2="${width}" y2="${base}"/>`,
    `<text x="${left - 6}" y="${top + 10}" text-anchor="end">${Math.round(most)}</text><text x="${left - 6}" y="${base}" text-anchor="end">0</text>`,
    ...[0, from, to].map((second) => `<text x="${x(second)}" y="${base + 15}">${second} s</text>`),
    ...lines.map(
      ({ kind, values }) =>
        `<polyline class="${kind}" points="${values.map((value, second) => `${x(second + 0.5)},${y(value)}`).join(" ")}"/>`,
    ),
    ...lines.map(({ kind, name }, index) => {
      const at = 260 + index * 240;
      return `<line class="${kind}" x1="${at}" y1="${base + 11}" x2="${at + 24}" y2="${base + 11}"/><text x="${at + 30}" y="${base + 15}">${name}</text>`;
    }),
  ].join("");
}
