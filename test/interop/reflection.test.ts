/** grpc.reflection v1 and v1alpha on the inbound port: ours over a schema from files, the backend's own where it has one; judged by grpcurl, buf curl and grpc-js. */
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { createFileRegistry, fromBinary, toBinary } from "@bufbuild/protobuf";
import { FileDescriptorProtoSchema, FileDescriptorSetSchema, type FileDescriptorProto } from "@bufbuild/protobuf/wkt";
import * as grpc from "@grpc/grpc-js";
import { buildSchema } from "../../src/schema/build-schema.ts";
import { bufBuild } from "../support/buf-build.ts";
import { startEchoServer, type EchoServer } from "../support/echo-server.ts";
import { outside } from "../support/outside.ts";
import { grpcClient, webClient } from "../support/own-clients.ts";
import { ReflectionServer } from "../support/reflection-server.ts";
import { startRuntime, type RuntimeHost } from "../support/runtime-host.ts";
import { until } from "../support/until.ts";

const run = promisify(execFile);
const echo = "dragoman.test.v1.Echo";
const own = ["grpc.health.v1.Health", "grpc.reflection.v1.ServerReflection", "grpc.reflection.v1alpha.ServerReflection"];
const versions = ["v1", "v1alpha"] as const;

interface Answer {
  readonly validHost: string;
  readonly originalRequest: Record<string, unknown>;
  readonly messageResponse: string;
  readonly fileDescriptorResponse?: { readonly fileDescriptorProto: readonly Buffer[] };
  readonly allExtensionNumbersResponse?: { readonly baseTypeName: string; readonly extensionNumber: readonly number[] };
  readonly listServicesResponse?: { readonly service: readonly { readonly name: string }[] };
  readonly errorResponse?: { readonly errorCode: number; readonly errorMessage: string };
}

/** Asks all questions on one stream. */
function ask(address: string, version: (typeof versions)[number], ...questions: readonly object[]): Promise<Answer[]> {
  const client = grpcClient(`grpc.reflection.${version}.ServerReflection`, address) as unknown as grpc.Client & {
    serverReflectionInfo(): grpc.ClientDuplexStream<object, Answer>;
  };
  return new Promise<Answer[]>((resolve, reject) => {
    const answers: Answer[] = [];
    const stream = client.serverReflectionInfo();
    stream.on("data", (answer: Answer) => answers.push(answer));
    stream.on("end", () => resolve(answers));
    stream.on("error", reject);
    for (const question of questions) stream.write(question);
    stream.end();
  }).finally(() => client.close());
}

function filesOf(answer: Answer): FileDescriptorProto[] {
  return answer.fileDescriptorResponse!.fileDescriptorProto.map((bytes) => fromBinary(FileDescriptorProtoSchema, bytes));
}

const extended = {
  "ext/v1/base.proto": `syntax = "proto2"; package ext.v1;
    message Base { extensions 100 to 199; extensions 1000; oneof choice { string a = 1; } enum Inner { INNER_ZERO = 0; } message Deep { optional int32 x = 1; } }
    message Plain { optional string name = 1; }
    service Keeper { rpc Keep(Base) returns (Plain); }`,
  "ext/v1/more.proto": `syntax = "proto2"; package ext.v1; import "ext/v1/base.proto";
    extend Base { optional string late = 1000; optional int32 first = 100; }
    message Scope { extend Base { optional Scope inside = 150; } }
    enum Top { TOP_ZERO = 0; }`,
};

describe("reflection of a schema that was given as files", () => {
  let folder: string;
  let set: Uint8Array;
  let backend: EchoServer;
  let host: RuntimeHost;
  let address: string;

  before(async () => {
    folder = mkdtempSync(join(tmpdir(), "dragoman-reflection-"));
    set = bufBuild(extended);
    const descriptors = join(folder, "set.binpb");
    writeFileSync(descriptors, set);
    backend = await startEchoServer();
    host = await startRuntime({ "inbound.upstream": `grpc://127.0.0.1:${backend.port}`, "inbound.schema": { descriptors } });
    ({ address } = host.runtime);
  });
  after(async () => {
    await host.stop();
    await backend.stop();
    rmSync(folder, { recursive: true });
  });

  for (const version of versions) {
    describe(version, () => {
      const one = async (question: object): Promise<Answer> => (await ask(address, version, question))[0]!;

      it("lists the services, its own too, in order", async () => {
        const { listServicesResponse } = await one({ listServices: "*" });
        assert.deepEqual(
          listServicesResponse!.service.map(({ name }) => name),
          ["ext.v1.Keeper", ...own],
        );
      });

      it("sends a file by name in the bytes it came in, imports behind it", async () => {
        const answer = await one({ fileByFilename: "ext/v1/more.proto" });
        const given = fromBinary(FileDescriptorSetSchema, buildSchema(set).descriptorSet).file;
        const sent = answer.fileDescriptorResponse!.fileDescriptorProto;
        assert.deepEqual(
          filesOf(answer).map(({ name }) => name),
          ["ext/v1/more.proto", "ext/v1/base.proto"],
        );
        for (const [at, { name }] of filesOf(answer).entries())
          assert.deepEqual(
            sent[at],
            Buffer.from(
              toBinary(
                FileDescriptorProtoSchema,
                given.find((file) => file.name === name)!,
              ),
            ),
          );
      });

      it("sends no import twice on a stream, but what is asked for always", async () => {
        const base = { fileByFilename: "ext/v1/base.proto" };
        const answers = await ask(address, version, base, { fileByFilename: "ext/v1/more.proto" }, base);
        assert.deepEqual(
          answers.map((answer) => filesOf(answer).map(({ name }) => name)),
          [["ext/v1/base.proto"], ["ext/v1/more.proto"], ["ext/v1/base.proto"]],
        );
      });

      const symbols = [
        ["ext.v1.Base", "base"],
        ["ext.v1.Base.a", "base"],
        ["ext.v1.Base.choice", "base"],
        ["ext.v1.Base.Inner", "base"],
        ["ext.v1.Base.INNER_ZERO", "base"],
        ["ext.v1.Base.Deep.x", "base"],
        ["ext.v1.Keeper", "base"],
        ["ext.v1.Keeper.Keep", "base"],
        ["ext.v1.late", "more"],
        ["ext.v1.Scope.inside", "more"],
        ["ext.v1.Top", "more"],
        ["ext.v1.TOP_ZERO", "more"],
      ] as const;
      it(`finds the file of ${symbols.length} kinds of symbols`, async () => {
        const answers = await ask(address, version, ...symbols.map(([symbol]) => ({ fileContainingSymbol: symbol })));
        // Each on a stream that has seen both: the one that is asked for comes first.
        assert.deepEqual(
          answers.map((answer) => filesOf(answer)[0]!.name),
          symbols.map(([, file]) => `ext/v1/${file}.proto`),
        );
      });

      it("answers NOT_FOUND to what it does not have, and goes on", async () => {
        const unknown = [
          { fileByFilename: "ext/v1/nope.proto" },
          { fileByFilename: "" },
          { fileContainingSymbol: "ext.v1" },
          { fileContainingSymbol: ".ext.v1.Base" },
          { fileContainingSymbol: "ext.v1.Base.INNER_ZERO.x" },
          { fileContainingSymbol: "__proto__" },
          { fileContainingExtension: { containingType: "ext.v1.Base", extensionNumber: 101 } },
          { fileContainingExtension: { containingType: "ext.v1.Nope", extensionNumber: 100 } },
          { fileContainingExtension: {} },
          { allExtensionNumbersOfType: "ext.v1.Nope" },
        ];
        const answers = await ask(address, version, ...unknown, { listServices: "" });
        for (const [at, question] of unknown.entries()) {
          assert.equal(answers[at]!.errorResponse?.errorCode, grpc.status.NOT_FOUND, JSON.stringify(question));
          assert.match(answers[at]!.errorResponse.errorMessage, /is not known$/);
        }
        assert.equal(answers.at(-1)!.messageResponse, "listServicesResponse");
      });

      it("finds extensions by number, and the numbers of a type", async () => {
        const [late, inside, numbers, none] = await ask(
          address,
          version,
          { fileContainingExtension: { containingType: "ext.v1.Base", extensionNumber: 1000 } },
          { fileContainingExtension: { containingType: "ext.v1.Base", extensionNumber: 150 } },
          { allExtensionNumbersOfType: "ext.v1.Base" },
          { allExtensionNumbersOfType: "ext.v1.Plain" },
        );
        assert.equal(filesOf(late!)[0]!.name, "ext/v1/more.proto");
        assert.equal(filesOf(inside!)[0]!.name, "ext/v1/more.proto");
        assert.deepEqual(numbers!.allExtensionNumbersResponse, { baseTypeName: "ext.v1.Base", extensionNumber: [100, 150, 1000] });
        assert.deepEqual(none!.allExtensionNumbersResponse, { baseTypeName: "ext.v1.Plain", extensionNumber: [] });
      });

      it("gives host and request back, and says when nothing is asked", async () => {
        const answer = await one({ host: "example.test", fileByFilename: "nope" });
        assert.equal(answer.validHost, "example.test");
        assert.equal(answer.originalRequest["host"], "example.test");
        assert.equal(answer.originalRequest["fileByFilename"], "nope");
        assert.equal((await one({ host: "x" })).errorResponse!.errorCode, grpc.status.INVALID_ARGUMENT);
      });

      it("describes the services that the proxy answers itself", async () => {
        const answer = await one({ fileContainingSymbol: `grpc.reflection.${version}.ServerReflection` });
        assert.deepEqual(
          filesOf(answer).map(({ name }) => name),
          [`grpc/reflection/${version}/reflection.proto`],
        );
      });

      it("sends what makes a whole registry", async () => {
        const answer = await one({ fileContainingSymbol: "ext.v1.Scope" });
        const registry = createFileRegistry(filesOf(answer)[0]!, (name) => filesOf(answer).find((file) => file.name === name));
        assert.equal(registry.getExtension("ext.v1.Scope.inside")?.number, 150);
      });
    });
  }

  it("ends the stream where the request is no protobuf", async () => {
    const client = new grpc.Client(address, grpc.credentials.createInsecure());
    const raw = (bytes: Buffer): Buffer => bytes;
    try {
      for (const bytes of [Buffer.from([0xff]), Buffer.from([0x1a, 0x05, 0x41]), Buffer.from([0x1b])]) {
        const failure = await new Promise<grpc.ServiceError>((resolve) => {
          const stream = client.makeBidiStreamRequest("/grpc.reflection.v1.ServerReflection/ServerReflectionInfo", raw, raw);
          stream.on("error", resolve).on("data", () => undefined);
          stream.write(bytes);
        });
        assert.equal(failure.code, grpc.status.INVALID_ARGUMENT, bytes.toString("hex"));
      }
    } finally {
      client.close();
    }
  });

  it("is spoken over Connect and gRPC-Web too", async () => {
    for (const protocol of ["connect", "connect-json", "grpc-web"] as const) {
      const { client, close } = webClient(protocol, "grpc.reflection.v1.ServerReflection", address);
      const questions = (async function* () {
        yield { messageRequest: { case: "listServices", value: "" } };
      })();
      const cases: string[] = [];
      for await (const answer of client["serverReflectionInfo"]!(questions) as AsyncIterable<{ messageResponse: { case: string } }>)
        cases.push(answer.messageResponse.case);
      close();
      assert.deepEqual(cases, ["listServicesResponse"], protocol);
    }
  });

  it("satisfies grpcurl: list, describe, a call", async function () {
    const grpcurl = outside(this, "grpcurl");
    const ok = async (...args: string[]): Promise<string> => (await run(grpcurl, ["-plaintext", ...args], { timeout: 8000 })).stdout;
    assert.deepEqual((await ok(address, "list")).trim().split("\n"), ["ext.v1.Keeper", ...own]);
    assert.equal(await ok(address, "list", "ext.v1.Keeper"), "ext.v1.Keeper.Keep\n");
    assert.match(await ok(address, "describe", "ext.v1.Base"), /oneof choice[\s\S]*extensions 100 to 199, 1000;/);
    assert.match(await ok(address, "describe", "ext.v1.Scope"), /extend \.ext\.v1\.Base[\s\S]*inside = 150/);
    assert.match(await ok("-d", "{}", address, "grpc.health.v1.Health/Check"), /"status": "SERVING"/);
  });

  it("satisfies buf curl, by either version", async function () {
    this.timeout(30_000);
    const buf = join(import.meta.dirname, "../../node_modules/.bin/buf");
    for (const protocol of ["grpc-v1", "grpc-v1alpha"]) {
      const args = ["curl", "--protocol", "grpc", "--http2-prior-knowledge", "--reflect-protocol", protocol, "-d", "{}"];
      const { stdout } = await run(buf, [...args, `http://${address}/grpc.health.v1.Health/Check`], { timeout: 20_000 });
      assert.match(stdout, /"status":\s*"SERVING"/);
    }
  });
});

describe("reflection of a backend that has it", () => {
  let set: Uint8Array;

  before(() => {
    set = bufBuild({
      "echo.proto": 'syntax = "proto3"; package dragoman.test.v1; message M {} service Echo { rpc Unary(M) returns (M); }',
    });
  });

  const serve = async (
    versions: readonly ("v1" | "v1alpha")[],
    settings: object,
    use: (host: RuntimeHost, backend: ReflectionServer) => Promise<void>,
  ): Promise<void> => {
    const backend = await ReflectionServer.start({ set, versions });
    const host = await startRuntime({ "inbound.upstream": backend.url, "inbound.schema": "reflection", ...settings });
    try {
      await use(host, backend);
    } finally {
      await host.stop();
      backend.close();
    }
  };
  const list = async (host: RuntimeHost, version: "v1" | "v1alpha"): Promise<string[]> => {
    const [answer] = await ask(host.runtime.address, version, { listServices: "" });
    return answer!.listServicesResponse!.service.map(({ name }) => name);
  };
  const theirs = [echo, "grpc.reflection.v1.ServerReflection"];
  const ours = [echo, ...own];

  it("passes through in the versions it speaks, and is ours in the other", () =>
    serve(["v1alpha"], {}, async (host, backend) => {
      assert.deepEqual(await list(host, "v1alpha"), theirs);
      assert.deepEqual(await list(host, "v1"), ours);
      const { streams } = backend;
      assert.deepEqual(await list(host, "v1"), ours);
      assert.equal(backend.streams, streams, "found out once");
    }));

  it("is ours where that is wanted, and answers when the backend has gone", () =>
    serve(["v1", "v1alpha"], { "inbound.reflection": "own" }, async (host, backend) => {
      assert.deepEqual(await list(host, "v1"), ours);
      backend.close();
      assert.deepEqual(await list(host, "v1alpha"), ours);
    }));

  it("answers from the last good copy when the backend goes before anybody asked", () =>
    serve(["v1"], {}, async (host, backend) => {
      backend.close();
      assert.deepEqual(await list(host, "v1"), ours);
    }));

  it("can be switched off", () =>
    serve(["v1"], { "inbound.reflection": "off" }, async (host, backend) => {
      const { streams } = backend;
      for (const version of versions) await assert.rejects(list(host, version), { code: grpc.status.UNIMPLEMENTED });
      assert.equal(backend.streams, streams);
    }));

  it("passes through without a schema, and where a schema from files is not to be told", () =>
    serve(["v1"], { "inbound.schema": "none" }, async (host, backend) => {
      await until(() => host.runtime.readiness().ready, "the upstream to be reached");
      assert.deepEqual(await list(host, "v1"), theirs);
      await assert.rejects(list(host, "v1alpha"), { code: grpc.status.UNIMPLEMENTED });
      assert.equal(backend.streams, 1);
    }));
});
