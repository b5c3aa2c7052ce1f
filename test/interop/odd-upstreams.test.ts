/**
 * Backends that break gRPC's rules, and what callers of each protocol hear of it: what connectrpc.com/conformance found, kept.
 *
 * The trap these guard: a broken answer must fail with the same code whichever protocol the caller speaks.
 */
import assert from "node:assert/strict";
import type { ServerHttp2Stream } from "node:http2";
import { ConnectError } from "@connectrpc/connect";
import { Code } from "../../src/core/code.ts";
import type { Cluster } from "../../src/upstream/cluster.ts";
import { connectClient, type ConnectKind } from "../support/connect-client.ts";
import { clusterAt, startHop, type Hop } from "../support/hop.ts";
import { startScriptedGrpc, type ScriptedGrpc } from "../support/scripted-grpc.ts";
import { until } from "../support/until.ts";

/** An envelope with EchoResponse {text: "hi"}. */
const hi = Buffer.from([0, 0, 0, 0, 4, 0x0a, 2, 0x68, 0x69]);
const packed = Buffer.concat([Buffer.from([1]), hi.subarray(1)]);

type Answer = (stream: ServerHttp2Stream) => void;

function answer(head: Record<string, string>, body: Buffer | undefined, trailers?: Record<string, string>): Answer {
  return (stream) => {
    stream.respond({ ":status": 200, "content-type": "application/grpc", ...head }, { waitForTrailers: trailers !== undefined });
    if (trailers !== undefined) stream.on("wantTrailers", () => stream.sendTrailers(trailers));
    stream.end(body);
  };
}

describe("upstreams that break gRPC's rules", () => {
  let backend: ScriptedGrpc;
  let cluster: Cluster;
  let hop: Hop;

  before(async () => {
    backend = await startScriptedGrpc();
    cluster = clusterAt(backend.port);
    hop = await startHop({ handler: cluster.handler });
  });
  after(async () => {
    await hop.stop();
    await cluster.close();
    await backend.stop();
  });

  const cases: [what: string, answer: Answer, code: Code, message: RegExp][] = [
    [
      "JSON where protobuf was asked for",
      answer({ "content-type": "application/grpc+json" }, hi, { "grpc-status": "0" }),
      Code.UNKNOWN,
      /not gRPC with protobuf/,
    ],
    [
      "a gRPC-Web answer",
      answer({ "content-type": "application/grpc-web+proto" }, hi, { "grpc-status": "0" }),
      Code.UNKNOWN,
      /not gRPC with protobuf/,
    ],
    ["a status in the head, then a message and no trailers", answer({ "grpc-status": "9" }, hi), Code.UNKNOWN, /without a status/],
    [
      "a status in the head, then trailers with another",
      answer({ "grpc-status": "8" }, undefined, { "grpc-status": "9" }),
      Code.FAILED_PRECONDITION,
      /^$/,
    ],
    [
      "a status in the head, then trailers without one",
      answer({ "grpc-status": "9" }, undefined, { foo: "bar" }),
      Code.UNKNOWN,
      /without a status/,
    ],
    ["a length of its own", answer({ "content-length": "0", "x-more": "1" }, undefined, { "grpc-status": "5" }), Code.NOT_FOUND, /^$/],
    ["a reset", (stream) => stream.close(0x8), Code.CANCELLED, /broke off/],
  ];
  const kinds: [ConnectKind, "1.1" | "2"][] = [
    ["grpc", "2"],
    ["grpc-web", "1.1"],
    ["connect", "1.1"],
    ["connect-json", "2"],
  ];

  for (const [kind, httpVersion] of kinds)
    describe(`called by ${kind} over HTTP/${httpVersion}`, () => {
      const failure = async (
        call: (client: Record<string, (request: object, options?: object) => unknown>) => Promise<unknown>,
      ): Promise<ConnectError> => {
        const { client, close } = connectClient(kind, hop.port, httpVersion);
        try {
          return await call(client).then(
            () => assert.fail("the call did not fail"),
            (error: unknown) => ConnectError.from(error),
          );
        } finally {
          close();
        }
      };

      for (const [what, script, code, message] of cases)
        it(`${what}: ${code}`, async () => {
          backend.answer = script;
          for (const call of ["unary", "expand"]) {
            const error = await failure(async (client) => {
              const reply = client[call]!({ text: "x" });
              if (call === "unary") await (reply as Promise<unknown>);
              else for await (const _ of reply as AsyncIterable<unknown>);
            });
            assert.equal(error.code, code, `${call}: ${error.message}`);
            assert.match(error.rawMessage, message);
          }
        });

      it("a reset as the deadline passes is the deadline's", async () => {
        backend.answer = (stream) => void setTimeout(() => stream.close(0x8), 95);
        const error = await failure((client) => client["unary"]!({ text: "x" }, { timeoutMs: 100 }) as Promise<unknown>);
        assert.equal(error.code, Code.DEADLINE_EXCEEDED, error.message);
      });
    });

  describe("a deadline that the upstream says has passed", () => {
    const late =
      (afterMs: number): Answer =>
      (stream) =>
        void setTimeout(() => {
          if (stream.destroyed) return;
          const trailers = { "grpc-status": "4", "grpc-message": "too late", "x-tail": "t" };
          stream.respond({ ":status": 200, "content-type": "application/grpc", ...trailers }, { endStream: true });
        }, afterMs);
    const ask = async (method: string, timeout: Record<string, string>): Promise<{ reason: string | undefined; code: number }> => {
      const before = hop.ended.length;
      const answer = await fetch(`http://127.0.0.1:${hop.port}/dragoman.test.v1.Echo/${method}`, {
        method: "POST",
        headers: { "content-type": "application/json", ...timeout },
        body: '{"text":"x"}',
      });
      await answer.arrayBuffer();
      await until(() => hop.ended.length > before, "the record");
      const { end } = hop.ended[before]!;
      return { reason: end.error?.reason, code: end.code };
    };
    for (const method of ["Unary", "Expand"]) {
      it(`is ours where ours has passed too (${method})`, async () => {
        // Our own clock may be first: then it is ours all the more.
        backend.answer = late(95);
        assert.deepEqual(await ask(method, { "x-server-timeout": "0.1" }), { reason: "DEADLINE_EXCEEDED", code: 4 });
      });
      it(`is the upstream's where we had time left, or no deadline (${method})`, async () => {
        backend.answer = late(0);
        assert.deepEqual(await ask(method, { "x-server-timeout": "60" }), { reason: "UPSTREAM_STATUS", code: 4 });
        assert.deepEqual(await ask(method, {}), { reason: "UPSTREAM_STATUS", code: 4 });
      });
    }
  });

  it("a compression nobody here knows crosses to a caller that takes it, and is an error for all others", async () => {
    backend.answer = answer({ "grpc-encoding": "foo" }, packed, { "grpc-status": "0" });
    const post = (contentType: string, body: string | Buffer<ArrayBuffer>, accept: string): Promise<Response> =>
      fetch(`http://127.0.0.1:${hop.port}/dragoman.test.v1.Echo/Unary`, {
        method: "POST",
        headers: { "content-type": contentType, "connect-protocol-version": "1", "accept-encoding": accept },
        body,
      });
    const untouched = await post("application/proto", Buffer.alloc(0), "gzip, foo");
    assert.equal(untouched.headers.get("content-encoding"), "foo");
    for (const refused of [await post("application/proto", Buffer.alloc(0), "gzip"), await post("application/json", "{}", "foo")]) {
      assert.equal(refused.status, 500);
      assert.equal(((await refused.json()) as { code: string }).code, "internal");
    }
  });

  it("is told of an encoding also where the message is not compressed", async () => {
    backend.answer = answer({}, hi, { "grpc-status": "0" });
    await fetch(`http://127.0.0.1:${hop.port}/dragoman.test.v1.Echo/Unary`, {
      method: "POST",
      headers: { "content-type": "application/grpc-web+proto", "grpc-encoding": "foo" },
      body: hi,
    });
    assert.equal(backend.lastHeaders()["grpc-encoding"], "foo");
  });
});
