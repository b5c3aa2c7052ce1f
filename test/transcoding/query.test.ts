/** A1.5, A1.6, B1.6: query parameters onto fields of every kind. What protobuf-es prints of what arrived is what is expected. */
import type { JsonValue } from "@bufbuild/protobuf";
import { TranscodingSuite } from "../support/transcoding-suite/transcoding-suite.ts";

/** `answer` where our JSON of the same value is shorter. */
type Bound = readonly (readonly [query: string, message: JsonValue, answer?: JsonValue])[];
type Refused = readonly (readonly [query: string, field: string, says?: RegExp])[];

const signed32: Bound = [
  ["2147483647", 2147483647],
  ["-2147483648", -2147483648],
  ["1", 1],
  ["-1", -1],
  ["1e3", 1000],
  ["1.0", 1],
];
const unsigned32: Bound = [
  ["4294967295", 4294967295],
  ["1", 1],
  ["1e9", 1_000_000_000],
];
const signed64: Bound = [
  ["9223372036854775807", "9223372036854775807"],
  ["-9223372036854775808", "-9223372036854775808"],
  ["9007199254740993", "9007199254740993"],
  ["1e18", "1000000000000000000"],
  ["-1", "-1"],
];
const unsigned64: Bound = [
  ["18446744073709551615", "18446744073709551615"],
  ["9007199254740993", "9007199254740993"],
  ["1", "1"],
];
const notInteger = ["", "a", "1a", "1.5", "0x1", "1_0", "١", "%2B1", "--1", "1e", "NaN", "Infinity", "01", "%201", "1%20", "null", "true"];

/** Every scalar type: values at its bounds, and texts that are none of its values. */
const scalars: Readonly<Record<string, { readonly takes: Bound; readonly refuses: readonly string[] }>> = {
  i32: { takes: signed32, refuses: [...notInteger, "2147483648", "-2147483649", "1e10", "99999999999999999999"] },
  s32: { takes: signed32, refuses: ["", "x", "1.5", "2147483648", "-2147483649"] },
  sf32: { takes: signed32, refuses: ["", "x", "1.5", "2147483648", "-2147483649"] },
  u32: { takes: unsigned32, refuses: ["", "x", "-1", "4294967296", "1.5"] },
  f32: { takes: unsigned32, refuses: ["", "x", "-1", "4294967296", "1.5"] },
  i64: { takes: signed64, refuses: ["", "x", "1.5", "9223372036854775808", "-9223372036854775809", "1e19", "1e400"] },
  s64: { takes: signed64, refuses: ["", "x", "1.5", "9223372036854775808", "-9223372036854775809"] },
  sf64: { takes: signed64, refuses: ["", "x", "1.5", "9223372036854775808", "-9223372036854775809"] },
  u64: { takes: unsigned64, refuses: ["", "x", "-1", "18446744073709551616", "1e20"] },
  f64: { takes: unsigned64, refuses: ["", "x", "-1", "18446744073709551616", "1e20"] },
  dbl: {
    takes: [
      ["1.5", 1.5],
      ["-0.5", -0.5],
      ["1e300", 1e300],
      ["5e-324", 5e-324],
      ["1.7976931348623157e308", 1.7976931348623157e308],
      ["NaN", "NaN"],
      ["Infinity", "Infinity"],
      ["-Infinity", "-Infinity"],
    ],
    refuses: ["", "x", "1e309", "-1e309", "nan", "inf", "+Infinity", ".5", "1.", "1,5", "0x1p3"],
  },
  flt: {
    takes: [
      ["0.5", 0.5],
      ["3.4028235e38", 3.4028234663852886e38, 3.4028235e38],
      ["-3.4028235e38", -3.4028234663852886e38, -3.4028235e38],
      ["NaN", "NaN"],
      ["-Infinity", "-Infinity"],
    ],
    refuses: ["", "x", "3.5e38", "-3.5e38", "1e39"],
  },
  flag: { takes: [["true", true]], refuses: ["", "1", "0", "yes", "TRUE", "True", "t", "truee"] },
  text: {
    takes: [
      ["a", "a"],
      ["%00", "\u0000"],
      ["a+b", "a b"],
      ["a%2Bb", "a+b"],
      ["%F0%9F%98%80", "😀"],
      ["%EF%BB%BFa", "\ufeffa"],
    ],
    refuses: ["%FF", "%C0%80", "%ED%A0%80", "%", "%z1"],
  },
  blob: {
    takes: [
      ["AAEC", "AAEC"],
      ["_-8", "/+8="],
      ["_-8%3D", "/+8="],
      ["%2F%2B8=", "/+8="],
      ["AA==", "AA=="],
      ["AA", "AA=="],
    ],
    refuses: ["A", "AA=", "AAA==", "A%20A", "!", "AAEC=", "%FF"],
  },
  color: {
    takes: [
      ["RED", "RED"],
      ["1", "RED"],
      ["2", "DARK_BLUE"],
      ["-1", "NEGATIVE"],
      ["77", 77],
      ["-2147483648", -2147483648],
    ],
    refuses: ["", "red", "Red", "BLUE", "1.5", "2147483648", "COLOR_UNSPECIFIE"],
  },
  alias: {
    takes: [
      ["FIRST", "FIRST"],
      ["SECOND", "FIRST"],
      ["1", "FIRST"],
    ],
    refuses: ["THIRD"],
  },
};

describe("transcoding: query", () => {
  const suite = TranscodingSuite.inSuite({
    Get: { get: "/v1/things", more: [{ get: "/v1/things/{id}" }, { get: "/v1/of/{node.name}" }] },
    Put: { put: "/v1/things/{id}", body: "node" },
    Post: { post: "/v1/things", body: "*" },
  });
  const takes = (rows: Bound): void => {
    for (const [query, arrives, answer = arrives] of rows)
      suite.row(`?${query.slice(0, 70)}`, { send: `GET /v1/things?${query}`, calls: "Get", arrives, answer });
  };
  const refuses = (rows: Refused, reason: "INVALID_PARAMETER" | "UNKNOWN_FIELD" = "INVALID_PARAMETER"): void => {
    for (const [query, field, says] of rows)
      suite.row(`?${query.slice(0, 70)} is refused`, {
        send: `GET /v1/things?${query}`,
        refused: [400, reason, field],
        ...(says === undefined ? {} : { says }),
      });
  };

  for (const [name, { takes: taken, refuses: refused }] of Object.entries(scalars))
    describe(`values of ${name}`, () => {
      takes(taken.map(([text, value, printed = value]) => [`${name}=${text}`, { [name]: value }, { [name]: printed }]));
      // What is not ASCII goes percent-encoded, as a browser would write it.
      refuses(refused.map((text) => [`${name}=${text.replace(/[^\x21-\x7e]/g, encodeURIComponent)}`, name]));
    });

  describe("defaults", () =>
    takes([
      ["i32=0", {}],
      ["i32=-0", {}],
      ["dbl=0", {}],
      ["flag=false", {}],
      ["text=", {}],
      ["text", {}],
      ["color=0", {}],
      ["blob=", {}],
      // With presence a default is a value.
      ["maybe=", { maybe: "" }],
      ["maybe", { maybe: "" }],
      ["maybe_number=0", { maybeNumber: 0 }],
      ["choice_number=0", { choiceNumber: 0 }],
      ["choice_text=", { choiceText: "" }],
      ["w_i32=0", { wI32: 0 }],
      ["w_text=", { wText: "" }],
      ["w_flag=false", { wFlag: false }],
    ]));

  describe("names", () => {
    takes([
      ["maybe_number=1", { maybeNumber: 1 }],
      ["maybeNumber=1", { maybeNumber: 1 }],
      ["snake_case_name=a", { snakeCaseName: "a" }],
      ["snakeCaseName=a", { snakeCaseName: "a" }],
      ["renamed=a", { otherName: "a" }],
      ["otherName=a", { otherName: "a" }],
      ["t%65xt=a", { text: "a" }],
      ["node.made_at=2026-01-31T12:00:00Z", { node: { madeAt: "2026-01-31T12:00:00Z" } }],
      ["node.madeAt=2026-01-31T12:00:00Z", { node: { madeAt: "2026-01-31T12:00:00Z" } }],
    ]);
    refuses(
      [
        ["txet=a", "txet", /did you mean text\?/],
        ["Text=a", "Text"],
        ["other_name=a", "other_name"],
        ["node.nmae=a", "node.nmae", /did you mean node\.name\?/],
        ["text.x=a", "text.x"],
        ["at.seconds=1", "at.seconds"],
        ["w_i32.value=1", "w_i32.value"],
        ["=a", ""],
        [".text=a", ".text"],
        ["text.=a", "text."],
        ["node..name=a", "node..name"],
        ["__proto__=a", "__proto__"],
        ["constructor=a", "constructor"],
        ["text%00=a", "text\u0000"],
        ["$text=a", "$text"],
        ["alt=json", "alt"],
        ["fields=a", "fields"],
        ["%24alt=json", "$alt"],
        ["x".repeat(4000) + "=a", `${"x".repeat(64)}...`],
      ],
      "UNKNOWN_FIELD",
    );
    refuses([
      ["te%zzxt=a", ""],
      ["te%FFxt=a", ""],
    ]);
  });

  describe("the text of a query", () => {
    takes([
      ["", {}],
      ["&", {}],
      ["&&text=a&&", { text: "a" }],
      ["text=a=b", { text: "a=b" }],
      ["text=a?b", { text: "a?b" }],
      ["text=%3D%26", { text: "=&" }],
      ["text=a;i32=1", { text: "a;i32=1" }],
      ["text=a,b", { text: "a,b" }],
      ["text=/a/b", { text: "/a/b" }],
      ["text=%C3%A9%20%2B", { text: "é +" }],
      [`text=${"a".repeat(6000)}`, { text: "a".repeat(6000) }],
    ]);
  });

  describe("two values", () =>
    refuses([
      ["text=a&text=b", "text", /twice/],
      ["text=a&text=a", "text", /twice/],
      ["maybe_number=1&maybeNumber=1", "maybe_number", /twice/],
      ["node.name=a&node.name=b", "node.name", /twice/],
      ["at=2026-01-31T12:00:00Z&at=2026-01-31T12:00:00Z", "at", /twice/],
      ["w_text=a&w_text=b", "w_text", /twice/],
      ["labels[a]=1&labels[a]=2", "labels", /twice/],
      ["choice_text=a&choice_number=1", "choice_number", /one of choice/],
      ["choice_node.name=a&choice_text=1", "choice_text", /one of choice/],
      ["node.place=a&node.parent.name=b", "node.parent.name", /one of node\.origin/],
    ]));

  describe("nested", () => {
    takes([
      ["node.name=a", { node: { name: "a" } }],
      ["node.name=a&node.size=2", { node: { name: "a", size: 2 } }],
      ["node.name=a&text=b&node.size=2", { text: "b", node: { name: "a", size: 2 } }],
      ["node.child.name=a&node.name=b", { node: { name: "b", child: { name: "a" } } }],
      ["node.child.child.child.size=3", { node: { child: { child: { child: { size: 3 } } } } }],
      ["node.size=0", { node: {} }],
      ["node.parent.parent.name=a", { node: { parent: { parent: { name: "a" } } } }],
      [
        `node${".child".repeat(30)}.name=a`,
        { node: Array.from({ length: 30 }).reduce<JsonValue>((inner) => ({ child: inner }), { name: "a" }) },
      ],
    ]);
    refuses([
      [`node${".child".repeat(40)}.name=a`, `node${".child".repeat(40)}.name`, /deeper/],
      ["node=a", "node", /name one of its fields/],
      ["nodes=a", "nodes"],
      ["nodes.name=a", "nodes"],
      ["nodes[0].name=a", "nodes"],
      ["any=a", "any"],
      ["empty=a", "empty"],
    ]);
  });

  describe("repeated", () => {
    takes([
      ["texts=a", { texts: ["a"] }],
      ["texts=a&texts=b&texts=a", { texts: ["a", "b", "a"] }],
      ["texts=", { texts: [""] }],
      ["texts=a,b", { texts: ["a,b"] }],
      ["texts=a&text=x&texts=b", { text: "x", texts: ["a", "b"] }],
      ["i32s=1&i32s=0&i32s=-1", { i32s: [1, 0, -1] }],
      ["i64s=9223372036854775807&i64s=-9223372036854775808", { i64s: ["9223372036854775807", "-9223372036854775808"] }],
      ["dbls=1.5&dbls=NaN", { dbls: [1.5, "NaN"] }],
      ["flags=true&flags=false", { flags: [true, false] }],
      ["blobs=AA&blobs=", { blobs: ["AA==", ""] }],
      ["colors=RED&colors=2&colors=77", { colors: ["RED", "DARK_BLUE", 77] }],
      ["node.tags=a&node.tags=b", { node: { tags: ["a", "b"] } }],
      ["times=2026-01-31T12:00:00Z&times=1970-01-01T00:00:00Z", { times: ["2026-01-31T12:00:00Z", "1970-01-01T00:00:00Z"] }],
      ["waits=1s&waits=-0.5s", { waits: ["1s", "-0.500s"] }],
      ["w_texts=a&w_texts=", { wTexts: ["a", ""] }],
    ]);
    refuses([
      ["i32s=1&i32s=x", "i32s"],
      ["i32s=1,2", "i32s"],
      ["texts[]=a", "texts"],
      ["texts[0]=a", "texts"],
      ["colors=RED&colors=PURPLE", "colors"],
    ]);
  });

  describe("maps", () => {
    takes([
      ["labels[a]=1", { labels: { a: "1" } }],
      ["labels[a]=1&labels[b]=2", { labels: { a: "1", b: "2" } }],
      ["labels%5Ba%5D=1", { labels: { a: "1" } }],
      ["labels[a.b]=1", { labels: { "a.b": "1" } }],
      ["labels[a[0]]=1", { labels: { "a[0]": "1" } }],
      ["labels[]=1", { labels: { "": "1" } }],
      ["labels[a]=", { labels: { a: "" } }],
      ["labels[%C3%A9]=%F0%9F%98%80", { labels: { é: "😀" } }],
      ["labels[a+b]=c+d", { labels: { "a b": "c d" } }],
      ["by_i32[-1]=a&by_i32[2147483647]=b", { byI32: { "-1": "a", "2147483647": "b" } }],
      ["by_i64[-9223372036854775808]=a", { byI64: { "-9223372036854775808": "a" } }],
      ["by_u64[18446744073709551615]=a", { byU64: { "18446744073709551615": "a" } }],
      ["by_flag[true]=a&by_flag[false]=b", { byFlag: { true: "a", false: "b" } }],
      ["paints[sky]=DARK_BLUE&paints[x]=1", { paints: { sky: "DARK_BLUE", x: "RED" } }],
      ["raw[a]=AAEC", { raw: { a: "AAEC" } }],
      ["rates[a]=1.5", { rates: { a: 1.5 } }],
      ["node.stock[a]=5&node.stock[b]=6", { node: { stock: { a: 5, b: 6 } } }],
      ["times_by[a]=2026-01-31T12:00:00Z", { timesBy: { a: "2026-01-31T12:00:00Z" } }],
    ]);
    refuses([
      ["labels=1", "labels", /labels\[key\]=value/],
      ["labels[a=1", "labels"],
      ["labels[a]b=1", "labels"],
      ["labels.a=1", "labels"],
      ["by_i32[x]=a", "by_i32", /key/],
      ["by_i32[2147483648]=a", "by_i32", /key/],
      ["by_u64[-1]=a", "by_u64", /key/],
      ["by_flag[yes]=a", "by_flag", /key/],
      ["paints[a]=PURPLE", "paints"],
      ["named[a]=1", "named"],
      ["named[a].name=1", "named"],
      ["text[a]=1", "text", /not a map/],
    ]);
  });

  describe("oneofs", () =>
    takes([
      ["choice_text=a", { choiceText: "a" }],
      ["choice_flag=false", { choiceFlag: false }],
      ["choice_node.name=a&choice_node.size=1", { choiceNode: { name: "a", size: 1 } }],
      ["node.place=a", { node: { place: "a" } }],
      ["choice_null=NULL_VALUE", { choiceNull: null }],
    ]));

  describe("well-known types", () => {
    takes([
      ["at=2026-01-31T12:00:00Z", { at: "2026-01-31T12:00:00Z" }],
      ["at=2026-01-31T12:00:00.5Z", { at: "2026-01-31T12:00:00.500Z" }],
      ["at=2026-01-31T12:00:00.123456789Z", { at: "2026-01-31T12:00:00.123456789Z" }],
      ["at=2026-01-31T12:00:00%2B02:00", { at: "2026-01-31T10:00:00Z" }],
      ["at=0001-01-01T00:00:00Z", { at: "0001-01-01T00:00:00Z" }],
      ["at=9999-12-31T23:59:59.999999999Z", { at: "9999-12-31T23:59:59.999999999Z" }],
      ["at=1969-12-31T23:59:59.999Z", { at: "1969-12-31T23:59:59.999Z" }],
      ["wait=1s", { wait: "1s" }],
      ["wait=0s", { wait: "0s" }],
      ["wait=1.5s", { wait: "1.500s" }],
      ["wait=-0.000000001s", { wait: "-0.000000001s" }],
      ["wait=315576000000s", { wait: "315576000000s" }],
      ["wait=-315576000000s", { wait: "-315576000000s" }],
      ["mask=text", { mask: "text" }],
      ["mask=maybeNumber,node.madeAt", { mask: "maybeNumber,node.madeAt" }],
      ["mask=maybe_number", { mask: "maybeNumber" }],
      ["mask=", { mask: "" }],
      ["w_dbl=1.5", { wDbl: 1.5 }],
      ["w_flt=0.5", { wFlt: 0.5 }],
      ["w_i64=9223372036854775807", { wI64: "9223372036854775807" }],
      ["w_u64=18446744073709551615", { wU64: "18446744073709551615" }],
      ["w_i32=-2147483648", { wI32: -2147483648 }],
      ["w_u32=4294967295", { wU32: 4294967295 }],
      ["w_flag=true", { wFlag: true }],
      ["w_text=a+b", { wText: "a b" }],
      ["w_blob=_-8", { wBlob: "/+8=" }],
      ["value=1.5", { value: 1.5 }],
      ["value=%22a%22", { value: "a" }],
      ["value=null", { value: null }],
      ["value=%7B%22a%22%3A%5B1%5D%7D", { value: { a: [1] } }],
      ["struct=%7B%22a%22%3Atrue%7D", { struct: { a: true } }],
      ["list=%5B1%2C%22a%22%5D", { list: [1, "a"] }],
    ]);
    refuses([
      ["at=", "at"],
      ["at=2026-01-31", "at"],
      ["at=2026-01-31T12:00:00", "at"],
      ["at=2026-01-31T12:00:00+02:00", "at"], // the plus is a space
      ["at=2026-13-31T12:00:00Z", "at"],
      ["at=2026-02-30T12:00:00Z", "at"],
      ["at=10000-01-01T00:00:00Z", "at"],
      ["at=2026-01-31t12:00:00z", "at"],
      ["at=2026-01-31T12:00:00.1234567891Z", "at"],
      ["at=1738324800", "at"],
      ["wait=1", "wait"],
      ["wait=", "wait"],
      ["wait=s", "wait"],
      ["wait=1m", "wait"],
      ["wait=315576000001s", "wait"],
      ["wait=1.0000000001s", "wait"],
      ["w_i32=2147483648", "w_i32"],
      ["w_i32=", "w_i32"],
      ["w_flag=1", "w_flag"],
      ["value=%7B", "value"],
      ["value=a", "value"],
      ["struct=1", "struct"],
      ["list=%7B%7D", "list"],
      ["mask=a%20b", "mask"],
    ]);
  });

  describe("beside path and body", () => {
    suite.row("the path wins", { send: "GET /v1/things/7?id=8", calls: "Get", arrives: { id: "7" } });
    suite.row("a sibling of a path variable is bound", {
      send: "GET /v1/of/a?node.size=2",
      calls: "Get",
      arrives: { node: { name: "a", size: 2 } },
    });
    suite.row("a field that the body is has no parameters", {
      send: "PUT /v1/things/7?node.name=a",
      json: {},
      refused: [400, "UNKNOWN_FIELD", "node.name"],
    });
    suite.row("a body of everything leaves none", { send: "POST /v1/things?text=a", json: {}, refused: [400, "UNKNOWN_FIELD", "text"] });
    suite.row("the others are bound beside a body", {
      send: "PUT /v1/things/7?text=a",
      json: { name: "n" },
      calls: "Put",
      arrives: { id: "7", text: "a", node: { name: "n" } },
    });
  });
});
