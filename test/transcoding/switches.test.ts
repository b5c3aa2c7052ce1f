/** A1.4 to A1.8: what can be switched, and PATCH masks. */
import type { JsonValue } from "@bufbuild/protobuf";
import { canonicalJson } from "../../src/core/message-type.ts";
import { Keep } from "../../src/schema/percent-decoding.ts";
import { TranscodingSuite } from "../support/transcoding-suite/transcoding-suite.ts";

const json = { "content-type": "application/json" };
const rules = {
  Get: { get: "/v1/things", more: [{ get: "/v1/things/{id}" }, { get: "/v1/files/{text=**}" }] },
  Put: { put: "/v1/things/{id}", body: "node" },
  Post: { post: "/v1/things", body: "*", more: [{ post: "/v1/things/{id}", body: "*" }] },
  Nested: { post: "/v1/nodes/{node.name}", body: "*" },
} as const;

describe("transcoding: PATCH", () => {
  const suite = TranscodingSuite.inSuite({
    Patch: { patch: "/v1/things/{id}", body: "node", input: "Patch", more: [{ patch: "/v1/nodes/{node.name}", body: "node" }] },
    Whole: { patch: "/v1/whole/{id}", body: "*", input: "Patch" },
    Put: { put: "/v1/things/{id}", body: "node", input: "Patch" },
    Two: { patch: "/v1/two/{id}", body: "node", input: "TwoMasks" },
    None: { patch: "/v1/none/{id}", body: "node", input: "NoMask" },
    Text: { patch: "/v1/text", body: "text" },
  });
  const masks: readonly (readonly [body: string, node: JsonValue, mask: string])[] = [
    ['{"name":"a"}', { name: "a" }, "name"],
    ['{"name":"a","size":1}', { name: "a", size: 1 }, "name,size"],
    ['{"size":0}', {}, "size"],
    ['{"size":null}', {}, "size"],
    ['{"child":{"name":"a","child":{"size":1}}}', { child: { name: "a", child: { size: 1 } } }, "child.name,child.child.size"],
    ['{"child":{}}', { child: {} }, "child"],
    ['{"child":null}', {}, "child"],
    ['{"tags":["a","b"]}', { tags: ["a", "b"] }, "tags"],
    ['{"tags":[]}', {}, "tags"],
    ['{"stock":{"a":1}}', { stock: { a: 1 } }, "stock"],
    ['{"children":[{"name":"a"}]}', { children: [{ name: "a" }] }, "children"],
    ['{"madeAt":"2026-01-31T12:00:00Z"}', { madeAt: "2026-01-31T12:00:00Z" }, "madeAt"],
    ['{"made_at":"2026-01-31T12:00:00Z"}', { madeAt: "2026-01-31T12:00:00Z" }, "madeAt"],
    ['{"place":"a"}', { place: "a" }, "place"],
    ["{}", {}, ""],
  ];
  for (const [body, node, mask] of masks)
    suite.row(`${body} is ${mask === "" ? "an empty mask" : mask}`, {
      send: "PATCH /v1/things/7",
      headers: json,
      body,
      calls: "Patch",
      arrives: { id: "7", node, updateMask: mask },
    });
  suite.row("a mask that is given stays", {
    send: "PATCH /v1/things/7?updateMask=name",
    json: { name: "a", size: 1 },
    arrives: { id: "7", node: { name: "a", size: 1 }, updateMask: "name" },
  });
  suite.row("in either spelling", {
    send: "PATCH /v1/things/7?update_mask=size,madeAt",
    json: { size: 1 },
    arrives: { id: "7", node: { size: 1 }, updateMask: "size,madeAt" },
  });
  suite.row("what the path binds is not part of it", {
    send: "PATCH /v1/nodes/n",
    json: { size: 1 },
    arrives: { node: { name: "n", size: 1 }, updateMask: "size" },
  });
  suite.row("not with body *", {
    send: "PATCH /v1/whole/7",
    json: { node: { name: "a" } },
    calls: "Whole",
    arrives: { id: "7", node: { name: "a" } },
  });
  suite.row("not for PUT", { send: "PUT /v1/things/7", json: { name: "a" }, calls: "Put", arrives: { id: "7", node: { name: "a" } } });
  suite.row("not with two masks", {
    send: "PATCH /v1/two/7",
    json: { name: "a" },
    calls: "Two",
    arrives: { id: "7", node: { name: "a" } },
  });
  suite.row("not without a mask", {
    send: "PATCH /v1/none/7",
    json: { name: "a" },
    calls: "None",
    arrives: { id: "7", node: { name: "a" } },
  });
  suite.row("not without a body", { send: "PATCH /v1/things/7", calls: "Patch", arrives: { id: "7" } });
  suite.row("not for a body that is no message", { send: "PATCH /v1/text", json: "a", calls: "Text", arrives: { text: "a" } });
  suite.row("a name that does not exist is refused", {
    send: "PATCH /v1/things/7",
    json: { nmae: "a" },
    refused: [400, "UNKNOWN_FIELD", "node.nmae"],
    says: /did you mean/,
  });
});

describe("transcoding: unknown names are skipped", () => {
  const binding = { ignoreUnknownParameters: true, ignoreUnknownFields: true };
  const suite = TranscodingSuite.inSuite(rules, { hop: { table: { binding } } });
  suite.row("parameters", { send: "GET /v1/things?utm=1&text=a&node.utm=2&at.seconds=1", arrives: { text: "a" } });
  suite.row("parameters beside a body of everything", { send: "POST /v1/things?text=a", json: { id: "7" }, arrives: { id: "7" } });
  suite.row("fields, nested ones too", {
    send: "POST /v1/things",
    json: { id: "7", utm: [{}], node: { utm: 1, name: "n" } },
    arrives: { id: "7", node: { name: "n" } },
  });
  suite.row("fields of a field", { send: "PUT /v1/things/7", json: { utm: {}, name: "n" }, arrives: { id: "7", node: { name: "n" } } });
  suite.row("form fields", {
    send: "POST /v1/things",
    headers: { "content-type": "application/x-www-form-urlencoded" },
    body: "utm=1&id=7",
    arrives: { id: "7" },
  });
  suite.row("bad values of known ones are not", { send: "GET /v1/things?i32=x", refused: [400, "INVALID_PARAMETER", "i32"] });
  suite.row("bad values of known fields are not", { send: "POST /v1/things", json: { i32: "x" }, refused: [400, "INVALID_JSON", "i32"] });
});

describe("transcoding: system parameters", () => {
  const suite = TranscodingSuite.inSuite(rules, { hop: { table: { binding: { ignoredParameters: ["alt", "key", "$fields", "text"] } } } });
  suite.row("are skipped by name", { send: "GET /v1/things?alt=json&key=a&%24fields=x&i32=1", arrives: { i32: 1 } });
  suite.row("even where a field has the name", { send: "GET /v1/things?text=a", arrives: {} });
  suite.row("however often they come", { send: "GET /v1/things?alt=json&alt=json", arrives: {} });
  suite.row("whatever they hold", { send: "GET /v1/things?alt=%zz", arrives: {} });
  suite.row("beside a body", { send: "POST /v1/things?alt=json", json: { id: "7" }, arrives: { id: "7" } });
  suite.row("others are still refused", { send: "GET /v1/things?prettyPrint=true", refused: [400, "UNKNOWN_FIELD", "prettyPrint"] });
  suite.row("nested names are others", { send: "GET /v1/things?alt.x=1", refused: [400, "UNKNOWN_FIELD", "alt.x"] });
});

describe("transcoding: two values of one field", () => {
  describe("the URL wins", () => {
    const suite = TranscodingSuite.inSuite(rules, { hop: { table: { binding: { queryOverBody: true } } } });
    suite.row("over the body", { send: "POST /v1/things?text=url", json: { text: "body", i32: 1 }, arrives: { text: "url", i32: 1 } });
    suite.row("over a nested field of the body", {
      send: "POST /v1/things?node.name=url",
      json: { node: { name: "body", size: 1 } },
      arrives: { node: { name: "url", size: 1 } },
    });
    suite.row("the path over the query", { send: "POST /v1/things/path?id=query", json: { id: "body" }, arrives: { id: "path" } });
    suite.row("a default too", { send: "POST /v1/things?i32=0&flag=false", json: { i32: 5, flag: true }, arrives: {} });
    suite.row("a well-known type is replaced, not merged", {
      send: "POST /v1/things?at=1970-01-01T00:00:00Z",
      json: { at: "2026-01-31T12:00:00.5Z" },
      arrives: { at: "1970-01-01T00:00:00Z" },
    });
    suite.row("a wrapper of its default", { send: "POST /v1/things?w_i32=0", json: { wI32: 5 }, arrives: { wI32: 0 } });
    suite.row("repeated fields are added", { send: "POST /v1/things?texts=b", json: { texts: ["a"] }, arrives: { texts: ["a", "b"] } });
  });

  describe("are refused", () => {
    const suite = TranscodingSuite.inSuite(rules, { hop: { table: { binding: { refuseCollisions: true, queryOverBody: true } } } });
    suite.row("where they differ: path and body", {
      send: "POST /v1/things/7",
      json: { id: "8" },
      refused: [400, "INVALID_PARAMETER", "id"],
    });
    suite.row("path and query", { send: "GET /v1/things/7?id=8", refused: [400, "INVALID_PARAMETER", "id"] });
    suite.row("query and body", { send: "POST /v1/things?i32=1", json: { i32: 2 }, refused: [400, "INVALID_PARAMETER", "i32"] });
    suite.row("nested", { send: "POST /v1/nodes/a", json: { node: { name: "b" } }, refused: [400, "INVALID_PARAMETER", "node.name"] });
    suite.row("and taken where they are the same", {
      send: "POST /v1/things/7?i32=1",
      json: { id: "7", i32: 1 },
      arrives: { id: "7", i32: 1 },
    });
    suite.row("or only one is there", { send: "POST /v1/nodes/a", json: { node: { size: 1 } }, arrives: { node: { name: "a", size: 1 } } });
  });
});

describe("transcoding: repeated messages in the query", () => {
  const suite = TranscodingSuite.inSuite(rules, { hop: { table: { binding: { repeatedMessages: true } } } });
  const taken: readonly (readonly [query: string, message: object])[] = [
    ["nodes[0].name=a", { nodes: [{ name: "a" }] }],
    ["nodes[0].name=a&nodes[0].size=1&nodes[1].name=b", { nodes: [{ name: "a", size: 1 }, { name: "b" }] }],
    ["nodes[1].name=b&nodes[0].name=a", { nodes: [{ name: "a" }, { name: "b" }] }],
    ["nodes%5B0%5D.name=a", { nodes: [{ name: "a" }] }],
    ["nodes[0].tags=a&nodes[0].tags=b", { nodes: [{ tags: ["a", "b"] }] }],
    ["nodes[0].children[0].name=a&nodes[0].children[1].name=b", { nodes: [{ children: [{ name: "a" }, { name: "b" }] }] }],
    ["nodes[0].child.name=a&nodes[0].child.size=1", { nodes: [{ child: { name: "a", size: 1 } }] }],
    ["node.children[0].name=a&node.name=b", { node: { name: "b", children: [{ name: "a" }] } }],
    ["nodes[0].stock[x]=1", { nodes: [{ stock: { x: 1 } }] }],
  ];
  for (const [query, arrives] of taken) suite.row(`?${query}`, { send: `GET /v1/things?${query}`, arrives: arrives as never });
  const refused: readonly (readonly [query: string, field: string])[] = [
    ["nodes[1].name=a", "nodes"],
    ["nodes[0].name=a&nodes[2].name=b", "nodes"],
    ["nodes[9999999].name=a", "nodes"],
    ["nodes[-1].name=a", "nodes"],
    ["nodes[x].name=a", "nodes"],
    ["nodes[0]=a", "nodes"],
    ["nodes[0]name=a", "nodes"],
    ["nodes[].name=a", "nodes"],
    ["nodes[0].name=a&nodes[0].name=b", "name"],
    ["texts[0]=a", "texts"],
  ];
  for (const [query, field] of refused)
    suite.row(`?${query} is refused`, { send: `GET /v1/things?${query}`, refused: [400, "INVALID_PARAMETER", field] });
});

describe("transcoding: only the slash stays encoded", () => {
  const suite = TranscodingSuite.inSuite(rules, { hop: { table: { binding: { multiSegmentKeep: Keep.SLASH } } } });
  suite.row("in several segments", { send: "GET /v1/files/a%2Fb/%3A%40%3F", arrives: { text: "a%2Fb/:@?" } });
  suite.row("in lower case too", { send: "GET /v1/files/a%2fb", arrives: { text: "a%2fb" } });
});

describe("transcoding: JSON profiles", () => {
  const profiles = {
    emitDefaults: { ...canonicalJson, emitDefaults: true },
    protoNames: { ...canonicalJson, protoNames: true },
    enumNumbers: { ...canonicalJson, enumNumbers: true },
    int64Numbers: { ...canonicalJson, int64Numbers: true },
    ignoreUnknown: { ...canonicalJson, ignoreUnknown: true },
  };
  const node = { output: "Node", input: "Node" };
  const cases: readonly (readonly [profile: keyof typeof profiles, send: string, answer: object])[] = [
    ["emitDefaults", "GET /v1/node?name=a", { name: "a", size: 0, tags: [], stock: {}, children: [] }],
    ["emitDefaults", "GET /v1/node?place=", { name: "", size: 0, tags: [], stock: {}, children: [], place: "" }],
    ["protoNames", "GET /v1/node?madeAt=2026-01-31T12:00:00Z", { made_at: "2026-01-31T12:00:00Z" }],
    ["protoNames", "GET /v1/all?maybeNumber=1&otherName=a&w_i32=1", { maybe_number: 1, renamed: "a", w_i32: 1 }],
    ["enumNumbers", "GET /v1/all?color=RED&colors=DARK_BLUE&paints[a]=RED", { color: 1, colors: [2], paints: { a: 1 } }],
    ["int64Numbers", "GET /v1/all?i64=-7&u64=9007199254740991&i64s=1", { i64: -7, u64: 9007199254740991, i64s: [1] }],
    ["int64Numbers", "GET /v1/all?i64=9007199254740993", { i64: "9007199254740993" }],
    ["ignoreUnknown", "GET /v1/node?name=a", { name: "a" }],
  ];
  for (const [profile, json] of Object.entries(profiles))
    describe(profile, () => {
      const suite = TranscodingSuite.inSuite(
        { Node: { get: "/v1/node", ...node }, All: { get: "/v1/all" } },
        { hop: { table: { binding: { json } } } },
      );
      for (const [, send, answer] of cases.filter(([name]) => name === profile)) suite.row(send, { send, answer: answer as never });
    });
});

describe("transcoding: method override", () => {
  const form = { "content-type": "application/x-www-form-urlencoded" };
  const as = (method: string): Record<string, string> => ({ "x-http-method-override": method });
  describe("switched on", () => {
    const suite = TranscodingSuite.inSuite(rules, { hop: { methodOverride: true } });
    suite.row("a POST is taken as the method that is meant", {
      send: "POST /v1/things/7",
      headers: { ...json, ...as("put") },
      body: '{"name":"a"}',
      calls: "Put",
      arrives: { id: "7", node: { name: "a" } },
    });
    suite.row("a form is the query of a GET", {
      send: "POST /v1/things",
      headers: { ...form, ...as("GET") },
      body: "i32=5&text=a+b%26",
      calls: "Get",
      arrives: { i32: 5, text: "a b&" },
    });
    suite.row("behind the query that is there", {
      send: "POST /v1/things?i32=5",
      headers: { ...form, ...as("GET") },
      body: "text=a",
      calls: "Get",
      arrives: { i32: 5, text: "a" },
    });
    suite.row("a GET without a form", { send: "POST /v1/things?i32=5", headers: as("GET"), calls: "Get", arrives: { i32: 5 } });
    suite.row("what is wrong in the form is named", {
      send: "POST /v1/things",
      headers: { ...form, ...as("GET") },
      body: "i32=x",
      refused: [400, "INVALID_PARAMETER", "i32"],
    });
    suite.row("no other body for a GET", {
      send: "POST /v1/things",
      headers: { ...json, ...as("GET") },
      body: "{}",
      refused: [400, "UNEXPECTED_BODY"],
    });
    suite.row("a method that the path does not take", {
      send: "POST /v1/things",
      headers: { ...json, ...as("DELETE") },
      body: "{}",
      refused: [405, "METHOD_NOT_ALLOWED"],
    });
    suite.row("what is no method", {
      send: "POST /v1/things",
      headers: { ...json, ...as("G T") },
      body: "{}",
      refused: [400, "BAD_REQUEST"],
    });
    suite.row("only a POST can mean another", { send: "GET /v1/things?i32=5", headers: as("DELETE"), calls: "Get", arrives: { i32: 5 } });
  });
  describe("as it is unless switched on", () => {
    const suite = TranscodingSuite.inSuite(rules);
    suite.row("the header is one like any other", {
      send: "POST /v1/things/7",
      headers: { ...json, ...as("PUT") },
      body: '{"text":"a"}',
      calls: "Post",
      arrives: { id: "7", text: "a" },
    });
  });
});
