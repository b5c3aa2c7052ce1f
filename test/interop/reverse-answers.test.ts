/** What becomes of a REST backend's answers when gRPC calls are transcoded to it: messages, statuses, fields, limits. */
import assert from "node:assert/strict";
import { brotliCompressSync, gzipSync } from "node:zlib";
import * as grpc from "@grpc/grpc-js";
import { decodeRpcStatus, type RpcStatus } from "../../src/protocols/shared/rpc-status.ts";
import { ReverseHop, type UnaryOutcome } from "../support/reverse-hop.ts";
import { until } from "../support/until.ts";

const { status } = grpc;

function rpcStatus({ trailers }: Pick<UnaryOutcome, "trailers">): RpcStatus | undefined {
  const bytes = trailers.get("grpc-status-details-bin")[0] as Buffer | undefined;
  return bytes === undefined ? undefined : decodeRpcStatus(bytes);
}

function detailNames(outcome: UnaryOutcome): string[] {
  return (rpcStatus(outcome)?.details ?? []).map(({ typeUrl }) => typeUrl.replace(/^.*\./, ""));
}

/** Where a fault of ours is named. */
function reasonOf(outcome: UnaryOutcome): string | undefined {
  const info = rpcStatus(outcome)?.details.find(({ typeUrl }) => typeUrl.endsWith("ErrorInfo"));
  return info === undefined ? undefined : /[A-Z_]{6,}/.exec(Buffer.from(info.value).toString("latin1"))?.[0];
}

describe("reverse: answers", () => {
  const reverse = ReverseHop.inSuite({ messageBytes: 64 << 10 });

  describe("messages", () => {
    const taken: [name: string, contentType: string | undefined, body: string | Buffer, reply: object][] = [
      ["JSON", "application/json", '{"title":"a","count":"3"}', { title: "a", count: 3 }],
      ["proto names", "application/json; charset=utf-8", '{"snake_name":"s"}', { snakeName: "s" }],
      ["unknown fields", "application/json", '{"title":"a","zzz":{"deep":[1,null]}}', { title: "a" }],
      ["enums by number", "application/vnd.api+json", '{"kind":2}', { kind: "KIND_LARGE" }],
      ["white space and a byte order mark", "text/json", "\ufeff\n {} \n", {}],
      ["null", "application/json", " null ", {}],
      ["nothing", undefined, "", {}],
      ["nothing with a content type", "application/json", "", {}],
      ["JSON without a content type", undefined, '{"count":1}', { count: 1 }],
      ["JSON called text", "text/plain", '{"count":1}', { count: 1 }],
    ];
    for (const [name, contentType, body, reply] of taken)
      it(`takes ${name}`, async () => {
        reverse.answer((_seen, response) =>
          response.writeHead(200, contentType === undefined ? {} : { "content-type": contentType }).end(body),
        );
        const outcome = await reverse.call("submit", {});
        assert.equal(outcome.error, undefined);
        assert.deepEqual(outcome.reply, reply);
      });

    it("takes 204 for an empty message, and tells a gRPC client the status", async () => {
      reverse.answer((_seen, response) => response.writeHead(204).end());
      const { reply, metadata } = await reverse.call("submit", {});
      assert.deepEqual(reply, {});
      assert.deepEqual(metadata.get("x-http-code"), ["204"]);
    });

    for (const [coding, compress] of [
      ["gzip", gzipSync],
      ["br", brotliCompressSync],
    ] as const)
      it(`opens ${coding}`, async () => {
        reverse.answer((_seen, response) =>
          response.writeHead(200, { "content-type": "application/json", "content-encoding": coding }).end(compress('{"title":"z"}')),
        );
        assert.deepEqual((await reverse.call("submit", {})).reply, { title: "z" });
      });

    it("google.api.HttpBody has the bytes and the content type", async () => {
      reverse.answer((_seen, response) => response.writeHead(200, { "content-type": "text/csv; charset=x" }).end("1,2\n"));
      assert.deepEqual((await reverse.call("fetch", { name: "n" })).reply, {
        contentType: "text/csv; charset=x",
        data: Buffer.from("1,2\n"),
      });
      assert.deepEqual((await reverse.call("fetchField", { name: "n" })).reply, {
        file: { contentType: "text/csv; charset=x", data: Buffer.from("1,2\n") },
      });
    });

    const refused: [name: string, contentType: string, body: string | Buffer, reason: string, details: RegExp][] = [
      ["a page", "text/html", "<html>", "UPSTREAM_PROTOCOL", /answered "text\/html" where JSON was expected/],
      ["malformed JSON", "application/json", '{"title":', "UPSTREAM_MESSAGE", /is not a dragoman\.transcoding\.v1\.Form: .*\(at byte 9\)/],
      ["the wrong type", "application/json", '{"inner":{"value":"x"}}', "UPSTREAM_MESSAGE", /inner\.value: /],
      ["an array", "application/json", "[{}]", "UPSTREAM_MESSAGE", /is not a dragoman/],
      ["two values", "application/x-ndjson", "{}\n{}\n", "UPSTREAM_MESSAGE", /is not a dragoman/],
      ["bad UTF-8", "application/json", Buffer.from('{"title":"\xff"}', "latin1"), "UPSTREAM_MESSAGE", /UTF-8/],
      ["too deep", "application/json", '{"inner":'.repeat(200), "UPSTREAM_MESSAGE", /100 levels/],
      [
        "too large",
        "application/json",
        JSON.stringify({ title: "x".repeat(70_000) }),
        "UPSTREAM_MESSAGE_TOO_LARGE",
        /larger than the limit of 65536/,
      ],
      ["server-sent events", "text/event-stream", "data: {}\n\n", "UPSTREAM_PROTOCOL", /text\/event-stream/],
    ];
    for (const [name, contentType, body, reason, details] of refused)
      it(`refuses ${name}`, async () => {
        reverse.answer((_seen, response) => response.writeHead(200, { "content-type": contentType }).end(body));
        const outcome = await reverse.call("submit", {});
        assert.equal(reasonOf(outcome), reason);
        assert.match(outcome.error!.details, details);
        assert.ok([status.INTERNAL, status.RESOURCE_EXHAUSTED].includes(outcome.error!.code));
      });

    it("refuses a body without a declared length as soon as it is too large, and breaks it off", async () => {
      reverse.answer((_seen, response) => {
        response.writeHead(200, { "content-type": "application/json" });
        const more = (): void => {
          while (!response.destroyed && response.write(" ".repeat(10_000)));
          if (!response.destroyed) response.once("drain", more);
        };
        more();
      });
      assert.equal(reasonOf(await reverse.call("submit", {})), "UPSTREAM_MESSAGE_TOO_LARGE");
      await until(() => reverse.broken === 1, "the backend to see that nobody reads on");
    });

    it("refuses a compressed body that is a bomb, or broken, or of an unknown coding", async () => {
      const answers: [string, Buffer, string][] = [
        ["gzip", gzipSync(" ".repeat(10 << 20)), "UPSTREAM_MESSAGE_TOO_LARGE"],
        ["gzip", Buffer.from("{}"), "UPSTREAM_PROTOCOL"],
        ["gzip", gzipSync('{"title":"x"}').subarray(0, 20), "UPSTREAM_PROTOCOL"],
        ["compress", Buffer.from("{}"), "UPSTREAM_PROTOCOL"],
      ];
      for (const [coding, body, reason] of answers) {
        reverse.answer((_seen, response) =>
          response.writeHead(200, { "content-type": "application/json", "content-encoding": coding }).end(body),
        );
        assert.equal(reasonOf(await reverse.call("submit", {})), reason, coding);
      }
    });
  });

  describe("fields", () => {
    it("come back as metadata, and those of the hop do not", async () => {
      reverse.answerJson({}, 200, {
        "x-one": ["1", "2"],
        "x-bin": Buffer.from("raw").toString("base64"),
        "y-bin": "not base64!",
        "x-latin": "caf\u00e9",
        "grpc-status": "5",
        "Grpc-Metadata-Wrapped": "w",
        "Trailer-X-End": "t",
        "x-http-code": "302",
        connection: "close, x-hop",
        "x-hop": "h",
        "set-cookie": ["a=1", "b=2"],
      });
      const { error, metadata, trailers } = await reverse.call("submit", {});
      assert.equal(error, undefined);
      assert.deepEqual(metadata.get("x-one"), ["1, 2"]);
      assert.deepEqual(metadata.get("x-bin"), [Buffer.from("raw")]);
      assert.deepEqual(metadata.get("wrapped"), ["w"]);
      assert.deepEqual(metadata.get("set-cookie"), ["a=1", "b=2"]);
      assert.deepEqual(trailers.get("x-end"), ["t"]);
      for (const name of ["y-bin", "x-latin", "x-http-code", "x-hop", "connection", "content-length", "keep-alive"])
        assert.deepEqual(metadata.get(name), [], name);
    });

    it("trailers of the body come back as trailers", async () => {
      reverse.answer((_seen, response) => {
        response.writeHead(200, { "content-type": "application/json", trailer: "x-sum" });
        response.write("{}");
        response.addTrailers({ "x-sum": "7" });
        response.end();
      });
      assert.deepEqual((await reverse.call("submit", {})).trailers.get("x-sum"), ["7"]);
    });
  });

  describe("statuses", () => {
    const table: [number, number][] = [
      [302, status.UNKNOWN],
      [400, status.INVALID_ARGUMENT],
      [401, status.UNAUTHENTICATED],
      [403, status.PERMISSION_DENIED],
      [404, status.NOT_FOUND],
      [405, status.UNIMPLEMENTED],
      [408, status.DEADLINE_EXCEEDED],
      [409, status.ABORTED],
      [410, status.NOT_FOUND],
      [412, status.FAILED_PRECONDITION],
      [413, status.RESOURCE_EXHAUSTED],
      [415, status.INVALID_ARGUMENT],
      [416, status.OUT_OF_RANGE],
      [418, status.UNKNOWN],
      [422, status.INVALID_ARGUMENT],
      [429, status.RESOURCE_EXHAUSTED],
      [499, status.CANCELLED],
      [500, status.INTERNAL],
      [501, status.UNIMPLEMENTED],
      [502, status.UNAVAILABLE],
      [503, status.UNAVAILABLE],
      [504, status.DEADLINE_EXCEEDED],
      [599, status.UNKNOWN],
    ];
    for (const [http, code] of table)
      it(`${http} is ${status[code]}`, async () => {
        reverse.answer((_seen, response) => response.writeHead(http).end());
        const { error } = await reverse.call("submit", {});
        assert.equal(error!.code, code);
        assert.equal(error!.details, `the upstream answered HTTP ${http}`);
      });

    const bodies: [name: string, body: unknown, code: number, details: string | RegExp][] = [
      ["google.rpc.Status", { code: 9, message: "locked", details: [] }, status.FAILED_PRECONDITION, "locked"],
      ["the same without details", { code: 5, message: "gone" }, status.NOT_FOUND, "gone"],
      ["Google's REST errors", { error: { code: 409, message: "there", status: "ALREADY_EXISTS" } }, status.ALREADY_EXISTS, "there"],
      ["Connect's errors", { code: "permission_denied", message: "no" }, status.PERMISSION_DENIED, "no"],
      ["Connect's spelling", { code: "canceled", message: "left" }, status.CANCELLED, "left"],
      ["RFC 9457", { type: "about:blank", title: "Bad", detail: "the size is odd" }, status.INTERNAL, "the size is odd"],
      ["a message", { message: "broken pipe" }, status.INTERNAL, "broken pipe"],
      ["an error text", { error: "invalid_grant" }, status.INTERNAL, "invalid_grant"],
      ["a number that is no code", { code: 1234, message: "own number" }, status.INTERNAL, "own number"],
      ["a code and nothing else", { code: 5, id: 7 }, status.INTERNAL, 'the upstream answered HTTP 500: {"code":5,"id":7}'],
      ["OK in an error", { code: 0, message: "fine?" }, status.INTERNAL, "fine?"],
      ["an array", [1], status.INTERNAL, "the upstream answered HTTP 500: [1]"],
      ["broken JSON", '{"code": 5, "mess', status.INTERNAL, 'the upstream answered HTTP 500: {"code": 5, "mess'],
    ];
    for (const [name, body, code, details] of bodies)
      it(`a body that is ${name}`, async () => {
        reverse.answerJson(body, 500);
        const { error } = await reverse.call("submit", {});
        assert.equal(error!.code, code);
        assert.equal(error!.details, details);
      });

    it("keeps the details, known and unknown", async () => {
      reverse.answerJson(
        {
          code: 3,
          message: "bad",
          details: [
            { "@type": "type.googleapis.com/google.rpc.BadRequest", fieldViolations: [{ field: "a", description: "b" }] },
            { "@type": "type.googleapis.com/dragoman.transcoding.v1.Inner", key: "k", extra: 1 },
            { "@type": "type.googleapis.com/no.such.Type", value: "AQID" },
            { "@type": "type.googleapis.com/no.such.Other", one: { two: [1, true, null] } },
            { type: "google.rpc.RequestInfo", value: "CgFy" },
            7,
          ],
        },
        400,
        { "retry-after": "7" },
      );
      const outcome = await reverse.call("submit", {});
      assert.deepEqual(detailNames(outcome), ["BadRequest", "Inner", "Type", "Struct", "RequestInfo", "RetryInfo"]);
      const { details } = rpcStatus(outcome)!;
      assert.deepEqual([...details[1]!.value], [0x0a, 1, 0x6b]);
      assert.deepEqual([...details[2]!.value], [1, 2, 3]);
      assert.ok(Buffer.from(details[3]!.value).includes("no.such.Other"));
      assert.deepEqual([...details[5]!.value], [0x0a, 2, 0x08, 7]);
      assert.deepEqual(outcome.metadata.get("retry-after"), ["7"]);
    });

    it("cuts long messages, long texts and large details", async () => {
      reverse.answerJson({ code: 3, message: "m".repeat(100_000) }, 400);
      assert.equal((await reverse.call("submit", {})).error!.details.length, 4097);
      reverse.answer((_seen, response) => response.writeHead(500, { "content-type": "text/plain" }).end("t\r\n\u0007".repeat(100_000)));
      const cut = (await reverse.call("submit", {})).error!.details;
      assert.match(cut, /^the upstream answered HTTP 500: (t )+…$/);
      assert.ok(cut.length < 300);
      reverse.answer((_seen, response) => response.writeHead(500, { "content-type": "text/html" }).end("<h1>oops</h1>"));
      assert.equal((await reverse.call("submit", {})).error!.details, "the upstream answered HTTP 500 (text/html)");
      const detail = { "@type": "type.googleapis.com/google.rpc.DebugInfo", detail: "d".repeat(10_000) };
      reverse.answerJson({ code: 3, message: "many", details: Array(50).fill(detail) }, 400);
      assert.deepEqual(detailNames(await reverse.call("submit", {})), ["DebugInfo", "DebugInfo"]);
    });

    it("reads an error body that never ends only so far", async () => {
      reverse.answer((_seen, response) => {
        response.writeHead(500, { "content-type": "text/plain" });
        const more = (): void => {
          while (!response.destroyed && response.write("x".repeat(60_000)));
          if (!response.destroyed) response.once("drain", more);
        };
        more();
      });
      assert.equal((await reverse.call("submit", {})).error!.code, status.INTERNAL);
      await until(() => reverse.broken === 1, "the backend to see that nobody reads on");
    });
  });

  describe("failures of the connection", () => {
    it("a connection that is closed without an answer", async () => {
      reverse.serve((request) => request.socket.destroy());
      const outcome = await reverse.call("submit", {});
      assert.equal(outcome.error!.code, status.UNAVAILABLE);
      assert.equal(reasonOf(outcome), "UPSTREAM_RESET");
    });

    it("an answer that is cut off", async () => {
      reverse.answer((_seen, response) => {
        response.writeHead(200, { "content-type": "application/json", "content-length": "100" });
        response.write('{"title":');
        setImmediate(() => response.destroy());
      });
      assert.equal(reasonOf(await reverse.call("submit", {})), "UPSTREAM_RESET");
    });

    it("an answer that is no HTTP", async () => {
      reverse.serve((request) => request.socket.end("220 mail ready\r\n"));
      const outcome = await reverse.call("submit", {});
      assert.equal(outcome.error!.code, status.INTERNAL);
      assert.equal(reasonOf(outcome), "UPSTREAM_PROTOCOL");
    });

    it("a caller that leaves breaks the request off", async () => {
      let asked = 0;
      reverse.answer(() => asked++);
      const call = reverse.client["submit"]!({}, () => undefined) as grpc.ClientUnaryCall;
      await until(() => asked === 1, "the backend to be asked");
      call.cancel();
      await until(() => reverse.broken === 1, "the backend to see it");
    });
  });
});
