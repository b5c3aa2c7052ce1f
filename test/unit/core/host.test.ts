import assert from "node:assert/strict";
import { CallError, type CallErrorOptions } from "../../../src/core/call-error.ts";
import { Code } from "../../../src/core/code.ts";
import { outcomeOf, type Outcome } from "../../../src/core/host.ts";
import type { Reason } from "../../../src/core/reasons.ts";

describe("what an attempt's failure says of its host", () => {
  const cases: readonly (readonly [Reason, CallErrorOptions, number, Outcome])[] = [
    ["UPSTREAM_UNREACHABLE", {}, 0, "failure"],
    ["UPSTREAM_RESET", { source: "upstream" }, 0, "failure"],
    ["UPSTREAM_STATUS", { code: Code.UNAVAILABLE, source: "upstream" }, 0, "failure"],
    ["UPSTREAM_PROTOCOL", { source: "upstream" }, 0, "failure"],
    ["DEADLINE_EXCEEDED", {}, 1000, "failure"],
    ["DEADLINE_EXCEEDED", {}, 999, "limited"], // a caller may set any deadline
    ["UPSTREAM_REFUSED", { source: "upstream" }, 0, "limited"],
    ["UPSTREAM_OVERLOADED", { source: "upstream" }, 0, "limited"],
    ["UPSTREAM_STATUS", { code: Code.RESOURCE_EXHAUSTED, source: "upstream" }, 0, "limited"],
    ["MESSAGE_TOO_LARGE", {}, 0, "unknown"],
    ["CALLER_CANCELLED", { source: "caller" }, 0, "unknown"],
    ["UPSTREAM_STATUS", { code: Code.CANCELLED, source: "upstream" }, 0, "unknown"],
    ["UPSTREAM_STATUS", { code: Code.INTERNAL, source: "upstream" }, 0, "success"], // its own failure: it answered
    ["UPSTREAM_STATUS", { code: Code.NOT_FOUND, source: "upstream" }, 0, "success"],
  ];
  for (const [reason, options, durationMs, outcome] of cases)
    it(`${reason} ${options.code ?? ""} after ${durationMs} ms: ${outcome}`, () => {
      assert.equal(outcomeOf(new CallError(reason, undefined, options), durationMs), outcome);
    });
});
