/**
 * docs/migrating.md: what its tables say of Dragoman, row by row. A row's first cell is the request, its second the answer: code spans are
 * read, words are not. What is said of the other programs was measured by hand, with the versions the page names.
 */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { request as httpRequest, type IncomingMessage } from "node:http";
import { join } from "node:path";
import { parse } from "yaml";
import { configJsonSchema } from "../../src/config/json-schema.ts";
import { configSchema, toConfig } from "../../src/config/schema.ts";
import { tableOptions } from "../../src/runtime/table-options.ts";
import { buildSchema } from "../../src/schema/build-schema.ts";
import { bufBuildShared } from "../support/buf-build.ts";
import { TranscodingHop } from "../support/transcoding-hop.ts";

interface Row {
  readonly line: number;
  readonly method: string;
  readonly path: string;
  readonly headers: Record<string, string>;
  readonly body: string;
  readonly status: number;
  /** JSON of which the answer holds all, or its whole text; undefined where the page does not say. */
  readonly answer: string | undefined;
  readonly answerHeaders: readonly (readonly [string, string])[];
  readonly metadata: readonly (readonly [string, string])[];
}

const page = readFileSync(join(import.meta.dirname, "../../docs/migrating.md"), "utf8");
const fieldPattern = /^[a-z][a-z0-9-]*: /;
const spans = (cell: string): string[] => [...cell.matchAll(/`([^`]*)`/g)].map(([, code]) => code!);
const field = (text: string): [string, string] => text.split(/: (.*)/s).slice(0, 2) as [string, string];

/** The rows of `text` whose first cell is a request. */
function rowsOf(text: string, firstLine: number): Row[] {
  return text.split("\n").flatMap((row, at) => {
    const [request, ours] = row.slice(2).split(" | ");
    const [first, ...sent] = spans(request ?? "");
    if (!row.startsWith("| `") || first === undefined || !/^[A-Z]+ \//.test(first)) return [];
    const [method, path] = first.split(" ") as [string, string];
    const body = sent.find((span) => !fieldPattern.test(span)) ?? "";
    const headers = Object.fromEntries(sent.filter((span) => fieldPattern.test(span)).map(field));
    if (body !== "") headers["content-type"] ??= "application/json";
    // What stands behind a colon is said in words.
    const said = spans(ours!.split(/`: /)[0]! + (ours!.includes("`: ") ? "`" : ""));
    const status = said.find((span) => /^\d{3}( |$)/.test(span));
    const metadata = said.filter((span) => span.startsWith("metadata ")).map((span) => field(span.slice("metadata ".length)));
    return [
      {
        line: firstLine + at,
        method,
        path,
        headers,
        body,
        status: status === undefined ? 200 : Number(status.slice(0, 3)),
        answer: status?.slice(4) === "" ? undefined : status?.slice(4),
        answerHeaders: said.filter((span) => fieldPattern.test(span)).map(field),
        metadata,
      },
    ];
  });
}

function holds(actual: unknown, shown: unknown, at: string): void {
  if (Array.isArray(shown)) {
    assert.ok(Array.isArray(actual), at);
    shown.forEach((each, index) => holds((actual as unknown[])[index], each, `${at}[${index}]`));
  } else if (typeof shown === "object" && shown !== null)
    for (const [key, value] of Object.entries(shown)) holds((actual as Record<string, unknown>)[key], value, `${at}.${key}`);
  else assert.equal(actual, shown, at);
}

function check(rest: TranscodingHop, row: Row): void {
  it(`line ${row.line}: ${row.method} ${row.path}${row.body === "" ? "" : ` ${row.body.slice(0, 50)}`}`, async () => {
    const length = row.body === "" ? {} : { "content-length": Buffer.byteLength(row.body) };
    const sent = httpRequest(rest.base + row.path, { method: row.method, headers: { ...row.headers, ...length } });
    sent.end(row.body);
    const response = await new Promise<IncomingMessage>((resolve, reject) => sent.on("response", resolve).on("error", reject));
    let text = "";
    for await (const chunk of response.setEncoding("utf8")) text += chunk as string;
    assert.equal(response.statusCode, row.status, text);
    for (const [name, value] of row.answerHeaders) assert.equal(response.headers[name], value);
    for (const [name, value] of row.metadata) assert.deepEqual(rest.backend.lastMetadata()!.get(name), [value]);
    if (row.answer === undefined) return;
    if (response.headers["content-type"] === "application/json") {
      const [actual, shown] = [JSON.parse(text), JSON.parse(row.answer)] as [unknown, unknown];
      if (Array.isArray(shown)) assert.equal((actual as unknown[]).length, shown.length);
      if (row.answer === "{}") assert.deepEqual(actual, {});
      holds(actual, shown, "answer");
    } else assert.equal(text.trimEnd(), row.answer);
  });
}

/** Keys that the configuration has, dotted. */
function keysOf(schema: unknown, prefix = ""): string[] {
  const { properties = {}, anyOf = [] } = schema as { properties?: Record<string, unknown>; anyOf?: unknown[] };
  const own = Object.entries(properties).flatMap(([key, value]) => [prefix + key, ...keysOf(value, `${prefix}${key}.`)]);
  return [...own, ...anyOf.flatMap((branch) => keysOf(branch, prefix))];
}

describe("docs/migrating.md", () => {
  const lineOf = (index: number): number => page.slice(0, index).split("\n").length;
  const configured = page.indexOf("## Closer to what was");

  describe("differences", () => {
    const rest = TranscodingHop.inSuite();
    const start = page.indexOf("## Differences");
    const rows = rowsOf(page.slice(start, configured), lineOf(start));
    for (const row of rows) check(rest, row);
    it("are all read", () => assert.ok(rows.length >= 64, `${rows.length} rows`));
  });

  for (const match of page.slice(configured).matchAll(/^```yaml\n([\s\S]*?)^```\n([\s\S]*?)(?=^[A-Z#`]|$(?![\s\S]))/gm)) {
    const [, yaml, table] = match;
    describe(`settings of line ${lineOf(configured + match.index)}`, () => {
      const config = toConfig(configSchema.parse(parse(yaml!)));
      const rest = TranscodingHop.inSuite({ table: tableOptions(config) });
      const rows = rowsOf(table!, lineOf(configured + match.index + match[0].indexOf(table!)));
      for (const row of rows) check(rest, row);
      it("has examples", () => assert.ok(rows.length >= 2));
    });
  }

  it("names no setting that there is not", () => {
    const known = new Set(keysOf(configJsonSchema()));
    for (const [, key] of page.matchAll(/`((?:inbound|limits|methods)\.[A-Za-z.]+)/g)) assert.ok(known.has(key!.replace(/\.$/, "")), key);
  });

  it("64-bit integers and map keys are strings", () => {
    const type = buildSchema(bufBuildShared("suite/v1/suite.proto")).message("suite.v1.Everything")!;
    const json = '{"byI64":{"-9007199254740993":"x"},"byU64":{"18446744073709551615":"y"}}';
    const codec = type.codec();
    assert.equal(Buffer.from(codec.wireToJson(Buffer.from(codec.jsonToWire(Buffer.from(json))))).toString(), json);
  });
});
