import assert from "node:assert/strict";
import { PeakEwma } from "../../../src/upstream/peak-ewma.ts";

describe("the average that believes bad news at once", () => {
  it("guesses until it has seen something, then takes the first sample", () => {
    const average = new PeakEwma();
    assert.equal(average.at(0), 30);
    average.add(5, 0);
    assert.equal(average.at(0), 5);
  });

  it("jumps to a peak and comes down slowly", () => {
    const average = new PeakEwma();
    average.add(10, 0);
    average.add(500, 1000);
    assert.equal(average.at(1000), 500);
    average.add(10, 2000);
    assert.ok(average.at(2000) > 400);
  });

  it("is forgotten by time alone", () => {
    const average = new PeakEwma();
    average.add(1000, 0);
    assert.ok(average.at(10_000) < 370);
    assert.ok(average.at(100_000) < 1);
  });
});
