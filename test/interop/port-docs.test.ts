/** Every example of docs/health.md, docs/reflection.md, docs/cors.md, docs/http.md and docs/hardening.md, sent as it stands there with the page's own configuration. */
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import { request as httpRequest, type IncomingMessage, type ServerResponse } from "node:http";
import { join } from "node:path";
import { promisify } from "node:util";
import { parse } from "yaml";
import { startEchoServer } from "../support/echo-server.ts";
import { startHttpServer } from "../support/http-server.ts";
import { findProgram, outside } from "../support/outside.ts";
import { echoDescriptors, startRuntime, type RuntimeHost } from "../support/runtime-host.ts";
import { until } from "../support/until.ts";

const run = promisify(execFile);
const root = join(import.meta.dirname, "../..");

interface Block {
  readonly text: string;
  readonly line: number;
}

function blocks(page: string, language: string): Block[] {
  return [...page.matchAll(new RegExp(`^\`\`\`${language}\\n([\\s\\S]*?)^\`\`\`$`, "gm"))].map((match) => ({
    text: match[1]!,
    line: page.slice(0, match.index).split("\n").length,
  }));
}

/** Head lines, and what follows the empty line. */
function split(text: string): { readonly first: string; readonly headers: Record<string, string>; readonly body: string } {
  const [head = "", ...body] = text.split("\n\n");
  const [first = "", ...fields] = head.trimEnd().split("\n");
  return {
    first,
    headers: Object.fromEntries(fields.map((field) => field.split(/: (.*)/s) as [string, string])),
    body: body.join("\n\n").trim(),
  };
}

/** What `expected` holds is in `actual`; of details one that fits is enough. */
function holds(actual: unknown, expected: unknown, at: string): void {
  if (Array.isArray(expected)) expected.forEach((each, index) => holds((actual as unknown[])[index], each, `${at}[${index}]`));
  else if (typeof expected === "object" && expected !== null)
    for (const [key, value] of Object.entries(expected)) holds((actual as Record<string, unknown>)[key], value, `${at}.${key}`);
  else assert.equal(actual, expected, at);
}

/** An HTTP server that says what it was sent; silent below /slow. */
function mirror(request: IncomingMessage, response: ServerResponse): void {
  if (request.url === "/slow") return;
  const chunks: Buffer[] = [];
  request.on("data", (chunk: Buffer) => chunks.push(chunk));
  request.on("end", () => {
    const { method, url, headers } = request;
    response.setHeader("content-type", "application/json");
    response.end(JSON.stringify({ method, url, headers, body: Buffer.concat(chunks).toString() }));
  });
}

for (const name of ["health", "reflection", "cors", "http", "hardening"]) {
  const page = readFileSync(join(root, `docs/${name}.md`), "utf8");

  describe(`docs/${name}.md`, () => {
    const stops: (() => Promise<void>)[] = [];
    let host: RuntimeHost;

    before(async () => {
      const [block, ...more] = blocks(page, "yaml");
      assert.equal(more.length, 0, "one configuration a page");
      const { inbound } = parse(block!.text) as { inbound: Record<string, unknown> };
      const plain = String(inbound["upstream"]).startsWith("http://");
      const server = plain ? await startHttpServer(mirror) : await startEchoServer();
      stops.push(() => server.stop());
      const settings = Object.entries(inbound).map(([key, value]): [string, unknown] => [`inbound.${key}`, value]);
      const schema = plain ? "reflection" : { descriptors: echoDescriptors };
      const upstream = `${plain ? "http" : "grpc"}://127.0.0.1:${server.port}`;
      host = await startRuntime({ ...Object.fromEntries(settings), "inbound.upstream": upstream, "inbound.schema": schema });
      stops.push(() => host.stop());
      await until(() => host.runtime.readiness().ready, "the upstream to be reached");
    });
    after(async () => {
      for (const stop of stops.reverse()) await stop();
    });

    for (const { text, line } of blocks(page, "http")) {
      const [sent, answer] = text.split(/^(?==> )/m) as [string, string];
      const { first, headers, body } = split(sent);
      const expected = split(answer);
      it(`line ${line}: ${first} ${expected.first}`, async () => {
        const [method, path] = first.split(" ");
        const port = Number(host.runtime.address.split(":")[1]);
        const request = httpRequest({ host: "127.0.0.1", port, method, path, headers, agent: false });
        const answered = new Promise<IncomingMessage>((resolve, reject) => request.on("response", resolve).on("error", reject));
        request.end(body === "" ? undefined : body);
        const response = await answered;
        let received = "";
        for await (const chunk of response) received += String(chunk);
        assert.equal(response.statusCode, Number(expected.first.slice(3)), received);
        for (const [field, value] of Object.entries(expected.headers)) assert.equal(response.headers[field], value, field);
        if (expected.body !== "") holds(JSON.parse(received), JSON.parse(expected.body), "body");
      });
    }

    for (const { text, line } of blocks(page, "sh")) {
      for (const command of text.trim().split("\n")) {
        it(`line ${line}: ${command}`, async function () {
          this.timeout(30_000);
          const program = command.split(" ")[0]!;
          if (program !== "buf") outside(this, program);
          const path = program === "buf" ? join(root, "node_modules/.bin/buf") : findProgram(program)!;
          const line = command.replace(program, path).replace("127.0.0.1:8080", host.runtime.address);
          const { stdout } = await run("sh", ["-c", line], { timeout: 20_000 });
          assert.match(stdout, /Echo|SERVING|hi/);
        });
      }
    }
  });
}
