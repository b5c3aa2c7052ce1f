/** Header fields on their way through: whatever comes, nothing of one connection goes on, and what is end-to-end is kept in its order. */
import assert from "node:assert/strict";
import fc from "fast-check";
import { Metadata } from "../../src/core/metadata.ts";
import { answeredFields, forwardedFields } from "../../src/protocols/shared/http-fields.ts";
import type { Peer, RequestHead } from "../../src/wire/exchange.ts";

const hopByHop = ["connection", "keep-alive", "proxy-connection", "proxy-authenticate", "te", "trailer", "transfer-encoding", "upgrade"];
const endToEnd = ["x-a", "x-b", "cookie", "set-cookie", "content-type", "etag"];
const names = fc.constantFrom(...hopByHop, ...endToEnd, "x-forwarded-for", "via", "content-length", "x-forwarded-proto");
const values = fc.constantFrom("1", "x-a", "close, x-b", "keep-alive", "203.0.113.7", "12", "a, b");
const lists = fc.array(fc.tuple(names, values), { maxLength: 12 }).map((pairs) => pairs.flat());

const peer: Peer = { address: "10.0.0.1", port: 1, tls: undefined };

function head(flat: readonly string[]): RequestHead {
  return {
    version: "1.1",
    method: "GET",
    target: "/",
    scheme: "http",
    authority: "shop.test",
    headers: Metadata.share(flat),
    contentLength: -1,
    acceptsTrailers: false,
    upgrade: undefined,
  };
}

function valuesOf(flat: readonly string[], name: string): string[] {
  return Metadata.share(flat).getAll(name);
}

describe("fields of plain HTTP", () => {
  it("of a request lose what belongs to the connection, and gain one word of this hop", () => {
    fc.assert(
      fc.property(lists, (flat) => {
        const sent = forwardedFields(head(flat), peer);
        for (const name of hopByHop) assert.deepEqual(valuesOf(sent, name), [], name);
        for (const name of endToEnd) assert.deepEqual(valuesOf(sent, name), valuesOf(flat, name), name);
        assert.deepEqual(valuesOf(sent, "x-forwarded-for"), [[...valuesOf(flat, "x-forwarded-for"), "10.0.0.1"].join(", ")]);
        assert.deepEqual(valuesOf(sent, "via"), [[...valuesOf(flat, "via"), "1.1 dragoman"].join(", ")]);
        assert.deepEqual(valuesOf(sent, "x-forwarded-host"), ["shop.test"]);
        assert.equal(valuesOf(sent, "x-forwarded-proto").length, 1);
      }),
    );
  });

  it("of an answer lose what `connection` names too, and their length", () => {
    fc.assert(
      fc.property(lists, (flat) => {
        const { fields, contentLength } = answeredFields(flat);
        const named = valuesOf(flat, "connection").flatMap((value) => value.split(", "));
        for (const name of [...hopByHop, "content-length", ...named]) assert.deepEqual(valuesOf(fields, name), [], name);
        for (const name of endToEnd) if (!named.includes(name)) assert.deepEqual(valuesOf(fields, name), valuesOf(flat, name), name);
        assert.ok(contentLength >= -1);
      }),
    );
  });
});
