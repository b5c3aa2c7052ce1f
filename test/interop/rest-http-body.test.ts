/** google.api.HttpBody over REST: bytes with their own content type, in and out, whole and streamed. */
import assert from "node:assert/strict";
import { createHash, randomBytes } from "node:crypto";
import { streamOf, TranscodingHop } from "../support/transcoding-hop.ts";

describe("google.api.HttpBody", () => {
  const rest = TranscodingHop.inSuite();
  const bytes = Buffer.from([0, 1, 2, 0xff, 0x0a, 0x7b, 0x80]);
  const sha256 = (data: Uint8Array): string => createHash("sha256").update(data).digest("hex");

  const mirrored: [what: string, contentType: string, body: Uint8Array][] = [
    ["bytes", "application/octet-stream", bytes],
    ["JSON that is not looked at", "application/json", Buffer.from('{"broken":')],
    ["a form that is not looked at", "application/x-www-form-urlencoded", Buffer.from("a=%zz")],
    ["text with a charset", "text/plain; charset=latin1", Buffer.from("caf\xe9", "latin1")],
    ["nothing", "image/png", new Uint8Array(0)],
    ["a megabyte", "video/mp4", randomBytes(1 << 20)],
  ];
  for (const [what, contentType, body] of mirrored)
    it(`is the whole message: ${what}`, async () => {
      const response = await rest.send("POST", "/v1/mirror", { "content-type": contentType }, body);
      assert.equal(response.status, 200);
      assert.equal(response.headers.get("content-type"), contentType);
      assert.deepEqual(Buffer.from(await response.arrayBuffer()), Buffer.from(body));
    });

  it("is a field, beside path and query", async () => {
    const response = await rest.send("POST", "/v1/files/a%2Fb?keep=true", { "content-type": "image/png" }, bytes);
    assert.deepEqual(await response.json(), { name: "a/b", contentType: "image/png", size: "7", sha256: sha256(bytes), keep: true });
  });

  it("is answered at the gRPC path too", async () => {
    const path = "/dragoman.transcoding.v1.Transcoding/Mirror";
    const response = await rest.send("POST", path, { "content-type": "text/css" }, "a{}");
    assert.equal(response.headers.get("content-type"), "text/css");
    assert.equal(await response.text(), "a{}");
  });

  const answers: [path: string, contentType: string, body: string][] = [
    ["/v1/files/x?size=5&contentType=text/html", "text/html", "aaaaa"],
    ["/v1/files/x?size=0&contentType=text/html", "text/html", ""],
    ["/v1/files/x?size=1", "application/octet-stream", "a"],
    ["/v1/files/x?size=1&contentType=bad%0d%0aset-cookie:a", "application/octet-stream", "a"],
    ["/v1/wrapped/x?size=3&contentType=text/plain", "text/plain", "aaa"],
    ["/v1/wrapped/x?size=0", "application/octet-stream", ""],
    ["/v1/downloads/x?pieces=3&size=2&contentType=text/csv", "text/csv", "aabbcc"],
    ["/v1/downloads/x?pieces=2&size=0&contentType=text/csv", "text/csv", ""],
    ["/v1/downloads/x?pieces=0", "application/octet-stream", ""],
    ["/v1/wrapped-downloads/x?pieces=2&size=1&contentType=text/csv", "text/csv", "ab"],
  ];
  for (const [path, contentType, body] of answers)
    it(`GET ${path}: ${JSON.stringify(body)} as ${contentType}`, async () => {
      const response = await rest.send("GET", path, { accept: "text/event-stream" });
      assert.equal(response.status, 200);
      assert.equal(response.headers.get("content-type"), contentType);
      assert.equal(response.headers.get("set-cookie"), null);
      assert.equal(await response.text(), body);
    });

  it("streams down in full, byte for byte", async () => {
    const response = await rest.send("GET", "/v1/downloads/x?pieces=52&size=40000&contentType=video/mp4");
    const expected = Buffer.concat(Array.from({ length: 52 }, (_, index) => Buffer.alloc(40_000, 0x61 + (index % 26))));
    assert.equal(sha256(Buffer.from(await response.arrayBuffer())), sha256(expected));
  });

  it("a download that fails at once has a real status", async () => {
    const response = await rest.send("GET", "/v1/downloads/x?failCode=5");
    assert.equal(response.status, 404);
    assert.equal(response.headers.get("content-type"), "application/json");
  });

  it("a download that fails later is broken off, not ended", async () => {
    const response = await rest.send("GET", "/v1/downloads/x?pieces=2&size=10&failCode=13");
    assert.equal(response.status, 200);
    await assert.rejects(response.text());
    const { answer, stream } = rest.open("GET", "/v1/downloads/x?pieces=2&size=10&failCode=13");
    stream.end();
    await assert.rejects(answer);
  });

  it("a download that fails later says so in trailers where they are taken", async () => {
    const { answer, stream } = rest.open("GET", "/v1/downloads/x?pieces=2&size=2&failCode=13", { te: "trailers" });
    stream.end();
    const { text, trailers } = await answer;
    assert.equal(text, "aabb");
    assert.equal(trailers?.["grpc-status"], "13");
  });

  it("streams up as pieces, each with its content type, and path and query", async () => {
    const data = randomBytes(300_000);
    const pieces = [data.subarray(0, 1), data.subarray(1, 200_000), data.subarray(200_000)];
    const response = await rest.send("POST", "/v1/uploads/big?keep=true", { "content-type": "video/mp4" }, streamOf(pieces));
    const answer = (await response.json()) as Record<string, unknown>;
    assert.deepEqual(
      [answer["name"], answer["contentType"], answer["size"], answer["sha256"], answer["keep"]],
      ["big", "video/mp4", "300000", sha256(data), true],
    );
    assert.ok(Number(answer["messages"]) >= 3);
    assert.equal(answer["alike"], answer["messages"]);
  });

  it("streams up more than the message limit", async () => {
    const pieces = Array.from({ length: 100 }, () => Buffer.alloc(64 << 10));
    const response = await rest.send("POST", "/v1/raw-uploads", { "content-type": "video/mp4" }, streamOf(pieces));
    assert.equal(((await response.json()) as Record<string, unknown>)["size"], String(100 * (64 << 10)));
  });

  it("an empty upload is one empty piece", async () => {
    const response = await rest.send("POST", "/v1/uploads/empty", { "content-type": "text/plain" }, "");
    assert.deepEqual(await response.json(), {
      name: "empty",
      contentType: "text/plain",
      messages: 1,
      alike: 1,
      sha256: sha256(Buffer.alloc(0)),
    });
  });

  it("HEAD answers with the head alone", async () => {
    for (const path of ["/v1/files/x?size=5&contentType=text/html", "/v1/downloads/x?pieces=3&size=5&contentType=text/html"]) {
      const response = await rest.send("HEAD", path);
      assert.equal(response.status, 200);
      assert.equal(response.headers.get("content-type"), "text/html");
      assert.equal(await response.text(), "");
    }
  });
});
