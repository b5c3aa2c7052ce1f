/** Every example of docs/websocket.md, played as it stands there, against the service that the page shows, or tells of. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { buildSchema } from "../../src/schema/build-schema.ts";
import { bufBuild } from "../support/buf-build.ts";
import { echoHandler } from "../support/echo-handler.ts";
import { startHop, type Hop } from "../support/hop.ts";
import { startRelayHost, type RelayHost } from "../support/relay-host.ts";
import { openSocket } from "../support/socket-client.ts";

const page = readFileSync(join(import.meta.dirname, "../../docs/websocket.md"), "utf8");

function blocks(language: string): { text: string; line: number }[] {
  return [...page.matchAll(new RegExp(`^\`\`\`${language}\\n([\\s\\S]*?)^\`\`\`$`, "gm"))].map((match) => ({
    text: match[1]!,
    line: page.slice(0, match.index).split("\n").length,
  }));
}

const examples = blocks("websocket");
const passedOnLine = page.slice(0, page.indexOf("## Passed on")).split("\n").length;

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

  for (const { text, line } of examples.filter((each) => each.line < passedOnLine)) it(`line ${line}`, () => play(text, hop.port, asJson));
});

describe("examples of docs/websocket.md, passed on", function () {
  this.timeout(30_000);
  let hop: RelayHost;
  before(async () => {
    hop = await startRelayHost({
      server: { handleProtocols: (offered) => (offered.has("chat.v2") ? "chat.v2" : false) },
      serve: (socket) => void socket.on("message", (data: Buffer) => socket.send(data.toString(), () => socket.close(1000))),
    });
  });
  after(() => hop.stop());

  for (const { text, line } of examples.filter((each) => each.line > passedOnLine)) it(`line ${line}`, () => play(text, hop.port, asText));
});

type Compare = (actual: string, expected: string) => void;
const asText: Compare = (actual, expected) => assert.equal(actual, expected);
const asJson: Compare = (actual, expected) => holds(JSON.parse(actual), JSON.parse(expected), expected);

async function play(text: string, port: number, compare: Compare): Promise<void> {
  const [first, ...lines] = text.trimEnd().split("\n");
  const offered = lines.flatMap((each) => /^sec-websocket-protocol: (.*)$/.exec(each)?.[1]?.split(", ") ?? []);
  const client = await openSocket(port, first!.replace(/^GET /, ""), offered);
  let seen = 0;
  for (const each of lines) {
    if (each.startsWith(">")) client.send(each.slice(2));
    else if (each.startsWith("<")) {
      await client.got(++seen);
      compare(client.received[seen - 1] as string, each.slice(2));
    } else if (each.startsWith("protocol ")) assert.equal(client.ws.protocol, each.slice(9));
    else if (each.startsWith("close")) assert.equal((await client.closed).code, Number(each.slice(6)));
  }
  assert.equal(client.received.length, seen);
}
