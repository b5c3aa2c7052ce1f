/** Which name is suggested for a misspelt one, and when none is. */
import assert from "node:assert/strict";
import { didYouMean, nearestName } from "../../../src/core/nearest-name.ts";

describe("nearest name", () => {
  const names = ["pageSize", "pageToken", "id", "UNAVAILABLE", "sku"];
  const cases = [
    ["pageSzie", "pageSize"],
    ["page_size", "pageSize"],
    ["PAGESIZE", "pageSize"],
    ["pagesizes", "pageSize"],
    ["pageTokne", "pageToken"],
    ["UNAVAILABEL", "UNAVAILABLE"],
    ["ids", "id"],
    ["sk", "sku"],
    ["zzz", undefined],
    ["completelyDifferent", undefined],
    ["", undefined],
    ["x".repeat(1000), undefined],
  ] as const;
  for (const [name, nearest] of cases)
    it(`${name.slice(0, 20) || "nothing"}: ${nearest ?? "none"}`, () => assert.equal(nearestName(name, names), nearest));

  it("reads as a hint", () => {
    assert.equal(didYouMean("pageSzie", names), " (did you mean pageSize?)");
    assert.equal(didYouMean("zzz", names), "");
  });
});
