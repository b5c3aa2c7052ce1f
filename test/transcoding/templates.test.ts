/** A1.1 to A1.4: which rule a path meets, and what its variables hold. */
import type { JsonValue } from "@bufbuild/protobuf";
import { TranscodingSuite } from "../support/transcoding-suite/transcoding-suite.ts";

describe("transcoding: templates", () => {
  const suite = TranscodingSuite.inSuite({
    Root: { get: "/" },
    Shelves: { get: "/v1/shelves" },
    Shelf: { get: "/v1/shelves/{id}" },
    Main: { get: "/v1/shelves/main" },
    Book: { get: "/v1/shelves/{id}/books/{text}" },
    Newest: { get: "/v1/shelves/{id}/books/newest" },
    MainBook: { get: "/v1/shelves/main/books/{text}" },
    Wildcard: { get: "/v1/any/*" },
    WildcardTwice: { get: "/v1/any/*/and/*" },
    Rest: { get: "/v1/rest/**" },
    RestTail: { get: "/v1/rest/**/tail" },
    Fallback: { get: "/v2/{id=**}" },
    Fixed: { get: "/v2/fixed/{id}" },
    Deep: { get: "/v2/fixed/{id}/a/b" },
    Name: { get: "/v3/{id=shelves/*}" },
    NameBooks: { get: "/v3/{id=shelves/*/books/*}" },
    NameRest: { get: "/v3/{id=files/**}" },
    NameBoth: { get: "/v3/{id=projects/*}/zones/{text}" },
    NameTail: { get: "/v3/pages/{id=**}/raw" },
    NameInner: { get: "/v3/docs/{id=a/**/z}" },
    Nested: { get: "/v4/{node.name}/{node.child.name}" },
    NestedNames: { get: "/v4/of/{node.name=rooms/*}/at/{node.size}" },
    JsonName: { get: "/v4/renamed/{otherName}" },
    Typed: { get: "/v5/i32/{i32}" },
    TypedI64: { get: "/v5/i64/{i64}" },
    TypedU64: { get: "/v5/u64/{u64}" },
    TypedFlag: { get: "/v5/flag/{flag}" },
    TypedDouble: { get: "/v5/dbl/{dbl}" },
    TypedBlob: { get: "/v5/blob/{blob}" },
    TypedColor: { get: "/v5/color/{color}" },
    TypedTime: { get: "/v5/at/{at}" },
    TypedWrapper: { get: "/v5/wrapper/{w_i64}" },
    TypedMaybe: { get: "/v5/maybe/{maybe}" },
    TypedChoice: { get: "/v5/choice/{choice_number}" },
    Verb: { get: "/v6/{id}:print" },
    NoVerb: { get: "/v6/{id}" },
    VerbList: { get: "/v6:print" },
    VerbRest: { get: "/v6/r/{id=**}:print" },
    VerbOnLiteral: { get: "/v6/a/b:check" },
    OtherVerb: { get: "/v6/{id}:cancel" },
    Escaped: { get: "/v7/caf%C3%A9/{id}" },
    Literal: { get: "/v7/a.b-c_d~e/{id}" },
    At: { get: "/v7/@me/{id}" },
    Upper: { get: "/v7/Case" },
    OnlyGet: { get: "/v8/main" },
    OnlyPost: { post: "/v8/{id}" },
    AnyLiteral: { custom: "* /v8/any/main" },
    GetVariable: { get: "/v8/any/{id}" },
  });

  const matching: Readonly<Record<string, readonly (readonly [path: string, calls: string, binds: JsonValue])[]>> = {
    "precedence: literal, then variable, then **": [
      ["/", "Root", {}],
      ["/v1/shelves", "Shelves", {}],
      ["/v1/shelves/7", "Shelf", { id: "7" }],
      ["/v1/shelves/main", "Main", {}],
      ["/v1/shelves/mains", "Shelf", { id: "mains" }],
      ["/v1/shelves/7/books/8", "Book", { id: "7", text: "8" }],
      ["/v1/shelves/7/books/newest", "Newest", { id: "7" }],
      // The literal wins at the earlier segment, whatever it costs later.
      ["/v1/shelves/main/books/newest", "MainBook", { text: "newest" }],
      ["/v1/shelves/main/books/8", "MainBook", { text: "8" }],
      ["/v2/fixed/7", "Fixed", { id: "7" }],
      ["/v2/fixed/7/a/b", "Deep", { id: "7" }],
      // The walk goes back from the literal to the ** when nothing fits there.
      ["/v2/fixed", "Fallback", { id: "fixed" }],
      ["/v2/fixed/7/a", "Fallback", { id: "fixed/7/a" }],
      ["/v2/fixed/7/a/b/c", "Fallback", { id: "fixed/7/a/b/c" }],
      ["/v2/other", "Fallback", { id: "other" }],
      ["/v2", "Fallback", {}],
    ],
    "the HTTP method": [
      ["/v8/main", "OnlyGet", {}],
      // A literal that takes any method is nearer than a variable that takes this one.
      ["/v8/any/main", "AnyLiteral", {}],
      ["/v8/any/mains", "GetVariable", { id: "mains" }],
    ],
    wildcards: [
      ["/v1/any/x", "Wildcard", {}],
      ["/v1/any/x/and/y", "WildcardTwice", {}],
      ["/v1/rest", "Rest", {}],
      ["/v1/rest/a", "Rest", {}],
      ["/v1/rest/a/b/c/d/e/f/g/h", "Rest", {}],
      ["/v1/rest/tail", "RestTail", {}],
      ["/v1/rest/a/b/tail", "RestTail", {}],
      ["/v1/rest/tail/tail", "RestTail", {}],
      ["/v1/rest/tail/a", "Rest", {}],
    ],
    "multi-segment variables": [
      ["/v3/shelves/7", "Name", { id: "shelves/7" }],
      ["/v3/shelves/7/books/8", "NameBooks", { id: "shelves/7/books/8" }],
      ["/v3/files", "NameRest", { id: "files" }],
      ["/v3/files/a", "NameRest", { id: "files/a" }],
      ["/v3/files/a/b/c.txt", "NameRest", { id: "files/a/b/c.txt" }],
      ["/v3/projects/p/zones/z", "NameBoth", { id: "projects/p", text: "z" }],
      ["/v3/pages/raw", "NameTail", {}],
      ["/v3/pages/a/raw", "NameTail", { id: "a" }],
      ["/v3/pages/a/b/c/raw", "NameTail", { id: "a/b/c" }],
      ["/v3/pages/raw/raw", "NameTail", { id: "raw" }],
      ["/v3/docs/a/z", "NameInner", { id: "a/z" }],
      ["/v3/docs/a/x/y/z", "NameInner", { id: "a/x/y/z" }],
    ],
    "field paths": [
      ["/v4/a/b", "Nested", { node: { name: "a", child: { name: "b" } } }],
      ["/v4/of/rooms/7/at/5", "NestedNames", { node: { name: "rooms/7", size: 5 } }],
      ["/v4/renamed/x", "JsonName", { otherName: "x" }],
    ],
    types: [
      ["/v5/i32/-2147483648", "Typed", { i32: -2147483648 }],
      ["/v5/i32/0", "Typed", {}],
      ["/v5/i64/9223372036854775807", "TypedI64", { i64: "9223372036854775807" }],
      ["/v5/u64/18446744073709551615", "TypedU64", { u64: "18446744073709551615" }],
      ["/v5/flag/true", "TypedFlag", { flag: true }],
      ["/v5/dbl/-1.5e-3", "TypedDouble", { dbl: -0.0015 }],
      ["/v5/dbl/NaN", "TypedDouble", { dbl: "NaN" }],
      ["/v5/blob/_-8", "TypedBlob", { blob: "/+8=" }],
      ["/v5/blob/%2F%2B8%3D", "TypedBlob", { blob: "/+8=" }],
      ["/v5/color/RED", "TypedColor", { color: "RED" }],
      ["/v5/color/2", "TypedColor", { color: "DARK_BLUE" }],
      ["/v5/color/-1", "TypedColor", { color: "NEGATIVE" }],
      ["/v5/at/2026-01-31T12:00:00Z", "TypedTime", { at: "2026-01-31T12:00:00Z" }],
      ["/v5/wrapper/0", "TypedWrapper", { wI64: "0" }],
      ["/v5/maybe/x", "TypedMaybe", { maybe: "x" }],
      ["/v5/choice/0", "TypedChoice", { choiceNumber: 0 }],
    ],
    verbs: [
      ["/v6/7", "NoVerb", { id: "7" }],
      ["/v6/7:print", "Verb", { id: "7" }],
      ["/v6/7:cancel", "OtherVerb", { id: "7" }],
      ["/v6:print", "VerbList", {}],
      ["/v6/r/a/b:print", "VerbRest", { id: "a/b" }],
      ["/v6/r:print", "VerbRest", {}],
      ["/v6/a/b:check", "VerbOnLiteral", {}],
      // A verb that nobody registered is part of the segment.
      ["/v6/7:stop", "NoVerb", { id: "7:stop" }],
      ["/v6/urn:isbn:7", "NoVerb", { id: "urn:isbn:7" }],
      ["/v6/urn:isbn:print", "Verb", { id: "urn:isbn" }],
      ["/v6/a:print:b", "NoVerb", { id: "a:print:b" }],
      ["/v6/7:", "NoVerb", { id: "7:" }],
      ["/v6/7%3Aprint", "NoVerb", { id: "7:print" }],
      // The colon no longer stands in the last segment.
      ["/v6/7:print/", "NoVerb", { id: "7:print" }],
      ["/v6/7:%70rint", "Verb", { id: "7" }],
    ],
    escapes: [
      ["/v1/shelves/a%20b", "Shelf", { id: "a b" }],
      ["/v1/shelves/a%2Fb", "Shelf", { id: "a/b" }],
      ["/v1/shelves/a%2fb", "Shelf", { id: "a/b" }],
      ["/v1/shelves/a+b", "Shelf", { id: "a+b" }],
      ["/v1/shelves/%C3%A9", "Shelf", { id: "é" }],
      ["/v1/shelves/%F0%9F%98%80", "Shelf", { id: "😀" }],
      ["/v1/shelves/%25", "Shelf", { id: "%" }],
      ["/v1/shelves/%2525", "Shelf", { id: "%25" }],
      ["/v1/shelves/%3F%23%26%3D", "Shelf", { id: "?#&=" }],
      ["/v1/shelves/a!$&'()*+,;=:@b", "Shelf", { id: "a!$&'()*+,;=:@b" }],
      ["/v1/shelves/7;v=1", "Shelf", { id: "7;v=1" }],
      ["/v1/shelves/m%61in", "Main", {}],
      ["/v1/sh%65lves/7", "Shelf", { id: "7" }],
      ["/v7/caf%C3%A9/7", "Escaped", { id: "7" }],
      ["/v7/caf%c3%a9/7", "Escaped", { id: "7" }],
      ["/v7/a.b-c_d~e/7", "Literal", { id: "7" }],
      ["/v7/@me/7", "At", { id: "7" }],
      ["/v7/%40me/7", "At", { id: "7" }],
      // Several segments: RFC 6570 reserved characters stay encoded, so %2F is not mistaken for a separator.
      ["/v3/files/a%2Fb", "NameRest", { id: "files/a%2Fb" }],
      ["/v3/files/a%2fb", "NameRest", { id: "files/a%2fb" }],
      ["/v3/files/a%20b/%C3%A9", "NameRest", { id: "files/a b/é" }],
      ["/v3/files/%3A%2F%3F%23%5B%5D%40", "NameRest", { id: "files/%3A%2F%3F%23%5B%5D%40" }],
      ["/v3/files/%21%24%26%27%28%29%2A%2B%2C%3B%3D", "NameRest", { id: "files/%21%24%26%27%28%29%2A%2B%2C%3B%3D" }],
      ["/v3/files/%2D%2E%5F%7E%61", "NameRest", { id: "files/-._~a" }],
      ["/v3/shelves/a%2Fb", "Name", { id: "shelves/a%2Fb" }],
      ["/v3/shelves/a%20b", "Name", { id: "shelves/a b" }],
    ],
    slashes: [
      ["/v1/shelves/", "Shelves", {}],
      ["/v1/shelves/7/", "Shelf", { id: "7" }],
      ["/v1/shelves/7//", "Shelf", { id: "7" }],
      ["/v1/rest/", "Rest", {}],
      ["/v3/files/a/", "NameRest", { id: "files/a" }],
      // An empty segment inside is kept.
      ["/v1/shelves//books/8", "Book", { text: "8" }],
      ["/v2//a", "Fallback", { id: "/a" }],
      ["/v2/fixed//", "Fallback", { id: "fixed" }],
      ["/v3/files/a//b", "NameRest", { id: "files/a//b" }],
    ],
  };
  for (const [group, rows] of Object.entries(matching))
    describe(group, () => {
      for (const [path, calls, arrives] of rows) suite.row(`${path} calls ${calls}`, { send: `GET ${path}`, calls, arrives });
    });

  describe("forms of the request target", () => {
    suite.row("absolute", { send: "GET http://test/v1/shelves/7?text=a", calls: "Shelf", arrives: { id: "7", text: "a" }, over: "1.1" });
    suite.row("absolute, of https", { send: "GET https://test/v1/shelves/7", calls: "Shelf", arrives: { id: "7" }, over: "1.1" });
    suite.row("absolute, without a path", { send: "GET http://test", calls: "Root", arrives: {}, over: "1.1" });
    suite.row("a question mark without a query", { send: "GET /v1/shelves/7?", calls: "Shelf", arrives: { id: "7" } });
    suite.row("a literal of another method does not hide a variable", {
      send: "POST /v8/main",
      calls: "OnlyPost",
      arrives: { id: "main" },
    });
    suite.row("a parameter of the path's oneof", {
      send: "GET /v5/choice/1?choice_text=a",
      refused: [400, "INVALID_PARAMETER", "choice_text"],
    });
    for (const bytes of ["\xc3\xa9", "\xff", "\x01"])
      suite.row(`bytes that no target may hold: ${JSON.stringify(bytes)}`, {
        send: `GET /v1/shelves/${bytes}`,
        refused: [400, "BAD_REQUEST"],
        over: "1.1",
      });
  });

  describe("paths of no rule", () => {
    for (const path of [
      "/v1",
      "/v1/shelf",
      "/v1/Shelves",
      "/v1/shelves/7/8",
      "/v1/shelves/7/books/8/9",
      "/v1/any",
      "/v1/any/x/or/y",
      "/v3/shelves",
      "/v3/projects/p/zones",
      "/v3/docs/a/x",
      "/v7/case",
      "/v6/a/b:print",
      "/v9",
      "/*",
      "/..",
      "/%2F",
      "/v1%2Fshelves",
      "//v1/shelves",
      "/v1//shelves",
    ])
      suite.row(`${path} is unknown`, { send: `GET ${path}`, refused: [404, "UNKNOWN_PATH"] });
  });

  describe("paths that do not decode", () => {
    const broken: readonly (readonly [path: string, field: string])[] = [
      ["/v1/shelves/%", "id"],
      ["/v1/shelves/%4", "id"],
      ["/v1/shelves/%zz", "id"],
      ["/v1/shelves/%4g", "id"],
      ["/v1/shelves/a%", "id"],
      ["/v1/shelves/%%41", "id"],
      ["/v1/shelves/%C3", "id"],
      ["/v1/shelves/%FF", "id"],
      ["/v1/shelves/%C0%AF", "id"],
      ["/v1/shelves/%ED%A0%80", "id"],
      ["/v1/shelves/%F4%90%80%80", "id"],
      ["/v3/files/a/%", "id"],
      ["/v3/files/%E2%82", "id"],
      ["/v3/files/%E2/%82%AC", "id"],
      ["/v1/shelves/7/books/%u0041", "text"],
      ["/v4/a/%FF", "node.child.name"],
      ["/v5/i32/x", "i32"],
      ["/v5/i32/1.5", "i32"],
      ["/v5/i32/2147483648", "i32"],
      ["/v5/i32/-2147483649", "i32"],
      ["/v5/i32/0x10", "i32"],
      ["/v5/i32/%201", "i32"],
      ["/v5/i64/9223372036854775808", "i64"],
      ["/v5/u64/-1", "u64"],
      ["/v5/flag/yes", "flag"],
      ["/v5/dbl/1e999", "dbl"],
      ["/v5/blob/%21", "blob"],
      ["/v5/color/PURPLE", "color"],
      ["/v5/at/yesterday", "at"],
    ];
    for (const [path, field] of broken)
      suite.row(`${path} is refused for ${field}`, { send: `GET ${path}`, refused: [400, "INVALID_PARAMETER", field] });
  });
});
