/** Answers of a REST backend, mutated: malformed JSON, cut streams, wrong content types, bodies that are too large. Never a crash, never an error without a reason. */
import fc from "fast-check";
import assert from "node:assert/strict";
import { gzipSync } from "node:zlib";
import { transcodingSchema } from "../support/transcoding-server.ts";
import { fuzzAnswer, type ScriptedAnswer } from "./rest-answers.ts";

const runs = Number(process.env["DRAGOMAN_FUZZ_CASES"] ?? 3000);
const note = '{"author":"a","text":"\\u00e9","number":"7","inner":{"key":"k","deeper":{"value":1}}}';
const status = '{"code":5,"message":"gone","details":[{"@type":"type.googleapis.com/google.rpc.ErrorInfo","reason":"R"}]}';

const bodies = [
  note,
  "",
  "null",
  '{"title":"t","labels":{"a":"b"},"at":"2026-01-31T12:00:00Z","kind":"KIND_LARGE","blob":"AQI="}',
  `[${note},${note}]`,
  `${note}\n${note}\n`,
  `{"result":${note}}\n{"error":${status}}\n`,
  `id: 1\ndata: ${note}\n\n:beat\n\nevent: error\ndata: ${status}\n\n`,
  `data: ${note}\r\n\r\ndata: [DONE]\n\n`,
  status,
  `{"error":{"code":404,"message":"m","status":"NOT_FOUND","details":[{"@type":"x/y.Z","value":"AQ=="},{"type":"a.B","value":"AQ"}]}}`,
  "[".repeat(300),
  '{"a":'.repeat(300),
  " ".repeat(6000),
  "<html><body>no</body></html>",
].map((text) => Buffer.from(text));

const contentTypes = [
  "application/json",
  "application/x-ndjson",
  "text/event-stream",
  "text/plain; charset=utf-8",
  "text/html",
  "application/vnd.api+json",
  "",
  "x",
  "application/json;",
];

const body = fc
  .tuple(
    fc.constantFrom(...bodies),
    fc.array(
      fc.record({ at: fc.nat(), byte: fc.oneof(fc.nat(255), fc.constantFrom(...Buffer.from('{}[],:"\\\n\r 0tnf'))), kind: fc.nat(3) }),
      { maxLength: 4 },
    ),
    fc.integer({ min: 0, max: 3 }),
  )
  .map(([seed, edits, times]) => {
    let bytes = Buffer.concat(Array<Buffer>(Math.max(1, times)).fill(seed));
    for (const { at, byte, kind } of edits) {
      const place = bytes.length === 0 ? 0 : at % bytes.length;
      if (kind === 0 && bytes.length > 0) bytes[place] = byte;
      else if (kind === 1) bytes = Buffer.concat([bytes.subarray(0, place), Buffer.from([byte]), bytes.subarray(place)]);
      else if (kind === 2) bytes = Buffer.concat([bytes.subarray(0, place), bytes.subarray(place + 1)]);
      else bytes = bytes.subarray(0, place);
    }
    return bytes;
  });

const answer: fc.Arbitrary<ScriptedAnswer> = fc
  .record({
    status: fc.oneof(fc.constant(200), fc.constantFrom(201, 204, 302, 400, 404, 429, 500, 503)),
    contentType: fc.constantFrom(...contentTypes),
    coding: fc.constantFrom("", "", "", "", "gzip", "identity", "br", "bogus"),
    extra: fc.array(
      fc.constantFrom("x-a", "1", "trailer-x", "t", "retry-after", "7", "connection", "x-a, close", "content-length", "-1", "x-y-bin", "?"),
      {
        minLength: 0,
        maxLength: 4,
      },
    ),
    body,
    trailers: fc.constantFrom(undefined, undefined, ["x-t", "1"], ["grpc-status", "5", "grpc-message", "gone"], ["grpc-status", "zz"]),
    chunkBytes: fc.constantFrom(1, 3, 17, 100_000),
    breaks: fc.boolean(),
  })
  .map(({ contentType, coding, extra, body: bytes, ...rest }) => ({
    ...rest,
    body: coding === "gzip" ? gzipSync(bytes) : bytes,
    headers: [
      ...(contentType === "" ? [] : ["content-type", contentType]),
      ...(coding === "" ? [] : ["content-encoding", coding]),
      ...extra.slice(0, extra.length & ~1),
    ],
  }));

describe("answers of REST backends, mutated", () => {
  const schema = transcodingSchema();
  const methods = schema.services[0]!.methods.filter(({ clientStreaming }) => !clientStreaming);

  for (const method of methods.filter(({ name }) => ["Submit", "Fetch", "FetchField", "List", "Download"].includes(name)))
    it(`${method.name} ends with messages or with an error of the upstream`, async () => {
      await fc.assert(
        fc.asyncProperty(answer, async (scripted) => {
          const outcome = await fuzzAnswer(scripted, method, schema);
          if (scripted.status >= 300) assert.ok(outcome.error !== undefined, "a status that is no success is an error");
        }),
        { numRuns: runs / 5 },
      );
    }).timeout(20_000);
});
