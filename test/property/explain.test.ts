/**
 * Whatever a request is, its explanation says what a real listener does with it: the same method gets the same message, or the same
 * refusal comes back.
 */
import fc from "fast-check";
import assert from "node:assert/strict";
import { request as httpRequest, type IncomingMessage } from "node:http";
import { RecordingUpstream } from "../support/recording-upstream.ts";
import { startRuntime, type RuntimeHost } from "../support/runtime-host.ts";
import { transcodingDescriptors } from "../support/transcoding-server.ts";
import { until } from "../support/until.ts";

interface Asked {
  readonly method: string;
  readonly url: string;
  readonly headers: readonly (readonly [string, string])[];
  readonly body: string | undefined;
}

const word = fc.constantFrom("a", "ann", "7", "a%2Fb", "%zz", "x%20y", "", "shelves", "inner", "a:print", "a:go", "%C3%BC", "%ff");
const known = fc.constantFrom(
  "/v1/forms/{}",
  "/v1/forms/{}:print",
  "/v1/form",
  "/v1/form/{}",
  "/v1/titled/{}",
  "/v1/forms/{}/inner",
  "/v1/shelves/{}/books/{}",
  "/v1/pages/{}/{}/raw",
  "/v1/files/{}",
  "/v1/parts/{}",
  "/v1/mirror",
  "/v1/notes/{}",
  "/v1/notes/{}:collect",
  "/v1/notes/{}:chat",
  "/v1/uploads/{}",
  "/v1/end/{}",
  "/v2/forms/{}",
  "/dragoman.transcoding.v1.Transcoding/Submit",
  "/dragoman.transcoding.v1.Transcoding/Collect",
  "/dragoman.transcoding.v1.Transcoding/Nothing",
  "/.dragoman/openapi.json",
  "/{}",
  "//v1/forms/{}",
);
const path = fc
  .tuple(known, fc.array(word, { minLength: 2, maxLength: 2 }), fc.constantFrom("", "", "", "/"))
  .map(([template, words, end]) => {
    let next = 0;
    return template.replace(/\{\}/g, () => words[next++]!) + end;
  });
const entry = fc.tuple(
  fc.constantFrom(
    "count",
    "cuont",
    "title",
    "kind",
    "labels[k]",
    "labels",
    "tags",
    "inner.key",
    "inner.value",
    "inner",
    "snake_name",
    "left",
    "right",
    "at",
    "blob",
    "items[0].key",
    "name",
    "pieces",
    "author",
    "fail_code",
    "%zz",
    "code",
  ),
  fc.constantFrom(
    "",
    "=",
    "=1",
    "=-5",
    "=abc",
    "=99999999999",
    "=KIND_LARGE",
    "=x+y",
    "=%2B",
    "=%zz",
    "=%ff",
    "=2026-01-31T12:00:00Z",
    "=AQI",
  ),
);
const query = fc
  .oneof({ weight: 2, arbitrary: fc.constant([]) }, { weight: 1, arbitrary: fc.array(entry, { maxLength: 2 }) })
  .map((pairs) => (pairs.length === 0 ? "" : `?${pairs.map((pair) => pair.join("")).join("&")}`));
const framed = "\0\0\0\0\0";
const sent = fc.constantFrom<readonly [type: string | undefined, body: string | undefined]>(
  [undefined, undefined],
  ["application/json", "{}"],
  ["application/json", '{"title":"b","count":2}'],
  ["application/json", '{"key":"k","value":3}'],
  ["application/json", '{"inner":{"value":"seven"}}'],
  ["application/json", '{"titel":"b"}'],
  ["application/json", '{"title":'],
  ["application/json", '[{"text":"a"},{"text":"b"}]'],
  ["application/json", '{"text":"a"}{"text":2}'],
  ["application/x-ndjson", '{"text":"a"}\n'],
  ["application/json; charset=utf-8", "null"],
  ["application/x-www-form-urlencoded", "title=b&count=x"],
  ["application/x-www-form-urlencoded", "title=b&inner.key=k"],
  ["text/plain", "hello"],
  ["application/grpc", framed],
  ["application/grpc", undefined],
  ["application/grpc+json", "\0\0\0\0\x02{}"],
  ["application/grpc-web+proto", framed],
  ["application/proto", ""],
  ["application/connect+json", "\0\0\0\0\x02{}"],
);
const more = fc.constantFrom<readonly (readonly [string, string])[]>(
  [],
  [],
  [],
  [["x-server-timeout", "x"]],
  [["grpc-timeout", "5S"]],
  [["connect-protocol-version", "1"]],
  [["content-encoding", "lzma"]],
  [["grpc-metadata-content-type", "x"]],
  [["authorization", "Bearer sesame"]],
);
const none: readonly [undefined, undefined] = [undefined, undefined];
const json = (body: string): readonly [string, string] => ["application/json", body];

type Line = readonly [method: string, path: string, sent: readonly [type: string | undefined, body: string | undefined]];

/** Requests that fit, but for their words, query and fields. */
const fitting = fc
  .tuple(
    fc.constantFrom<Line>(
      ["GET", "/v1/forms/{}", none],
      ["HEAD", "/v1/forms/{}/", none],
      ["REPORT", "/v1/forms/{}", none],
      ["GET", "/v1/forms/{}:print", none],
      ["GET", "/v1/shelves/{}/books/{}", none],
      ["GET", "/v1/pages/{}/{}/raw", none],
      ["GET", "/v1/notes/{}", none],
      ["GET", "/v1/end/7", none],
      ["POST", "/v1/form", json('{"title":"b","count":2,"tags":["x"]}')],
      ["PUT", "/v1/form/{}", json('{"key":"k","value":3}')],
      ["PATCH", "/v1/forms/{}", json('{"key":"k","deeper":{"value":0}}')],
      ["PUT", "/v1/titled/{}", json('{"title":"other"}')],
      ["POST", "/v1/mirror", ["text/css", "a{}"]],
      ["POST", "/v1/files/{}", ["text/plain", "hello"]],
      ["POST", "/v1/notes/{}:collect", json('[{"text":"a"}]')],
      ["POST", "/dragoman.transcoding.v1.Transcoding/Submit", json('{"title":"b"}')],
      ["POST", "/dragoman.transcoding.v1.Transcoding/Submit", ["application/grpc", framed]],
      ["POST", "/dragoman.transcoding.v1.Transcoding/Submit", ["application/proto", ""]],
    ),
    fc.constantFrom("a", "ann", "7", "a%2Fb", "x%20y", "%C3%BC"),
  )
  .map(([[method, template, body], value]) => [method, template.replaceAll("{}", value), body] as const);

/** Anything at any path. */
const anything = fc.oneof(
  fc.tuple(fc.constantFrom("GET", "HEAD", "OPTIONS", "REPORT", "DELETE"), path, fc.constant(none)),
  fc.tuple(fc.constantFrom("GET", "POST", "PUT", "PATCH"), path, sent),
);
const asked: fc.Arbitrary<Asked> = fc
  .tuple(fc.oneof(fitting, anything), query, more)
  .map(([[method, pathname, [type, body]], search, others]) => ({
    method,
    url: pathname + search,
    headers: [...(type === undefined ? [] : [["content-type", type] as const]), ...others],
    body,
  }));

describe("explanations, for any request", () => {
  let upstream: RecordingUpstream;
  let host: RuntimeHost;
  before(async () => {
    upstream = await RecordingUpstream.start();
    host = await startRuntime({
      "inbound.upstream": `grpc://127.0.0.1:${upstream.port}`,
      "inbound.schema": { descriptors: transcodingDescriptors },
    });
    await until(() => host.runtime.readiness().ready, "readiness");
  });
  after(async () => {
    await host.stop();
    await upstream.stop();
  });

  async function send({ method, url, headers, body }: Asked, name: string): Promise<{ status: number; reason: string | undefined }> {
    const [hostname, port] = host.runtime.address.split(":") as [string, string];
    const length = body === undefined ? {} : { "content-length": Buffer.byteLength(body) };
    const request = httpRequest({
      hostname,
      port,
      method,
      path: url,
      headers: { ...Object.fromEntries(headers), ...length, "x-case": name },
      agent: false,
    });
    request.end(body);
    const response = await new Promise<IncomingMessage>((resolve, reject) => request.on("response", resolve).on("error", reject));
    let text = "";
    for await (const chunk of response.setEncoding("latin1")) text += chunk as string;
    return { status: response.statusCode!, reason: /"reason":"(\w+)"/.exec(text)?.[1] };
  }

  let count = 0;
  async function check(request: Asked): Promise<void> {
    const { runtime } = host;
    const name = `case-${++count}`;
    const { method, url, headers, body } = request;
    const explanation = await runtime.explain({ httpMethod: method, url, headers, body: Buffer.from(body ?? ""), httpVersion: "1.1" });
    const real = await send(request, name);
    const recorded = upstream.calls.get(name);
    assert.ok(!JSON.stringify(explanation).includes("sesame"));
    if (explanation.verdict !== "call") {
      assert.equal(explanation.status, real.status);
      // A HEAD has no body, and at the path of an RPC a refusal may be in words.
      if (real.reason !== undefined) assert.equal(explanation.error?.reason, real.reason);
      return;
    }
    assert.equal(real.status, 200);
    assert.equal(recorded?.path, explanation.rpc?.path);
    if (explanation.message === undefined) return;
    const type = runtime.table!.byPath(recorded!.path)!.input;
    assert.deepEqual(JSON.parse(Buffer.from(type.codec().wireToJson(recorded!.message!)).toString()), explanation.message);
  }

  it("are what the listener does", async function () {
    this.timeout(60_000);
    await fc.assert(fc.asyncProperty(asked, check), { numRuns: 600 });
    assert.ok(upstream.calls.size > 50, `only ${upstream.calls.size} requests were calls`);
  });
});
