import assert from "node:assert/strict";
import fc from "fast-check";
import { Metadata } from "../../../src/core/metadata.ts";

describe("Metadata", () => {
  it("keeps every value of a key in order", () => {
    const metadata = Metadata.from([
      ["A", "1"],
      ["b", "2"],
      ["a", "3"],
    ]);
    assert.deepEqual(metadata.getAll("a"), ["1", "3"]);
    assert.equal(metadata.get("a"), "1");
    assert.equal(metadata.size, 3);
  });

  it("copies a shared list on the first write, and only then", () => {
    const list = Object.freeze(["a", "1"]);
    const metadata = Metadata.share(list);
    assert.equal(metadata.flat, list);
    assert.equal(metadata.sharedFlat, list);
    metadata.append("b", "2");
    assert.notEqual(metadata.flat, list);
    assert.equal(metadata.sharedFlat, undefined);
    assert.deepEqual(list, ["a", "1"]);
    assert.deepEqual(metadata.flat, ["a", "1", "b", "2"]);
  });

  it("leaves a clone's source alone", () => {
    const source = Metadata.from({ a: "1" });
    source.clone().set("a", "2");
    assert.equal(source.get("a"), "1");
  });

  it("replaces all values by set, removes all by delete", () => {
    const metadata = new Metadata(["a", "1", "b", "2", "a", "3", "a", "4"]);
    metadata.set("a", "9");
    assert.deepEqual(metadata.flat, ["a", "9", "b", "2"]);
    metadata.delete("a");
    assert.deepEqual(metadata.flat, ["b", "2"]);
  });

  it("carries bytes in -bin keys, padded or not, joined by commas or not", () => {
    const metadata = new Metadata(["a-bin", "AQ==,Ag", "a-bin", ""]);
    metadata.appendBinary("a-bin", Uint8Array.of(1, 2, 3, 4));
    assert.deepEqual(
      metadata.getAllBinary("a-bin").map((value) => Buffer.from(value).toString("hex")),
      ["01", "02", "", "01020304"],
    );
  });

  it("refuses to write to the shared empty one", () => {
    assert.throws(() => Metadata.empty.append("a", "1"), TypeError);
  });

  it("behaves like a list of pairs under any sequence of operations", () => {
    const name = fc.constantFrom("a", "b", "c");
    const step = fc.oneof(
      fc.record({ op: fc.constant("append" as const), name, value: fc.string({ maxLength: 2 }) }),
      fc.record({ op: fc.constant("set" as const), name, value: fc.string({ maxLength: 2 }) }),
      fc.record({ op: fc.constant("delete" as const), name, value: fc.constant("") }),
    );
    fc.assert(
      fc.property(fc.array(step), (steps) => {
        const metadata = new Metadata();
        let model: [string, string][] = [];
        for (const { op, name, value } of steps) {
          if (op === "append") {
            metadata.append(name, value);
            model.push([name, value]);
          } else if (op === "delete") {
            metadata.delete(name);
            model = model.filter(([key]) => key !== name);
          } else {
            metadata.set(name, value);
            const at = model.findIndex(([key]) => key === name);
            if (at < 0) model.push([name, value]);
            else model = model.flatMap((pair, i): [string, string][] => (i === at ? [[name, value]] : pair[0] === name ? [] : [pair]));
          }
        }
        assert.deepEqual([...metadata], model);
      }),
    );
  });
});
