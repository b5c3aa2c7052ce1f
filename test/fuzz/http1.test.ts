/**
 * HTTP/1.1 from an enemy. What must hold of any bytes: nothing is thrown, requests that reach the handler are well formed, and how the bytes were
 * cut into packets makes no difference. Reads are poisoned, so a view that outlives its callback shows.
 */
import assert from "node:assert/strict";
import { systemClock } from "../../src/core/clock.ts";
import type { Exchange } from "../../src/wire/exchange.ts";
import { serveHttp1 } from "../../src/wire/http1/serve-http1.ts";
import { defaultLimits } from "../../src/wire/limits.ts";
import { fuzz } from "./fuzz-run.ts";
import { cleaned, MemoryChannel, settle } from "./memory-channel.ts";
import { fragment, type Random } from "./mutate.ts";

const limits = { ...defaultLimits, headBytes: 2000, headFields: 20, uriBytes: 500, bodyBytes: 4000, pipelined: 8 };

interface Request {
  readonly head: string;
  body: string | undefined;
}

interface Outcome {
  readonly requests: Request[];
  readonly output: string;
}

async function serve(pieces: readonly Buffer[], random: Random | undefined): Promise<Outcome> {
  const requests: Request[] = [];
  const answering = new Set<Exchange>();
  const handler = (exchange: Exchange): void => {
    checkHead(exchange);
    const { method, target, authority, headers, contentLength } = exchange.head;
    const request: Request = { head: JSON.stringify([method, target, authority, headers.flat, contentLength]), body: undefined };
    requests.push(request);
    answering.add(exchange);
    readBody(exchange)
      .then((body) => {
        if (contentLength >= 0) assert.equal(body.length, contentLength);
        request.body = JSON.stringify([body, exchange.body.trailers?.flat ?? []]);
        exchange.respond(200, ["x-seen", String(requests.indexOf(request))], Buffer.from(`[${body.length}]`));
      })
      .catch((error: unknown) => {
        if ((error as Error).name !== "WireError") failures.push(error);
      })
      .finally(() => answering.delete(exchange));
  };
  const failures: unknown[] = [];
  const channel = new MemoryChannel(random);
  serveHttp1(channel.asChannel, new Uint8Array(0), { limits, handler, clock: systemClock, scheme: "http" });
  for (const piece of pieces) {
    channel.send(piece);
    if (random?.chance(3) === true) await settle(channel, () => true, 1);
  }
  await settle(channel, () => answering.size === 0);
  channel.drain();
  const output = channel.output.toString("latin1");
  channel.close();
  await settle(channel, () => answering.size === 0);
  assert.deepEqual(failures, []);
  assert.equal(answering.size, 0, "an exchange outlived its connection");
  return { requests, output };
}

async function readBody({ body }: Exchange): Promise<string> {
  let text = Buffer.from(body.whole() ?? []).toString("latin1");
  for (let chunk = await body.read(); chunk !== undefined; chunk = await body.read()) text += Buffer.from(chunk).toString("latin1");
  return text;
}

function checkHead({ head }: Exchange): void {
  assert.match(head.method, /^[A-Z-]+$/);

  assert.match(head.target, /^[^\x00-\x20\x7f]+$/);
  assert.ok(head.headers.size <= limits.headFields);
  for (const [name, value] of head.headers) {
    assert.match(name, /^[!#$%&'*+.^_`|~0-9a-z-]+$/);

    assert.doesNotMatch(value, /[\x00-\x08\x0a-\x1f\x7f]/);
    assert.doesNotMatch(name, /^(?:connection|transfer-encoding|content-length|host|keep-alive|te|trailer|upgrade)$/);
  }
}

/** Final statuses; what depends on packets (interim answers, dates) left out. */
function statuses({ output }: Outcome): string[] {
  assert.ok(output === "" || output.startsWith("HTTP/1.1 "), `odd output: ${JSON.stringify(output.slice(0, 100))}`);
  assert.ok(!output.includes("\xdb"), "poison in the output");
  return [...output.matchAll(/HTTP\/1\.1 (\d{3}) /g)].map((match) => match[1]!).filter((status) => status !== "100");
}

const whole = ({ requests }: Outcome): string[] => requests.filter(({ body }) => body !== undefined).map(({ head, body }) => head + body!);

async function run(input: Buffer, random: Random): Promise<void> {
  cleaned(input);
  const once = await serve([input], undefined);
  const cut = await serve(fragment(input, random), random);
  for (const outcome of [once, cut])
    for (const request of outcome.requests) assert.ok(!`${request.head}${request.body ?? ""}`.includes("\xdb"), "poison");
  assert.deepEqual(whole(cut), whole(once), "packets make a difference to the requests");
  assert.deepEqual(statuses(cut), statuses(once), "packets make a difference to the answers");
}

describe("fuzz: HTTP/1.1", () => {
  it("takes any bytes", () => {
    const words = [
      ..."\r\n|\r\n\r\n|\n|\r|\0| |\t|:|, |0\r\n\r\n|5\r\nhello\r\n|GET |POST |HEAD |OPTIONS * |CONNECT a:1 | HTTP/1.1\r\n| HTTP/1.0\r\n".split(
        "|",
      ),
      ..."Host: a\r\n|Content-Length: 5\r\n|Content-Length: +5\r\n|Content-Length: 0\r\n|Transfer-Encoding: chunked\r\n|Transfer-Encoding: gzip, chunked\r\n".split(
        "|",
      ),
      ..."Connection: close\r\n|Connection: keep-alive, x-a\r\n|Expect: 100-continue\r\n|Upgrade: websocket\r\nConnection: upgrade\r\n|Trailer: x\r\n|x-a: \xff\r\n| folded\r\n".split(
        "|",
      ),
      ..."http://h/p|%2f|//|?|#|ffffffffffffffff\r\n|-1\r\n|5;ext=1\r\nhello\r\n|chunked\r\n|x-a : b\r\n|TE: trailers\r\n".split("|"),
    ].map((text) => Buffer.from(text, "latin1"));
    return fuzz({ name: "http1", run, words });
  }).timeout(60_000);
});
