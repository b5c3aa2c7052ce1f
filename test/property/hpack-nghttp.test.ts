/** Header blocks against nghttp, an outside client: many requests on one connection, with table sizes of its choosing. */
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { promisify } from "node:util";
import type { Exchange } from "../../src/wire/exchange.ts";
import { serveByOwn } from "../support/own-http2.ts";
import { outside } from "../support/outside.ts";

const run = promisify(execFile);
const requests = 30;

describe("HPACK against nghttp", () => {
  const cases = [
    // what nghttp announces, what it encodes with
    ["the default table", []],
    ["no table for us", ["--header-table-size=0"]],
    ["a small table for us", ["--header-table-size=100"]],
    ["a table that shrinks first", ["--header-table-size=64", "--header-table-size=8192"]],
    ["no table on its side", ["--encoder-header-table-size=0"]],
  ] as const;
  for (const [name, options] of cases) {
    it(name, async function () {
      const nghttp = outside(this, "nghttp");
      const seen: Exchange[] = [];
      const repeated = ["content-type", "text/plain", "x-repeated", "the same each time", "set-cookie", "a=b"];
      const server = await serveByOwn((exchange) => {
        seen.push(exchange);
        exchange.respond(200, [...repeated, "x-number", String(seen.length)], undefined);
        exchange.body.cancel();
      });
      try {
        const sent = ["x-word", "wört", "authorization", "Bearer secret"];
        const fields = sent.flatMap((text, i) => (i % 2 === 0 ? ["-H", `${text}: ${sent[i + 1]!}`] : []));
        const url = `http://127.0.0.1:${server.port}/p?q=1`;
        const { stdout } = await run(nghttp, ["-v", "-n", "-t", "5", "-m", String(requests), ...options, ...fields, url], {
          maxBuffer: 1 << 24,
          timeout: 8000,
        });
        assert.equal(seen.length, requests);
        for (const { head } of seen) {
          assert.equal(head.target, "/p?q=1");
          for (let i = 0; i < sent.length; i += 2) assert.equal(Buffer.from(head.headers.get(sent[i]!)!, "latin1").toString(), sent[i + 1]);
        }

        const plain = stdout.replace(/\x1b\[[0-9;]*m/g, "");
        for (let i = 1; i <= requests; i++) assert.match(plain, new RegExp(`x-number: ${i}$`, "m"));
        for (const text of ["x-repeated: the same each time", "content-type: text/plain", "set-cookie: a=b"]) {
          assert.equal(plain.split(text).length - 1, requests, text);
        }
      } finally {
        await server.close();
      }
    });
  }
});
