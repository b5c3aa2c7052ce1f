/** The policy matrix: each refusal of each policy arrives in the form of every protocol, with its code, its reason and its details. */
import assert from "node:assert/strict";
import { policies } from "../../src/policies/index.ts";
import { lines } from "./lines.ts";
import { playLine } from "./play.ts";

/** They refuse nothing; what they do is in their own tests. */
const neverRefuse: ReadonlySet<string> = new Set(["rescue", "trace", "metrics", "access-log", "timeout", "deadline", "retry", "hedge"]);

describe("policy matrix", function () {
  this.timeout(60_000);

  for (const line of lines)
    it(`${line.policy}: ${line.what}`, async () => {
      assert.deepEqual(await playLine(line), []);
    });

  it("has a line for each policy that refuses", () => {
    const missing = policies.filter(({ kind }) => !neverRefuse.has(kind) && !lines.some(({ policy }) => policy === kind));
    assert.deepEqual(
      missing.map(({ kind }) => kind),
      [],
    );
  });
});
