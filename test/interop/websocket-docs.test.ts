/** Every example of docs/websocket.md, played as it stands there, against the service that the page shows. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { buildSchema } from "../../src/schema/build-schema.ts";
import { bufBuild } from "../support/buf-build.ts";
import { echoHandler } from "../support/echo-handler.ts";
import { startHop, type Hop } from "../support/hop.ts";
import { openSocket } from "../support/socket-client.ts";

const page = readFileSync(join(import.meta.dirname, "../../docs/websocket.md"), "utf8");

function blocks(language: string): { text: string; line: number }[] {
  return [...page.matchAll(new RegExp(`^\`\`\`${language}\\n([\\s\\S]*?)^\`\`\`$`, "gm"))].map((match) => ({
    text: match[1]!,
    line: page.slice(0, match.index).split("\n").length,
  }));
}

/** What `expected` holds is in `actual`: of errors the page shows a part. */
function holds(actual: unknown, expected: unknown, at: string): void {
  if (typeof expected === "object" && expected !== null)
    for (const [key, value] of Object.entries(expected)) holds((actual as Record<string, unknown>)[key], value, `${at}.${key}`);
  else assert.equal(actual, expected, at);
}

describe("examples of docs/websocket.md", function () {
  this.timeout(30_000);
  let hop: Hop;
  before(async () => {
    hop = await startHop({ handler: echoHandler, schema: buildSchema(bufBuild({ "chat.proto": blocks("proto")[0]!.text })) });
  });
  after(() => hop.stop());

  for (const { text, line } of blocks("websocket"))
    it(`line ${line}`, async () => {
      const [first, ...lines] = text.trimEnd().split("\n");
      const offered = lines.flatMap((each) => /^sec-websocket-protocol: (.*)$/.exec(each)?.[1] ?? []);
      const client = await openSocket(hop.port, first!.replace(/^GET /, ""), offered);
      let seen = 0;
      for (const each of lines) {
        if (each.startsWith(">")) client.send(each.slice(2));
        else if (each.startsWith("<")) {
          await client.got(++seen);
          holds(JSON.parse(client.received[seen - 1] as string), JSON.parse(each.slice(2)), each);
        } else if (each.startsWith("close")) assert.equal((await client.closed).code, Number(each.slice(6)));
      }
      assert.equal(client.received.length, seen);
    });
});
