/** Our CEL beside @bufbuild/cel, which is made by other people: the same expressions over the same values have the same results. */
import assert from "node:assert/strict";
import { celEnv, parse, plan } from "@bufbuild/cel";
import fc from "fast-check";
import { celValue, ExpressionFailure, Expressions } from "../../src/expressions/expression.ts";

const expressions = new Expressions({ a: "dyn", b: "dyn", text: "string", table: "map<string, dyn>" });

const json = fc.oneof(
  fc.integer({ min: -5, max: 5 }),
  fc.double({ min: -4, max: 4, noNaN: true }),
  fc.constantFrom("", "a", "ab", "b", "é"),
  fc.boolean(),
  fc.array(fc.integer({ min: -2, max: 2 }), { maxLength: 3 }),
  fc.array(fc.constantFrom("a", "b"), { maxLength: 3 }),
  fc.constant(null),
);

const values = fc.record({
  a: json,
  b: json,
  text: fc.constantFrom("", "a", "shop.v1.Orders/Get", "spiffe://mesh/service/cart", "ab"),
  // A key whose value is null is there (cel-spec, "Field Selection"); the other implementation takes it for missing.
  table: fc.dictionary(
    fc.constantFrom("a", "b", "toString", "x-y"),
    json.filter((value) => value !== null),
    { maxKeys: 3 },
  ),
});

const conditions = [
  "a == b",
  "a != b",
  "a < b",
  "a >= b",
  "a in [1, 2]",
  "a == 1 || b == 1",
  'text.startsWith("a") && text.endsWith("t")',
  'text.contains("v1") ? a == b : a != b',
  'text.matches("^shop\\\\.v[0-9]+\\\\.")',
  "size(text) > 2",
  '"a" in table',
  '"toString" in table',
  "has(table.a) && table.a == a",
  'table["a"] == table["b"]',
  "table.a == a",
  "[1, 2, 3].exists(x, x == a)",
  "[1, 2, 3].all(x, x > 0)",
  "size(table) == 2",
  'table.exists(k, k == "a")',
  "!(a == b)",
  '(text == "" || has(table.b)) && !(text == "a")',
  'text + "x" == "ax"',
  "string(size(text)) == text",
  "type(a) == type(b)",
];

const environment = celEnv();

describe("CEL beside another implementation of it", () => {
  for (const source of conditions)
    it(source, () => {
      const ours = expressions.compile(source, "bool");
      const theirs = plan(environment, parse(source));
      fc.assert(
        fc.property(values, (given) => {
          const converted = Object.fromEntries(Object.entries(given).map(([name, value]) => [name, celValue(value)]));
          assert.equal(
            ownResult(() => ours.evaluate(converted)),
            otherResult(() => theirs(converted as never)),
            JSON.stringify(given),
          );
        }),
        { numRuns: 200 },
      );
    });
});

function ownResult(evaluate: () => unknown): unknown {
  try {
    return evaluate();
  } catch (error) {
    assert.ok(error instanceof ExpressionFailure);
    return "failure";
  }
}

/** It gives an error back as a value. */
function otherResult(evaluate: () => unknown): unknown {
  try {
    const result = evaluate();
    return typeof result === "boolean" ? result : "failure";
  } catch {
    return "failure";
  }
}
