/**
 * The bounded run of the codec's differential fuzzing; the whole one is
 *
 *   DRAGOMAN_FUZZ_CASES=400000 mocha --timeout 0 test/fuzz/json-codec.test.ts
 */
import assert from "node:assert/strict";
import { describeCase, fuzzCase } from "./json-codec.ts";

/** Cases 0 to n are the same in every run; DRAGOMAN_FUZZ_SEED moves the start. */
const cases = Number(process.env["DRAGOMAN_FUZZ_CASES"] ?? 12_000);
const first = Number(process.env["DRAGOMAN_FUZZ_SEED"] ?? 0);

describe("codec, fuzzed against protobuf-es", () => {
  it(`${cases} cases from ${first} without a difference`, function () {
    this.timeout(0);
    for (let number = first; number < first + cases; number++) {
      const finding = fuzzCase(number);
      if (finding !== undefined) assert.fail(`case ${number}: ${describeCase(number)}\n${finding}`);
    }
  });
});
