import assert from "node:assert/strict";
import { CallError } from "../../../../src/core/call-error.ts";
import { RequestFields } from "../../../../src/protocols/websocket/request-fields.ts";

function fromFrame(...fields: [string, string][]): RequestFields {
  const read = new RequestFields();
  for (const [name, value] of fields) read.addFromFrame(name, value);
  return read;
}

describe("metadata of WebSockets", () => {
  it("leaves out what belongs to the handshake and to HTTP", () => {
    const fields = new RequestFields();
    fields.addHeaders(["sec-websocket-key", "k", "accept-language", "de", "cookie", "a=b", "origin", "http://a", "grpc-encoding", "gzip"]);
    assert.deepEqual(fields.metadata, ["cookie", "a=b", "origin", "http://a"]);
  });

  it("takes the shortest timeout, in any form", () => {
    const fields = fromFrame(["grpc-timeout", "5S"], ["connect-timeout-ms", "700"], ["x-server-timeout", "1.5"]);
    assert.equal(fields.timeoutMs, 700);
    assert.deepEqual(fields.metadata, []);
  });

  it("lets the page's own authorization win", () => {
    const fields = new RequestFields();
    fields.addHeaders(["authorization", "Basic x"]);
    fields.addFromFrame("Authorization", "Bearer y");
    assert.deepEqual(fields.metadata, ["authorization", "Bearer y"]);
  });

  it("unwraps grpc-metadata-, and lets nothing else of gRPC's in", () => {
    assert.deepEqual(fromFrame(["grpc-metadata-x", "1"], ["grpc-accept-encoding", "gzip"]).metadata, ["x", "1"]);
  });

  const refused: [string, string, string][] = [
    ["a b", "c", "INVALID_METADATA"],
    ["", "c", "INVALID_METADATA"],
    [":path", "/x", "INVALID_METADATA"],
    ["a", "b\r\nc: d", "INVALID_METADATA"],
    ["a", "é", "INVALID_METADATA"],
    ["a-bin", "!", "INVALID_METADATA"],
    ["grpc-metadata-grpc-timeout", "1S", "INVALID_METADATA"],
    ["grpc-metadata-host", "h", "INVALID_METADATA"],
    ["X-Forwarded-For", "10.0.0.1", "INVALID_METADATA"],
    ["x_forwarded_for", "10.0.0.1", "INVALID_METADATA"],
    ["grpc-metadata-x-real-ip", "10.0.0.1", "INVALID_METADATA"],
    ["dragoman-principal", "root", "INVALID_METADATA"],
    ["grpc-timeout", "", "INVALID_TIMEOUT"],
    ["x", "y".repeat(70_000), "HEADERS_TOO_LARGE"],
  ];
  for (const [name, value, reason] of refused)
    it(`refuses ${JSON.stringify(name)}: ${JSON.stringify(value.slice(0, 20))}`, () =>
      assert.throws(
        () => fromFrame([name, value]),
        (error) => error instanceof CallError && error.reason === reason,
      ));

  it("has an end", () => {
    const fields = new RequestFields();
    assert.throws(
      () => {
        for (let i = 0; i < 200; i++) fields.addFromFrame(`x-${i}`, "1");
      },
      (error) => error instanceof CallError && error.reason === "HEADERS_TOO_LARGE",
    );
  });
});
