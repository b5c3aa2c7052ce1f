import assert from "node:assert/strict";
import fc from "fast-check";
import { slot, Slots } from "../../../src/core/slots.ts";

describe("Slots", () => {
  it("behave like a map over key objects", () => {
    const keys = ["a", "b", "c", "d"].map((name) => slot<number>(name));
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.nat(3), fc.nat())), (writes) => {
        const slots = new Slots();
        const model = new Map<object, number>();
        for (const [at, value] of writes) {
          slots.set(keys[at]!, value);
          model.set(keys[at]!, value);
        }
        for (const key of keys) assert.equal(slots.get(key), model.get(key));
      }),
    );
  });

  it("tells keys of the same name apart", () => {
    const slots = new Slots();
    slots.set(slot("x"), 1);
    assert.equal(slots.get(slot("x")), undefined);
  });
});
