/**
 * What every inbound protocol owes the rest of the house, run on each over a real socket with that protocol's own client.
 *
 * A protocol is added by passing this with an adapter that turns its client's view of an answer into {@link Answer}.
 */
import assert from "node:assert/strict";
import { CallError } from "../../src/core/call-error.ts";
import { Code, codeName, type Code as StatusCode } from "../../src/core/code.ts";
import type { Call } from "../../src/core/call.ts";
import type { Handler } from "../../src/core/handler.ts";
import { SingleMessage } from "../../src/core/messages.ts";
import { Metadata } from "../../src/core/metadata.ts";
import { Payload } from "../../src/core/payload.ts";
import { UnaryReply } from "../../src/core/reply.ts";
import { okStatus } from "../../src/core/status.ts";
import { startHop, type Hop } from "../support/hop.ts";
import { until } from "../support/until.ts";

/** An answer as the protocol's client sees it, in neutral words. */
export interface Answer {
  readonly code: StatusCode;
  readonly message: string;
  /** `ErrorInfo.reason` of the details, if there. */
  readonly reason: string | undefined;
  /** The response message as a plain object. */
  readonly body: Record<string, unknown> | undefined;
  readonly metadata: ReadonlyMap<string, string>;
  readonly trailers: ReadonlyMap<string, string>;
}

export interface CallOptions {
  readonly metadata?: Record<string, string>;
  readonly timeoutMs?: number;
  /** Leaves as soon as the signal aborts. */
  readonly signal?: AbortSignal;
}

export interface InboundClient {
  /** Calls dragoman.test.v1.Echo/Unary. */
  unary(port: number, request: Record<string, unknown>, options?: CallOptions): Promise<Answer>;
  close?(): void;
}

const echo: Handler = (call) => Promise.resolve(replyTo(call));

function replyTo(call: Call, metadata = Metadata.empty, trailers = Metadata.empty): UnaryReply {
  const request = JSON.parse(Buffer.from(call.messages.single!.json()).toString()) as { text: string };
  const json = Buffer.from(JSON.stringify({ text: request.text }));
  return new UnaryReply(metadata, new SingleMessage(Payload.ofJson(call.method.output, json)), okStatus(trailers));
}

export function inboundContract(kind: string, client: InboundClient): void {
  describe(`inbound contract: ${kind}`, () => {
    let hop: Hop | undefined;
    const serve = async (handler: Handler, messageBytes?: number): Promise<Hop> =>
      (hop = await startHop({ handler, ...(messageBytes === undefined ? {} : { messageBytes }) }));
    afterEach(async () => {
      client.close?.();
      await hop?.stop();
      hop = undefined;
    });

    it("carries a unary call and its answer", async () => {
      const { port, ended } = await serve(echo);
      const answer = await client.unary(port, { text: "grüß dich" });
      assert.equal(answer.code, Code.OK);
      assert.equal(answer.body?.["text"], "grüß dich");
      await until(() => ended.length === 1, "the end of the call");
      assert.equal(ended[0]!.call.caller.protocol, kind);
      assert.equal(ended[0]!.call.method.path, "/dragoman.test.v1.Echo/Unary");
      assert.equal(ended[0]!.end.code, Code.OK);
    });

    it("carries metadata in, and metadata and trailers out", async () => {
      let seen: string | undefined;
      const { port } = await serve((call) => {
        seen = call.metadata.get("x-color");
        return Promise.resolve(replyTo(call, Metadata.from({ "x-head": "h" }), Metadata.from({ "x-tail": "t" })));
      });
      const answer = await client.unary(port, { text: "a" }, { metadata: { "x-color": "blue" } });
      assert.equal(seen, "blue");
      assert.equal(answer.metadata.get("x-head"), "h");
      assert.equal(answer.trailers.get("x-tail"), "t");
    });

    it("hides its own headers from what is behind", async () => {
      let names: string[] = [];
      const { port } = await serve((call) => {
        names = [...call.metadata].map(([name]) => name);
        return echo(call);
      });
      await client.unary(port, { text: "a" }, { timeoutMs: 5000 });
      for (const name of names)
        assert.ok(!/^(:|grpc-|connect-|te$|content-|host$|connection$|transfer-encoding$|x-server-timeout)/.test(name), name);
    });

    it("turns the caller's timeout into a deadline from the arrival of the head", async () => {
      let leftMs = 0;
      const { port } = await serve((call) => {
        leftMs = call.deadline.atMs - call.arrivedAtMs;
        return echo(call);
      });
      await client.unary(port, { text: "a" }, { timeoutMs: 5000 });
      assert.ok(leftMs > 4000 && leftMs < 5000.001, String(leftMs));
    });

    for (const code of Object.values(Code).filter((value) => value !== Code.OK)) {
      it(`answers ${codeName(code)} in its own form`, async () => {
        const { port, ended } = await serve(() =>
          Promise.reject(new CallError("UPSTREAM_STATUS", "it says: 100% ü", { code, source: "upstream" })),
        );
        const answer = await client.unary(port, { text: "a" });
        assert.equal(answer.code, code);
        assert.equal(answer.message, "it says: 100% ü");
        await until(() => ended.length === 1, "the end of the call");
        assert.equal(ended[0]!.end.code, code);
      });
    }

    it("names the reason of a refusal of our own, thrown at once or later", async () => {
      const { port } = await serve((call) => {
        const error = new CallError("UPSTREAM_UNREACHABLE");
        if (call.metadata.has("x-later")) return Promise.reject(error);
        throw error;
      });
      for (const metadata of [{}, { "x-later": "1" }]) {
        const answer = await client.unary(port, { text: "a" }, { metadata });
        assert.equal(answer.code, Code.UNAVAILABLE);
        assert.equal(answer.reason, "UPSTREAM_UNREACHABLE");
      }
    });

    it("answers an unknown throw as INTERNAL and keeps its text", async () => {
      const { port, ended } = await serve(() => Promise.reject(new TypeError("secret path /etc/x")));
      const answer = await client.unary(port, { text: "a" });
      assert.equal(answer.code, Code.INTERNAL);
      assert.ok(!answer.message.includes("secret"));
      await until(() => ended.length === 1, "the end of the call");
    });

    it("refuses a message over the limit and goes on", async () => {
      const { port } = await serve(echo, 1000);
      const answer = await client.unary(port, { text: "a".repeat(2000) });
      assert.equal(answer.code, Code.RESOURCE_EXHAUSTED);
      assert.equal(answer.reason, "MESSAGE_TOO_LARGE");
      assert.equal((await client.unary(port, { text: "b" })).code, Code.OK);
    });

    it("cancels the call when the caller leaves", async () => {
      let call: Call | undefined;
      const { port, ended } = await serve((running) => {
        call = running;
        return new Promise((_resolve, reject) => running.onCancel(reject));
      });
      const controller = new AbortController();
      const answer = client.unary(port, { text: "a" }, { signal: controller.signal }).catch(() => undefined);
      await until(() => call !== undefined, "the call");
      controller.abort();
      await answer;
      await until(() => ended.length === 1, "the end of the call");
      assert.equal(call!.cancelled?.reason, "CALLER_CANCELLED");
      assert.equal(ended[0]!.end.code, Code.CANCELLED);
    });

    it("carries 200 calls at once without mixing them", async () => {
      const { port, ended } = await serve(async (call) => {
        await new Promise((resolve) => setTimeout(resolve, Math.random() * 5));
        return echo(call);
      });
      const answers = await Promise.all(Array.from({ length: 200 }, (_, i) => client.unary(port, { text: `call ${i}` })));
      answers.forEach((answer, i) => assert.equal(answer.body?.["text"], `call ${i}`));
      await until(() => ended.length === 200, "the end of all calls");
    });

    it("carries a message of a megabyte both ways", async () => {
      const { port } = await serve(echo);
      const text = "0123456789".repeat(100_000);
      assert.equal((await client.unary(port, { text })).body?.["text"], text);
    });
  });
}
