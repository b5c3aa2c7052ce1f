/** Reflection against real servers, well-behaved and not. */
import assert from "node:assert/strict";
import type { Clock } from "../../../../src/core/clock.ts";
import { buildSchema } from "../../../../src/schema/build-schema.ts";
import type { Schema } from "../../../../src/schema/descriptor.ts";
import { createReflectionSource, type ReflectionSourceOptions } from "../../../../src/schema/sources/reflection.ts";
import type { SchemaProblem } from "../../../../src/schema/sources/schema-problem.ts";
import { bufBuild, bufBuildShared } from "../../../support/buf-build.ts";
import { createGrpcJsHandler } from "../../../support/grpc-js-handler.ts";
import { until } from "../../../support/until.ts";
import { ReflectionServer, type ReflectionServerOptions } from "../../../support/reflection-server.ts";

/** Real time, a hundred times faster. */
const fastClock: Clock = {
  nowMs: () => performance.now(),
  wallMs: () => Date.now(),
  after(delayMs, task) {
    const timer = setTimeout(task, delayMs / 100);
    return { cancel: () => clearTimeout(timer) };
  },
};

describe("reflection source", () => {
  let rich: Uint8Array;
  const closing: (() => void)[] = [];

  before(function () {
    this.timeout(30_000);
    rich = bufBuildShared("rich/v1/rich.proto");
  });
  afterEach(() => closing.splice(0).forEach((close) => close()));

  async function serve(options: Partial<ReflectionServerOptions>, port?: number): Promise<ReflectionServer> {
    const server = await ReflectionServer.start({ set: rich, ...options }, port);
    closing.push(() => server.close());
    return server;
  }

  interface Watched {
    readonly problems: SchemaProblem[];
    next(): Promise<Schema>;
    problem(pattern: RegExp): Promise<SchemaProblem>;
  }

  function watch(server: { readonly url: string }, options: Partial<ReflectionSourceOptions> = {}): Watched {
    const { handler, close } = createGrpcJsHandler(server.url.slice("grpc://".length));
    const abort = new AbortController();
    closing.push(() => {
      abort.abort();
      close();
    });
    const problems: SchemaProblem[] = [];
    let heard: (() => void) | undefined;
    const source = createReflectionSource({
      handler,
      upstream: server.url,
      clock: fastClock,
      onProblem: (problem) => {
        problems.push(problem);
        heard?.();
      },
      ...options,
    });
    const schemas = source.watch(abort.signal)[Symbol.asyncIterator]();
    // A problem is told while the next schema is waited for, so that one wait serves both.
    let pending: Promise<IteratorResult<Schema>> | undefined;
    return {
      problems,
      async next() {
        const { value, done } = await (pending ??= schemas.next());
        pending = undefined;
        assert.ok(!done);
        return value;
      },
      async problem(pattern) {
        pending ??= schemas.next();
        for (;;) {
          const found = problems.find(({ message }) => pattern.test(message));
          if (found !== undefined) return found;
          await new Promise<void>((resolve) => (heard = resolve));
        }
      },
    };
  }

  for (const versions of [["v1"], ["v1alpha"], ["v1", "v1alpha"]] as const)
    for (const withImports of [false, true])
      it(`reads all files from a server with ${versions.join(" and ")}${withImports ? " that sends imports along" : ""}`, async () => {
        const server = await serve({ versions, withImports });
        const schema = await watch(server).next();
        assert.deepEqual(
          schema.services.map(({ name }) => name),
          ["rich.v1.Things"],
        );
        assert.deepEqual(schema.services[0]!.methods[0]!.http, buildSchema(rich).services[0]!.methods[0]!.http);
      });

  it("leaves out services that the server does not list", async () => {
    const set = bufBuild({
      "a.proto": `syntax = "proto3"; package a; message M {} service Served { rpc Do(M) returns (M); } service Idle { rpc Do(M) returns (M); }`,
    });
    const schema = await watch(await serve({ set, services: ["a.Served"] })).next();
    assert.deepEqual(
      schema.services.map(({ name }) => name),
      ["a.Served"],
    );
  });

  it("goes on without a service that has no file, and says so", async () => {
    const watched = watch(await serve({ services: ["rich.v1.Things", "ghost.Ghost"] }));
    assert.equal((await watched.next()).services.length, 1);
    assert.match(watched.problems[0]!.message, /serves ghost.Ghost but has no file for it: only gRPC passes through there$/);
    assert.equal(watched.problems[0]!.fatal, false);
  });

  it("takes google.protobuf files from itself when the server denies them", async () => {
    const schema = await watch(await serve({ hidden: ["google/protobuf/timestamp.proto", "google/protobuf/descriptor.proto"] })).next();
    assert.ok(schema.message("google.protobuf.Timestamp"));
  });

  describe("says in one line", () => {
    const cases: readonly [title: string, options: Partial<ReflectionServerOptions>, message: RegExp, fatal: boolean][] = [
      [
        "that there is no reflection",
        { versions: [] },
        /^upstream grpc:\/\/127.0.0.1:\d+ has no reflection service: pass --proto or --descriptors, or add reflection to the server$/,
        true,
      ],
      [
        "which file an import is missing from",
        { hidden: ["google/api/annotations.proto"] },
        /^upstream grpc:\S+: rich\/v1\/rich.proto imports google\/api\/annotations.proto, which the server does not serve; link it into the server/,
        true,
      ],
      ["that it may not ask", { misbehave: "deny" }, /refuses reflection \(PERMISSION_DENIED\): allow it, or pass --proto/, true],
      ["that the server never answers", { misbehave: "hang" }, /did not answer the reflection call in time; trying again$/, false],
      [
        "that the server stops answering",
        { misbehave: "hang-after-list" },
        /did not answer the reflection call in time; trying again$/,
        false,
      ],
      ["that the answer is garbage", { misbehave: "garbage" }, /not valid protobuf/, true],
      ["that the answer ends early", { misbehave: "end-early" }, /ended the reflection call before it had answered/, false],
      ["that it cannot list", { misbehave: "list-error" }, /does not list its services: "cannot\\nlist"$/, true],
      ["that the files have no end", { misbehave: "endless-files" }, /serves more than 4096 files$/, true],
      ["that there are too many services", { misbehave: "many-services" }, /lists more than 4096 services$/, true],
      ["that there are no services", { services: [] }, /lists no services except reflection itself$/, true],
    ];
    for (const [title, options, message, fatal] of cases)
      it(title, async () => {
        // The clock runs fast, and four thousand files take their time.
        const roundMs = options.misbehave === "endless-files" ? 1_000_000 : 10_000;
        const { fatal: actual, message: text } = await watch(await serve(options), { roundMs }).problem(message);
        assert.equal(actual, fatal);
        assert.ok(!text.includes("\n"));
      });
  });

  it("says each problem once, keeps trying, and recovers by itself", async () => {
    const first = await serve({ versions: [] });
    const watched = watch(first);
    await watched.problem(/no reflection service/);
    first.close();
    await watched.problem(/cannot be reached; trying again$/);
    watched.problems.forEach(({ message }, i) => assert.notEqual(message, watched.problems[i - 1]?.message));
    assert.ok(watched.problems.length <= 4, String(watched.problems.length));
    await serve({}, first.port);
    assert.equal((await watched.next()).services.length, 1);
  });

  it("yields a changed schema, not an unchanged one, and keeps the last while the backend is away", async () => {
    const set = (fields: string): Uint8Array =>
      bufBuild({ "a.proto": `syntax = "proto3"; package a; message M { ${fields} } service S { rpc Do(M) returns (M); }` });
    const server = await serve({ set: set("string x = 1;") });
    const watched = watch(server);
    const first = await watched.next();
    const second = watched.next();
    const polled = server.streams;
    await until(() => server.streams >= polled + 2, "two more rounds");
    server.options = { ...server.options, misbehave: "hang" };
    await until(() => watched.problems.length > 0, "a problem");
    assert.match(watched.problems[0]!.message, /did not answer .*; the last known schema stays in use$/);
    server.options = { set: set("string x = 1; int32 y = 2;") };
    const changed = await second;
    assert.notEqual(changed.hash, first.hash);
    assert.equal(changed.message("a.M")!.fields.length, 2);
  });

  it("ends when the signal aborts, also in the middle of a round", async () => {
    const server = await serve({ misbehave: "hang" });
    const { handler, close } = createGrpcJsHandler(`127.0.0.1:${server.port}`);
    closing.push(close);
    const abort = new AbortController();
    const problems: SchemaProblem[] = [];
    const source = createReflectionSource({ handler, upstream: server.url, onProblem: (problem) => problems.push(problem) });
    const next = source.watch(abort.signal)[Symbol.asyncIterator]().next();
    await until(() => server.requests > 0, "a request");
    abort.abort();
    assert.deepEqual(await next, { done: true, value: undefined });
    assert.deepEqual(problems, []);
  });
});
