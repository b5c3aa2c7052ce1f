/** Streamed answers whose length is said beforehand: they keep to it, or the connection ends. */
import assert from "node:assert/strict";
import type { ExchangeHandler } from "../../../../src/wire/exchange.ts";
import { answers, hostHttp1, talk } from "../../../support/raw-http1.ts";

const get = (path: string, method = "GET"): string => `${method} ${path} HTTP/1.1\r\nhost: x\r\n\r\n`;
const last = "GET /last HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n";

/** Says a length and writes pieces. */
function saying(length: number, ...pieces: string[]): ExchangeHandler {
  return (x) => {
    if (x.head.target === "/last") {
      x.respond(200, [], Buffer.from("last"));
      return;
    }
    x.start(200, ["content-type", "text/plain"], length);
    for (const piece of pieces) x.write(Buffer.from(piece));
    x.finish();
  };
}

describe("HTTP/1.1 answers of a length that is known", () => {
  it("say it, have no chunks, and leave the connection to the next request", async () => {
    const host = await hostHttp1(saying(6, "one", "", "two"));
    const received = await talk(host.port, get("/") + last);
    const [sized, next] = answers(received);
    assert.deepEqual([sized!.headers.get("content-length"), sized!.headers.get("transfer-encoding")], ["6", undefined]);
    assert.deepEqual([sized!.body, next!.body], ["onetwo", "last"]);
    await host.listener.close();
  });

  it("may be empty", async () => {
    const host = await hostHttp1(saying(0));
    const [sized, next] = answers(await talk(host.port, get("/") + last));
    assert.deepEqual([sized!.headers.get("content-length"), sized!.body, next!.body], ["0", "", "last"]);
    await host.listener.close();
  });

  it("to HEAD say it, and send nothing", async () => {
    const host = await hostHttp1(saying(6, "onetwo"));
    const received = await talk(host.port, get("/", "HEAD") + last);
    assert.match(received, /content-length: 6\r\n\r\nHTTP\/1\.1 200/);
    await host.listener.close();
  });

  for (const [what, pieces] of [
    ["too short", ["one"]],
    ["too long", ["one", "twothree"]],
  ] as const)
    it(`that are ${what} end the connection, so that no later answer is taken for a part of them`, async () => {
      const host = await hostHttp1(saying(6, ...pieces));
      const received = await talk(host.port, get("/") + last);
      assert.ok(!received.includes("last"), received);
      assert.ok(received.split("\r\n\r\n")[1]!.length < 6, received);
      await host.listener.close();
    });
});
