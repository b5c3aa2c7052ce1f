/** A1.11: the corners of ProtoJSON, read and printed (protobuf.dev/programming-guides/json, and its conformance suite). */
import type { JsonValue } from "@bufbuild/protobuf";
import { TranscodingSuite } from "../support/transcoding-suite/transcoding-suite.ts";

const headers = { "content-type": "application/json" };
const nodeType = "type.googleapis.com/suite.v1.Node";

describe("transcoding: JSON", () => {
  const suite = TranscodingSuite.inSuite({ Echo: { post: "/v1", body: "*" }, Get: { get: "/v1" } });

  describe("read", () => {
    const read: Readonly<Record<string, readonly (readonly [body: string, message: JsonValue])[]>> = {
      "white space and order": [
        [' \t\r\n{ "id" : "a" , "text" : "b" } \n', { id: "a", text: "b" }],
        ['{"text":"b","id":"a"}', { id: "a", text: "b" }],
      ],
      names: [
        ['{"maybeNumber":1}', { maybeNumber: 1 }],
        ['{"maybe_number":1}', { maybeNumber: 1 }],
        ['{"renamed":"a"}', { otherName: "a" }],
        ['{"otherName":"a"}', { otherName: "a" }],
        ['{"\\u0069d":"a"}', { id: "a" }],
      ],
      "null is absent": [
        ['{"id":null,"i32":null,"node":null,"texts":null,"labels":null,"color":null,"at":null,"wText":null,"blob":null}', {}],
        ['{"maybe":null}', {}],
        ['{"value":null}', { value: null }],
        ['{"choiceNull":null}', { choiceNull: null }],
        ['{"choiceText":null,"choiceNumber":1}', { choiceNumber: 1 }],
        ['{"any":null,"struct":null,"list":null,"mask":null,"empty":null}', {}],
      ],
      defaults: [
        ['{"id":"","i32":0,"dbl":0,"flag":false,"blob":"","color":"COLOR_UNSPECIFIED","texts":[],"labels":{}}', {}],
        ['{"maybe":"","maybeNumber":0}', { maybe: "", maybeNumber: 0 }],
        ['{"node":{}}', { node: {} }],
      ],
      integers: [
        [
          '{"i32":1.0,"s32":1e2,"u32":"4294967295","f32":4294967295,"sf32":"-1"}',
          { i32: 1, s32: 100, u32: 4294967295, f32: 4294967295, sf32: -1 },
        ],
        ['{"i32":2147483647,"s32":-2147483648}', { i32: 2147483647, s32: -2147483648 }],
        ['{"i64":9223372036854775807,"s64":"-9223372036854775808"}', { i64: "9223372036854775807", s64: "-9223372036854775808" }],
        ['{"u64":18446744073709551615,"f64":"18446744073709551615"}', { u64: "18446744073709551615", f64: "18446744073709551615" }],
        ['{"i32":"1e3","i64":1e3}', { i32: 1000, i64: "1000" }],
        ['{"i32":-0}', {}],
      ],
      "floating point": [
        ['{"dbl":1.5,"flt":-0.5}', { dbl: 1.5, flt: -0.5 }],
        ['{"dbl":"1.5","flt":"1e3"}', { dbl: 1.5, flt: 1000 }],
        ['{"dbl":"NaN","flt":"Infinity"}', { dbl: "NaN", flt: "Infinity" }],
        ['{"dbl":"-Infinity"}', { dbl: "-Infinity" }],
        ['{"dbl":5e-324}', { dbl: 5e-324 }],
        ['{"dbl":1.7976931348623157e308}', { dbl: 1.7976931348623157e308 }],
      ],
      text: [
        ['{"text":"\\"\\\\\\/\\b\\f\\n\\r\\t"}', { text: '"\\/\b\f\n\r\t' }],
        ['{"text":"\\u0000\\u001f\\u007f"}', { text: "\u0000\u001f\u007f" }],
        ['{"text":"\\ud83d\\ude00 😀 \\u00e9"}', { text: "😀 😀 é" }],
        ['{"text":"\u2028\u2029"}', { text: "\u2028\u2029" }],
      ],
      bytes: [
        ['{"blob":"AAEC"}', { blob: "AAEC" }],
        ['{"blob":"/+8="}', { blob: "/+8=" }],
        ['{"blob":"_-8"}', { blob: "/+8=" }],
        ['{"blob":"_-8="}', { blob: "/+8=" }],
        ['{"blob":"/+8"}', { blob: "/+8=" }],
      ],
      enums: [
        ['{"color":"RED"}', { color: "RED" }],
        ['{"color":1}', { color: "RED" }],
        ['{"color":-1}', { color: "NEGATIVE" }],
        ['{"color":77}', { color: 77 }],
        ['{"alias":"SECOND"}', { alias: "FIRST" }],
        ['{"colors":["RED",2,77]}', { colors: ["RED", "DARK_BLUE", 77] }],
      ],
      maps: [
        ['{"labels":{"":"a","b":""}}', { labels: { "": "a", b: "" } }],
        [
          '{"byI32":{"-1":"a"},"byU64":{"18446744073709551615":"b"},"byFlag":{"true":"c"}}',
          { byI32: { "-1": "a" }, byU64: { "18446744073709551615": "b" }, byFlag: { true: "c" } },
        ],
        ['{"named":{"a":{"name":"n"},"b":{}}}', { named: { a: { name: "n" }, b: {} } }],
        ['{"paints":{"a":2}}', { paints: { a: "DARK_BLUE" } }],
        ['{"valueBy":{"a":null}}', { valueBy: { a: null } }],
        [
          '{"labels":{"__proto__":"a","constructor":"b"}}',
          {
            labels: Object.fromEntries([
              ["__proto__", "a"],
              ["constructor", "b"],
            ]),
          },
        ],
      ],
      "well-known types": [
        ['{"at":"2026-01-31T14:00:00.5+02:00"}', { at: "2026-01-31T12:00:00.500Z" }],
        ['{"at":"1969-12-31T23:59:59.999999999Z"}', { at: "1969-12-31T23:59:59.999999999Z" }],
        ['{"at":"0001-01-01T00:00:00Z"}', { at: "0001-01-01T00:00:00Z" }],
        ['{"wait":"-1.5s"}', { wait: "-1.500s" }],
        ['{"wait":"3.000000001s"}', { wait: "3.000000001s" }],
        ['{"mask":"fooBar,a.bC"}', { mask: "fooBar,a.bC" }],
        ['{"mask":""}', { mask: "" }],
        ['{"struct":{"a":1,"b":[null,true,"x",{}]}}', { struct: { a: 1, b: [null, true, "x", {}] } }],
        ['{"value":[[]]}', { value: [[]] }],
        ['{"list":[1,null]}', { list: [1, null] }],
        ['{"empty":{}}', { empty: {} }],
        [
          '{"wI64":"1","wU64":2,"wI32":"3","wDbl":"NaN","wFlag":false,"wText":"","wBlob":"AA"}',
          { wI64: "1", wU64: "2", wI32: 3, wDbl: "NaN", wFlag: false, wText: "", wBlob: "AA==" },
        ],
        [`{"any":{"@type":"${nodeType}","name":"n"}}`, { any: { "@type": nodeType, name: "n" } }],
        [`{"any":{"name":"n","@type":"${nodeType}"}}`, { any: { "@type": nodeType, name: "n" } }],
        [
          '{"any":{"@type":"type.googleapis.com/google.protobuf.Duration","value":"1s"}}',
          { any: { "@type": "type.googleapis.com/google.protobuf.Duration", value: "1s" } },
        ],
        [`{"any":{"@type":"example.org/x/suite.v1.Node","size":1}}`, { any: { "@type": "example.org/x/suite.v1.Node", size: 1 } }],
        ['{"any":{}}', { any: {} }],
      ],
    };
    for (const [group, rows] of Object.entries(read))
      describe(group, () => {
        for (const [body, arrives] of rows) suite.row(body.slice(0, 90), { send: "POST /v1", headers, body, arrives });
      });
  });

  describe("refused", () => {
    const refused: readonly (readonly [body: string, field?: string, reason?: "UNKNOWN_FIELD"])[] = [
      ['{"i32":1.5}', "i32"],
      ['{"i32":"1.5"}', "i32"],
      ['{"i32":2147483648}', "i32"],
      ['{"i32":-2147483649}', "i32"],
      ['{"i32":"01"}', "i32"],
      ['{"i32":"+1"}', "i32"],
      ['{"i32":" 1"}', "i32"],
      ['{"i32":"1 "}', "i32"],
      ['{"i32":""}', "i32"],
      ['{"i32":"0x1"}', "i32"],
      ['{"i32":true}', "i32"],
      ['{"i32":[]}', "i32"],
      ['{"i32":{}}', "i32"],
      ['{"i32":1e400}', "i32"],
      ['{"u32":-1}', "u32"],
      ['{"u32":4294967296}', "u32"],
      ['{"i64":9223372036854775808}', "i64"],
      ['{"i64":"9223372036854775808"}', "i64"],
      ['{"u64":-1}', "u64"],
      ['{"u64":18446744073709551616}', "u64"],
      [`{"i64":${"9".repeat(5000)}}`, "i64"],
      ['{"dbl":1e309}', "dbl"],
      ['{"dbl":"1e309"}', "dbl"],
      ['{"dbl":"nan"}', "dbl"],
      ['{"dbl":""}', "dbl"],
      ['{"dbl":NaN}'],
      ['{"dbl":Infinity}'],
      ['{"dbl":.5}'],
      ['{"dbl":1.}'],
      ['{"dbl":+1}'],
      ['{"dbl":01}'],
      ['{"flt":3.5e38}', "flt"],
      ['{"flt":-1e40}', "flt"],
      ['{"flag":"true"}', "flag"],
      ['{"flag":1}', "flag"],
      ['{"flag":0}', "flag"],
      ['{"text":1}', "text"],
      ['{"text":true}', "text"],
      ['{"text":{}}', "text"],
      ['{"text":["a"]}', "text"],
      ['{"text":"\\ud800"}', "text"],
      ['{"text":"\\udc00\\ud800"}', "text"],
      ['{"text":"\\ud800a"}', "text"],
      ['{"text":"\\x41"}'],
      ['{"text":"\\u12"}'],
      ['{"text":"\n"}'],
      ['{"text":"\u0000"}'],
      ['{"blob":"!"}', "blob"],
      ['{"blob":"A"}', "blob"],
      ['{"blob":"AA="}', "blob"],
      ['{"blob":1}', "blob"],
      ['{"color":"PURPLE"}', "color"],
      ['{"color":"red"}', "color"],
      ['{"color":1.5}', "color"],
      ['{"color":2147483648}', "color"],
      ['{"color":"1"}', "color"],
      ['{"color":true}', "color"],
      ['{"texts":"a"}', "texts"],
      ['{"texts":{"0":"a"}}', "texts"],
      ['{"texts":["a",null]}', "texts[1]"],
      ['{"i32s":[1,"x"]}', "i32s[1]"],
      ['{"nodes":[{},null]}', "nodes[1]"],
      ['{"nodes":[{"size":1},{"child":{"size":"x"}}]}', "nodes[1].child.size"],
      ['{"labels":[]}', "labels"],
      ['{"labels":{"a":1}}', 'labels["a"]'],
      ['{"labels":{"a":null}}', 'labels["a"]'],
      ['{"byI32":{"x":"a"}}', "byI32"],
      ['{"byI32":{"1.5":"a"}}', "byI32"],
      ['{"byFlag":{"TRUE":"a"}}', "byFlag"],
      ['{"named":{"a":{"size":"x"}}}', 'named["a"].size'],
      ['{"named":{"a":null}}', 'named["a"]'],
      ['{"node":[]}', "node"],
      ['{"node":"a"}', "node"],
      ['{"node":{"nmae":"a"}}', "node.nmae", "UNKNOWN_FIELD"],
      ['{"txet":"a"}', "txet", "UNKNOWN_FIELD"],
      ['{"TEXT":"a"}', "TEXT", "UNKNOWN_FIELD"],
      ['{"":"a"}', "", "UNKNOWN_FIELD"],
      ['{"__proto__":{}}', "__proto__", "UNKNOWN_FIELD"],
      ['{"nodes":[{"nmae":1}]}', "nodes[0].nmae", "UNKNOWN_FIELD"],
      ['{"choiceText":"a","choiceNumber":1}'],
      ['{"node":{"place":"a","parent":{}}}'],
      ['{"text":"a","text":"b"}'],
      ['{"maybe_number":1,"maybeNumber":1}'],
      ['{"at":"2026-01-31T12:00:00"}', "at"],
      ['{"at":"2026-01-31 12:00:00Z"}', "at"],
      ['{"at":"2026-02-30T12:00:00Z"}', "at"],
      ['{"at":"0000-01-01T00:00:00Z"}', "at"],
      ['{"at":"2026-01-31T12:00:00.Z"}', "at"],
      ['{"at":"2026-01-31T12:00:00.1234567890Z"}', "at"],
      ['{"at":1}', "at"],
      ['{"at":{"seconds":1}}', "at"],
      ['{"wait":"1"}', "wait"],
      ['{"wait":"1.s"}', "wait"],
      ['{"wait":"315576000001s"}', "wait"],
      ['{"wait":1}', "wait"],
      ['{"mask":"foo_bar"}', "mask"],
      ['{"mask":["a"]}', "mask"],
      ['{"struct":[]}', "struct"],
      ['{"list":{}}', "list"],
      ['{"empty":{"a":1}}', "empty.a", "UNKNOWN_FIELD"],
      ['{"wI32":2147483648}', "wI32"],
      ['{"wText":1}', "wText"],
      ['{"any":{"name":"n"}}', "any"],
      ['{"any":{"@type":"type.googleapis.com/suite.v1.Nothing"}}', "any"],
      [`{"any":{"@type":"${nodeType}","nmae":"n"}}`, "any.nmae", "UNKNOWN_FIELD"],
      ['{"any":{"@type":1}}', "any"],
    ];
    for (const [body, field, reason = "INVALID_JSON"] of refused)
      suite.row(body.slice(0, 90), {
        send: "POST /v1",
        headers,
        body,
        refused: field === undefined ? [400, reason] : [400, reason, field],
      });
  });

  describe("printed", () => {
    const printed: readonly (readonly [message: JsonValue, text: string])[] = [
      [{}, "{}"],
      [{ i32: 1, u32: 4294967295 }, '{"i32":1,"u32":4294967295}'],
      [
        { i64: "1", s64: "-9223372036854775808", u64: "18446744073709551615" },
        '{"i64":"1","s64":"-9223372036854775808","u64":"18446744073709551615"}',
      ],
      [{ dbl: "NaN" }, '{"dbl":"NaN"}'],
      [{ dbl: "-Infinity", flt: "Infinity" }, '{"dbl":"-Infinity","flt":"Infinity"}'],
      [{ flt: 0.1 }, '{"flt":0.1}'],
      [{ blob: "_-8" }, '{"blob":"/+8="}'],
      [{ color: "RED", alias: "SECOND" }, '{"color":"RED","alias":"FIRST"}'],
      [{ color: 77 }, '{"color":77}'],
      [{ maybe: "", maybeNumber: 0 }, '{"maybe":"","maybeNumber":0}'],
      [{ otherName: "a", snakeCaseName: "b" }, '{"otherName":"a","snakeCaseName":"b"}'],
      [{ choiceNumber: 0 }, '{"choiceNumber":0}'],
      [{ choiceNull: null }, '{"choiceNull":null}'],
      [{ texts: [""], nodes: [{}] }, '{"texts":[""],"nodes":[{}]}'],
      [{ node: { child: {} } }, '{"node":{"child":{}}}'],
      [{ byI32: { "-1": "a" } }, '{"byI32":{"-1":"a"}}'],
      [{ byFlag: { true: "a" } }, '{"byFlag":{"true":"a"}}'],
      [{ at: "2026-01-31T12:00:00Z" }, '{"at":"2026-01-31T12:00:00Z"}'],
      [{ at: "2026-01-31T12:00:00.1Z" }, '{"at":"2026-01-31T12:00:00.100Z"}'],
      [{ at: "2026-01-31T12:00:00.0001Z" }, '{"at":"2026-01-31T12:00:00.000100Z"}'],
      [{ at: "2026-01-31T12:00:00.000000001Z" }, '{"at":"2026-01-31T12:00:00.000000001Z"}'],
      [{ wait: "0s" }, '{"wait":"0s"}'],
      [{ wait: "-0.5s" }, '{"wait":"-0.500s"}'],
      [{ mask: "aB,c.dE" }, '{"mask":"aB,c.dE"}'],
      [{ struct: { a: null, b: 1.5 } }, '{"struct":{"a":null,"b":1.5}}'],
      [{ value: null }, '{"value":null}'],
      [{ list: [] }, '{"list":[]}'],
      [{ empty: {} }, '{"empty":{}}'],
      [{ wI64: "1", wFlag: false, wText: "" }, '{"wI64":"1","wFlag":false,"wText":""}'],
      [{ any: { "@type": nodeType, name: "n" } }, `{"any":{"@type":"${nodeType}","name":"n"}}`],
      [{ text: '"\\\n\u0001' }, '{"text":"\\"\\\\\\n\\u0001"}'],
    ];
    for (const [message, text] of printed)
      suite.row(text.slice(0, 90), {
        send: "GET /v1",
        calls: "Get",
        backend: { messages: [message] },
        text,
        fields: { "content-length": String(Buffer.byteLength(text)) },
      });

    const hex = (bytes: string) => [Buffer.from(bytes.replaceAll(" ", ""), "hex")];
    const wire: readonly (readonly [what: string, bytes: string, text: string])[] = [
      ["an unknown field is left out", "0a0161 f83f01", '{"id":"a"}'],
      ["the last of two values", "0a0161 0a0162", '{"id":"b"}'],
      ["the last member of a oneof", "d20201 61 d80205", '{"choiceNumber":5}'],
      ["packed and unpacked", "b2010201 02 b00103", '{"i32s":[1,2,3]}'],
      ["two halves of a message", "ca02030a0161 ca02021005", '{"node":{"name":"a","size":5}}'],
      ["minus zero", "690000000000000080", '{"dbl":-0}'],
      ["a map entry without key and value", "fa0100", '{"labels":{"":""}}'],
      ["a default that was written", "1800", "{}"],
      ["an int32 in ten bytes", "18ffffffffffffffffff01", '{"i32":-1}'],
    ];
    for (const [what, bytes, text] of wire) suite.row(what, { send: "GET /v1", calls: "Get", backend: { wire: hex(bytes) }, text });
  });

  describe("messages of the backend that no JSON can say are 502", () => {
    const broken: readonly (readonly [what: string, bytes: string])[] = [
      ["truncated", "0a0561"],
      ["bad UTF-8", "0a01ff"],
      ["a tag without field number", "00"],
      ["an endless varint", "18ffffffffffffffffffffff"],
      ["a time before year 1", "9a030b08ff91b8c398feffffff01"],
      ["a time after year 9999", "9a0307088083d1ffaf07"],
      ["nanos below zero", "9a030b10ffffffffffffffffff01"],
      ["a duration of two signs", "a2030d080110ffffffffffffffffff01"],
      ["a duration too long", "a203070881bcaece9709"],
      ["a field mask that has no JSON name", "aa03060a04615f5f62"],
      ["a Value that is not a number", "ba030911000000000000f87f"],
      ["a Value without a kind", "ba0300"],
      ["an Any with a broken message", "ca03160a0f782f73756974652e76312e4e6f646512030a0561"],
      ["an unclosed group", "0b"],
      ["an Any of an unknown type", "ca030c0a06782f6e6f706512020801"],
    ];
    for (const [what, bytes] of broken)
      it(what, () =>
        suite.check({
          send: "GET /v1",
          calls: "Get",
          backend: { wire: [Buffer.from(bytes, "hex")] },
          status: 502,
          text: /"code":13,.*"reason":"UPSTREAM_MESSAGE"/,
        }),
      );
  });
});
