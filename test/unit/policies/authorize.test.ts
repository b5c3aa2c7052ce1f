/** Who may do what: expressions over what is known of a call, and that whatever goes wrong refuses. */
import assert from "node:assert/strict";
import type { CallError } from "../../../src/core/call-error.ts";
import { PrincipalSlot, type Principal } from "../../../src/core/principal.ts";
import { authorize } from "../../../src/policies/authorize.ts";
import { callOf, createPolicyHost, okReply, type PolicyHost } from "../../support/policy-host.ts";

const alice: Principal = {
  kind: "jwt",
  id: "alice",
  claims: { role: ["reader", "writer"], level: 3, ratio: 0.5, tenant: { name: "blue" } },
  expiresAtMs: Infinity,
};

describe("authorize", () => {
  let host: PolicyHost;

  before(() => authorize.load());
  beforeEach(() => (host = createPolicyHost()));

  async function refusal(
    settings: Readonly<Record<string, unknown>>,
    principal?: Principal,
    metadata: readonly (readonly [string, string])[] = [],
  ): Promise<string | undefined> {
    const call = callOf({ metadata });
    if (principal !== undefined) call.slots.set(PrincipalSlot, principal);
    try {
      await authorize.create(authorize.config.parse(settings), host)(() => Promise.resolve(okReply()))(call);
      return undefined;
    } catch (error) {
      return (error as CallError).reason;
    }
  }

  const conditions: readonly (readonly [string, boolean])[] = [
    ['principal == "alice"', true],
    ['principal.startsWith("spiffe://")', false],
    ['kind == "jwt"', true],
    ['"writer" in claims.role', true],
    ["claims.level >= 3", true],
    ["claims.level == 3", true],
    ["claims.level % 2 == 1", true],
    ["claims.ratio < 0.6", true],
    ['claims.tenant.name == "blue"', true],
    ["has(claims.admin)", false],
    ["has(claims.constructor)", false],
    ['"toString" in metadata', false],
    ['method == "shop.v1.Orders/Get"', true],
    ['service == "shop.v1.Orders"', true],
    ['protocol == "rest"', true],
    ['source.address.startsWith("10.")', true],
    ['source.identity == ""', true],
    ['metadata["x-tenant"] == "blue, red"', true],
    ['claims.role.exists(r, r == "writer") && !claims.role.exists(r, r == "owner")', true],
  ];
  const tenants = [
    ["x-tenant", "blue"],
    ["x-tenant", "red"],
  ] as const;
  for (const [condition, holds] of conditions)
    it(`${condition} ${holds ? "holds" : "does not hold"}`, async () => {
      assert.equal(await refusal({ allow: [condition] }, alice, tenants), holds ? undefined : "NOT_AUTHORIZED");
      assert.equal(await refusal({ deny: [condition] }, alice, tenants), holds ? "NOT_AUTHORIZED" : undefined);
    });

  it("denies first, and by default where there is something that allows", async () => {
    const settings = { allow: ['principal == "alice"', 'principal == "bob"'], deny: ['metadata["x-a"] == "1"'] };
    assert.equal(await refusal(settings, { ...alice, id: "bob" }, [["x-a", "2"]]), undefined);
    assert.equal(await refusal(settings, alice, [["x-a", "1"]]), "NOT_AUTHORIZED");
    assert.equal(await refusal(settings, { ...alice, id: "carol" }, [["x-a", "2"]]), "NOT_AUTHORIZED");
  });

  it("takes what cannot be evaluated for a refusal, on either side", async () => {
    assert.equal(await refusal({ deny: ['metadata["x-a"] == "1"'] }, alice), "NOT_AUTHORIZED");
    assert.match(JSON.stringify(host.logged[0]), /No such key/);
    assert.equal(await refusal({ allow: ["claims.level > 1"] }), "NOT_AUTHORIZED");
    assert.equal(await refusal({ allow: ["claims.missing == 1", 'principal == "alice"'] }, alice), undefined);
  });

  it("takes a call without a principal for one whose principal is empty", async () => {
    assert.equal(await refusal({ deny: ['principal == ""'] }), "NOT_AUTHORIZED");
    assert.equal(await refusal({ allow: ['kind == "anonymous"'] }), undefined);
  });

  it("only logs and counts in shadow", async () => {
    assert.equal(await refusal({ deny: ["true"], shadow: true }, alice), undefined);
    assert.equal(host.logged[0]?.message, "a call would be refused");
    assert.deepEqual(
      [...host.metrics.policies.all()].map(({ outcome, count }) => [outcome, count]),
      [
        ["allowed", 0],
        ["shadow-denied", 1],
      ],
    );
  });

  const faults: readonly (readonly [string, RegExp])[] = [
    ["principal ==", /character 13/],
    ["nobody == 1", /Unknown variable: nobody, at character 1/],
    ["principal + 1", /no such overload: string \+ int/],
    ["principal", /it gives string, not bool/],
    ["1 + 1", /it gives int, not bool/],
    ['principal == "a"\n  && x', /line 2, character 6/],
  ];
  for (const [condition, why] of faults)
    it(`says what is wrong with ${JSON.stringify(condition)}`, () => {
      const result = authorize.config.safeParse({ allow: [condition] });
      assert.equal(result.success, false);
      assert.match(result.error.issues[0]!.message, why);
      assert.deepEqual(result.error.issues[0]!.path, ["allow", 0]);
    });

  it("needs an expression", () => {
    assert.equal(authorize.config.safeParse({}).success, false);
  });
});
