/** The kits `httprule` and `grpc`, over the wire: every rule and template as a service of its own, every status from a real backend. */
import type { JsonValue } from "@bufbuild/protobuf";
import assert from "node:assert/strict";
import { clusterAt, startHop, type Hop } from "../support/hop.ts";
import { readKit } from "../support/kits.ts";
import { RawClient, type RawReply } from "../support/transcoding-suite/raw-client.ts";
import { startRecordingBackend, type RecordingBackend } from "../support/transcoding-suite/recording-backend.ts";
import { schemaOf, type SuiteSchema } from "../support/transcoding-suite/suite-schema.ts";
import { rawRequest, TranscodingSuite } from "../support/transcoding-suite/transcoding-suite.ts";
import { createMethodTable } from "../../src/schema/method-table.ts";

/** One service for each case, so that cases cannot take each other's place; served alone. */
class Services {
  private schema!: SuiteSchema;
  private backend!: RecordingBackend;
  private stops: (() => Promise<void> | void)[] = [];

  static inSuite(proto: () => string): Services {
    const services = new Services();
    before(async () => {
      services.schema = schemaOf({ "kit.proto": `syntax = "proto3"; package kit; import "google/api/annotations.proto";\n${proto()}` });
      services.backend = await startRecordingBackend(services.schema.schema);
      services.stops = [() => services.backend.stop()];
    });
    after(async () => {
      for (const stop of services.stops) await stop();
    });
    return services;
  }

  problems(index: number): number {
    return createMethodTable(this.only(index), { autoMapping: false }).problems.length;
  }

  /** @returns the answer over HTTP/1.1 (over HTTP/2 it must be the same), and what arrived. */
  async send(index: number, send: string, json?: JsonValue): Promise<{ reply: RawReply; arrived: JsonValue | undefined }> {
    const cluster = clusterAt(this.backend.port);
    const hop: Hop = await startHop({ handler: cluster.handler, schema: this.only(index), table: { autoMapping: false } });
    const client = new RawClient(hop.port);
    try {
      const before = this.backend.seen.length;
      const raw = rawRequest(json === undefined ? { send } : { send, json });
      const reply = await client.http1(raw);
      const again = await client.http2(raw);
      assert.deepEqual([again.status, again.body.toString()], [reply.status, reply.body.toString()]);
      const call = this.backend.seen[before];
      const method = this.only(index).services[0]?.methods[0];
      const wire = call?.messages[0];
      return { reply, arrived: wire === undefined ? undefined : this.schema.jsonOf(method!.input.name, wire) };
    } finally {
      client.close();
      await hop.stop();
      await cluster.close();
    }
  }

  private only(index: number) {
    const { schema } = this.schema;
    return { ...schema, services: schema.services.filter(({ name }) => name === `kit.S${index}`) };
  }
}

interface TemplateCase {
  readonly test: string;
  readonly template: string;
  readonly valid: boolean;
  readonly segments?: readonly string[];
  readonly verb?: string;
  readonly variables?: readonly { field_path: string[]; start_segment: number; end_segment: number }[];
}

/** A message with the fields that the case's variables name, a string at the end of each path. */
function messageFor(name: string, paths: readonly (readonly string[])[]): string {
  const fields = [...new Set(paths.map(([first]) => first!))].map((field, at) => {
    const inner = paths.filter(([first, ...rest]) => first === field && rest.length > 0).map(([, ...rest]) => rest);
    const type = inner.length === 0 ? "string" : `In_${field}`;
    return `${inner.length === 0 ? "" : messageFor(type, inner)} ${type} ${field} = ${at + 1};`;
  });
  return `message ${name} { ${fields.join(" ")} }`;
}

function variablesIn(template: string): string[][] {
  return [...template.matchAll(/\{([A-Za-z_][\w.]*)/g)].map(([, path]) => path!.split(".").filter((name) => name !== ""));
}

/** A path that the template takes: `*` is "s<n>", `**` two segments; and what its variables hold then. */
function exampleOf({ template, segments = [], variables = [] }: TemplateCase): { path: string; binds: JsonValue } {
  const texts = segments.map((segment, at) => (segment === "*" ? `s${at}` : segment === "**" ? "r1/r2" : segment));
  const colon = template.lastIndexOf(":");
  const verb =
    colon > Math.max(template.lastIndexOf("/"), template.lastIndexOf("}")) || template[colon - 1] === "}" ? template.slice(colon) : "";
  const binds: Record<string, unknown> = {};
  for (const { field_path: path, start_segment: start, end_segment: end } of variables) {
    // Counted from the end, -1 is the end, as long as the case's verb is none; with one, its place counts for nothing either.
    const last = end >= 0 ? end : segments.length + end + 1;
    let holder = binds;
    for (const name of path.slice(0, -1)) holder = (holder[name] ??= {}) as Record<string, unknown>;
    holder[path.at(-1)!] = texts.slice(start, last).join("/");
  }
  return { path: `/${texts.join("/")}${verb}`, binds: binds as JsonValue };
}

describe("transcoding: Envoy's template cases over the wire", function () {
  const kit = readKit<{ cases: TemplateCase[] }>("httprule/templates.json");
  if (kit === undefined) return void it("skipped: needs kits/httprule/templates.json");
  const { cases } = kit;
  const services = Services.inSuite(() =>
    cases
      .map((each, index) => {
        const rule = `option (google.api.http) = { get: ${JSON.stringify(each.template)} };`;
        return `${messageFor(`M${index}`, variablesIn(each.template))}\nservice S${index} { rpc Call(M${index}) returns (M${index}) { ${rule} } }`;
      })
      .join("\n"),
  );
  for (const [index, each] of cases.entries()) {
    const title = `${index + 1} ${each.test}: ${each.template}`;
    if (!each.valid)
      it(`${title} is not served`, async () => {
        assert.equal(services.problems(index), 1);
        const { reply } = await services.send(index, `GET /${each.template.replace(/[^\w/:.]/g, "") || "a"}`.replace("//", "/"));
        assert.equal(reply.status, 404);
      });
    // Some cases say nothing of their variables.
    else {
      const { path, binds } = exampleOf(each);
      it(`${title} takes ${path}`, async () => {
        assert.equal(services.problems(index), 0);
        const { reply, arrived } = await services.send(index, `GET ${path}`);
        assert.equal(reply.status, 200, reply.body.toString());
        if (each.variables !== undefined && each.variables.length === variablesIn(each.template).length) assert.deepEqual(arrived, binds);
      });
    }
  }
});

interface Rule {
  readonly get?: string;
  readonly put?: string;
  readonly post?: string;
  readonly body?: string;
  readonly additional_bindings?: readonly Rule[];
}

interface SpecCase {
  readonly rule: Rule;
  readonly http?: string;
  readonly http_body?: JsonValue;
  readonly message?: Record<string, JsonValue>;
  readonly error?: string;
  readonly invalid?: string;
}

const messages = `
message Sub { string subfield = 1; }
message Text { string text = 1; }
message A { string b = 1; }
message Request {
  string message_id = 1; int64 revision = 2; Sub sub = 3; Text message = 4; string text = 5;
  string user_id = 6; string name = 7; string id = 8; repeated string ids = 9; A a = 10;
}`;

function ruleText({ additional_bindings: more = [], ...own }: Rule): string {
  const fields = Object.entries(own).map(([name, value]) => `${name}: ${JSON.stringify(value)}`);
  return [...fields, ...more.map((rule) => `additional_bindings { ${ruleText(rule)} }`)].join(" ");
}

function inJsonNames(message: Record<string, JsonValue>): JsonValue {
  return Object.fromEntries(
    Object.entries(message).map(([name, value]) => [name.replace(/_(\w)/g, (_, letter: string) => letter.toUpperCase()), value]),
  );
}

describe("transcoding: the rules of google/api/http.proto over the wire", function () {
  const kit = readKit<{ cases: SpecCase[] }>("httprule/spec_rules.json");
  if (kit === undefined) return void it("skipped: needs kits/httprule/spec_rules.json");
  const { cases } = kit;
  const services = Services.inSuite(
    () =>
      messages +
      cases
        .map(
          ({ rule }, index) =>
            `\nservice S${index} { rpc Call(Request) returns (Request) { option (google.api.http) = { ${ruleText(rule)} }; } }`,
        )
        .join(""),
  );
  for (const [index, { rule, http, http_body: body, message, error, invalid }] of cases.entries()) {
    const title = `${index + 1} ${JSON.stringify(rule)}`;
    if (message !== undefined)
      it(`${title}: ${http}`, async () => {
        const { reply, arrived } = await services.send(index, http!, body);
        assert.equal(reply.status, 200, reply.body.toString());
        assert.deepEqual(arrived, inJsonNames(message));
        assert.deepEqual(JSON.parse(reply.body.toString()), inJsonNames(message));
      });
    else if (error !== undefined)
      it(`${title}: ${http} is refused`, async () => {
        const { reply, arrived } = await services.send(index, http!, body);
        assert.equal(reply.status, 400);
        assert.equal(arrived, undefined);
      });
    // A1.1 lets literals follow the **.
    else if (invalid === "** not last")
      it(`${title}: taken`, async () => assert.equal((await services.send(index, "GET /v1/any/thing/tail")).reply.status, 200));
    // The nested binding alone is left out.
    else if (invalid === "two levels")
      it(`${title}: the second level is not served`, async () => {
        for (const [path, status] of [
          ["/v1/x", 200],
          ["/v1/y", 200],
          ["/v1/z", 404],
        ] as const)
          assert.equal((await services.send(index, `GET ${path}`)).reply.status, status, path);
      });
    else
      it(`${title}: not served, for ${invalid}`, async () => {
        assert.equal(services.problems(index), 1);
        const { reply } = await services.send(index, `${rule.post === undefined ? "GET" : "POST"} /v1/x`);
        assert.equal(reply.status, 404);
      });
  }
});

describe("transcoding: the status table over the wire", function () {
  const kit = readKit<{ cases: { dir: string; http: number; grpc: number }[] }>("grpc/status_mapping.json");
  if (kit === undefined) return void it("skipped: needs kits/grpc/status_mapping.json");
  const suite = TranscodingSuite.inSuite({ Get: { get: "/v1" }, List: { get: "/v1/list", streams: "out" } });
  for (const { dir, http, grpc } of kit.cases) {
    if (dir !== "grpc_to_http") continue;
    const backend = grpc === 0 ? { messages: [{}] } : { code: grpc, details: "m" };
    suite.row(`gRPC ${grpc} is HTTP ${http}`, { send: "GET /v1", calls: "Get", backend, status: http });
    suite.row(`gRPC ${grpc} of a stream is HTTP ${http}`, { send: "GET /v1/list", calls: "List", backend, status: http });
  }
});

describe("transcoding: the header texts over the wire", function () {
  const kit = readKit<{ cases: { kind: string; wire: string; decoded: string; hex: string | string[] }[] }>("grpc/wire_text.json");
  if (kit === undefined) return void it("skipped: needs kits/grpc/wire_text.json");
  const suite = TranscodingSuite.inSuite({ Get: { get: "/v1" } });
  for (const { kind, wire, decoded, hex } of kit.cases) {
    if (kind === "grpc-message")
      suite.row(`grpc-message ${JSON.stringify(wire)}`, {
        send: "GET /v1",
        calls: "Get",
        backend: { code: 5, details: decoded },
        status: 404,
        answer: { code: 5, message: decoded, details: [] },
      });
    if (kind === "-bin")
      it(`-bin ${JSON.stringify(wire)}`, async () => {
        for (const version of ["1.1", "2"] as const) {
          const { seen } = await suite.send({ send: "GET /v1", headers: { "x-data-bin": wire } }, version);
          assert.deepEqual(
            seen[0]!.metadata.get("x-data-bin").map((value) => Buffer.from(value).toString("hex")),
            [hex].flat(),
          );
        }
      });
  }
});
