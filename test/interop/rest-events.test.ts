/** Server-sent events as a browser's EventSource reads them: ids, resuming, heartbeats, `retry:`, errors, and an end that is one. */
import assert from "node:assert/strict";
import { CallError } from "../../src/core/call-error.ts";
import { MessageStream } from "../../src/core/messages.ts";
import { Metadata } from "../../src/core/metadata.ts";
import { Payload } from "../../src/core/payload.ts";
import { okStatus, statusOf, type Status } from "../../src/core/status.ts";
import { createMethodTable } from "../../src/schema/method-table.ts";
import type { BindingOptions, EventOptions } from "../../src/schema/binding/binding-options.ts";
import { startHop, type Hop } from "../support/hop.ts";
import { errorOf, TranscodingHop } from "../support/transcoding-hop.ts";
import { until } from "../support/until.ts";
import { transcodingSchema } from "../support/transcoding-server.ts";

const accept = { accept: "text/event-stream" };

function tableWith(events: Partial<EventOptions>): { binding: Partial<BindingOptions> } {
  return { binding: { events: { heartbeatMs: 15_000, ...events } } };
}

describe("REST, server-sent events", () => {
  describe("as they are without settings", () => {
    const rest = TranscodingHop.inSuite();

    it("are numbered", async () => {
      const response = await rest.send("GET", "/v1/notes/ann?count=2", accept);
      assert.equal(response.headers.get("cache-control"), "no-cache");
      assert.equal(await response.text(), 'id: 0\ndata: {"author":"ann"}\n\nid: 1\ndata: {"author":"ann","number":"1"}\n\n');
    });

    it("hand Last-Event-ID on as metadata", async () => {
      await (await rest.send("GET", "/v1/notes/ann?count=1", { ...accept, "last-event-id": "41" })).text();
      assert.deepEqual(rest.backend.lastMetadata()!.get("last-event-id"), ["41"]);
    });

    it("end a stream that has nothing more by 204, so that the client stays away", async () => {
      const again = await rest.send("GET", "/v1/notes/ann?count=0", { ...accept, "last-event-id": "1" });
      assert.deepEqual([again.status, again.headers.get("content-type"), await again.text()], [204, null, ""]);
      const first = await rest.send("GET", "/v1/notes/ann?count=0", accept);
      assert.deepEqual([first.status, first.headers.get("content-type"), await first.text()], [200, "text/event-stream", ""]);
    });

    it("say a failure in an event of its own, without an id to come back to", async () => {
      const late = await (await rest.send("GET", "/v1/notes/ann?count=1&failCode=5", accept)).text();
      assert.match(late, /^id: 0\ndata: .*\n\nevent: error\ndata: \{"code":5,"message":"failed with 5","details":\[\]\}\n\n$/);
      const early = await rest.send("GET", "/v1/notes/ann?failCode=5", { ...accept, "last-event-id": "1" });
      assert.deepEqual([early.status, (await errorOf(early)).code], [404, 5]);
    });
  });

  describe("with fields for id and resuming", () => {
    const rest = TranscodingHop.inSuite({ table: tableWith({ id: "number", resume: "count", retryMs: 2500 }) });

    it("take the id from the message, and say when to come back", async () => {
      const response = await rest.send("GET", "/v1/notes/ann?count=2", accept);
      const events = 'id: 0\ndata: {"author":"ann"}\n\nid: 1\ndata: {"author":"ann","number":"1"}\n\n';
      assert.equal(await response.text(), `retry: 2500\n\n${events}`);
    });

    it("bind Last-Event-ID, over the query of the first request", async () => {
      const response = await rest.send("GET", "/v1/notes/ann?count=3", { ...accept, "last-event-id": "1" });
      assert.equal(await response.text(), 'retry: 2500\n\nid: 0\ndata: {"author":"ann"}\n\n');
    });

    it("refuse one that does not fit", async () => {
      const response = await rest.send("GET", "/v1/notes/ann", { ...accept, "last-event-id": "x" });
      const error = await errorOf(response);
      assert.equal(response.status, 400);
      assert.equal(error.message, 'Last-Event-ID for "count" must be a whole number from -2147483648 to 2147483647');
    });

    it("leave the other forms alone", async () => {
      const response = await rest.send("GET", "/v1/notes/ann?count=1", { accept: "application/x-ndjson" });
      assert.equal(await response.text(), '{"author":"ann"}\n');
    });
  });

  describe("with a text as id", () => {
    const rest = TranscodingHop.inSuite({ table: tableWith({ id: "author" }) });
    const cases: readonly (readonly [path: string, start: string])[] = [
      ["/v1/notes/n%C3%A4he%20%E6%BC%A2?count=1", "id: nähe 漢\ndata: "],
      ["/v1/notes/a%0Adata:%20forged?count=1", "data: "], // a line break would forge an event
      ["/v1/notes/a%00?count=1", "data: "],
    ];
    for (const [path, start] of cases)
      it(path, async () => {
        const text = await (await rest.send("GET", path, accept)).text();
        assert.ok(text.startsWith(start) && text.split("\n").length === start.split("\n").length + 2, text);
      });
  });

  it("say at load what of their settings does not fit, and are served without it", () => {
    const faults: readonly (readonly [Partial<EventOptions>, RegExp])[] = [
      [{ id: "nubmer" }, /sse\.id: no field "nubmer" .*did you mean number\?/],
      [{ id: "inner" }, /sse\.id: inner of .*Note is not a field with a single value/],
      [{ resume: "count.x" }, /sse\.resume: count has no fields/],
    ];
    for (const [events, message] of faults) {
      const table = createMethodTable(transcodingSchema(), {
        autoMapping: false,
        bindingOf: ({ name }) => (name === "List" ? { events: { heartbeatMs: 1000, ...events } } : undefined),
      });
      assert.equal(table.problems.length, 1);
      assert.match(table.problems[0]!.message, message);
      assert.ok(table.route("GET", "/v1/notes/ann").found);
    }
  });

  describe("heartbeats", () => {
    let hop: Hop;
    let notes: Notes;
    const schema = transcodingSchema();
    beforeEach(async () => {
      notes = new Notes(schema.message("dragoman.transcoding.v1.Note")!);
      const table = tableWith({ heartbeatMs: 20, retryMs: 1000 });
      hop = await startHop({
        schema,
        table,
        handler: (call) => {
          call.onCancel((error) => notes.end(statusOf(error)));
          return Promise.resolve({ metadata: Metadata.empty, messages: notes, encoding: undefined, ended: undefined, end: notes.ending });
        },
      });
    });
    afterEach(() => hop.stop());

    async function open(): Promise<{ response: Response; reader: ReadableStreamDefaultReader<Uint8Array> }> {
      const response = await fetch(`http://127.0.0.1:${hop.port}/v1/notes/ann`, { headers: accept });
      return { response, reader: response.body!.getReader() };
    }

    async function readUntil(reader: ReadableStreamDefaultReader<Uint8Array>, end: string): Promise<string> {
      for (let text = ""; ;) {
        const { done, value } = await reader.read();
        text += Buffer.from(value ?? []).toString();
        if (done || text.endsWith(end)) return text;
      }
    }

    it("begin a stream that is quiet from its start, and go on between events", async () => {
      const { response, reader } = await open();
      assert.equal(response.status, 200);
      assert.match(await readUntil(reader, ":\n\n:\n\n"), /^retry: 1000\n\n(:\n\n)+$/);
      notes.push();
      assert.match(await readUntil(reader, "}\n\n:\n\n"), /^(:\n\n)*id: 0\ndata: \{"author":"ann"\}\n\n:\n\n$/);
      notes.end(okStatus());
      assert.match(await readUntil(reader, "never"), /^(:\n\n)*$/);
    });

    it("leave a failure that comes later no HTTP status: it is an event", async () => {
      const { response, reader } = await open();
      assert.equal(response.status, 200);
      notes.end(statusOf(new CallError("UPSTREAM_STATUS", "gone", { code: 5, source: "upstream" })));
      assert.match(await readUntil(reader, "never"), /event: error\ndata: \{"code":5,.*\}\n\n$/);
    });

    it("end with the client", async () => {
      const { reader } = await open();
      await reader.cancel();
      await until(() => hop.ended.length === 1, "the call to end");
    });
  });
});

/** A stream of notes that come when told. */
class Notes extends MessageStream {
  private readonly type: Payload["type"];
  private readonly waiting: Payload[] = [];
  private wake: (() => void) | undefined;
  private over = false;
  private finish: (status: Status) => void = () => undefined;
  readonly ending = new Promise<Status>((resolve) => (this.finish = resolve));

  constructor(type: Payload["type"]) {
    super();
    this.type = type;
  }

  push(): void {
    this.waiting.push(Payload.ofJson(this.type, Buffer.from('{"author":"ann"}')));
    this.wake?.();
  }

  end(status: Status): void {
    this.over = true;
    this.finish(status);
    this.wake?.();
  }

  async next(): Promise<Payload | undefined> {
    while (this.waiting.length === 0 && !this.over) await new Promise<void>((resolve) => (this.wake = resolve));
    return this.waiting.shift();
  }

  cancel(): void {
    this.over = true;
    this.wake?.();
  }
}
