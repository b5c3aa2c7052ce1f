import assert from "node:assert/strict";
import { noteOutsideMemory, onOutsideMemory } from "../../../src/core/outside-memory.ts";

describe("memory outside the heap", () => {
  afterEach(() => onOutsideMemory(Infinity, () => undefined));

  it("is told of each time so much was taken", () => {
    let told = 0;
    onOutsideMemory(100_000, () => told++);
    for (let i = 0; i < 99; i++) noteOutsideMemory(5_000);
    assert.equal(told, 4);
    noteOutsideMemory(5_000);
    assert.equal(told, 5);
    noteOutsideMemory(1_000_000);
    assert.equal(told, 6);
  });

  it("small buffers share a pool and are not counted", () => {
    let told = 0;
    onOutsideMemory(10_000, () => told++);
    for (let i = 0; i < 100; i++) noteOutsideMemory(4_000);
    assert.equal(told, 0);
  });
});
