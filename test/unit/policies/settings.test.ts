import assert from "node:assert/strict";
import * as z from "zod/mini";
import { described, duration, durationMs, optional, percent, setting, size, withUnits } from "../../../src/policies/settings.ts";

describe("settings", () => {
  const durations = [
    ["500ms", 500],
    ["15s", 15_000],
    ["1.5s", 1500],
    ["1m30s", 90_000],
    ["1h", 3_600_000],
    ["0s", 0],
  ] as const;
  for (const [text, ms] of durations) it(`${text} is ${ms} ms`, () => assert.equal(durationMs(text), ms));

  for (const text of ["", "5", "s", "5 s", "-1s", "5sec", "1e3ms", "5S"])
    it(`${JSON.stringify(text)} is no duration`, () => {
      assert.throws(() => durationMs(text), RangeError);
      assert.equal(z.safeParse(duration, text).success, false);
    });

  for (const text of ["", "4", "4MB", "4 MiB", "-4B", "MiB"])
    it(`${JSON.stringify(text)} is no size`, () => assert.equal(z.safeParse(size, text).success, false));

  for (const text of ["", "10", "101%", "-1%", "%"])
    it(`${JSON.stringify(text)} is no percentage`, () => assert.equal(z.safeParse(percent, text).success, false));

  it("puts the unit into the key, through defaults and options and nested objects", () => {
    const schema = z.strictObject({
      total: setting(duration, "15s", "a"),
      idle: optional(duration, "b"),
      body: setting(size, "4MiB", "c"),
      sampling: setting(percent, "12.5%", "d"),
      inner: setting(z.strictObject({ head: setting(size, "1KiB", "e"), name: described(z.string(), "f") }), { name: "n" }, "g"),
    });
    const parsed = withUnits(schema, schema.parse({ idle: "2s" }));
    assert.deepEqual(parsed, {
      totalMs: 15_000,
      idleMs: 2000,
      bodyBytes: 4_194_304,
      samplingRatio: 0.125,
      inner: { headBytes: 1024, name: "n" },
    });
    // The types say the same.
    const sum: number = parsed.totalMs + (parsed.idleMs ?? 0) + parsed.bodyBytes + parsed.inner.headBytes;
    assert.equal(sum, 15_000 + 2000 + 4_194_304 + 1024);
  });
});
