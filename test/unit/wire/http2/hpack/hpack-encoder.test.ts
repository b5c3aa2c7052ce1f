/** What the encoder puts on the wire, when it inserts, and what it never does. */
import assert from "node:assert/strict";
import { HpackDecoder } from "../../../../../src/wire/http2/hpack/hpack-decoder.ts";
import { HpackEncoder } from "../../../../../src/wire/http2/hpack/hpack-encoder.ts";
import { HpackError } from "../../../../../src/wire/http2/hpack/hpack-error.ts";

/** An encoder and the decoder at the other end of the wire. */
class Wire {
  readonly encoder: HpackEncoder;
  readonly decoder: HpackDecoder;

  constructor({ maxTableBytes = 4096, announcedBytes = 4096 } = {}) {
    this.encoder = new HpackEncoder({ maxTableBytes });
    this.decoder = new HpackDecoder({ maxTableBytes: announcedBytes, maxListBytes: 1 << 20, maxFields: 1000 });
  }

  /** Sends the lists as one block, checks that they arrive, and tells the block in hex. */
  send(...lists: readonly (readonly string[])[]): string {
    const { encoder, decoder } = this;
    const bound = lists.reduce((sum, list) => sum + encoder.bound(list), 0);
    const out = Buffer.alloc(bound + 7, 0xa5);
    let at = encoder.begin(out, 7);
    for (const list of lists) at = encoder.encode(list, out, at);
    assert.ok(at <= out.length, "within the bound");
    assert.deepEqual(decoder.decode(out, 7, at), lists.flat());
    const hex = out.subarray(7, at).toString("hex");
    out.fill(0x5a);
    return hex;
  }
}

const template = [":method", "POST", ":scheme", "http", ":path", "/shop.v1.Orders/Get", ":authority", "127.0.0.1:5", "te", "trailers"];

describe("HpackEncoder", () => {
  it("a list that comes again shrinks to indices, and stays so", () => {
    const wire = new Wire();
    const blocks = Array.from({ length: 6 }, () => wire.send(template));
    assert.equal(blocks[2], "8386c0bfbe");
    assert.deepEqual(new Set(blocks.slice(2)).size, 1);
  });

  it("cached bytes follow insertions by others", () => {
    const wire = new Wire();
    for (let i = 0; i < 4; i++) wire.send(template);
    const other = ["x-team", "blue"];
    for (let i = 0; i < 4; i++) wire.send(template, other);
    assert.equal(wire.send(template), "8386c1c0bf");
  });

  it("fresh lists are indexed field by field, once a pair is seen again", () => {
    const wire = new Wire();
    const list = (): string[] => ["user-agent", "curl/8", "x-team", "blue"];
    assert.equal(wire.send(list()), "0f2b06637572 6c2f38 0006782d7465616d 04626c7565".replaceAll(" ", ""));
    wire.send(list());
    assert.equal(wire.send(list()), "bfbe");
  });

  it("values that alternate are indexed too", () => {
    const wire = new Wire();
    for (let i = 0; i < 4; i++) for (const value of ["a", "b"]) wire.send(["x-ab", value]);
    assert.equal(wire.send(["x-ab", "a"]).length, 2);
    assert.equal(wire.send(["x-ab", "b"]).length, 2);
  });

  it("one-off literals are raw, repeated ones Huffman coded", () => {
    const wire = new Wire();
    const list = ["traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"];
    const raw = wire.send(list);
    assert.ok(raw.includes(Buffer.from("traceparent").toString("hex")));
    assert.ok(wire.send(list).length < raw.length);
  });

  const volatile = ["traceparent", "x-request-id", "grpc-timeout", "content-length", "date", "set-cookie", "authorization", "cookie"];
  for (const name of [...volatile, "x-api-key", "apikey-api-key", "proxy-authorization"]) {
    it(`never puts ${name} into the table`, () => {
      const wire = new Wire();
      const list = [name, "value-1"];
      for (let i = 0; i < 5; i++) {
        wire.send(list);
        wire.send([name, "value-1"]);
      }
      assert.equal(wire.decoder.tableBytes, 0);
    });
  }

  for (const name of ["authorization", "cookie", "set-cookie", "proxy-authorization", "x-api-key"]) {
    it(`marks ${name} as never indexed for everybody on the way`, () => {
      const wire = new Wire();
      const list = [name, "s"];
      for (let i = 0; i < 4; i++) assert.equal(Number.parseInt(wire.send(list).slice(0, 2), 16) & 0xf0, 0x10);
      assert.equal(Number.parseInt(wire.send([name, ""]).slice(0, 2), 16) & 0xf0, 0x10);
    });
  }

  it("a name of many values does not flood the table", () => {
    const wire = new Wire();
    for (let value = 0; value < 100; value++) for (let i = 0; i < 3; i++) wire.send(["x-user", `u${value}`]);
    assert.ok(wire.decoder.tableBytes <= 8 * 64);
  });

  it("stops inserting when the table is full, and evicts nothing", () => {
    const wire = new Wire({ maxTableBytes: 256 });
    const names = Array.from({ length: 40 }, (_, i) => `x-name-${i}`);
    for (let i = 0; i < 3; i++) for (const name of names) wire.send([name, "value"]);
    assert.ok(wire.decoder.tableBytes <= 256);
    assert.equal(wire.send(["x-name-0", "value"]).length, 2);
    assert.equal(wire.send(["x-name-39", "value"]).length > 2, true);
  });

  it("renews a full table that no longer fits the traffic", () => {
    const wire = new Wire({ maxTableBytes: 256 });
    for (let i = 0; i < 3; i++) for (let n = 0; n < 10; n++) wire.send([`x-old-${n}`, "value"]);
    let length = 0;
    for (let i = 0; i < 20_100; i++) length = wire.send(["x-new", "value"]).length;
    assert.equal(length, 2);
  });

  it("survives more names than it remembers", () => {
    const wire = new Wire();
    for (let i = 0; i < 2; i++) for (let n = 0; n < 600; n++) wire.send([`x-n-${n}`, "v", `x-n-${n}`, "v"]);
    for (let i = 0; i < 3; i++) wire.send(["x-late", "v"]);
  });

  it("survives more repeating lists than it remembers", () => {
    const wire = new Wire();
    const lists = Array.from({ length: 300 }, (_, i) => [":path", `/p/${i}`]);
    for (let i = 0; i < 3; i++) for (const list of lists) for (let j = 0; j < 3; j++) wire.send(list);
  });

  it("a list that was changed is encoded as it is now", () => {
    const wire = new Wire();
    const list = [...template];
    for (let i = 0; i < 4; i++) wire.send(list);
    list[5] = "/shop.v1.Orders/Put";
    for (let i = 0; i < 3; i++) wire.send(list);
    list.push("x-more", "1");
    for (let i = 0; i < 3; i++) wire.send(list);
  });

  describe("the peer's table size", () => {
    it("no update where the default is confirmed", () => {
      const wire = new Wire();
      wire.encoder.setPeerTableSize(4096);
      assert.equal(wire.send([":method", "GET"]), "82");
      wire.encoder.setPeerTableSize(65536);
      assert.equal(wire.send([":method", "GET"]), "82");
    });

    it("says the smallest and the last, once", () => {
      const wire = new Wire();
      for (let i = 0; i < 4; i++) wire.send(template);
      wire.encoder.setPeerTableSize(100);
      wire.encoder.setPeerTableSize(1000);
      assert.match(wire.send(template), /^203fc907/);
      assert.doesNotMatch(wire.send(template), /^20/);
    });

    it("0 turns the table off", () => {
      const wire = new Wire({ announcedBytes: 0 });
      wire.encoder.setPeerTableSize(0);
      assert.match(wire.send(template), /^20/);
      for (let i = 0; i < 4; i++) wire.send(template);
      assert.equal(wire.decoder.tableBytes, 0);
    });

    it("grows only as far as we want", () => {
      const wire = new Wire({ maxTableBytes: 8192, announcedBytes: 1 << 20 });
      wire.encoder.setPeerTableSize(1 << 20);
      assert.match(wire.send(template), /^203fe13f/);
    });
  });

  describe("a character that is no byte", () => {
    it("is refused and leaves no trace in the table", () => {
      const wire = new Wire();
      for (let i = 0; i < 4; i++) wire.send(template);
      const once = ["x-new", "1"];
      wire.send(once);
      const out = new Uint8Array(1000);
      for (const bad of [
        ["x", "Ā"],
        ["€", "x"],
        [...once, "x", `${"a".repeat(100)}\u{1F600}`],
      ]) {
        const at = wire.encoder.encode(once, out, wire.encoder.begin(out, 0));
        assert.throws(
          () => wire.encoder.encode(bad, out, at),
          (error) => error instanceof HpackError && error.fault === "WIDE_CHARACTER",
        );
        for (let i = 0; i < 3; i++) wire.send(template, once);
      }
    });

    it("does not lose a size update that was due", () => {
      const wire = new Wire();
      for (let i = 0; i < 4; i++) wire.send(template);
      wire.encoder.setPeerTableSize(0);
      const out = new Uint8Array(100);
      const at = wire.encoder.begin(out, 0);
      assert.throws(() => wire.encoder.encode(["x", "€"], out, at), HpackError);
      assert.match(wire.send(template), /^20/);
      assert.equal(wire.decoder.tableBytes, 0);
    });
  });
});
