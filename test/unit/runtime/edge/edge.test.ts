/** What is taken out of, and refused in, requests from outside. */
import assert from "node:assert/strict";
import fc from "fast-check";
import { edgeFields } from "../../../../src/runtime/edge/edge-fields.ts";
import { forbiddenEscapes, normalPath } from "../../../../src/runtime/edge/edge-path.ts";

describe("paths from outside", () => {
  const cases = [
    ["/v1/a", "/v1/a"],
    ["/", "/"],
    ["/a/", "/a/"],
    ["/a/./b", "/a/b"],
    ["/a/../b", "/b"],
    ["/a/b/..", "/a/"],
    ["/a/b/.", "/a/b/"],
    ["/../../etc/passwd", "/etc/passwd"],
    ["/a/%2e%2E/b", "/b"],
    ["/a/.%2e/b", "/b"],
    ["/a/%2e/b", "/a/b"],
    ["//a///b//", "/a/b/"],
    ["//", "/"],
    ["/a//../b", "/b"],
    ["/.well-known/x", "/.well-known/x"],
    ["/a..b/...", "/a..b/..."],
    ["/a/..%2fb", "/a/..%2fb"],
  ] as const;
  for (const [given, path] of cases) it(`${given} is ${path}`, () => assert.equal(normalPath(given), path));

  it("stay as they are once they are plain, and hold no dot segment and no empty one", () => {
    const piece = fc.constantFrom("a", ".", "..", "%2e", "%2E%2e", "", "/", "b.c", "%2f", ":verb");
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 12 }), (pieces) => {
        const path = normalPath(`/${pieces.join("/")}`);
        assert.equal(normalPath(path), path);
        assert.ok(path.startsWith("/") && !path.includes("//"));
        for (const segment of path.split("/")) assert.ok(!/^(\.|%2e){1,2}$/i.test(segment), path);
      }),
    );
  });

  it("are searched for escapes that are not read alike by all", () => {
    assert.equal(forbiddenEscapes("/a%2Fb%2f%5C%5c%00"), 5);
    assert.equal(forbiddenEscapes("/a%252Fb%20%2e"), 0);
  });
});

describe("fields from outside", () => {
  const internal = [
    "x-forwarded-for",
    "x-forwarded-client-cert",
    "x-forwarded",
    "forwarded",
    "x-real-ip",
    "x-original-url",
    "x-envoy-internal",
    "x-dragoman-principal",
    "dragoman-service",
    "grpc-metadata-x-forwarded-for",
    "grpc-metadata-dragoman-service",
  ];
  for (const name of internal) it(`${name} is taken out`, () => assert.deepEqual(edgeFields([name, "1", "x", "2"]).fields, ["x", "2"]));

  const outside = ["authorization", "x-request-id", "dragoman-profile", "via", "traceparent", "grpc-metadata-x-color", "x-forwards"];
  it(`${outside.join(", ")} stay`, () => {
    const flat = outside.flatMap((name) => [name, "1"]);
    assert.equal(edgeFields(flat).fields, flat);
  });

  it("with _ in their names are refused", () => {
    assert.equal(edgeFields(["x", "1", "x_forwarded_for", "2"]).refused, "x_forwarded_for");
    assert.equal(edgeFields(["x", "a_b"]).refused, undefined);
  });
});
