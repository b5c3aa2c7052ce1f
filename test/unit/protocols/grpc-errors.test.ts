import assert from "node:assert/strict";
import { gzipSync } from "node:zlib";
import fc from "fast-check";
import { CallError } from "../../../src/core/call-error.ts";
import { Code, type Code as StatusCode } from "../../../src/core/code.ts";
import { Metadata } from "../../../src/core/metadata.ts";
import { okStatus, statusOf } from "../../../src/core/status.ts";
import { grpcTrailers, percentDecode, percentEncode, readGrpcStatus } from "../../../src/protocols/shared/grpc-status.ts";
import { compressed } from "../../../src/protocols/shared/compression.ts";
import { decodeRpcStatus, encodeRpcStatus } from "../../../src/protocols/shared/rpc-status.ts";
import { errorOfUpstreamWire } from "../../../src/protocols/shared/upstream-wire.ts";
import { WireError } from "../../../src/wire/wire-error.ts";

const codes = fc.integer({ min: 1, max: 16 }) as fc.Arbitrary<StatusCode>;

describe("grpc-status, grpc-message, grpc-status-details-bin", () => {
  it("come back as they were sent, for any code, message, details and trailers", () => {
    const detail = fc.record({ typeUrl: fc.string({ unit: "grapheme" }), value: fc.uint8Array() });
    fc.assert(
      fc.property(codes, fc.string({ unit: "grapheme" }), fc.array(detail, { maxLength: 3 }), (code, message, details) => {
        const trailers = new Metadata(["x-tail", "t"]);
        const read = readGrpcStatus(
          grpcTrailers(statusOf(new CallError("UPSTREAM_STATUS", message, { code, source: "upstream", details, trailers }))),
        )!;
        assert.equal(read.code, code);
        assert.equal(read.message, message);
        assert.deepEqual(read.trailers.flat, ["x-tail", "t"]);
        assert.deepEqual(
          read.error!.details.map(({ typeUrl, value }) => [typeUrl, [...value]]),
          details.map(({ typeUrl, value }) => [typeUrl, [...value]]),
        );
      }),
    );
  });

  it("escapes to printable ASCII and back, for any text", () => {
    fc.assert(
      fc.property(fc.string({ unit: "grapheme" }), (text) => {
        const wire = percentEncode(text);
        assert.match(wire, /^[ -~]*$/);
        assert.equal(percentDecode(wire), text);
      }),
    );
  });

  it("OK without trailers is one shared list", () => {
    assert.equal(grpcTrailers(okStatus()), grpcTrailers(okStatus()));
    assert.deepEqual(grpcTrailers(okStatus()), ["grpc-status", "0"]);
  });

  it("OK with shared trailers is the same list again", () => {
    const shared = ["x-a", "1"];
    assert.equal(grpcTrailers(okStatus(Metadata.share(shared))), grpcTrailers(okStatus(Metadata.share(shared))));
  });

  for (const [text, code] of [
    ["0", Code.OK],
    ["5", 5],
    ["17", Code.UNKNOWN],
    ["-1", Code.UNKNOWN],
    ["", Code.UNKNOWN],
    ["x", Code.UNKNOWN],
  ] as const)
    it(`reads grpc-status ${JSON.stringify(text)} as ${code}`, () => assert.equal(readGrpcStatus(["grpc-status", text])!.code, code));

  it("is undefined without grpc-status", () => assert.equal(readGrpcStatus(["x-a", "1"]), undefined));

  it("names our own reason as ErrorInfo", () => {
    const fields = grpcTrailers(statusOf(new CallError("UPSTREAM_UNREACHABLE")));
    const status = decodeRpcStatus(Buffer.from(fields[fields.indexOf("grpc-status-details-bin") + 1]!, "base64"))!;
    assert.equal(status.code, Code.UNAVAILABLE);
    assert.ok(Buffer.from(status.details[0]!.value).includes("UPSTREAM_UNREACHABLE"));
  });
});

describe("google.rpc.Status bytes", () => {
  it("never make the reader throw, whatever they are", () => {
    fc.assert(fc.property(fc.uint8Array({ maxLength: 60 }), (bytes) => void decodeRpcStatus(bytes)));
    const good = encodeRpcStatus(5, "gone", [{ typeUrl: "a/b", value: Uint8Array.of(1, 2, 3) }]);
    for (let end = 0; end < good.length; end++) decodeRpcStatus(good.subarray(0, end));
    assert.deepEqual(decodeRpcStatus(good)?.message, "gone");
  });
});

describe("failures of the upstream's wire", () => {
  const cases: [error: WireError, reason: string, code: StatusCode, retry: string][] = [
    [new WireError("connect", "", { unprocessed: true }), "UPSTREAM_UNREACHABLE", Code.UNAVAILABLE, "safe"],
    [new WireError("refused", "", { unprocessed: true }), "UPSTREAM_OVERLOADED", Code.UNAVAILABLE, "safe"],
    [new WireError("refused", "", { unprocessed: true, http2Code: 7 }), "UPSTREAM_REFUSED", Code.UNAVAILABLE, "safe"],
    [new WireError("reset", "", {}), "UPSTREAM_RESET", Code.UNAVAILABLE, "if-idempotent"],
    [new WireError("reset", "", { unprocessed: true }), "UPSTREAM_REFUSED", Code.UNAVAILABLE, "safe"],
    [new WireError("reset", "", { http2Code: 8 }), "UPSTREAM_RESET", Code.CANCELLED, "if-idempotent"],
    [new WireError("reset", "", { http2Code: 2 }), "UPSTREAM_RESET", Code.INTERNAL, "if-idempotent"],
    [new WireError("reset", "", { http2Code: 11 }), "UPSTREAM_RESET", Code.RESOURCE_EXHAUSTED, "if-idempotent"],
    [new WireError("reset", "", { http2Code: 12 }), "UPSTREAM_RESET", Code.PERMISSION_DENIED, "if-idempotent"],
    [new WireError("timeout", "", { unprocessed: true }), "DEADLINE_EXCEEDED", Code.DEADLINE_EXCEEDED, "safe"],
    [new WireError("protocol", ""), "UPSTREAM_PROTOCOL", Code.INTERNAL, "if-idempotent"],
    [new WireError("closed", ""), "SHUTTING_DOWN", Code.UNAVAILABLE, "safe"],
  ];
  for (const [error, reason, code, retry] of cases)
    it(`${error.kind} ${error.http2Code ?? ""} is ${reason}, code ${code}, retry ${retry}`, () => {
      const made = errorOfUpstreamWire(error);
      assert.deepEqual([made.reason, made.code, made.retry, made.source], [reason, code, retry, "upstream"]);
    });
});

describe("compressed messages", () => {
  it("are opened within the limit, and a bomb is not", () => {
    const bytes = gzipSync(Buffer.alloc(100_000));
    assert.equal(compressed("gzip", bytes, 100_000, "caller").open().length, 100_000);
    assert.throws(
      () => compressed("gzip", bytes, 99_999, "caller").open(),
      (error: CallError) => error.reason === "MESSAGE_TOO_LARGE",
    );
  });

  it("that are broken or of an unknown encoding say so", () => {
    assert.throws(
      () => compressed("gzip", Uint8Array.of(1, 2), 99, "upstream").open(),
      (error: CallError) => error.reason === "UPSTREAM_PROTOCOL",
    );
    assert.throws(
      () => compressed("snappy", Uint8Array.of(1), 99, "caller").open(),
      (error: CallError) => error.reason === "UNSUPPORTED_ENCODING",
    );
  });
});
