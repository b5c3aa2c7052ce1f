/**
 * Requests that must be refused, to the byte, and oddities that must not: one table.
 *
 * Each refusal is answered with the house's envelope and the connection ends; no handler ever sees the request, nor anything behind it.
 */
import assert from "node:assert/strict";
import { answers, hostHttp1, statuses, talk, type Http1Host } from "../../../support/raw-http1.ts";

const host = "Host: a\r\n";
const close = "Connection: close\r\n";
const get = (target: string, fields = ""): string => `GET ${target} HTTP/1.1\r\n${host}${close}${fields}\r\n`;
const post = (fields: string, body = ""): string => `POST /p HTTP/1.1\r\n${host}${close}${fields}\r\n${body}`;
const chunked = (body: string): string => post("Transfer-Encoding: chunked\r\n", body);
const field = (line: string): string => `GET / HTTP/1.1\r\n${host}${close}${line}\r\n\r\n`;
/** What an attacker hopes becomes a second request. */
const smuggled = "GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n";

/** name, bytes, status */
const refused: readonly (readonly [string, string, number])[] = [
  // Framing of the body.
  ["Content-Length before Transfer-Encoding", post("Content-Length: 3\r\nTransfer-Encoding: chunked\r\n", "0\r\n\r\n"), 400],
  ["Transfer-Encoding before Content-Length", post("Transfer-Encoding: chunked\r\nContent-Length: 3\r\n", "0\r\n\r\n"), 400],
  ["two Content-Lengths that differ", post("Content-Length: 3\r\nContent-Length: 4\r\n", "abcd"), 400],
  ["two Content-Lengths that agree", post("Content-Length: 3\r\nContent-Length: 3\r\n", "abc"), 400],
  ["Content-Length with plus", post("Content-Length: +3\r\n", "abc"), 400],
  ["Content-Length with minus", post("Content-Length: -3\r\n", "abc"), 400],
  ["Content-Length in hex", post("Content-Length: 0x3\r\n", "abc"), 400],
  ["Content-Length with exponent", post("Content-Length: 3e0\r\n", "abc"), 400],
  ["Content-Length as a list", post("Content-Length: 3, 3\r\n", "abc"), 400],
  ["Content-Length with a space inside", post("Content-Length: 3 3\r\n", "abc"), 400],
  ["Content-Length empty", post("Content-Length:\r\n", "abc"), 400],
  ["Content-Length that overflows 64 bits", post("Content-Length: 99999999999999999999\r\n"), 400],
  ["Content-Length above 2^53", post("Content-Length: 9007199254740993\r\n"), 413],
  ["Content-Length in non-ASCII digits", post("Content-Length: \xb3\r\n"), 400],
  ["Transfer-Encoding of an unknown coding", post("Transfer-Encoding: gzip\r\n"), 400],
  ["Transfer-Encoding with a coding before chunked", post("Transfer-Encoding: gzip, chunked\r\n", "0\r\n\r\n"), 400],
  ["Transfer-Encoding with chunked not last", post("Transfer-Encoding: chunked, gzip\r\n", "0\r\n\r\n"), 400],
  ["Transfer-Encoding chunked twice in one field", post("Transfer-Encoding: chunked, chunked\r\n", "0\r\n\r\n"), 400],
  ["Transfer-Encoding twice", post("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n", "0\r\n\r\n"), 400],
  ["Transfer-Encoding identity and chunked", post("Transfer-Encoding: identity\r\nTransfer-Encoding: chunked\r\n", "0\r\n\r\n"), 400],
  ["Transfer-Encoding identity", post("Transfer-Encoding: identity\r\n"), 400],
  ["Transfer-Encoding empty", post("Transfer-Encoding:\r\n", smuggled), 400],
  ["Transfer-Encoding of nearly chunked", post("Transfer-Encoding: xchunked\r\n", "0\r\n\r\n"), 400],
  ["Transfer-Encoding in quotes", post('Transfer-Encoding: "chunked"\r\n', "0\r\n\r\n"), 400],
  ["Transfer-Encoding behind a vertical tab", post("Transfer-Encoding:\x0bchunked\r\n", "0\r\n\r\n"), 400],
  ["Transfer-Encoding with a parameter", post("Transfer-Encoding: chunked;a=b\r\n", "0\r\n\r\n"), 400],
  ["Transfer-Encoding in HTTP/1.0", "POST / HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400],
  // Chunks.
  ["a chunk size in C notation", chunked("0x3\r\nabc\r\n0\r\n\r\n"), 400],
  ["a chunk size with a sign", chunked("-3\r\nabc\r\n0\r\n\r\n"), 400],
  ["a chunk size with plus", chunked("+3\r\nabc\r\n0\r\n\r\n"), 400],
  ["a chunk size that is none", chunked("g\r\nabc\r\n0\r\n\r\n"), 400],
  ["an empty chunk size", chunked("\r\nabc\r\n0\r\n\r\n"), 400],
  ["a chunk size that overflows", chunked("fffffffffffffffff\r\nabc\r\n0\r\n\r\n"), 400],
  ["a space behind a chunk size", chunked("3 \r\nabc\r\n0\r\n\r\n"), 400],
  ["a bare LF behind a chunk size", chunked("3\nabc\r\n0\r\n\r\n"), 400],
  ["a bare LF in a chunk extension", chunked("3;\nabc\r\n0\r\n\r\n"), 400],
  ["a bare CR in a chunk extension", chunked("3;a\rb\r\nabc\r\n0\r\n\r\n"), 400],
  ["a control byte in a chunk extension", chunked("3;a=\x01\r\nabc\r\n0\r\n\r\n"), 400],
  ["a chunk longer than its size", chunked("3\r\nabcd\r\n0\r\n\r\n"), 400],
  ["a bare LF behind a chunk", chunked("3\r\nabc\n0\r\n\r\n"), 400],
  ["no line end behind a chunk", chunked("3\r\nabc0\r\n\r\n"), 400],
  ["chunk extensions without end", chunked(`3;${"a".repeat(20_000)}`), 400],
  ["many chunk extensions", chunked(`1;${"a".repeat(900)}\r\nx\r\n`.repeat(40)), 400],
  ["Content-Length as a trailer", chunked("0\r\nContent-Length: 5\r\n\r\n"), 400],
  ["Transfer-Encoding as a trailer", chunked("0\r\nTransfer-Encoding: chunked\r\n\r\n"), 400],
  ["a trailer that folds", chunked("0\r\nX: a\r\n b\r\n\r\n"), 400],
  ["a trailer with a bare LF", chunked("0\r\nX: a\n\r\n"), 400],
  ["trailers without measure", chunked(`0\r\nX: ${"a".repeat(70_000)}\r\n\r\n`), 431],
  // Line ends and white space.
  ["a bare LF behind the request line", `GET / HTTP/1.1\n${host}\r\n`, 400],
  ["a bare LF behind a field", "GET / HTTP/1.1\r\nHost: a\nX: b\r\n\r\n", 400],
  ["a bare LF at the head's end", `GET / HTTP/1.1\r\n${host}\n`, 400],
  ["only bare LFs", "GET / HTTP/1.1\nHost: a\n\n", 400],
  ["a bare CR behind a field", "GET / HTTP/1.1\r\nHost: a\rX: b\r\n\r\n", 400],
  ["a bare CR in a value", field("X: a\rb"), 400],
  ["a folded field", field("X: a\r\n b"), 400],
  ["a folded field with a tab", field("X: a\r\n\tb"), 400],
  ["white space before the first field", `GET / HTTP/1.1\r\n ${host}\r\n`, 400],
  ["a space before the colon", field("X : a"), 400],
  ["a tab before the colon", field("X\t: a"), 400],
  ["a space before Content-Length's colon", post("Content-Length : 3\r\n", "abc"), 400],
  ["a line without a colon", field("X"), 400],
  ["two empty lines first", `\r\n\r\n${get("/")}`, 400],
  ["a bare LF first", `\n${get("/")}`, 400],
  ["a bare CR first", `\r${get("/")}`, 400],
  // Names and values.
  ["an empty name", field(": a"), 400],
  ["a NUL in a name", field("X\0Y: a"), 400],
  ["a NUL in a value", field("X: a\0b"), 400],
  ["a control byte in a value", field("X: a\x01b"), 400],
  ["DEL in a value", field("X: a\x7fb"), 400],
  ["a byte above 127 in a name", field("X\xe9: a"), 400],
  ["brackets in a name", field("X(y): a"), 400],
  ["a slash in a name", field("X/y: a"), 400],
  // Host.
  ["no Host", "GET / HTTP/1.1\r\n\r\n", 400],
  ["two Hosts", `GET / HTTP/1.1\r\n${host}Host: b\r\n\r\n`, 400],
  ["the same Host twice", `GET / HTTP/1.1\r\n${host}${host}\r\n`, 400],
  ["an empty Host", "GET / HTTP/1.1\r\nHost:\r\n\r\n", 400],
  ["a Host with a path", "GET / HTTP/1.1\r\nHost: a/b\r\n\r\n", 400],
  ["a Host with user information", "GET / HTTP/1.1\r\nHost: u@a\r\n\r\n", 400],
  ["a Host list", "GET / HTTP/1.1\r\nHost: a, b\r\n\r\n", 400],
  ["a Host with a bad port", "GET / HTTP/1.1\r\nHost: a:b\r\n\r\n", 400],
  ["no Host with an absolute target", "GET http://a/ HTTP/1.1\r\n\r\n", 400],
  // Request line.
  ["two spaces behind the method", `GET  / HTTP/1.1\r\n${host}\r\n`, 400],
  ["two spaces before the version", `GET /  HTTP/1.1\r\n${host}\r\n`, 400],
  ["a tab behind the method", `GET\t/ HTTP/1.1\r\n${host}\r\n`, 400],
  ["a space behind the version", `GET / HTTP/1.1 \r\n${host}\r\n`, 400],
  ["a space in the target", `GET /a b HTTP/1.1\r\n${host}\r\n`, 400],
  ["a fragment", get("/a#b"), 400],
  ["a NUL in the target", get("/a\0b"), 400],
  ["a byte above 127 in the target", get("/\xe9"), 400],
  ["a relative target", get("a"), 400],
  ["an asterisk for GET", get("*"), 400],
  ["another scheme", get("ftp://a/"), 400],
  ["an absolute target without a host", get("http:///a"), 400],
  ["an absolute target with user information", get("http://u@a/"), 400],
  ["CONNECT", `CONNECT a:80 HTTP/1.1\r\n${host}\r\n`, 405],
  ["a method in lower case", `get / HTTP/1.1\r\n${host}\r\n`, 400],
  ["an unknown method", `BREW / HTTP/1.1\r\n${host}\r\n`, 400],
  ["HTTP/0.9", "GET /\r\n\r\n", 400],
  ["HTTP/1.2", `GET / HTTP/1.2\r\n${host}\r\n`, 505],
  ["HTTP/2.0 in an HTTP/1 head", `GET / HTTP/2.0\r\n${host}\r\n`, 505],
  ["HTTP in lower case", `GET / http/1.1\r\n${host}\r\n`, 400],
  ["RTSP", `GET / RTSP/1.1\r\n${host}\r\n`, 400],
  ["a TLS greeting", "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 400],
  ["an unknown expectation", post("Expect: tea\r\nContent-Length: 3\r\n", "abc"), 417],
  // Size.
  ["a target too long", get(`/${"a".repeat(9000)}`), 414],
  ["a target far too long", get(`/${"a".repeat(100_000)}`), 414],
  ["a field too long", field(`X: ${"a".repeat(62_000)}`), 431],
  ["a name far too long", field(`${"a".repeat(100_000)}: b`), 431],
  ["too many fields", `GET / HTTP/1.1\r\n${host}${"X: a\r\n".repeat(101)}\r\n`, 431],
];

/** name, bytes, what handlers see */
const served: readonly (readonly [string, string, readonly string[]])[] = [
  ["one empty line first", `\r\n${get("/")}`, ["GET / "]],
  ["a name with every token character", field("!#$%&'*+-.^_`|~09azAZ: a"), ["GET / "]],
  ["a value above 127", field("X: \xe9"), ["GET / "]],
  ["white space around a value", post("Content-Length: \t 3 \r\n", "abc"), ["POST /p abc"]],
  ["Transfer-Encoding in capitals", post("TRANSFER-ENCODING: Chunked\r\n", "3\r\nabc\r\n0\r\n\r\n"), ["POST /p abc"]],
  ["chunk extensions", chunked('3;a=b;c="d;e"\r\nabc\r\n0;x\r\n\r\n'), ["POST /p abc"]],
  ["a chunk size with leading zeros, in capitals", chunked("00A\r\n0123456789\r\n0\r\n\r\n"), ["POST /p 0123456789"]],
  ["many small chunks", chunked(`${"1\r\nx\r\n".repeat(50)}0\r\n\r\n`), [`POST /p ${"x".repeat(50)}`]],
  ["an absolute target", get("http://b:81/x?y=1"), ["GET /x?y=1 "]],
  ["an absolute target without a path", get("http://b?y=1"), ["GET /?y=1 "]],
  ["an asterisk for OPTIONS", `OPTIONS * HTTP/1.1\r\n${host}${close}\r\n`, ["OPTIONS * "]],
  ["a Host that is an IPv6 address", "GET / HTTP/1.1\r\nHost: [::1]:80\r\nConnection: close\r\n\r\n", ["GET / "]],
  ["HTTP/1.0", "GET / HTTP/1.0\r\n\r\n", ["GET / "]],
  ["HTTP/1.0 that asks to be kept", "GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\nGET /2 HTTP/1.0\r\n\r\n", ["GET / "]],
  ["a request behind the last one", `${get("/")}${smuggled}`, ["GET / "]],
  ["a body that looks like a request", post(`Content-Length: ${smuggled.length}\r\n`, smuggled), [`POST /p ${smuggled}`]],
  ["a chunk that looks like a request", chunked(`${smuggled.length.toString(16)}\r\n${smuggled}\r\n0\r\n\r\n`), [`POST /p ${smuggled}`]],
  [
    "h2c asked for and ignored",
    `GET / HTTP/1.1\r\n${host}Upgrade: h2c\r\nHTTP2-Settings: AA\r\nConnection: Upgrade, HTTP2-Settings, close\r\n\r\n`,
    ["GET / "],
  ],
];

describe("hostile HTTP/1.1 requests", () => {
  let http: Http1Host;
  before(async () => {
    http = await hostHttp1();
  });
  beforeEach(() => http.seen.splice(0));
  after(() => http.listener.close());

  for (const [name, bytes, status] of refused) {
    it(`${status} for ${name}`, async () => check(await talk(http.port, bytes + smuggled), status));
  }

  it("refuses the same when every byte comes alone", async () => {
    for (const [name, bytes, status] of refused) {
      if (bytes.length > 300) continue;
      const received = await talk(http.port, ...bytes);
      assert.deepEqual(statuses(received), [status], name);
      assert.deepEqual(http.seen, [], name);
    }
  });

  for (const [name, bytes, seen] of served) {
    it(`serves ${name}`, async () => {
      for (const pieces of [[bytes], [...bytes]]) {
        http.seen.splice(0);
        const received = await talk(http.port, ...pieces);
        assert.deepEqual(
          http.seen.map(({ method, target, body }) => `${method} ${target} ${body}`),
          seen,
        );
        assert.deepEqual(
          statuses(received),
          seen.map(() => 200),
        );
      }
    });
  }

  it("answers what came before a bad request in the pipeline, then refuses, and serves nothing behind it", async () => {
    const received = await talk(
      http.port,
      `GET /1 HTTP/1.1\r\n${host}\r\nGET /2 HTTP/1.1\r\n${host}\r\nGET /3 HTTP/1.1\r\n\r\n${smuggled}`,
    );
    assert.deepEqual(statuses(received), [200, 200, 400]);
    assert.deepEqual(
      http.seen.map(({ target }) => target),
      ["/1", "/2"],
    );
  });

  function check(received: string, status: number): void {
    const list = answers(received);
    assert.deepEqual(
      list.map((answer) => answer.status),
      [status],
    );
    const [{ headers, body }] = list as [(typeof list)[0]];
    assert.equal(headers.get("connection"), "close");
    assert.equal(headers.get("content-type"), "application/json");
    const error = JSON.parse(body) as { code: number; message: string; details: [{ "@type": string; domain: string; reason: string }] };
    assert.equal(error.details[0]["@type"], "type.googleapis.com/google.rpc.ErrorInfo");
    assert.equal(error.details[0].domain, "dragoman");
    assert.match(error.details[0].reason, /^[A-Z_]+$/);
    assert.notEqual(error.message, "");
    assert.deepEqual(http.seen, []);
  }
});
