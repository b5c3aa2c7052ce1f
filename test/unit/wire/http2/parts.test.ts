/** The small parts of the engine, each against a simple model of itself. */
import assert from "node:assert/strict";
import fc from "fast-check";
import { ByteQueue } from "../../../../src/wire/http2/byte-queue.ts";
import { isFieldValue, parseContentLength } from "../../../../src/wire/http2/field-rules.ts";
import { FloodGuard, floodLimits } from "../../../../src/wire/http2/flood-guard.ts";
import { FrameReader, type FrameHandler } from "../../../../src/wire/http2/frame-reader.ts";
import { errorCodeName } from "../../../../src/wire/http2/frame.ts";
import { RecentIds } from "../../../../src/wire/http2/recent-ids.ts";
import { ReconnectDelay } from "../../../../src/wire/http2/reconnect-delay.ts";
import { RequestBody } from "../../../../src/wire/http2/request-body.ts";
import { StreamTable, type Tabled } from "../../../../src/wire/http2/stream-table.ts";
import { WaitingLine, type InLine } from "../../../../src/wire/http2/waiting-line.ts";
import { WireError } from "../../../../src/wire/wire-error.ts";
import { frame, type } from "../../../fuzz/frames.ts";

/** Writes down what it is told, with pieces of one DATA frame joined. */
class Scribe implements FrameHandler {
  readonly stopped = false;
  readonly heard: string[] = [];
  private piece = "";

  onFrame(frameType: number, flags: number, streamId: number, bytes: Uint8Array, start: number, end: number): void {
    let text = Buffer.from(bytes.subarray(start, end)).toString("hex");
    if (frameType === type.data && (flags & 8) !== 0) text = text.slice(2, text.length - 2 * bytes[start]!);
    this.heard.push(`${frameType} ${flags} ${streamId} ${text}`);
  }

  onDataStart(flags: number, streamId: number): void {
    this.piece = `0 ${flags} ${streamId} `;
  }

  onDataPiece(bytes: Uint8Array, start: number, end: number): void {
    assert.ok(end > start);
    this.piece += Buffer.from(bytes.subarray(start, end)).toString("hex");
  }

  onDataEnd(): void {
    this.heard.push(this.piece);
  }
}

describe("HTTP/2, the parts", () => {
  it("frames are the same however the reads are cut", () => {
    const payload = fc.uint8Array({ maxLength: 60 });
    const data = fc.tuple(payload, fc.option(fc.nat(20), { nil: undefined })).map(([bytes, padding]) => {
      if (padding === undefined) return frame(type.data, 1, 5, bytes);
      return frame(type.data, 9, 5, Buffer.concat([Buffer.from([padding]), bytes, Buffer.alloc(padding)]));
    });
    const other = fc.tuple(fc.integer({ min: 1, max: 12 }), payload).map(([kind, bytes]) => frame(kind, 0, 3, bytes));
    fc.assert(
      fc.property(
        fc.array(fc.oneof(data, other), { maxLength: 12 }),
        fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1 }),
        (frames, cuts) => {
          const bytes = Buffer.concat(frames);
          const whole = new Scribe();
          new FrameReader(whole).feed(bytes, 0);
          const cut = new Scribe();
          const reader = new FrameReader(cut);
          for (let at = 0, i = 0; at < bytes.length; i++) {
            const end = Math.min(bytes.length, at + cuts[i % cuts.length]!);
            const read = Buffer.from(bytes.subarray(at, end));
            reader.feed(read, 0);
            read.fill(0xdb);
            at = end;
          }
          assert.deepEqual(cut.heard, whole.heard);
          assert.equal(whole.heard.length, frames.length);
          assert.equal(reader.insideFrame, false);
        },
      ),
    );
  });

  it("a byte queue gives back what it was given", () => {
    const step = fc.record({ push: fc.uint8Array({ maxLength: 3000 }), take: fc.nat(4000) });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
        const queue = new ByteQueue();
        let model = Buffer.alloc(0);
        for (const { push, take } of steps) {
          const scratch = Buffer.concat([Buffer.from("x"), push]);
          queue.push(scratch, 1, scratch.length);
          scratch.fill(0);
          model = Buffer.concat([model, push]);
          const size = Math.min(take, queue.sizeBytes);
          const out = Buffer.alloc(size + 2);
          queue.takeInto(out, 1, size);
          assert.ok(out.subarray(1, 1 + size).equals(model.subarray(0, size)));
          model = model.subarray(size);
          assert.equal(queue.sizeBytes, model.length);
        }
      }),
    );
  });

  it("a stream table is a map", () => {
    interface Entry extends Tabled<Entry> {
      id: number;
    }
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 200 })), (ids) => {
        const table = new StreamTable<Entry>();
        const model = new Map<number, Entry>();
        for (const half of ids) {
          const id = 2 * half + 1;
          const known = model.get(id);
          assert.equal(table.get(id), known);
          if (known === undefined) {
            const entry: Entry = { id, nextInBucket: undefined };
            table.add(entry);
            model.set(id, entry);
          } else {
            table.delete(known);
            table.delete(known);
            assert.equal(known.nextInBucket, undefined);
            model.delete(id);
          }
        }
        assert.equal(table.size, model.size);
        assert.deepEqual(new Set(table.all()), new Set(model.values()));
        table.clear();
        assert.equal(table.size, 0);
      }),
    );
  });

  it("a waiting line keeps its order when members leave", () => {
    interface Member extends InLine<Member> {
      name: number;
    }
    fc.assert(
      fc.property(fc.array(fc.nat(20)), (names) => {
        const line = new WaitingLine<Member>();
        const members = new Map<number, Member>();
        let model: number[] = [];
        for (const name of names) {
          const member = members.get(name) ?? { name, previousInLine: undefined, nextInLine: undefined, inLine: false };
          members.set(name, member);
          if (model.includes(name)) {
            assert.equal(line.delete(member), true);
            model = model.filter((other) => other !== name);
          } else {
            assert.equal(line.delete(member), false);
            line.push(member);
            model.push(name);
          }
        }
        const order: number[] = [];
        for (let at = line.first; at !== undefined; at = at.nextInLine) order.push(at.name);
        assert.deepEqual(order, model);
        assert.equal(line.size, model.length);
      }),
    );
  });

  it("a request body credits every byte exactly once", async () => {
    const step = fc.constantFrom("push", "push", "read", "whole", "cancel", "release");
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 30 }), fc.boolean(), async (steps, ends) => {
        let credited = 0;
        let pushed = 0;
        const body = new RequestBody({ onBodyTaken: (sizeBytes) => (credited += sizeBytes), onBodyWanted: () => undefined });
        let released = false;
        for (const one of steps) {
          if (one === "push" && !released) {
            const size = 1 + ((pushed * 7) % 3000);
            body.push(Buffer.alloc(size));
            pushed += size;
          } else if (one === "read") void Promise.resolve(body.read());
          else if (one === "whole") body.whole();
          else if (one === "cancel") body.cancel();
          else if (one === "release") {
            body.release();
            released = true;
          }
        }
        if (ends) body.end(undefined);
        body.release();
        assert.equal(credited, pushed);
      }),
    );
  });

  it("a body that fails keeps what had come, then throws", async () => {
    const body = new RequestBody({ onBodyTaken: () => undefined, onBodyWanted: () => undefined });
    body.push(Buffer.from("a"));
    body.fail(new WireError("reset", "gone"));
    assert.equal(Buffer.from((await body.read())!).toString(), "a");
    assert.throws(() => void body.read(), { kind: "reset" });
    assert.equal(body.whole(), undefined);
  });

  it("an allowance refills with time and with frames that move", () => {
    let nowMs = 0;
    const guard = new FloodGuard({ nowMs: () => nowMs, wallMs: () => 0, after: () => ({ cancel: () => undefined }) });
    const { burst, perSecond, perFrameMoved } = floodLimits.ping;
    for (let i = 0; i < burst; i++) guard.note("ping", 0);
    assert.throws(() => guard.note("ping", 0), { code: 11 });
    nowMs += 1000;
    for (let i = 0; i < perSecond - 1; i++) guard.note("ping", 0);
    assert.throws(() => guard.note("ping", 0));
    for (let i = 0; i < perFrameMoved * 10 - 1; i++) guard.note("ping", 10);
    assert.throws(() => guard.note("ping", 10));
    guard.note("settings", 10);
  });

  it("reconnecting: exponential, bounded, with full jitter, forgotten after success", () => {
    const delay = new ReconnectDelay({ baseMs: 100, maxMs: 1000, random: () => 0.5 });
    const pauses = Array.from({ length: 6 }, () => {
      delay.failed(0);
      let ms = 0;
      while (delay.isWaiting(ms)) ms += 25;
      return ms;
    });
    assert.deepEqual(pauses, [50, 100, 200, 400, 500, 500]);
    delay.succeeded();
    assert.equal(delay.isWaiting(0), false);
  });

  it("recent ids are forgotten in turn", () => {
    const ids = new RecentIds(3);
    assert.equal(ids.has(1), false);
    for (const id of [1, 3, 5, 7]) ids.add(id);
    assert.deepEqual(
      [1, 3, 5, 7].map((id) => ids.has(id)),
      [false, true, true, true],
    );
  });

  it("small rules", () => {
    assert.equal(errorCodeName(11), "ENHANCE_YOUR_CALM");
    assert.equal(errorCodeName(0x63), "0x63");
    assert.deepEqual(["", "0", "12", "1a", "-1", "9".repeat(16)].map(parseContentLength), [-1, 0, 12, -1, -1, -1]);
    assert.deepEqual(["", "a", "a\tb", " a", "a\x7f", "\xff"].map(isFieldValue), [true, true, true, false, false, true]);
  });
});
