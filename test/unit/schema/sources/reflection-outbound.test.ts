/** Reflection over our own gRPC outbound and HTTP/2 client, as in the sidecar. */
import assert from "node:assert/strict";
import type { Schema } from "../../../../src/schema/descriptor.ts";
import { createReflectionSource } from "../../../../src/schema/sources/reflection.ts";
import type { SchemaProblem } from "../../../../src/schema/sources/schema-problem.ts";
import { bufBuildShared } from "../../../support/buf-build.ts";
import { clusterAt } from "../../../support/hop.ts";
import { ReflectionServer } from "../../../support/reflection-server.ts";
import { until } from "../../../support/until.ts";

describe("reflection over our own outbound", () => {
  it("finds a backend that comes up late, and falls back to v1alpha", async () => {
    const set = bufBuildShared("rich/v1/rich.proto");
    const early = await ReflectionServer.start({ set });
    const { port } = early;
    early.close();
    const cluster = clusterAt(port);
    const abort = new AbortController();
    const problems: SchemaProblem[] = [];
    const source = createReflectionSource({
      handler: cluster.handler,
      upstream: `grpc://127.0.0.1:${port}`,
      onProblem: (problem) => problems.push(problem),
    });
    const next = source.watch(abort.signal)[Symbol.asyncIterator]().next();
    await until(() => problems.length > 0, "a problem");
    assert.match(problems[0]!.message, /cannot be reached; trying again$/);
    const server = await ReflectionServer.start({ set, versions: ["v1alpha"] }, port);
    try {
      const { value } = (await next) as IteratorYieldResult<Schema>;
      assert.equal(value.services.length, 1);
    } finally {
      abort.abort();
      await cluster.close();
      server.close();
    }
  });
});
