/**
 * A suite of requests against one set of rules: a real socket in, a real gRPC backend behind, and a table row says what must happen between.
 *
 * Each row is sent as HTTP/1.1 bytes and again over HTTP/2 (unless it is about one of them), with the same expectations.
 */
import type { JsonValue } from "@bufbuild/protobuf";
import assert from "node:assert/strict";
import { reasons, type Reason } from "../../../src/core/reasons.ts";
import { clusterAt, startHop, type Hop, type HopOptions } from "../hop.ts";
import { RawClient, type RawReply, type RawRequest } from "./raw-client.ts";
import { startRecordingBackend, type RecordingBackend, type Script, type SeenCall } from "./recording-backend.ts";
import { suiteSchema, type Rules, type SuiteSchema } from "./suite-schema.ts";

/** What the backend does: {@link Script}, messages as JSON. */
export interface Backend extends Omit<Script, "messages"> {
  readonly messages?: readonly JsonValue[];
  /** Instead of messages: their bytes, for what no JSON says. */
  readonly wire?: readonly Uint8Array[];
}

export interface Request {
  /** "GET /v1/things/7?size=1" */
  readonly send: string;
  readonly headers?: Readonly<Record<string, string>> | readonly (readonly [string, string])[];
  /** The body, sent as application/json. */
  readonly json?: JsonValue;
  /** The body as it is; with the content type of the headers, or none. */
  readonly body?: string | Buffer;
  /** Only over this version. */
  readonly over?: "1.1" | "2";
}

export interface WireCase extends Request {
  /** Echoes unless set. */
  readonly backend?: Backend;
  /** The method that is called. */
  readonly calls?: string;
  /** What arrives at the backend: a message, or the messages of a client stream. */
  readonly arrives?: JsonValue | readonly JsonValue[];
  /** Metadata that arrives; undefined: must not. */
  readonly metadata?: Readonly<Record<string, string | Buffer | undefined>>;
  readonly status?: number;
  /** The answer's body as JSON; for an echo it is what arrived, unless set. */
  readonly answer?: JsonValue;
  /** The answer's body as text. */
  readonly text?: string | RegExp;
  /** Header fields of the answer; undefined: must not be there. */
  readonly fields?: Readonly<Record<string, string | RegExp | undefined>>;
  readonly trailers?: Readonly<Record<string, string | undefined>>;
  /** An error of the proxy: HTTP status, reason, the field it names; the backend hears nothing of the request. */
  readonly refused?: readonly [status: number, reason: Reason, field?: string];
  /** In the message of the error. */
  readonly says?: RegExp;
}

export interface ErrorAnswer {
  readonly code: number;
  readonly message: string;
  readonly details: readonly (Record<string, unknown> & { fieldViolations?: { field: string; description: string }[] })[];
}

export interface SuiteOptions {
  /** Proto text beside the service, in the package suite.test. */
  readonly more?: string;
  readonly hop?: Partial<Omit<HopOptions, "handler" | "schema">>;
  /** In place of a hop: a port that leads to the backend at `port`. */
  readonly serve?: (backendPort: number, schema: SuiteSchema) => Promise<{ port: number; stop(): Promise<void> }>;
}

/** Tells calls apart at the backend: that of a row whose deadline passed may arrive during the next one. */
const callField = "x-suite-call";

export class TranscodingSuite {
  readonly rules: Rules;
  schema!: SuiteSchema;
  backend!: RecordingBackend;
  client!: RawClient;
  private hop!: Pick<Hop, "port" | "stop">;
  private sent = 0;

  private constructor(rules: Rules) {
    this.rules = rules;
  }

  /** Registers the hooks: one server for all rows. */
  static inSuite(rules: Rules, { more, hop, serve }: SuiteOptions = {}): TranscodingSuite {
    const suite = new TranscodingSuite(rules);
    const stops: (() => Promise<void> | void)[] = [];
    before(async () => {
      const schema = (suite.schema = suiteSchema(rules, more));
      const backend = (suite.backend = await startRecordingBackend(schema.schema));
      stops.unshift(() => backend.stop());
      if (serve !== undefined) suite.hop = await serve(backend.port, schema);
      else {
        const cluster = clusterAt(backend.port);
        stops.unshift(() => cluster.close());
        suite.hop = await startHop({ handler: cluster.handler, schema: schema.schema, ...hop });
      }
      stops.unshift(() => suite.hop.stop());
      const client = (suite.client = new RawClient(suite.hop.port));
      stops.unshift(() => client.close());
    });
    after(async () => {
      for (const stop of stops) await stop();
    });
    return suite;
  }

  get port(): number {
    return this.hop.port;
  }

  /** An `it` of the row. */
  row(title: string, expected: WireCase): void {
    it(
      title.replace(/[^\x20-\x7e]/g, (char) => JSON.stringify(char).slice(1, -1)),
      () => this.check(expected),
    );
  }

  async check(expected: WireCase): Promise<void> {
    if (expected.over !== "2") await this.checkOver("1.1", expected);
    if (expected.over !== "1.1") await this.checkOver("2", expected);
  }

  /** Sends the request over one version; with what the backend saw of it. */
  async send(request: Request, version: "1.1" | "2" = "1.1"): Promise<{ reply: RawReply; seen: readonly SeenCall[] }> {
    const before = this.backend.seen.length;
    const id = String(++this.sent);
    const raw = rawRequest(request);
    const tagged = { ...raw, headers: [...raw.headers, [callField, id] as const] };
    const reply = await (version === "2" ? this.client.http2(tagged) : this.client.http1(tagged));
    return { reply, seen: this.backend.seen.slice(before).filter(({ metadata }) => metadata.get(callField)[0] === id) };
  }

  private async checkOver(version: "1.1" | "2", expected: WireCase): Promise<void> {
    this.backend.script = this.scriptOf(expected);
    const { reply, seen } = await this.send(expected, version);
    const shown = `HTTP/${version} ${reply.status} ${reply.body.toString("utf8", 0, 500)}`;
    if (expected.refused !== undefined) {
      checkRefusal(reply, expected, shown);
      assert.deepEqual(
        seen.filter(({ messages }) => messages.length > 0),
        [],
        `${shown}: the backend was called`,
      );
      return;
    }
    assert.equal(reply.status, expected.status ?? 200, shown);
    if (expected.calls !== undefined) assert.equal(seen.at(-1)?.path, `/suite.test.Suite/${expected.calls}`, shown);
    if (expected.arrives !== undefined) this.checkArrived(expected, seen, reply, shown);
    if (expected.answer !== undefined) assert.deepEqual(JSON.parse(reply.body.toString()), expected.answer, shown);
    const text = reply.body.toString("utf8");
    if (typeof expected.text === "string") assert.equal(text, expected.text, shown);
    else if (expected.text !== undefined) assert.match(text, expected.text, shown);
    if (expected.says !== undefined) assert.match(errorIn(reply).message, expected.says, shown);
    checkFields(reply.headers, expected.fields, shown);
    checkFields(reply.trailers, expected.trailers, shown);
    for (const [name, value] of Object.entries(expected.metadata ?? {}))
      assert.deepEqual(seen.at(-1)?.metadata.get(name), value === undefined ? [] : [value], `${shown}: metadata ${name}`);
  }

  private checkArrived({ arrives, answer, text, backend }: WireCase, seen: readonly SeenCall[], reply: RawReply, shown: string): void {
    assert.equal(seen.length, 1, `${shown}: ${seen.length} calls`);
    const [call] = seen;
    const name = call!.path.slice(call!.path.lastIndexOf("/") + 1);
    const { input, output, streams, responseBody } = { ...this.rules[name] };
    const messages = call!.messages.map((wire) => this.schema.jsonOf(this.typeName(input), wire));
    const streamed = streams === "in" || streams === "both";
    assert.deepEqual(messages, streamed ? arrives : [arrives], shown);
    const echoes = backend === undefined && streams === undefined && output === undefined && responseBody === undefined;
    const plain = reply.headers.get("content-type") === "application/json" && !reply.headers.has("content-encoding");
    if (echoes && plain && answer === undefined && text === undefined && reply.body.length > 0 && !this.hasResponseBody(name))
      assert.deepEqual(JSON.parse(reply.body.toString()), arrives, `${shown}: the echo`);
  }

  private hasResponseBody(name: string): boolean {
    return (this.rules[name]?.more ?? []).some(({ responseBody }) => responseBody !== undefined);
  }

  private scriptOf({ backend = {}, calls, send }: WireCase): Script {
    const { messages, wire, ...script } = backend;
    if (messages === undefined) return { ...script, messages: wire };
    const rule = calls === undefined ? Object.values(this.rules)[0] : this.rules[calls];
    assert.ok(rule, `${send}: a row with messages names the method it calls`);
    return { ...script, messages: messages.map((message) => this.schema.wireOf(this.typeName(rule.output ?? rule.input), message)) };
  }

  private typeName(type = "Everything"): string {
    return type.includes(".") ? type : `suite.v1.${type}`;
  }
}

export function rawRequest({ send, headers = {}, json, body }: Request): RawRequest {
  const space = send.indexOf(" ");
  const fields = (Array.isArray(headers) ? headers : Object.entries(headers)) as [string, string][];
  const typed = fields.some(([name]) => name.toLowerCase() === "content-type");
  const bytes = json !== undefined ? Buffer.from(JSON.stringify(json)) : body === undefined ? undefined : Buffer.from(body);
  return {
    method: send.slice(0, space),
    target: send.slice(space + 1),
    headers: json !== undefined && !typed ? [...fields, ["content-type", "application/json"]] : fields,
    body: bytes,
  };
}

export function errorIn(reply: RawReply): ErrorAnswer {
  return JSON.parse(reply.body.toString()) as ErrorAnswer;
}

/** What only we know, and no caller should: parser words, stacks, files, addresses. */
const leak = /Unexpected token|SyntaxError|TypeError|RangeError|\bat Object\b|\.ts:\d|node:internal|127\.0\.0\.1|undefined|\[object /;

/** One envelope for all refusals (SEMANTICS A1.14). */
export function checkRefusal(reply: RawReply, { refused, says }: Pick<WireCase, "refused" | "says">, shown: string): void {
  const [status, reason, field] = refused!;
  assert.equal(reply.status, status, shown);
  assert.equal(reply.headers.get("content-type"), "application/json", shown);
  const error = errorIn(reply);
  assert.deepEqual(Object.keys(error), ["code", "message", "details"], shown);
  assert.equal(error.code, reasons[reason].code, shown);
  assert.ok(error.message !== "" && error.message.length < 2000, shown);
  assert.doesNotMatch(error.message, leak, shown);
  const [info, bad] = error.details;
  assert.deepEqual(info, { "@type": "type.googleapis.com/google.rpc.ErrorInfo", reason, domain: "dragoman" }, shown);
  if (field !== undefined) {
    assert.equal(bad?.["@type"], "type.googleapis.com/google.rpc.BadRequest", shown);
    assert.equal(bad.fieldViolations?.[0]?.field, field, shown);
    assert.notEqual(bad.fieldViolations[0].description, "", shown);
  }
  if (says !== undefined) assert.match(error.message, says, shown);
}

function checkFields(actual: ReadonlyMap<string, string>, expected: WireCase["fields"], shown: string): void {
  for (const [name, value] of Object.entries(expected ?? {})) {
    const given = actual.get(name);
    if (value instanceof RegExp) assert.match(given ?? "", value, `${shown}: ${name}`);
    else assert.equal(given, value, `${shown}: ${name}`);
  }
}
