import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { policies } from "../../src/policies/index.ts";
import { policyContract } from "./policy-contract.ts";

/** Settings without which a policy cannot be made. */
const needed: Readonly<Record<string, Readonly<Record<string, unknown>>>> = {
  "access-log": { path: "calls.log" },
  authenticate: { mtls: {}, optional: true },
  authorize: { allow: ["true"] },
  "external-auth": { server: "grpc://127.0.0.1:1", failOpen: true },
  fallback: { message: {}, on: ["DATA_LOSS"] },
};

describe("policies", () => {
  for (const policy of policies) policyContract(policy, needed[policy.kind] ?? {});

  it("stand in the documented order", () => {
    assert.deepEqual(
      policies.map((policy) => policy.kind),
      [
        "rescue",
        "trace",
        "metrics",
        "access-log",
        "timeout",
        "deadline",
        "shed",
        "authenticate",
        "authorize",
        "external-auth",
        "fallback",
        "fault",
        "hedge",
        "retry",
        "circuit-breaker",
        "credentials",
      ],
    );
  });

  for (const policy of policies)
    it(`${policy.kind} has a page that names each of its settings`, () => {
      const page = readFileSync(join(import.meta.dirname, `../../docs/policies/${policy.kind}.md`), "utf8");
      assert.ok(page.startsWith(`# ${policy.kind}\n`));
      assert.ok(page.includes(policy.summary), "the page begins with the summary");
      for (const setting of Object.keys(policy.config.shape)) assert.ok(page.includes(`\`${setting}\``), `it says what ${setting} is`);
    });
});
