/** What the HTTP/1.1 layer costs without sockets: reading a head of ten fields, and putting an answer together. */
import type { Bench } from "tinybench";
import { RequestParser, type RequestSink } from "../../src/wire/http1/request-parser.ts";
import { dateField, encodeFields, fieldsText } from "../../src/wire/http1/response-head.ts";
import { defaultLimits } from "../../src/wire/limits.ts";

const rounds = 100;

const fields = (requestId: number): string =>
  [
    "Host: shop.example:8080",
    "User-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0",
    "Accept: application/json, text/plain, */*",
    "Accept-Language: en-US,en;q=0.9",
    "Accept-Encoding: gzip, deflate, br",
    "Authorization: Bearer eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.abcdefghijklmnopqrstuvwxyz",
    `X-Request-Id: 7b1c2d3e-4f5a-6b7c-8d9e-${String(requestId).padStart(12, "0")}`,
    `traceparent: 00-4bf92f3577b34da6a3ce${String(requestId).padStart(12, "0")}-00f067aa0ba902b7-01`,
    "X-Forwarded-For: 203.0.113.7",
    "Connection: keep-alive",
  ].join("\r\n");

const request = (path: string, requestId: number): Buffer => Buffer.from(`GET ${path} HTTP/1.1\r\n${fields(requestId)}\r\n\r\n`, "latin1");

export default function (bench: Bench): void {
  const sink: RequestSink = { onHead() {}, onBody() {}, onMessageEnd() {} };
  const parser = new RequestParser(defaultLimits, "http", sink);
  const alike = request("/v1/items/7", 7);
  const differing = Array.from({ length: rounds }, (_, i) => request(`/v1/items/${i}`, i));
  const piece = alike.subarray(0, 200);
  const rest = alike.subarray(200);

  bench.add(`head, 10 fields, the same each time (x${rounds})`, () => {
    for (let i = 0; i < rounds; i++) parser.take(alike, 0);
  });
  bench.add(`head, 10 fields, path and two ids differ (x${rounds})`, () => {
    for (const bytes of differing) parser.take(bytes, 0);
  });
  bench.add(`head, nothing remembered (x${rounds})`, () => {
    for (const bytes of differing) {
      parser.forget();
      parser.take(bytes, 0);
    }
  });
  bench.add(`head in two pieces (x${rounds})`, () => {
    for (let i = 0; i < rounds; i++) {
      parser.take(piece, 0);
      parser.take(rest, 0);
    }
  });

  const frozen = Object.freeze(["content-type", "application/json", "cache-control", "no-store", "vary", "accept"]);
  const fresh = [...frozen];
  bench.add(`answer fields, frozen list (x${rounds})`, () => {
    for (let i = 0; i < rounds; i++) encodeFields(frozen);
  });
  bench.add(`answer fields, a list like any other (x${rounds})`, () => {
    for (let i = 0; i < rounds; i++) encodeFields(fresh);
  });
  bench.add(`answer fields, checked text alone (x${rounds})`, () => {
    for (let i = 0; i < rounds; i++) fieldsText(fresh);
  });
  bench.add(`date field (x${rounds})`, () => {
    for (let i = 0; i < rounds; i++) dateField(Date.now());
  });
}
