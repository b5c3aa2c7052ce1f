import assert from "node:assert/strict";
import * as z from "zod/mini";
import type { Handler } from "../../../src/core/handler.ts";
import { definePolicy, setting, duration } from "../../../src/policies/policy.ts";
import { opaqueUnaryMethod } from "../../../src/protocols/shared/opaque-type.ts";
import { Pipelines } from "../../../src/runtime/pipelines.ts";
import { callOf, createPolicyHost, okReply } from "../../support/policy-host.ts";

const made: string[] = [];

const recording = (kind: string, enabled: "always" | "default" | "opt-in", seesRefusals = false, scope: "call" | "attempt" = "call") =>
  definePolicy({
    kind,
    scope,
    summary: "Records.",
    enabled,
    seesRefusals,
    config: z.strictObject({ wait: setting(duration, "1s", "w") }),
    create({ waitMs }) {
      made.push(kind);
      return (next: Handler): Handler =>
        (call) => {
          call.metadata.append("seen", `${kind} ${waitMs}`);
          return next(call);
        };
    },
  });

const policies = [recording("first", "always", true), recording("second", "default"), recording("third", "opt-in")];

async function seen(pipelines: Pipelines, path: string): Promise<string[]> {
  const method = opaqueUnaryMethod(path);
  const call = callOf({ method });
  await pipelines.handlerOf(method)(call);
  return call.metadata.getAll("seen");
}

describe("pipelines", () => {
  const target: Handler = () => Promise.resolve(okReply());
  const pipelinesOf = (config: ConstructorParameters<typeof Pipelines>[0]["config"]): Pipelines =>
    new Pipelines({ policies, config, services: createPolicyHost(), target: () => target });

  it("hold what is on, in the order of the list, with the settings of the method", async () => {
    const pipelines = pipelinesOf({
      policies: { third: { wait: "3s" } },
      methods: { "a.B/C": { second: false, third: { wait: "5s" } }, "a.*": { second: { wait: "2s" } } },
    });
    assert.deepEqual(await seen(pipelines, "/a.B/C"), ["first 1000", "third 5000"]);
    assert.deepEqual(await seen(pipelines, "/a.B/D"), ["first 1000", "second 2000", "third 3000"]);
    assert.deepEqual(await seen(pipelines, "/x.Y/Z"), ["first 1000", "second 1000", "third 3000"]);
  });

  it("cost nothing where everything is off: the handler is the target", () => {
    const pipelines = new Pipelines({
      policies: [policies[2]!],
      config: { policies: {}, methods: {} },
      services: createPolicyHost(),
      target: () => target,
    });
    assert.equal(pipelines.handlerOf(opaqueUnaryMethod("/a.B/C")), target);
  });

  it("are composed once per method, and share the layers of equal settings", () => {
    made.length = 0;
    const pipelines = pipelinesOf({ policies: {}, methods: { "a.B/C": { third: {} }, "a.B/D": { third: {} } } });
    const [c, d] = [opaqueUnaryMethod("/a.B/C"), opaqueUnaryMethod("/a.B/D")];
    const handler = pipelines.handlerOf(c);
    pipelines.handlerOf(d);
    assert.equal(pipelines.handlerOf(c), handler);
    assert.deepEqual(made.sort(), ["first", "second", "third"]);
  });

  it("remember no more methods than their bound", async () => {
    const pipelines = pipelinesOf({ policies: {}, methods: {} });
    for (let i = 0; i < 10_000; i++) pipelines.handlerOf({ ...opaqueUnaryMethod("/a.B/C"), path: `/a.B/${i}` });
    const kept = (pipelines as unknown as { handlers: Map<unknown, unknown> }).handlers;
    assert.ok(kept.size <= 4096);
    assert.deepEqual(await seen(pipelines, "/a.B/new"), ["first 1000", "second 1000"]);
  });

  it("put the layers of an attempt inside those of the call, and leave them out of what the proxy answers itself", async () => {
    const pipelines = new Pipelines({
      policies: [recording("tried", "default", false, "attempt"), recording("called", "default")],
      config: { policies: {}, methods: {} },
      services: createPolicyHost(),
      target: () => target,
      own: ({ path }) => (path === "/own.Service/Get" ? target : undefined),
    });
    assert.deepEqual(await seen(pipelines, "/a.B/C"), ["called 1000", "tried 1000"]);
    assert.deepEqual(await seen(pipelines, "/own.Service/Get"), ["called 1000"]);
  });

  it("show refusals to the layers that ask for them", async () => {
    const pipelines = pipelinesOf({ policies: {}, methods: {} });
    const call = callOf();
    await pipelines.observed(target)(call);
    assert.deepEqual(call.metadata.getAll("seen"), ["first 1000"]);
  });
});
