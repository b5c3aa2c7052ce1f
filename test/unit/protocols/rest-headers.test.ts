import assert from "node:assert/strict";
import type { CallError } from "../../../src/core/call-error.ts";
import { Metadata } from "../../../src/core/metadata.ts";
import { addAnswerHeaders, readRequestHeaders, requestedStatus } from "../../../src/protocols/rest/headers.ts";

describe("REST request headers", () => {
  const cases: [headers: string[], metadata: string[]][] = [
    [
      ["x-request-id", "7"],
      ["x-request-id", "7"],
    ],
    [
      ["authorization", "Bearer t", "cookie", "a=b", "user-agent", "curl"],
      ["authorization", "Bearer t", "cookie", "a=b", "user-agent", "curl"],
    ],
    [["accept", "*/*", "accept-encoding", "gzip", "content-type", "application/json"], []],
    [
      ["accept-language", "de"],
      ["accept-language", "de"],
    ],
    [
      ["grpc-metadata-x-color", "blue"],
      ["x-color", "blue"],
    ],
    [["grpc-status", "0", "grpc-encoding", "gzip", "grpc-previous-rpc-attempts", "9"], []],
    [
      ["x-key-bin", "AAE="],
      ["x-key-bin", "AAE="],
    ],
    [
      ["x-key-bin", "-_8"],
      ["x-key-bin", "-_8"],
    ],
    [
      ["a", "1", "a", "2"],
      ["a", "1", "a", "2"],
    ],
  ];
  for (const [headers, metadata] of cases)
    it(`${JSON.stringify(headers)} becomes ${JSON.stringify(metadata)}`, () =>
      assert.deepEqual(readRequestHeaders(headers).metadata, metadata));

  const refused: [headers: string[], reason: string][] = [
    [["x-key-bin", "not base64!"], "INVALID_METADATA"],
    [["grpc-metadata-grpc-status", "0"], "INVALID_METADATA"],
    [["grpc-metadata-content-type", "text/plain"], "INVALID_METADATA"],
    [["grpc-timeout", "5"], "INVALID_TIMEOUT"],
    [["connect-timeout-ms", "-1"], "INVALID_TIMEOUT"],
    [["x-server-timeout", "soon"], "INVALID_TIMEOUT"],
  ];
  for (const [headers, reason] of refused)
    it(`${JSON.stringify(headers)} is refused: ${reason}`, () =>
      assert.throws(
        () => readRequestHeaders(headers),
        (error: CallError) => error.reason === reason,
      ));

  it("takes the shortest of the timeouts", () => {
    assert.equal(readRequestHeaders(["grpc-timeout", "2S", "connect-timeout-ms", "1500", "x-server-timeout", "1.75"]).timeoutMs, 1500);
    assert.equal(readRequestHeaders([]).timeoutMs, Infinity);
  });
});

describe("REST answer headers", () => {
  it("copies metadata except what belongs to framing or to gRPC", () => {
    const headers: string[] = [];
    addAnswerHeaders(
      headers,
      Metadata.from({ "x-a": "1", "content-length": "9", "grpc-status": "0", connection: "close", location: "/x", "x-b-bin": "AA==" }),
      "",
    );
    assert.deepEqual(headers, ["x-a", "1", "location", "/x", "x-b-bin", "AA=="]);
  });

  for (const [text, status] of [
    ["201", 201],
    ["302", 302],
    ["200", 200],
    ["404", 200],
    ["99", 200],
    ["2xx", 200],
    [undefined, 200],
  ] as const)
    it(`x-http-code ${String(text)} answers ${status}`, () =>
      assert.equal(requestedStatus(text === undefined ? Metadata.empty : Metadata.from({ "x-http-code": text })), status));
});
