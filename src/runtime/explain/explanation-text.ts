/**
 * An explanation for people: short lines, the verdict first, one column of topics and one of what there is to say.
 *
 * Control characters of what a caller sent are escaped, for a terminal would act on them.
 */
import type { Explanation, NearView, PartView, PolicyView } from "./explanation.ts";

const topicWidth = 10;
/** Values and messages of a longer text are cut. */
const longestText = 500;
const widestColumn = 60;

export function explanationText(explanation: Explanation): string {
  const { request, protocol, rpc, binding, bindings, body, message, metadata, policies, upstream, hints, notes } = explanation;
  const lines = new Lines(`${request.method} ${request.path}`);
  lines.blank();
  lines.add("result", verdictLines(explanation));
  lines.add("hint", hints);
  lines.blank();
  if (protocol !== undefined) lines.add("protocol", [`${protocol.kind}: ${protocol.because}`]);
  if (rpc !== undefined)
    lines.add(
      "rpc",
      rpc.known
        ? [`${rpc.path} (${rpc.kind})`, `${rpc.input} -> ${rpc.output}`]
        : [rpc.path, "the schema has no such method: the backend decides"],
    );
  if (binding !== undefined)
    lines.add("template", [`${binding.httpMethod} ${binding.template}${binding.automatic ? " (every method has one)" : ""}`]);
  lines.add("path", partLines("path", bindings));
  lines.add("query", partLines("query", bindings));
  if (body !== undefined) lines.add("body", [bodyText(body)]);
  if (binding !== undefined && binding.responseBody !== "") lines.add("answer", [`the field ${binding.responseBody}`]);
  if (message !== undefined) lines.add("message", [clipped(JSON.stringify(message))]);
  if (metadata.length > 0) lines.add("metadata", [metadata.join(", ")]);
  lines.add("policies", policyLines(policies));
  if (explanation.verdict === "call" && upstream.url !== undefined && rpc?.own !== true)
    lines.add("upstream", [upstream.state === undefined ? upstream.url : `${upstream.url} (${upstream.state})`]);
  // The answer to an OPTIONS says it all.
  if (explanation.verdict !== "answer")
    explanation.nearest.forEach((near, index) => {
      lines.blank();
      lines.add(index > 0 ? "" : near.reason === undefined ? "also fits" : "nearest", nearLines(near));
    });
  if (notes.length > 0) lines.blank();
  lines.add("note", notes);
  return lines.text();
}

class Lines {
  private readonly lines: string[];

  constructor(title: string) {
    this.lines = [printable(title)];
  }

  blank(): void {
    if (this.lines.at(-1) !== "") this.lines.push("");
  }

  /** The topic stands before the first of them. */
  add(topic: string, texts: readonly string[]): void {
    for (const [index, text] of texts.entries()) this.lines.push(`${(index === 0 ? topic : "").padEnd(topicWidth)}${printable(text)}`);
  }

  text(): string {
    return `${this.lines.map((line) => line.trimEnd()).join("\n")}\n`;
  }
}

function verdictLines({ verdict, status, error, rpc, upstream }: Explanation): string[] {
  if (verdict === "call")
    return [rpc?.own === true ? `calls ${rpc.path}, of the proxy itself` : `calls ${rpc?.path ?? "the backend"} at ${upstream.service}`];
  const allow = error?.allow === undefined ? [] : [`allow: ${error.allow.join(", ")}`];
  if (verdict === "answer" || error === undefined) return [`the proxy answers by itself: ${status}`, ...allow];
  return [`refused: ${status ?? ""} ${error.code}, ${error.reason}`, error.message, ...allow];
}

function partLines(source: PartView["source"], parts: readonly PartView[]): string[] {
  const rows = parts
    .filter((part) => part.source === source)
    .map((part) => [`${source === "path" ? `{${part.name}}` : part.name} = ${clipped(part.text)}`, outcomeOf(part)] as const);
  return columns(rows);
}

function outcomeOf({ field, type, value, ignored, error }: PartView): string {
  if (error !== undefined) return `!  ${error}`;
  if (ignored !== undefined) return `-  ignored: ${ignored}`;
  return `-> ${field} (${type}) = ${clipped(JSON.stringify(value))}`;
}

function bodyText({ becomes, given, converts }: NonNullable<Explanation["body"]>): string {
  if (becomes === undefined) return given ? "one is given, and this binding takes none" : "none, and this binding takes none";
  if (!given) return `becomes ${becomes}; none is given`;
  return `becomes ${becomes}; ${converts === undefined ? "not looked at" : converts ? "it can be read" : "it cannot be read"}`;
}

function policyLines(policies: readonly PolicyView[]): string[] {
  const settingsText = (settings: unknown): string =>
    Object.entries(settings as Record<string, unknown>)
      .map(([name, value]) => `${name}: ${typeof value === "string" ? value : JSON.stringify(value)}`)
      .join(", ");
  return columns(policies.map(({ kind, settings }) => [kind, settingsText(settings)]));
}

function nearLines({ httpMethod, template, rpc, reason, segments }: NearView): string[] {
  const lines = [`${httpMethod} ${template} -> ${rpc}`, reason ?? "but the template above comes first: literals before variables"];
  if (segments.every(({ fits }) => fits)) return lines;
  const rows = segments.map((segment) => [segment.path ?? "", segment.template ?? "", segment.note ?? (segment.fits ? "ok" : "differs")]);
  return [...lines, ...columns([["path", "template", ""], ...rows]).map((row) => `  ${row}`)];
}

function columns(rows: readonly (readonly string[])[]): string[] {
  const widths = (rows[0] ?? []).map((_, column) => Math.min(widestColumn, Math.max(...rows.map((row) => row[column]!.length))));
  return rows.map((row) => row.map((text, column) => text.padEnd(widths[column]!)).join("  "));
}

function clipped(text: string): string {
  return text.length > longestText ? `${text.slice(0, longestText)}...` : text;
}

function printable(text: string): string {
  return text.replace(/[\u0000-\u001f\u007f-\u009f]/g, (char) => `\\x${char.charCodeAt(0).toString(16).padStart(2, "0")}`);
}
