/** The status tables and header text forms of the kit `grpc/`, restated there from the specifications. */
import assert from "node:assert/strict";
import { Metadata } from "../../src/core/metadata.ts";
import type { Code } from "../../src/core/code.ts";
import { percentDecode, percentEncode } from "../../src/protocols/shared/grpc-status.ts";
import { codeOfHttpStatus, httpStatusOfCode } from "../../src/protocols/shared/http-status.ts";
import { formatGrpcTimeout, parseConnectTimeout, parseGrpcTimeout } from "../../src/protocols/shared/timeout.ts";
import { readKit } from "../support/kits.ts";

interface TextCase {
  kind: string;
  text: string;
  ms: number | null;
  wire: string;
  decoded: string;
  hex: string | string[];
}
interface StatusCase {
  dir: string;
  http: number;
  grpc: number;
}

describe("judge: gRPC header texts", () => {
  const cases = readKit<{ cases: TextCase[] }>("grpc/wire_text.json")?.cases;
  if (cases === undefined) {
    it.skip("skipped: needs ../shared/kits/grpc/wire_text.json");
    return;
  }
  for (const test of cases)
    it(`${test.kind} ${JSON.stringify(test.text ?? test.wire)}`, () => {
      switch (test.kind) {
        case "grpc-timeout":
          assert.equal(near(parseGrpcTimeout(test.text)), test.ms);
          break;
        case "connect-timeout-ms":
          assert.equal(near(parseConnectTimeout(test.text)), test.ms);
          break;
        case "grpc-message":
          assert.equal(percentEncode(test.decoded), test.wire);
          assert.equal(percentDecode(test.wire), test.decoded);
          break;
        case "grpc-message-decode":
          assert.equal(percentDecode(test.wire), test.decoded);
          break;
        case "-bin":
          assert.deepEqual(
            new Metadata(["a-bin", test.wire]).getAllBinary("a-bin").map((value) => Buffer.from(value).toString("hex")),
            [test.hex].flat(),
          );
          break;
        default:
          assert.fail(`unknown kind ${test.kind}`);
      }
    });
});

describe("judge: status tables", () => {
  const cases = readKit<{ cases: StatusCase[] }>("grpc/status_mapping.json")?.cases;
  if (cases === undefined) {
    it.skip("skipped: needs ../shared/kits/grpc/status_mapping.json");
    return;
  }
  for (const { dir, http, grpc } of cases) {
    if (dir === "http_to_grpc") it(`HTTP ${http} is gRPC ${grpc}`, () => assert.equal(codeOfHttpStatus(http), grpc));
    if (dir === "grpc_to_http") it(`gRPC ${grpc} is HTTP ${http}`, () => assert.equal(httpStatusOfCode(grpc as Code), http));
  }
});

describe("grpc-timeout on the way out", () => {
  it("never adds time and loses at most a thousandth of it", () => {
    for (const ms of [0.001, 0.5, 1, 99.5, 100, 1234.5, 99_999, 100_000, 1e8, 359999996400000]) {
      const parsed = parseGrpcTimeout(formatGrpcTimeout(ms))!;
      assert.ok(parsed <= ms && parsed >= ms * 0.99 - 0.001, `${ms} became ${parsed}`);
    }
    assert.equal(formatGrpcTimeout(-1), "0n");
  });
});

/** Milliseconds as the kit writes them: to the nanosecond; null for undefined. */
function near(ms: number | undefined): number | null {
  return ms === undefined ? null : Math.round(ms * 1e6) / 1e6;
}
