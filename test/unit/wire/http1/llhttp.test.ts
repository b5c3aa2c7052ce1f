/**
 * The pin on llhttp: these bytes, in the role of a server, as strict as the rest of this folder takes for granted.
 *
 * When undici is updated and the hash changes: read llhttp's changes, run the hostile table, and note the new hash here and in
 * docs/decisions/0002-llhttp.md.
 */
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { createRequire } from "node:module";
import { Llhttp, llhttpOk, llhttpPaused, type LlhttpEvents } from "../../../../src/wire/http1/llhttp.ts";
import wasm from "../../../../src/wire/http1/llhttp-wasm.cjs";

class Recorder implements LlhttpEvents {
  readonly spans: string[] = [];
  private readonly llhttp: Llhttp;

  constructor(llhttp: Llhttp) {
    this.llhttp = llhttp;
  }

  onUrl = (at: number, length: number): void => this.note("url", at, length);
  onFieldName = (at: number, length: number): void => this.note("name", at, length);
  onFieldValue = (at: number, length: number): void => this.note("value", at, length);
  onBody = (at: number, length: number): void => this.note("body", at, length);
  onHeadersComplete = (): number => {
    this.spans.push("head");
    return llhttpOk;
  };

  private note(kind: string, at: number, length: number): void {
    this.spans.push(`${kind} ${this.llhttp.memory.toString("latin1", at, at + length)}`);
  }
}

describe("llhttp", () => {
  const llhttp = new Llhttp(4096);

  function execute(parser: number, text: string): { code: number; spans: string[] } {
    const recorder = new Recorder(llhttp);
    llhttp.memory.write(text, llhttp.inputAt, "latin1");
    const code = llhttp.execute(parser, recorder, 0, text.length);
    return { code, spans: recorder.spans };
  }

  it("is the build that undici 8.12.4 carries", () => {
    const require = createRequire(import.meta.url);
    assert.equal((require("undici/package.json") as { version: string }).version, "8.12.4");
    assert.equal(
      createHash("sha256").update(wasm.load()).digest("hex"),
      "18403ee56fab07f89a845028bad358bb3ebcda213f8e2ec0989a991e9c33da69",
    );
  });

  it("parses requests, stops behind each, and tells where", () => {
    const parser = llhttp.allocate();
    const text = "POST /a HTTP/1.1\r\nHost: b\r\nContent-Length: 2\r\n\r\nxyGET";
    const { code, spans } = execute(parser, text);
    assert.equal(code, llhttpPaused);
    assert.equal(llhttp.stoppedAt(parser), text.length - 3);
    assert.equal(llhttp.method(parser), "POST");
    assert.deepEqual(spans, ["url /a", "name Host", "value b", "name Content-Length", "value 2", "head", "body xy"]);
    llhttp.reset(parser);
    assert.equal(execute(parser, "GET / HTTP/1.1\r\n\r\n").code, llhttpPaused);
    llhttp.free(parser);
  });

  it("keeps the states of many parsers apart, and its memory's view whole while it grows", () => {
    const parsers = Array.from({ length: 5000 }, () => llhttp.allocate());
    for (const parser of parsers) assert.equal(execute(parser, "GET /on").code, llhttpOk);
    for (const parser of parsers) assert.deepEqual(execute(parser, "e HTTP/1.1\r\n\r\n").spans, ["url e", "head"]);
    assert.equal(llhttp.allocated, parsers.length);
    for (const parser of parsers) llhttp.free(parser);
    assert.equal(llhttp.allocated, 0);
  });

  it("is strict", () => {
    for (const text of ["GET / HTTP/1.1\n", "GET / HTTP/1.1\r\nA : b", "GET / HTTP/1.1\r\nA: b\r\n c", "GET / HTTP/1.1\r\nA: \0"]) {
      const parser = llhttp.allocate();
      assert.ok(![llhttpOk, llhttpPaused].includes(execute(parser, text).code), text);
      assert.notEqual(llhttp.failure(parser), "");
      llhttp.free(parser);
    }
  });
});
