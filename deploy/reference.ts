/**
 * The tables of docs/configuration.md and docs/policies, made from the configuration's schema: `node deploy/reference.ts && npm run format` writes them anew.
 *
 * What stands between the two markers of a page is made here; the rest is written by hand. A test fails when a page is behind.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { configJsonSchema } from "../src/config/json-schema.ts";
import { policies } from "../src/policies/index.ts";

interface JsonSchema {
  readonly type?: string;
  readonly description?: string;
  readonly default?: unknown;
  readonly enum?: readonly unknown[];
  readonly const?: unknown;
  readonly properties?: Readonly<Record<string, JsonSchema>>;
  readonly required?: readonly string[];
  readonly anyOf?: readonly JsonSchema[];
}

const docs = join(import.meta.dirname, "../docs");
const begin = "<!-- made by deploy/reference.ts from here -->";
const end = "<!-- to here -->";

/** Pages with the text that belongs between their markers. */
export function referencePages(): ReadonlyMap<string, string> {
  const root = configJsonSchema() as JsonSchema;
  const pages = new Map([[join(docs, "configuration.md"), table(root, "", "policies", "methods")]]);
  for (const { kind, config } of policies) {
    const settings = (root.properties!["policies"] as JsonSchema).properties![kind]!;
    const own = settings.anyOf?.find((branch) => branch.properties !== undefined) ?? settings;
    pages.set(join(docs, "policies", `${kind}.md`), Object.keys(config.shape).length === 0 ? "It has no settings." : table(own, ""));
  }
  return pages;
}

/** `page` with `text` between the markers. @throws Error when it has none */
export function withReference(page: string, text: string): string {
  const from = page.indexOf(begin);
  const to = page.indexOf(end);
  if (from < 0 || to < from) throw new Error("the page has no markers");
  return `${page.slice(0, from)}${begin}\n\n${text}\n\n${page.slice(to)}`;
}

function table(schema: JsonSchema, prefix: string, ...without: string[]): string {
  return ["| setting | default | meaning |", "| --- | --- | --- |", ...rows(schema, prefix, without)].join("\n");
}

function rows(schema: JsonSchema, prefix: string, without: readonly string[] = []): string[] {
  return Object.entries(schema.properties ?? {}).flatMap(([key, member]) => {
    if (without.includes(key)) return [];
    const name = `${prefix}${key}`;
    const branches = member.anyOf ?? [member];
    const inner = branches.flatMap((branch) => rows(branch, `${name}.`));
    const isGroup = inner.length > 0 && member.anyOf === undefined;
    const required = member.default === undefined && schema.required?.includes(key) === true;
    const fallback = isGroup ? "" : required ? "required" : member.default === undefined ? "" : `\`${asWritten(member.default)}\``;
    return [`| \`${name}\` | ${fallback} | ${meaning(member)} |`, ...inner];
  });
}

function meaning({ description = "", enum: values }: JsonSchema): string {
  return values === undefined ? description : `${description} One of ${values.map((value) => `\`${String(value)}\``).join(", ")}.`;
}

function asWritten(value: unknown): string {
  return typeof value === "string" ? value : JSON.stringify(value);
}

if (import.meta.main) for (const [file, text] of referencePages()) writeFileSync(file, withReference(readFileSync(file, "utf8"), text));
