/** gRPC requests no client would send, by node:http2: each is answered in gRPC's own form, counted once, and never reaches the backend. */
import assert from "node:assert/strict";
import { connect, type ClientHttp2Session, type IncomingHttpHeaders } from "node:http2";
import { Code } from "../../src/core/code.ts";
import { startHop, type Hop } from "../support/hop.ts";
import { until } from "../support/until.ts";

interface Answer {
  readonly httpStatus: number;
  readonly code: number;
  readonly message: string;
}

const path = "/dragoman.test.v1.Echo/Unary";
const hi = Buffer.from([0, 0, 0, 0, 4, 0x0a, 2, 0x68, 0x69]);

describe("malformed gRPC", () => {
  let hop: Hop;
  let session: ClientHttp2Session;
  let reached = 0;

  before(async () => {
    hop = await startHop({
      messageBytes: 1000,
      handler: (call) => {
        reached++;
        return Promise.reject(new Error(call.method.path));
      },
    });
    session = connect(`http://127.0.0.1:${hop.port}`);
  });
  after(async () => {
    session.destroy();
    await hop.stop();
  });

  const send = (headers: Record<string, string>, body: Uint8Array): Promise<Answer> =>
    new Promise((resolve, reject) => {
      const stream = session.request({ ":method": "POST", ":path": path, "content-type": "application/grpc", te: "trailers", ...headers });
      let httpStatus = 0;
      let fields: IncomingHttpHeaders = {};
      stream.on("response", (head) => {
        httpStatus = Number(head[":status"]);
        fields = { ...fields, ...head };
      });
      stream.on("trailers", (trailers) => (fields = { ...fields, ...trailers }));
      stream.on("error", reject);
      stream.on("close", () =>
        resolve({ httpStatus, code: Number(fields["grpc-status"]), message: decodeURIComponent(fields["grpc-message"]?.toString() ?? "") }),
      );
      stream.resume();
      stream.end(body);
    });

  const cases: [what: string, headers: Record<string, string>, body: Uint8Array, code: Code, message: RegExp][] = [
    ["no message", {}, Buffer.alloc(0), Code.UNIMPLEMENTED, /no message/],
    ["half an envelope", {}, hi.subarray(0, 3), Code.INTERNAL, /middle of a message/],
    ["half a message", {}, hi.subarray(0, 7), Code.INTERNAL, /middle of a message/],
    ["two messages", {}, Buffer.concat([hi, hi]), Code.UNIMPLEMENTED, /more than one message/],
    ["bytes behind the message", {}, Buffer.concat([hi, Buffer.from([0])]), Code.UNIMPLEMENTED, /more than one message/],
    ["a length of 4 GiB", {}, Buffer.from([0, 255, 255, 255, 255, 1]), Code.RESOURCE_EXHAUSTED, /larger than the limit/],
    [
      "a message over the limit",
      {},
      Buffer.concat([Buffer.from([0, 0, 0, 4, 0]), Buffer.alloc(1024)]),
      Code.RESOURCE_EXHAUSTED,
      /larger than the limit/,
    ],
    [
      "a compressed message without an encoding",
      {},
      Buffer.concat([Buffer.from([1]), hi.subarray(1)]),
      Code.INTERNAL,
      /without a message encoding/,
    ],
    ["reserved flags", {}, Buffer.concat([Buffer.from([0x42]), hi.subarray(1)]), Code.INTERNAL, /reserved flags/],
    ["an unreadable timeout", { "grpc-timeout": "5 seconds" }, hi, Code.INVALID_ARGUMENT, /grpc-timeout/],
    ["an empty timeout", { "grpc-timeout": "" }, hi, Code.INVALID_ARGUMENT, /grpc-timeout/],
    ["one path segment", { ":path": "/nothing" }, hi, Code.UNIMPLEMENTED, /malformed method name/],
    ["three path segments", { ":path": "/a/b/c" }, hi, Code.UNIMPLEMENTED, /malformed method name/],
    ["an empty method", { ":path": "/a.B/" }, hi, Code.UNIMPLEMENTED, /malformed method name/],
    ["a query", { ":path": "/a.B/C?x=1" }, hi, Code.UNIMPLEMENTED, /malformed method name/],
    ["another HTTP method", { ":method": "PUT" }, hi, Code.UNIMPLEMENTED, /POST/],
  ];
  for (const [what, headers, body, code, message] of cases)
    it(`${what}: ${code}`, async () => {
      const before = hop.ended.length;
      const answer = await send(headers, body);
      assert.equal(answer.httpStatus, 200);
      assert.equal(answer.code, code, answer.message);
      assert.match(answer.message, message);
      assert.equal(reached, 0);
      await until(() => hop.ended.length === before + 1, "the row of the refusal");
      assert.equal(hop.ended.at(-1)!.end.code, code);
    });

  it("a client that goes away while it sends is counted as cancelled", async () => {
    const before = hop.ended.length;
    const leaving = connect(`http://127.0.0.1:${hop.port}`);
    const stream = leaving.request({ ":method": "POST", ":path": path, "content-type": "application/grpc" });
    stream.on("error", () => undefined);
    stream.write(hi.subarray(0, 6), () => setTimeout(() => leaving.destroy(), 20));
    await until(() => hop.ended.length === before + 1, "the row of the call");
    assert.equal(hop.ended.at(-1)!.end.code, Code.CANCELLED);
    assert.equal(reached, 0);
  });
});
