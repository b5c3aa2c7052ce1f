/** Everything malformed: a 4xx that names the place, within limits, never a 5xx, never a crash; the listener serves on. */
import assert from "node:assert/strict";
import type { Reason } from "../../src/core/reasons.ts";
import { TranscodingSuite } from "../support/transcoding-suite/transcoding-suite.ts";

const json = { "content-type": "application/json" };
const form = { "content-type": "application/x-www-form-urlencoded" };

describe("transcoding: malformed requests", () => {
  const suite = TranscodingSuite.inSuite({
    Get: { get: "/v1/things/{id}", more: [{ get: "/v1/files/{text=**}" }, { get: "/v1/things" }] },
    Post: { post: "/v1/things", body: "*", more: [{ post: "/v1/nodes", body: "node" }] },
  });
  // Rows share their connections, so each finds what the one before it left.

  describe("escapes and UTF-8", () => {
    const bad = [
      "%",
      "%4",
      "%%",
      "%zz",
      "%u0041",
      "%-1",
      "%C3",
      "%C3%",
      "%C3%28",
      "%80",
      "%FE",
      "%FF",
      "%C0%80",
      "%C1%BF",
      "%E0%80%80",
      "%ED%A0%80",
      "%ED%BF%BF",
      "%F0%80%80%80",
      "%F4%90%80%80",
      "%F8%88%80%80%80",
    ];
    for (const text of bad) {
      suite.row(`${text} in a path`, { send: `GET /v1/things/${text}`, refused: [400, "INVALID_PARAMETER", "id"] });
      suite.row(`${text} in several segments`, { send: `GET /v1/files/a/${text}/b`, refused: [400, "INVALID_PARAMETER", "text"] });
      suite.row(`${text} in a query`, { send: `GET /v1/things?text=${text}`, refused: [400, "INVALID_PARAMETER", "text"] });
      suite.row(`${text} in a form`, {
        send: "POST /v1/things",
        headers: form,
        body: `text=${text}`,
        refused: [400, "INVALID_PARAMETER", "text"],
      });
    }
    const raw: readonly Buffer[] = [
      Buffer.from([0xff]),
      Buffer.from([0xc3]),
      Buffer.from([0xc0, 0x80]),
      Buffer.from([0xed, 0xa0, 0x80]),
      Buffer.from([0xf4, 0x90, 0x80, 0x80]),
      Buffer.from([0xe2, 0x82]),
    ];
    for (const bytes of raw) {
      const hex = bytes.toString("hex");
      suite.row(`${hex} in JSON text`, {
        send: "POST /v1/things",
        headers: json,
        body: Buffer.concat([Buffer.from('{"text":"'), bytes, Buffer.from('"}')]),
        refused: [400, "INVALID_JSON", "text"],
      });
      suite.row(`${hex} in a JSON name`, {
        send: "POST /v1/things",
        headers: json,
        body: Buffer.concat([Buffer.from('{"'), bytes, Buffer.from('":1}')]),
        refused: [400, "INVALID_JSON"],
      });
      suite.row(`${hex} in a form`, {
        send: "POST /v1/things",
        headers: form,
        body: Buffer.concat([Buffer.from("text="), bytes]),
        refused: [400, "INVALID_PARAMETER", "text"],
      });
    }
    suite.row("UTF-16", {
      send: "POST /v1/things",
      headers: json,
      body: Buffer.from('{"text":"a"}', "utf16le"),
      refused: [400, "INVALID_JSON"],
    });
    suite.row("a lone surrogate in a map key", {
      send: "POST /v1/things",
      headers: json,
      body: '{"labels":{"\\ud800":"a"}}',
      refused: [400, "INVALID_JSON"],
    });
  });

  describe("JSON that is cut", () => {
    const whole = '{"text":"a\\u00e9","i32":-12,"flag":true,"texts":["b",null],"node":{"child":{}},"labels":{"k":"v"}}';
    const cuts = [1, 3, 7, 8, 9, 10, 11, 12, 14, 16, 17, 18, 24, 25, 26, 32, 36, 48, 50, 53, 58, 60, 66, 76, 77, 80, 90, 97];
    for (const length of cuts)
      suite.row(whole.slice(0, length), {
        send: "POST /v1/things",
        headers: json,
        body: whole.slice(0, length),
        refused: [400, "INVALID_JSON"],
      });
  });

  describe("JSON that is none", () => {
    const texts = [
      "nul",
      "tru",
      "{",
      "}",
      "[",
      "]",
      '"',
      "'a'",
      "{'text':'a'}",
      "{text:1}",
      '{"text"}',
      '{"text":}',
      '{"text":"a",}',
      "{,}",
      '{"text":"a"}}',
      '{"text":"a"}{}',
      '{"text":"a"} x',
      '{"text" "a"}',
      '{"text"="a"}',
      '{"text":"a";"id":"b"}',
      "// c\n{}",
      "{/**/}",
      '{"i32":0x10}',
      '{"i32":1e}',
      '{"i32":--1}',
      '{"i32":1_000}',
      '{"i32":٣}',
      '{"text":"\t"}',
      '{"text":`a`}',
      "\u0000",
      "{}\u0000",
      "{\u0000}",
      "\ufeff{",
      "\u00a0{}",
      "<xml/>",
      "a=b",
      "\x1f\x8b\x08",
    ];
    for (const body of texts) suite.row(body, { send: "POST /v1/things", headers: json, body, refused: [400, "INVALID_JSON"] });
  });

  describe("wrong types", () => {
    const values = ["1", '"a"', "true", "[]", "{}", "1.5", '["a"]', '{"a":1}'];
    const fits: Readonly<Record<string, readonly string[]>> = {
      i32: ["1"],
      text: ['"a"'],
      flag: ["true"],
      dbl: ["1", "1.5"],
      color: ["1"],
      texts: ["[]", '["a"]'],
      node: ["{}"],
      labels: ["{}"],
      at: [],
      wait: [],
      wI64: ["1"],
      struct: ["{}", '{"a":1}'],
      list: ["[]", '["a"]'],
    };
    for (const [name, fitting] of Object.entries(fits))
      for (const value of values.filter((each) => !fitting.includes(each))) {
        const within = name === "node" && value === '{"a":1}';
        const [reason, field]: [Reason, string] = within
          ? ["UNKNOWN_FIELD", "node.a"]
          : name === "labels" && value === '{"a":1}'
            ? ["INVALID_JSON", 'labels["a"]']
            : ["INVALID_JSON", name];
        suite.row(`${name}: ${value}`, {
          send: "POST /v1/things",
          headers: json,
          body: `{"${name}":${value}}`,
          refused: [400, reason, field],
        });
      }
  });

  describe("names twice", () => {
    for (const [body, field] of [
      ['{"text":"a","text":"a"}', "text"],
      ['{"otherName":"a","renamed":"b"}', "otherName"],
      ['{"node":{"name":"a"},"node":{"size":1}}', "node"],
      ['{"node":{"name":"a","name":"b"}}', "node.name"],
      ['{"i32":1,"id":"x","i32":2}', "i32"],
      ['{"text":null,"text":"a"}', "text"],
      ['{"choiceText":"a","choiceFlag":true}', "choiceFlag"],
      ['{"labels":{"a":"1","a":"2"}}', "labels"],
      ['{"byI32":{"1":"a","01":"b"}}', "byI32"],
      ['{"struct":{"a":1,"a":1}}', "struct"],
      ['{"any":{"@type":"x/suite.v1.Node","name":"a","name":"b"}}', "any"],
    ] as const)
      suite.row(body, {
        send: "POST /v1/things",
        headers: json,
        body,
        refused: [400, "INVALID_JSON", field],
      });
  });

  describe("depth", () => {
    const nested = (depth: number) => `{"node":${'{"child":'.repeat(depth)}{}${"}".repeat(depth)}}`;
    suite.row("below the limit", { send: "POST /v1/things", headers: json, body: nested(90), status: 200 });
    for (const depth of [101, 1000, 20_000])
      suite.row(`messages: ${depth}`, { send: "POST /v1/things", headers: json, body: nested(depth), refused: [400, "INVALID_JSON"] });
    for (const open of ["[", '{"a":', '[{"a":'])
      suite.row(`a Value: 10,000 times ${open}`, {
        send: "POST /v1/things",
        headers: json,
        body: `{"value":${open.repeat(10_000)}`,
        refused: [400, "INVALID_JSON"],
      });
    suite.row("what is skipped too", {
      send: "POST /v1/things",
      headers: json,
      body: `{"nope":${"[".repeat(10_000)}${"]".repeat(10_000)}}`,
      status: 400,
    });
    suite.row("a Value in a query", {
      send: `GET /v1/things?value=${"%5B".repeat(1000)}${"%5D".repeat(1000)}`,
      refused: [400, "INVALID_PARAMETER", "value"],
    });
    suite.row("names in a query", { send: `GET /v1/things?${"node.".repeat(5)}x=1`, refused: [400, "UNKNOWN_FIELD"] });
    suite.row("many names in a query", { send: `GET /v1/things?node${".child".repeat(80)}.name=a`, refused: [400, "INVALID_PARAMETER"] });
    suite.row("more names than a field can have", {
      send: `GET /v1/things?node${".child".repeat(1000)}.name=a`,
      refused: [400, "UNKNOWN_FIELD"],
    });
  });

  describe("size", () => {
    const digits = (count: number) => "9".repeat(count);
    suite.row("10,000 digits in JSON", {
      send: "POST /v1/things",
      headers: json,
      body: `{"i64":${digits(10_000)}}`,
      refused: [400, "INVALID_JSON", "i64"],
    });
    suite.row("10,000 digits in quotes", {
      send: "POST /v1/things",
      headers: json,
      body: `{"u64":"${digits(10_000)}"}`,
      refused: [400, "INVALID_JSON", "u64"],
    });
    suite.row("a million digits behind the point", {
      send: "POST /v1/things",
      headers: json,
      body: `{"i32":1.${"0".repeat(1_000_000)}1}`,
      refused: [400, "INVALID_JSON", "i32"],
    });
    suite.row("a giant exponent", {
      send: "POST /v1/things",
      headers: json,
      body: '{"i64":1e1000000000}',
      refused: [400, "INVALID_JSON", "i64"],
    });
    suite.row("a giant negative exponent of a double is zero", {
      send: "POST /v1/things",
      headers: json,
      body: '{"dbl":1e-1000000000}',
      arrives: {},
    });
    suite.row("5,000 digits in a query", { send: `GET /v1/things?i64=${digits(5000)}`, refused: [400, "INVALID_PARAMETER", "i64"] });
    suite.row("a giant exponent in a query", { send: "GET /v1/things?i64=1e999999999", refused: [400, "INVALID_PARAMETER", "i64"] });
    suite.row("5,000 digits in a path of a number", {
      send: `GET /v1/things?dbl=${digits(400)}`,
      refused: [400, "INVALID_PARAMETER", "dbl"],
    });
    suite.row("1,001 parameters", { send: `GET /v1/things?${"i32s=1&".repeat(1001)}`, refused: [400, "INVALID_PARAMETER"], says: /1000/ });
    suite.row("10,000 parameters in a form", {
      send: "POST /v1/things",
      headers: form,
      body: "texts=a&".repeat(10_000),
      refused: [400, "INVALID_PARAMETER"],
      says: /1000/,
    });
    suite.row("10,000 parameters are longer than a target may be", {
      send: `GET /v1/things?${"texts=a&".repeat(10_000)}`,
      status: 414,
      over: "1.1",
    });
    suite.row("1,500 parameters too", { send: `GET /v1/things?${"texts=a&".repeat(1500)}`, status: 414 });
    suite.row("10,000 ampersands in a form are nothing", { send: "POST /v1/things", headers: form, body: "&".repeat(10_000), arrives: {} });
    suite.row("a long unknown name", { send: `GET /v1/things?${"n".repeat(5000)}=1`, refused: [400, "UNKNOWN_FIELD"] });
    suite.row("a long unknown JSON name", {
      send: "POST /v1/things",
      headers: json,
      body: `{"${"n".repeat(100_000)}":1}`,
      refused: [400, "UNKNOWN_FIELD"],
    });
    suite.row("a long map key", {
      send: "POST /v1/things",
      headers: json,
      body: `{"labels":{"${"n".repeat(100_000)}":1}}`,
      refused: [400, "INVALID_JSON"],
    });
    suite.row("a long type name", {
      send: "POST /v1/things",
      headers: json,
      body: `{"any":{"@type":"x/${"n".repeat(100_000)}"}}`,
      refused: [400, "INVALID_JSON", "any"],
    });
    suite.row("a long wrong value", {
      send: "POST /v1/things",
      headers: json,
      body: `{"i32":"${"n".repeat(100_000)}"}`,
      refused: [400, "INVALID_JSON", "i32"],
    });
    suite.row("a long wrong enum", {
      send: "POST /v1/things",
      headers: json,
      body: `{"color":"${"n".repeat(100_000)}"}`,
      refused: [400, "INVALID_JSON", "color"],
    });
    suite.row("a long wrong value in a query", {
      send: `GET /v1/things?color=${"n".repeat(5000)}`,
      refused: [400, "INVALID_PARAMETER", "color"],
    });
    suite.row("2,000 segments", { send: `GET /v1/things${"/a".repeat(2000)}`, refused: [404, "UNKNOWN_PATH"] });
    suite.row("4,000 empty segments", { send: `GET ${"/".repeat(4000)}x`, refused: [404, "UNKNOWN_PATH"] });
    suite.row("100,000 elements are fine", {
      send: "POST /v1/things",
      headers: json,
      body: `{"i32s":[${"1,".repeat(99_999)}1]}`,
      status: 200,
    });
  });

  describe("NULs and other control characters", () => {
    suite.row("%00 is a character like others", { send: "GET /v1/things/%00", calls: "Get", arrives: { id: "\u0000" } });
    suite.row("%00 in a number", { send: "GET /v1/things?i32=1%00", refused: [400, "INVALID_PARAMETER", "i32"] });
    suite.row("%00 in a name", { send: "GET /v1/things?text%00=a", refused: [400, "UNKNOWN_FIELD"] });
    suite.row("%00 in a path of no rule", { send: "GET /v1%00", refused: [404, "UNKNOWN_PATH"] });
    suite.row("%0D%0A in a name goes nowhere", {
      send: "GET /v1/things?a%0D%0Aset-cookie:%20b=1",
      refused: [400, "UNKNOWN_FIELD"],
      fields: { "set-cookie": undefined },
    });
    suite.row("a NUL in JSON", { send: "POST /v1/things", headers: json, body: '{"text":"\u0000"}', refused: [400, "INVALID_JSON"] });
    suite.row("\\u0000 in JSON", { send: "POST /v1/things", headers: json, body: '{"text":"\\u0000"}', arrives: { text: "\u0000" } });
    suite.row("an HTML answer is never made", { send: "GET /v1/things?<script>=1", refused: [400, "UNKNOWN_FIELD"], over: "2" });
  });

  describe("HTTP itself", () => {
    const raw: readonly (readonly [what: string, text: string, statuses: readonly number[]])[] = [
      ["a NUL in the target", "GET /v1/\0 HTTP/1.1\r\nhost: a\r\n\r\n", [400]],
      ["a space in the target", "GET /v1/a b HTTP/1.1\r\nhost: a\r\n\r\n", [400]],
      ["no version", "GET /v1/things\r\n\r\n", [400]],
      ["no Host", "GET /v1/things HTTP/1.1\r\n\r\n", [400]],
      ["two lengths", "POST /v1/things HTTP/1.1\r\nhost: a\r\ncontent-length: 2\r\ncontent-length: 3\r\n\r\n{}", [400]],
      [
        "length and chunks",
        "POST /v1/things HTTP/1.1\r\nhost: a\r\ncontent-length: 2\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
        [400],
      ],
      ["a negative length", "POST /v1/things HTTP/1.1\r\nhost: a\r\ncontent-length: -1\r\n\r\n", [400]],
      [
        "a bad chunk size",
        "POST /v1/things HTTP/1.1\r\nhost: a\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n{}\r\n0\r\n\r\n",
        [400],
      ],
      ["a bare line feed", "GET /v1/things HTTP/1.1\nhost: a\n\n", [400]],
      ["a folded field", "GET /v1/things HTTP/1.1\r\nhost: a\r\nx-a: b\r\n c\r\n\r\n", [400]],
      ["a field name with a space", "GET /v1/things HTTP/1.1\r\nhost: a\r\nx a: b\r\n\r\n", [400]],
      ["a NUL in a field", "GET /v1/things HTTP/1.1\r\nhost: a\r\nx-a: \0\r\n\r\n", [400]],
      ["a target that is no path", "GET v1 HTTP/1.1\r\nhost: a\r\n\r\n", [400]],
      ["a fragment", "GET /v1/things#a HTTP/1.1\r\nhost: a\r\n\r\n", [400]],
      ["an unknown method", "FROB /v1/things HTTP/1.1\r\nhost: a\r\n\r\n", [400, 405, 501]],
      ["CONNECT", "CONNECT a:1 HTTP/1.1\r\nhost: a:1\r\n\r\n", [400, 405]],
      ["a long target", `GET /${"a".repeat(9000)} HTTP/1.1\r\nhost: a\r\n\r\n`, [414]],
      ["a large head", `GET / HTTP/1.1\r\nhost: a\r\nx-a: ${"a".repeat(70_000)}\r\n\r\n`, [431]],
      ["many fields", `GET / HTTP/1.1\r\nhost: a\r\n${Array.from({ length: 150 }, (_, i) => `x-${i}: a\r\n`).join("")}\r\n`, [431]],
    ];
    for (const [what, text, statuses] of raw)
      it(`${what}: ${statuses.join(" or ")}`, async () => {
        const reply = await suite.client.exchange(Buffer.from(text, "latin1"));
        assert.ok(statuses.includes(reply.status), `${reply.status} ${reply.body.toString()}`);
        assert.ok(!/Parse Error|HPE_|llhttp/.test(reply.body.toString()), "a parser's words");
      });
  });

  suite.row("and it serves on", { send: "GET /v1/things/7", calls: "Get", arrives: { id: "7" } });
});
