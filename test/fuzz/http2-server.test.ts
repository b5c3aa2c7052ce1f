/**
 * HTTP/2 from an enemy, against the server role. The input is what a client sends behind the preface.
 *
 * What must hold of any bytes: nothing is thrown; requests that reach the handler are well formed; the same bytes in other packets bring at least
 * the same requests; what is sent back is well-formed HTTP/2 whose header blocks a decoder can follow; no stream is left at the end.
 */
import assert from "node:assert/strict";
import { systemClock } from "../../src/core/clock.ts";
import type { Exchange } from "../../src/wire/exchange.ts";
import { serveHttp2 } from "../../src/wire/http2/serve-http2.ts";
import { defaultLimits } from "../../src/wire/limits.ts";
import { checkOutput } from "./check-http2-output.ts";
import { fuzz } from "./fuzz-run.ts";
import { mutateFrames, preface } from "./frames.ts";
import { cleaned, MemoryChannel, settle } from "./memory-channel.ts";
import { fragment, type Random } from "./mutate.ts";

const limits = { ...defaultLimits, headBytes: 2000, headFields: 20, uriBytes: 500, bodyBytes: 4000, streams: 8 };

interface Request {
  readonly head: string;
  body: string | undefined;
}

/** Answers nothing before all input is delivered: then the state of every stream depends on the input alone. */
async function serve(pieces: readonly Buffer[], random: Random | undefined): Promise<Request[]> {
  const requests: Request[] = [];
  const waiting: (() => void)[] = [];
  const answering = new Set<Exchange>();
  const failures: unknown[] = [];
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
        waiting.push(() =>
          exchange.respond(200, ["x-seen", body.slice(0, 50), "x-target", target], Buffer.from(`[${body}]`), ["x-end", "1"]),
        );
      })
      .catch((error: unknown) => {
        if ((error as Error).name !== "WireError") failures.push(error);
      })
      .finally(() => answering.delete(exchange));
  };
  const channel = new MemoryChannel(random);
  const served = serveHttp2(channel.asChannel, new Uint8Array(0), { limits, handler, clock: systemClock, scheme: "http" });
  for (const piece of pieces) {
    if (channel.closed) break;
    channel.send(piece);
    assert.ok(served.activeStreams <= limits.streams, `${served.activeStreams} streams`);
    if (random?.chance(3) === true) await settle(channel, () => true, 1);
  }
  await settle(channel, () => answering.size === 0, 12);
  for (const answer of waiting) answer();
  await settle(channel, () => true, 4);
  channel.close();
  await settle(channel, () => answering.size === 0);
  assert.deepEqual(failures, []);
  assert.equal(answering.size, 0, "an exchange outlived its connection");
  assert.equal(served.activeStreams, 0);
  checkOutput(channel.output);
  return requests;
}

async function readBody({ body }: Exchange): Promise<string> {
  let text = Buffer.from(body.whole() ?? []).toString("latin1");
  for (let chunk = await body.read(); chunk !== undefined; chunk = await body.read()) text += Buffer.from(chunk).toString("latin1");
  return text;
}

function checkHead({ head }: Exchange): void {
  assert.match(head.method, /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/);
  assert.match(head.target, /^[^\x00-\x20\x7f]+$/);
  for (const [name, value] of head.headers) {
    assert.match(name, /^[!#$%&'*+.^_`|~0-9a-z-]+$/);
    assert.doesNotMatch(value, /[\x00-\x08\x0a-\x1f\x7f]/);
    assert.doesNotMatch(name, /^(?:connection|transfer-encoding|content-length|host|keep-alive|te|trailer|upgrade|proxy-connection)$/);
  }
}

const whole = (requests: readonly Request[]): string[] =>
  requests.filter(({ body }) => body !== undefined).map(({ head, body }) => head + body!);

async function run(input: Buffer, random: Random): Promise<void> {
  const sent = random.chance(30) ? input : Buffer.concat([preface, cleaned(input)]);
  const once = await serve([sent], undefined);
  const cut = await serve(fragment(sent, random), random);
  for (const { head, body = "" } of [...once, ...cut]) assert.ok(!`${head}${body}`.includes("\xdb\xdb\xdb\xdb"), "poison");
  const seen = new Set(whole(cut));
  // More in small packets is right: a request that is reset in the packet it came in is never dispatched.
  for (const request of whole(once)) assert.ok(seen.has(request), `lost in packets: ${request}`);
}

describe("fuzz: HTTP/2, server role", () => {
  it("takes any frames", () => fuzz({ name: "http2-server", run, mutate: mutateFrames })).timeout(60_000);
});
