/** Every example of docs/rest.md, sent as it stands there. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { request as httpRequest, type IncomingMessage } from "node:http";
import { join } from "node:path";
import { parse } from "yaml";
import { configSchema, toConfig, type Config } from "../../src/config/schema.ts";
import { tableOptions } from "../../src/runtime/table-options.ts";
import { TranscodingHop } from "../support/transcoding-hop.ts";

interface Example {
  readonly line: number;
  readonly method: string;
  readonly path: string;
  readonly headers: Record<string, string>;
  readonly body: string;
  readonly status: number;
  readonly contentType: string | undefined;
  readonly answerHeaders: [string, string][];
  readonly answer: string;
}

const page = readFileSync(join(import.meta.dirname, "../../docs/rest.md"), "utf8");

function blocks(language: string): { text: string; line: number }[] {
  return [...page.matchAll(new RegExp(`^\`\`\`${language}\\n([\\s\\S]*?)^\`\`\`$`, "gm"))].map((match) => ({
    text: match[1]!,
    line: page.slice(0, match.index).split("\n").length,
  }));
}

function example({ text, line }: { text: string; line: number }): Example {
  const [request, answer] = text.split(/^(?==> )/m) as [string, string];
  const [head, ...body] = request.split("\n\n");
  const [first, ...fields] = head!.trimEnd().split("\n");
  const [method, path] = first!.split(" ") as [string, string];
  const headers = Object.fromEntries(fields.map((field) => field.split(": ") as [string, string]));
  const [arrow, ...rest] = answer.trimEnd().split("\n");
  const [, status, contentType] = arrow!.split(" ");
  const answerHeaders: [string, string][] = [];
  while (/^[a-z-]+: /.test(rest[0] ?? "") && contentType !== "text/event-stream")
    answerHeaders.push(rest.shift()!.split(": ") as [string, string]);
  const sent = body.join("\n\n").replace(/\n$/, "");
  const wire = headers["content-type"]?.startsWith("multipart/") === true ? sent.replaceAll("\n", "\r\n") : sent;
  return { line, method, path, headers, body: wire, status: Number(status), contentType, answerHeaders, answer: rest.join("\n") };
}

/** What `expected` holds is in `actual`; of errors and long answers a page shows a part. */
function holds(actual: unknown, expected: unknown, at: string): void {
  if (Array.isArray(expected)) {
    assert.ok(Array.isArray(actual), at);
    expected.forEach((each, index) => holds((actual as unknown[])[index], each, `${at}[${index}]`));
  } else if (typeof expected === "object" && expected !== null)
    for (const [key, value] of Object.entries(expected)) holds((actual as Record<string, unknown>)[key], value, `${at}.${key}`);
  else assert.equal(actual, expected, at);
}

/** One configuration that says what all of the page's do. */
function configured(): Config {
  const parts = blocks("yaml").map(({ text }) => toConfig(configSchema.parse(parse(text))));
  const { inbound } = parts[0]!;
  return {
    ...parts[0]!,
    inbound: {
      ...inbound,
      rules: parts.flatMap((part) => part.inbound.rules),
      profiles: Object.assign({}, ...parts.map((part) => part.inbound.profiles)) as Config["inbound"]["profiles"],
    },
    methods: Object.assign({}, ...parts.map((part) => part.methods)) as Config["methods"],
  };
}

describe("docs/rest.md", () => {
  const rest = TranscodingHop.inSuite({ table: tableOptions(configured()) });

  for (const each of blocks("http").map(example))
    it(`line ${each.line}: ${each.method} ${each.path}`, async () => {
      const { method, path, headers, body } = each;
      const sent = httpRequest(rest.base + path, { method, headers });
      sent.end(body);
      const response = await new Promise<IncomingMessage>((resolve, reject) => sent.on("response", resolve).on("error", reject));
      const chunks: Buffer[] = [];
      for await (const chunk of response) chunks.push(chunk as Buffer);
      const text = Buffer.concat(chunks).toString();
      assert.equal(response.statusCode, each.status, text);
      assert.equal(response.headers["content-type"], each.contentType);
      for (const [name, value] of each.answerHeaders) assert.equal(response.headers[name], value);
      if (each.contentType === "application/json" && each.answer !== "") {
        const [actual, expected] = [JSON.parse(text), JSON.parse(each.answer)] as [unknown, unknown];
        // Sums and counters are left out of the page.
        if (each.status === 200 && !("size" in (expected as object))) assert.deepEqual(actual, expected);
        else holds(actual, expected, "answer");
      } else assert.equal(text.trimEnd(), each.answer);
    });

  it("has examples", () => assert.ok(blocks("http").length >= 46));
});
