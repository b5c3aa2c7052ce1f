import assert from "node:assert/strict";
import { enumNames } from "../../../../src/schema/codec/enum-names.ts";
import type { EnumDescriptor } from "../../../../src/schema/descriptor.ts";

/** Values by number, in the order given. */
function enumOf(name: string, ...values: readonly string[]): EnumDescriptor {
  return {
    name,
    closed: false,
    comment: undefined,
    values: values.map((value, index) => ({
      name: value.replace(/=.*/, ""),
      number: Number(/=(.*)/.exec(value)?.[1] ?? index),
      comment: undefined,
    })),
  };
}

const strip = { stripEnumPrefix: true, caseInsensitiveEnums: false };

describe("names of enum values", () => {
  const cases: readonly (readonly [type: EnumDescriptor, printed: readonly string[]])[] = [
    [enumOf("shop.v1.OrderStatus", "ORDER_STATUS_UNSPECIFIED", "ORDER_STATUS_PAID"), ["UNSPECIFIED", "PAID"]],
    [enumOf("shop.v1.Order.Status", "STATUS_OPEN", "CLOSED"), ["OPEN", "CLOSED"]],
    [enumOf("Order_Status", "ORDER_STATUS_A"), ["A"]],
    [enumOf("HTTP2Mode", "HTTP2_MODE_ON", "HTTP_2_MODE_OFF"), ["ON", "OFF"]],
    [enumOf("kind", "kind_small", "Kind_Large"), ["small", "Large"]],
    [enumOf("Kind", "KINDNESS", "KIND", "KIND_", "KIND__X"), ["KINDNESS", "KIND", "KIND_", "X"]], // a word that only begins alike stays
    [enumOf("Version", "VERSION_1", "VERSION_TWO"), ["VERSION_1", "TWO"]], // what is left would look like a number
    [enumOf("Level", "LEVEL_LOW", "LOW"), ["LEVEL_LOW", "LOW"]], // what is left is another's name
    [enumOf("Level", "LEVEL_LOW", "Level_LOW"), ["LEVEL_LOW", "Level_LOW"]],
    [enumOf("Level", "LEVEL_LOW=1", "LEVEL_SMALL=1"), ["LOW"]], // an alias: the first is printed
  ];
  for (const [type, printed] of cases)
    it(`${type.values.map(({ name }) => name).join(", ")} of ${type.name}`, () => {
      const names = enumNames(type, strip);
      assert.deepEqual([...names.printed.values()], printed);
      for (const { name, number } of type.values) assert.equal(names.numberOf(name), number);
      for (const [number, name] of names.printed) assert.equal(names.numberOf(name), number);
    });

  it("that differ in case alone are read as they are written, and otherwise as the first", () => {
    const names = enumNames(enumOf("Unit", "MM", "Mm"), { stripEnumPrefix: false, caseInsensitiveEnums: true });
    assert.deepEqual(
      ["MM", "Mm", "mm"].map((name) => names.numberOf(name)),
      [0, 1, 0],
    );
  });

  it("are read as they are, without a profile", () => {
    const names = enumNames(enumOf("Kind", "KIND_SMALL"), { stripEnumPrefix: false, caseInsensitiveEnums: false });
    assert.deepEqual(
      ["KIND_SMALL", "SMALL", "kind_small"].map((name) => names.numberOf(name)),
      [0, undefined, undefined],
    );
  });
});
