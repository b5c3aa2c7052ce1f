/** The configuration's settings of REST reach the method table, and a change of one of them makes another table. */
import assert from "node:assert/strict";
import { sameTable, tableOptions } from "../../../src/runtime/table-options.ts";
import { defaultBinding } from "../../../src/schema/binding/binding-options.ts";
import { Keep } from "../../../src/schema/percent-decoding.ts";
import { configOf } from "../../support/runtime-host.ts";

const configWith = (binding: object) => configOf({ "inbound.upstream": "grpc://127.0.0.1:1", "inbound.binding": binding });

describe("options of the method table", () => {
  it("are the binder's defaults unless set", async () => {
    const { autoMapping, binding } = tableOptions(await configWith({}));
    assert.equal(autoMapping, true);
    assert.deepEqual({ ...defaultBinding, ...binding }, { ...defaultBinding, profiles: binding!.profiles });
  });

  const cases = [
    // inbound.binding                      what the table is made with
    [{ autoMapping: false }, { autoMapping: false }],
    [{ ignoreUnknownParameters: true }, { ignoreUnknownParameters: true }],
    [{ ignoredParameters: ["alt"] }, { ignoredParameters: ["alt"] }],
    [{ queryOverBody: true }, { queryOverBody: true }],
    [{ refuseCollisions: true }, { refuseCollisions: true }],
    [{ repeatedMessages: true }, { repeatedMessages: true }],
    [{ keepEscapes: "slash" }, { multiSegmentKeep: Keep.SLASH }],
  ] as const;
  for (const [set, made] of cases)
    it(`follow inbound.binding ${JSON.stringify(set)}`, async () => {
      const config = await configWith(set);
      const { autoMapping, binding } = tableOptions(config);
      const options: Record<string, unknown> = { ...binding, autoMapping };
      for (const [key, value] of Object.entries(made)) assert.deepEqual(options[key], value);
      assert.ok(!sameTable(config, await configWith({})));
      assert.ok(sameTable(config, await configWith(set)));
    });
});
