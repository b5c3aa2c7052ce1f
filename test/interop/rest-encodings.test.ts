/** Content encodings over REST: requests that come compressed, answers that go compressed. */
import assert from "node:assert/strict";
import { request as httpRequest, type IncomingMessage } from "node:http";
import {
  brotliCompressSync,
  brotliDecompressSync,
  createGunzip,
  deflateSync,
  gunzipSync,
  gzipSync,
  inflateSync,
  zstdCompressSync,
  zstdDecompressSync,
} from "node:zlib";
import { until } from "../support/until.ts";
import { errorOf, streamOf, TranscodingHop } from "../support/transcoding-hop.ts";

const json = { "content-type": "application/json" };
const codings = [
  ["gzip", gzipSync, gunzipSync],
  ["x-gzip", gzipSync, gunzipSync],
  ["deflate", deflateSync, inflateSync],
  ["br", brotliCompressSync, brotliDecompressSync],
  ["zstd", zstdCompressSync, zstdDecompressSync],
] as const;

describe("content encodings over REST", () => {
  const rest = TranscodingHop.inSuite({ messageBytes: 1 << 20 });

  /** As node:http hands it over: fetch would open it. */
  async function raw(
    method: string,
    path: string,
    headers: Record<string, string>,
    body = "",
  ): Promise<{ head: IncomingMessage; bytes: Buffer }> {
    const sent = httpRequest(rest.base + path, { method, headers });
    sent.end(body);
    const head = await new Promise<IncomingMessage>((resolve, reject) => sent.on("response", resolve).on("error", reject));
    const chunks: Buffer[] = [];
    for await (const chunk of head) chunks.push(chunk as Buffer);
    return { head, bytes: Buffer.concat(chunks) };
  }

  describe("of requests", () => {
    for (const [coding, compress] of codings) {
      it(`${coding}: JSON`, async () => {
        const response = await rest.send("POST", "/v1/form", { ...json, "content-encoding": coding }, compress('{"title":"a"}'));
        assert.deepEqual(await response.json(), { title: "a" });
      });
      it(`${coding}: a stream, in pieces`, async () => {
        const body = compress('{"text":"a"}\n{"text":"b"}\n');
        const pieces = Array.from(body, (_, index) => body.subarray(index, index + 1));
        const headers = { "content-type": "application/x-ndjson", "content-encoding": coding };
        const response = await rest.send("POST", "/v1/notes/ann:collect", headers, streamOf(pieces));
        assert.deepEqual(await response.json(), {
          notes: [
            { author: "ann", text: "a" },
            { author: "ann", text: "b" },
          ],
        });
      });
      it(`${coding}: a bomb ends at the limit`, async () => {
        const bomb = compress(Buffer.alloc(64 << 20, 0x20));
        assert.ok(bomb.length < 1 << 20);
        const response = await rest.send("POST", "/v1/form", { ...json, "content-encoding": coding }, bomb);
        assert.equal(response.status, 413);
        assert.equal((await errorOf(response)).details[0]?.reason, "MESSAGE_TOO_LARGE");
      });
      it(`${coding}: what is none`, async () => {
        for (const body of ["this is plain", compress('{"title":"a"}').subarray(0, 8)]) {
          const response = await rest.send("POST", "/v1/form", { ...json, "content-encoding": coding }, body);
          assert.equal(response.status, 400, await response.clone().text());
          assert.match((await errorOf(response)).message, new RegExp(`the body is not valid ${coding}`));
        }
      });
    }

    const others: [coding: string, body: string | Buffer, status: number][] = [
      ["identity", '{"title":"a"}', 200],
      ["GZip", gzipSync('{"title":"a"}'), 200],
      ["gzip, br", brotliCompressSync(gzipSync('{"title":"a"}')), 200],
      ["gzip", "", 200],
      ["gzip, gzip, gzip", gzipSync('{"title":"a"}'), 415],
      ["lzma", "abc", 415],
    ];
    for (const [coding, body, status] of others)
      it(`${coding}: ${status}`, async () => {
        const response = await rest.send("POST", "/v1/form", { ...json, "content-encoding": coding }, body);
        assert.equal(response.status, status, await response.clone().text());
        if (status === 415) assert.equal(response.headers.get("accept-encoding"), "gzip, br, zstd, deflate");
      });

    it("of a raw body: it is opened and streamed", async () => {
      const headers = { "content-type": "video/mp4", "content-encoding": "gzip" };
      const response = await rest.send("POST", "/v1/raw-uploads", headers, gzipSync(Buffer.alloc(3 << 20)));
      assert.equal(((await response.json()) as Record<string, unknown>)["size"], String(3 << 20));
    });

    it("a caller that leaves in the middle cancels the call", async () => {
      const cancelled = rest.backend.cancelled();
      const received = rest.backend.received();
      const sent = httpRequest(`${rest.base}/v1/raw-uploads`, {
        method: "POST",
        headers: { "content-type": "a/b", "content-encoding": "gzip" },
      });
      sent.on("error", () => undefined);
      sent.write(gzipSync(Buffer.alloc(1 << 20)).subarray(0, 900));
      await until(() => rest.backend.received() > received, "the first piece");
      sent.destroy();
      await until(() => rest.backend.cancelled() > cancelled, "the cancellation");
    });
  });

  describe("of answers", () => {
    const large = "/v1/end/0?size=5000";
    for (const [coding, , open] of codings.filter(([name]) => name !== "x-gzip"))
      it(`${coding}`, async () => {
        const { head, bytes } = await raw("GET", large, { "accept-encoding": coding });
        assert.equal(head.headers["content-encoding"], coding);
        assert.equal(head.headers["vary"], "accept-encoding");
        assert.equal(head.headers["content-length"], String(bytes.length));
        assert.ok(bytes.length < 500);
        assert.deepEqual(JSON.parse(open(bytes).toString()), { title: "x".repeat(5000) });
      });

    const chosen: [accept: string, coding: string | undefined][] = [
      ["gzip, deflate, br, zstd", "zstd"],
      ["gzip, deflate, br", "br"],
      ["br;q=0.5, gzip;q=0.8", "gzip"],
      ["gzip;q=0, br", "br"],
      ["*", "zstd"],
      ["*;q=0", undefined],
      ["identity", undefined],
      ["identity, gzip;q=0.5", undefined],
      ["gzip;q=nonsense", undefined],
      ["", undefined],
      ["compress", undefined],
    ];
    for (const [accept, coding] of chosen)
      it(`accept-encoding: ${accept} gives ${coding ?? "none"}`, async () => {
        const { head } = await raw("GET", large, { "accept-encoding": accept });
        assert.equal(head.headers["content-encoding"], coding);
      });

    it("small ones, raw ones and those that must stay are sent as they are", async () => {
      const as = { "accept-encoding": "gzip", ...json };
      assert.equal((await raw("GET", "/v1/end/0?message=small", as)).head.headers["content-encoding"], undefined);
      assert.equal((await raw("GET", "/v1/files/x?size=5000&contentType=text/plain", as)).head.headers["content-encoding"], undefined);
      for (const headers of [{ "cache-control": "no-transform" }, { etag: '"a"' }]) {
        const answer = await raw("POST", "/v1/end", as, JSON.stringify({ size: 5000, headers }));
        assert.equal(answer.head.headers["content-encoding"], undefined);
        assert.equal(answer.bytes.length, 5012);
      }
    });

    for (const [coding, , open] of codings.filter(([name]) => name !== "x-gzip"))
      for (const accept of ["application/json", "application/x-ndjson", "text/event-stream"])
        it(`${coding} of a stream as ${accept}`, async () => {
          const plain = await raw("GET", "/v1/notes/ann?count=50&size=100", { accept });
          const { head, bytes } = await raw("GET", "/v1/notes/ann?count=50&size=100", { accept, "accept-encoding": coding });
          assert.equal(head.headers["content-encoding"], coding);
          assert.ok(bytes.length < plain.bytes.length / 2);
          assert.equal(open(bytes).toString(), plain.bytes.toString());
        });

    it("a stream prefers the compressor that takes least memory", async () => {
      const { head } = await raw("GET", "/v1/notes/ann?count=1", { "accept-encoding": "gzip, deflate, br, zstd" });
      assert.equal(head.headers["content-encoding"], "gzip");
    });

    it("a stream's failure is in the encoded body too", async () => {
      const { bytes } = await raw("GET", "/v1/notes/ann?count=2&failCode=9", { accept: "application/x-ndjson", "accept-encoding": "gzip" });
      assert.match(gunzipSync(bytes).toString(), /\{"error":\{"code":9,.*\}\n$/);
    });

    it("each message of a stream is flushed", async () => {
      const { stream, answer } = rest.open("POST", "/v1/notes/ann:chat", {
        ...json,
        accept: "text/event-stream",
        "accept-encoding": "gzip",
      });
      stream.setEncoding("latin1");
      const gunzip = createGunzip();
      let text = "";
      gunzip.on("data", (chunk: Buffer) => (text += chunk.toString()));
      stream.on("data", (chunk: string) => gunzip.write(Buffer.from(chunk, "latin1")));
      for (let index = 0; index < 3; index++) {
        stream.write('{"text":"a"}');
        await until(() => text.includes(`id: ${index}\n`), `message ${index} while the stream is open`);
      }
      stream.end();
      await answer;
    });
  });
});
