import assert from "node:assert/strict";
import { CallError } from "../../../src/core/call-error.ts";
import { identityEncoding } from "../../../src/core/call.ts";
import { readRequestFields } from "../../../src/protocols/connect/request-fields.ts";
import { isConnect, kindOf } from "../../../src/protocols/connect/request-kind.ts";
import { Metadata } from "../../../src/core/metadata.ts";
import type { RequestHead } from "../../../src/wire/exchange.ts";

describe("Connect request fields", () => {
  it("leave as metadata what is not the protocol's own", () => {
    const { metadata, timeoutMs, unaryEncoding } = readRequestFields([
      ...["content-type", "application/proto", "connect-protocol-version", "1", "authorization", "Bearer t"],
      ...["connect-timeout-ms", "250", "accept", "*/*", "x-tag", "a", "x-tag", "b", "connect-unknown", "x"],
    ]);
    assert.deepEqual(metadata, ["authorization", "Bearer t", "x-tag", "a", "x-tag", "b"]);
    assert.equal(timeoutMs, 250);
    assert.equal(unaryEncoding, identityEncoding);
  });

  it("are read once for one list, and anew for another", () => {
    const first = ["authorization", "Bearer a"];
    const second = ["authorization", "Bearer b"];
    assert.equal(readRequestFields(first), readRequestFields(first));
    assert.deepEqual(readRequestFields(second).metadata, second);
    assert.deepEqual(readRequestFields(first).metadata, first);
  });

  it("tell the encodings of unary messages from those of streams", () => {
    const { unaryEncoding, streamEncoding } = readRequestFields([
      ...["content-encoding", "gzip", "accept-encoding", "br;q=0.5, gzip, zstd;q=0, identity, *"],
      ...["connect-content-encoding", "identity", "connect-accept-encoding", "zstd"],
    ]);
    assert.deepEqual(unaryEncoding, { request: "gzip", accept: "br,gzip" });
    assert.deepEqual(streamEncoding, { request: undefined, accept: "zstd" });
  });

  for (const headers of [
    ["connect-timeout-ms", "soon"],
    ["connect-timeout-ms", "12345678901"],
    ["connect-protocol-version", "2"],
  ])
    it(`refuse ${headers.join(": ")}, each time it comes`, () => {
      assert.throws(() => readRequestFields(headers), CallError);
      assert.throws(() => readRequestFields(headers), CallError);
    });
});

describe("Connect requests", () => {
  const head = (method: string, target: string, ...headers: string[]): RequestHead =>
    ({ method, target, headers: new Metadata(headers) }) as unknown as RequestHead;

  it("are told by content type, version or query", () => {
    const typed = (contentType: string, ...more: string[]): boolean =>
      isConnect(head("POST", "/a.B/C", "content-type", contentType, ...more), contentType);
    assert.equal(typed("application/connect+json"), true);
    assert.equal(typed("application/proto; charset=utf-8"), true);
    assert.equal(typed("application/json"), false);
    assert.equal(typed("application/json", "connect-protocol-version", "1"), true);
    assert.equal(isConnect(head("GET", "/a.B/C?encoding=json&connect=v1"), ""), true);
    assert.equal(isConnect(head("GET", "/a.B/C?disconnect=v1"), ""), false);
  });

  it("have a kind in any case and with parameters", () => {
    assert.deepEqual(kindOf(head("POST", "/", "content-type", "Application/Connect+Proto; x=1")), { streaming: true, form: "wire" });
    assert.equal(kindOf(head("POST", "/", "content-type", "application/xml")), undefined);
  });
});
