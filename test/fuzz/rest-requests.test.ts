/** Broken requests of every kind through a real hop to a real backend: each is answered, as JSON, and never by a 5xx of ours. */
import assert from "node:assert/strict";
import { gzipSync } from "node:zlib";
import { TranscodingHop } from "../support/transcoding-hop.ts";
import { mutate, Random } from "./mutate.ts";

const seed = Number(process.env["DRAGOMAN_FUZZ_SEED"] ?? Date.now() % 1_000_000_000);
const budgetMs = Number(process.env["DRAGOMAN_FUZZ_MS"] ?? 2000);

const json = "application/json";
const lines = "application/x-ndjson";
const form = "application/x-www-form-urlencoded";
const multipart = "multipart/form-data; boundary=XX";
const part =
  '--XX\r\nContent-Disposition: form-data; name="title"\r\n\r\na\r\n--XX\r\nContent-Disposition: form-data; name="blob"; filename="b"\r\n\r\nb\r\n--XX--';

const seeds: readonly [path: string, contentType: string, body: string | Buffer, encoding?: string][] = [
  ["/v1/form", json, '{"title":"a","inner":{"key":"k","deeper":{"value":1}},"tags":["x"],"labels":{"a":"b"},"at":"2026-01-31T12:00:00Z"}'],
  ["/v1/form", form, "title=a&inner.key=k&labels[a]=b&tags=x&tags=y&blob=AQI%3D&at=2026-01-31T12:00:00Z&kind=1"],
  ["/v1/form", multipart, part],
  ["/v1/form", json, gzipSync('{"title":"a"}'), "gzip"],
  ["/v1/parts/n", multipart, part.replace("title", "file")],
  ["/v1/inners/ann", json, '[{"key":"a"},{"value":7},null]'],
  ["/v1/notes/ann:collect", json, '[{"text":"a\\u00e9\\n"},{"number":"7"}]'],
  ["/v1/notes/ann:collect", lines, '{"text":"a"}\n{"inner":{"deeper":{"deeper":{}}}}\n'],
  ["/v1/texts/ann", json, '"a" "b" "\\ud83c\\udf89"'],
  ["/v1/mirror", "text/plain", "anything"],
];

describe(`broken REST requests (seed ${seed})`, () => {
  const rest = TranscodingHop.inSuite({ messageBytes: 50_000 });

  it("are answered", async function () {
    this.timeout(budgetMs + 10_000);
    const random = new Random(seed);
    const endAtMs = performance.now() + budgetMs;
    const one = async (): Promise<void> => {
      const [path, contentType, body, encoding] = seeds[random.below(seeds.length)]!;
      let sent = Buffer.from(body);
      for (let rounds = random.below(4); rounds > 0; rounds--) sent = Buffer.from(mutate(sent, random));
      const headers = { "content-type": contentType, ...(encoding === undefined ? {} : { "content-encoding": encoding }) };
      const response = await rest.send("POST", path, headers, sent);
      const text = await response.text();
      const shown = `${path} ${contentType} ${sent.toString("hex")}: ${response.status} ${text.slice(0, 300)}`;
      // A stream that breaks in the middle is reset at the backend, and Node's HTTP/2 server breaks with a peer that resets too many.
      if (response.status >= 500 && text.includes('"reason":"UPSTREAM_RE')) return;
      assert.ok(response.status < 500, shown);
      if (response.status !== 200) {
        const error = JSON.parse(text) as { code: number; message: string };
        assert.ok(error.code > 0 && error.message !== "", shown);
      }
    };
    while (performance.now() < endAtMs) await Promise.all(Array.from({ length: 16 }, one));
  });
});
