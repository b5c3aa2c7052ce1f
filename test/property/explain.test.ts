/**
 * Whatever a request is, its explanation says what a real listener does with it: the same method gets the same message, or the same
 * refusal comes back.
 */
import fc from "fast-check";
import assert from "node:assert/strict";
import { request as httpRequest, type IncomingMessage } from "node:http";
import type { MessageDescriptor } from "../../src/schema/descriptor.ts";
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
  .oneof(fc.constant([]), fc.array(entry, { maxLength: 2 }))
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
/** Methods with the bodies that go with them, and now and then with any. */
const methodAndBody = fc.oneof(
  { weight: 3, arbitrary: fc.tuple(fc.constantFrom("GET", "GET", "HEAD", "OPTIONS", "REPORT", "DELETE"), fc.constant(none)) },
  { weight: 4, arbitrary: fc.tuple(fc.constantFrom("POST", "POST", "PUT", "PATCH"), sent) },
  { weight: 1, arbitrary: fc.tuple(fc.constantFrom("GET", "POST", "DELETE", "OPTIONS"), sent) },
);
const asked: fc.Arbitrary<Asked> = fc.tuple(methodAndBody, path, query, more).map(([[method, [type, body]], pathname, search, others]) => ({
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
    const type = runtime.table!.byPath(recorded!.path)!.input as MessageDescriptor;
    assert.deepEqual(JSON.parse(Buffer.from(type.codec().wireToJson(recorded!.message!)).toString()), explanation.message);
  }

  it("are what the listener does", async function () {
    this.timeout(60_000);
    await fc.assert(fc.asyncProperty(asked, check), { numRuns: 1500 });
    assert.ok(upstream.calls.size > 50, `only ${upstream.calls.size} requests were calls`);
  });
});
