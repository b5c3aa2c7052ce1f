/**
 * Broken requests of every kind through a real hop to a real backend, as HTTP/1.1 bytes and over HTTP/2: each is answered, as JSON that says
 * what is wrong, and never by a 5xx of ours.
 *
 *   DRAGOMAN_FUZZ_SEED=123 DRAGOMAN_FUZZ_MS=60000 mocha test/fuzz/rest-requests.test.ts
 */
import assert from "node:assert/strict";
import { brotliCompressSync, gzipSync } from "node:zlib";
import { RawClient, type RawReply, type RawRequest } from "../support/transcoding-suite/raw-client.ts";
import { TranscodingHop } from "../support/transcoding-hop.ts";
import { mutate, Random } from "./mutate.ts";

const seed = Number(process.env["DRAGOMAN_FUZZ_SEED"] ?? Date.now() % 1_000_000_000);
const budgetMs = Number(process.env["DRAGOMAN_FUZZ_MS"] ?? 3000);
const callers = 8;

const json = "application/json";
const lines = "application/x-ndjson";
const form = "application/x-www-form-urlencoded";
const multipart = "multipart/form-data; boundary=XX";
const part =
  '--XX\r\nContent-Disposition: form-data; name="title"\r\n\r\na\r\n--XX\r\nContent-Disposition: form-data; name="blob"; filename="b"\r\n\r\nb\r\n--XX--';
const query =
  "count=2&inner.deeper.value=3&tags=x&tags=y&labels[k]=v+w&kind=KIND_LARGE&at=2026-01-31T12:00:00Z&blob=AQI%3D&wrapped=AQI&left=%C3%A9&updateMask=count";

type Headers = Readonly<Record<string, string>>;

/** Nothing whose answer would grow with a number in the request. */
const seeds: readonly (readonly [send: string, headers: Headers, body?: string | Buffer])[] = [
  [
    "POST /v1/form",
    { "content-type": json },
    '{"title":"a","inner":{"key":"k","deeper":{"value":1}},"tags":["x"],"labels":{"a":"b"},"at":"2026-01-31T12:00:00Z"}',
  ],
  ["POST /v1/form", { "content-type": form }, "title=a&inner.key=k&labels[a]=b&tags=x&tags=y&blob=AQI%3D&at=2026-01-31T12:00:00Z&kind=1"],
  ["POST /v1/form", { "content-type": multipart }, part],
  ["POST /v1/form", { "content-type": json, "content-encoding": "gzip" }, gzipSync('{"title":"a"}')],
  ["POST /v1/form", { "content-type": json, "content-encoding": "br" }, brotliCompressSync('{"count":7}')],
  ["POST /v1/parts/n", { "content-type": multipart }, part.replace("title", "file")],
  ["POST /v1/inners/ann?number=1", { "content-type": json }, '[{"key":"a"},{"value":7},null]'],
  ["POST /v1/notes/ann:collect", { "content-type": json }, '[{"text":"a\\u00e9\\n"},{"number":"7"}]'],
  ["POST /v1/notes/ann:collect", { "content-type": lines }, '{"text":"a"}\n{"inner":{"deeper":{"deeper":{}}}}\n'],
  ["POST /v1/texts/ann", { "content-type": json }, '"a" "b" "\\ud83c\\udf89"'],
  ["POST /v1/mirror", { "content-type": "text/plain" }, "anything"],
  [`GET /v1/forms/a%2Fb?${query}`, {}],
  [`GET /v1/forms/a:print?${query}`, { "x-data-bin": "AQID", "grpc-metadata-x": "y", accept: "application/json;q=0.5, */*" }],
  ["GET /v1/shelves/7/books/x%2Fy%C3%A9?count=1", { "accept-encoding": "gzip, br;q=0.5", te: "trailers" }],
  ["GET /v1/pages/a/b%20c/d/raw?inner.key=k", { "last-event-id": "7" }],
  ["GET /v1/forms/a/inner?inner.key=k&inner.value=1e3", {}],
  ["REPORT /v1/forms/a?snake_name=b&agreed=true", {}],
  ["PUT /v1/form/a?count=2", { "content-type": json }, '{"key":"k"}'],
  ["PATCH /v1/forms/a", { "content-type": json }, '{"key":"k","deeper":{"value":0},"value":null}'],
  ["OPTIONS /v1/forms/a", {}],
];

/** What only we know: parser words, stacks, files. */
const leak = /Unexpected token|SyntaxError|TypeError|RangeError|\.ts:\d|node:internal|HPE_/;

function oneOf({ random, body, target, headers, method }: RawRequest & { random: Random }): RawRequest {
  const rounds = (): number => random.below(3);
  let bytes = body;
  if (bytes !== undefined) for (let left = rounds(); left > 0; left--) bytes = Buffer.from(mutate(bytes, random));
  let path: Buffer = Buffer.from(target, "latin1");
  if (body === undefined || random.chance(3)) for (let left = rounds(); left > 0; left--) path = Buffer.from(mutate(path, random));
  const broken = headers.map(([name, value]) => {
    // node:http2 sends no other `te`.
    if (name === "te" || !random.chance(6)) return [name, value] as const;
    // What would end the line, or is no field's at all, is for the fuzzers of the wire.
    return [name, printable(Buffer.from(mutate(Buffer.from(value), random)))] as const;
  });
  return { method, target: `/${printable(path).replaceAll(/[ #]/g, "").replace(/^\/+/, "").slice(0, 7000)}`, headers: broken, body: bytes };
}

function printable(bytes: Buffer): string {
  return bytes
    .toString("latin1")
    .replace(/[^\x20-\x7e]/g, "")
    .trim();
}

function check({ status, headers, body }: RawReply, request: RawRequest): void {
  const text = body.toString("utf8");
  const shown = `${request.method} ${request.target} ${JSON.stringify(request.headers)} ${request.body?.toString("hex")}: ${status} ${text.slice(0, 300)}`;
  // A stream that breaks in the middle is reset at the backend, and Node's HTTP/2 server breaks with a peer that resets too many.
  if (status >= 500 && text.includes('"reason":"UPSTREAM_RE')) return;
  assert.ok(status < 500, shown);
  if (status < 400) return;
  assert.doesNotMatch(text.replace(/"(?:[^"\\]|\\.)*\\"/g, ""), leak, shown);
  assert.ok(text.length < 8000, `${shown}: ${text.length} characters`);
  if (headers.get("content-type") !== "application/json") return;
  const error = JSON.parse(text) as { code: number; message: string; details: unknown[] };
  assert.ok(error.code > 0 && error.message !== "" && Array.isArray(error.details), shown);
}

describe(`broken REST requests (seed ${seed})`, () => {
  const rest = TranscodingHop.inSuite({ messageBytes: 50_000 });

  it("are answered", async function () {
    this.timeout(budgetMs + 20_000);
    const endAtMs = performance.now() + budgetMs;
    const statuses = new Map<number, number>();
    const call = async (random: Random): Promise<void> => {
      const client = new RawClient(rest.hop.port);
      try {
        while (performance.now() < endAtMs) {
          const [send, fields, body] = seeds[random.below(seeds.length)]!;
          const [method, target] = send.split(" ") as [string, string];
          const whole = { method, target, headers: Object.entries(fields), body: body === undefined ? undefined : Buffer.from(body) };
          const request = oneOf({ ...whole, random });
          const reply = await (random.chance(2) ? client.http2(request) : client.http1(request));
          check(reply, request);
          statuses.set(reply.status, (statuses.get(reply.status) ?? 0) + 1);
        }
      } finally {
        client.close();
      }
    };
    await Promise.all(Array.from({ length: callers }, (_, index) => call(new Random(seed + index))));
    if (process.env["DRAGOMAN_FUZZ_MS"] !== undefined) console.log(`      ${JSON.stringify([...statuses])}`);
    // Enough of both, or the seeds lead nowhere.
    assert.ok((statuses.get(200) ?? 0) > 0 && (statuses.get(400) ?? 0) > 0, JSON.stringify([...statuses]));
  });
});
