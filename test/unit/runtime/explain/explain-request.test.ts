/** What a request is said to meet: verdicts, parts, near misses, and that secrets stay out. */
import assert from "node:assert/strict";
import { systemClock } from "../../../../src/core/clock.ts";
import { silentLogger } from "../../../../src/core/logger.ts";
import { policies } from "../../../../src/policies/index.ts";
import { createInbounds } from "../../../../src/protocols/index.ts";
import { catalogueOf } from "../../../../src/runtime/catalogue.ts";
import { createProcessServices, type ProcessServices } from "../../../../src/runtime/process-services.ts";
import { explainRequest, type ExplainContext } from "../../../../src/runtime/explain/explain-request.ts";
import type { ExplainedRequest } from "../../../../src/runtime/explain/explained-request.ts";
import type { Explanation } from "../../../../src/runtime/explain/explanation.ts";
import { explanationText } from "../../../../src/runtime/explain/explanation-text.ts";
import { OwnAnswers } from "../../../../src/runtime/own-answers.ts";
import { Pipelines } from "../../../../src/runtime/pipelines.ts";
import { tableOptions } from "../../../../src/runtime/table-options.ts";
import { createMethodTable } from "../../../../src/schema/method-table.ts";
import { configOf } from "../../../support/runtime-host.ts";
import { transcodingSchema } from "../../../support/transcoding-server.ts";

const submit = "/dragoman.transcoding.v1.Transcoding/Submit";

describe("explanation of a request", () => {
  let services: ProcessServices;
  let context: ExplainContext;

  async function contextOf(settings: Readonly<Record<string, unknown>>): Promise<ExplainContext> {
    const config = await configOf({ "inbound.upstream": "grpc://127.0.0.1:1", service: "forms", ...settings });
    const table = createMethodTable(transcodingSchema(), tableOptions(config));
    const pipelines = new Pipelines({ policies, config, services, target: () => () => Promise.reject(new Error("nothing is called")) });
    return { config, catalogue: catalogueOf(config, table), inbounds: createInbounds(), pipelines };
  }

  before(async () => {
    services = createProcessServices(systemClock, silentLogger);
    context = await contextOf({ "policies.timeout": { total: "2s" }, methods: { [submit.slice(1)]: { timeout: { total: "1s" } } } });
  });
  after(() => services.close());

  function explain(line: string, more: Partial<ExplainedRequest> = {}, where = context): Promise<Explanation> {
    const [httpMethod, url] = line.split(/ (.*)/s) as [string, string];
    return explainRequest({ httpMethod, url, headers: [], ...more }, where);
  }

  const verdicts: readonly (readonly [
    line: string,
    more: Partial<ExplainedRequest>,
    verdict: string,
    told: string | number | undefined,
  ])[] = [
    ["GET /v1/forms/a", {}, "call", submit],
    ["HEAD /v1/forms/a", {}, "call", submit],
    ["GET http://user:pw@host:8080/v1/forms/a?count=1#top", {}, "call", submit],
    ["OPTIONS /v1/forms/a", {}, "answer", 204],
    ["OPTIONS *", {}, "answer", 204],
    ["GET /.dragoman/openapi.json", {}, "answer", 200],
    ["GET /.dragoman/none", {}, "refusal", "UNKNOWN_PATH"],
    ["GET /nowhere", {}, "refusal", "UNKNOWN_PATH"],
    ["DELETE /v1/form", {}, "refusal", "METHOD_NOT_ALLOWED"],
    ["GET /v1/forms/a?cuont=1", {}, "refusal", "UNKNOWN_FIELD"],
    ["GET /v1/forms/a?count=1&count=2", {}, "refusal", "INVALID_PARAMETER"],
    ["GET /v1/forms/a%zz", {}, "refusal", "INVALID_PARAMETER"],
    ["GET /v1/forms/a", { headers: [["grpc-timeout", "x"]] }, "refusal", "INVALID_TIMEOUT"],
    ["GET /v1/forms/a", { body: Buffer.from("{}") }, "refusal", "UNEXPECTED_BODY"],
    ["POST /v1/form", { body: Buffer.from('{"title":"a"}') }, "call", submit],
    ["POST /v1/form", { body: Buffer.from('{"title":1}') }, "refusal", "INVALID_JSON"],
    ["POST /v1/form", { body: Buffer.from("x"), headers: [["Content-Type", "text/plain"]] }, "refusal", "UNSUPPORTED_MEDIA_TYPE"],
    ["POST /v1/notes/ann:collect", { body: Buffer.from('[{"text":"a"},{"text":2}]') }, "refusal", "INVALID_JSON"],
    ["POST /v1/notes/ann:chat", { body: Buffer.from("[]") }, "refusal", "UNSUPPORTED_STREAMING"],
    ["POST /v1/notes/ann:chat", { body: Buffer.from("[]"), httpVersion: "2" }, "call", "/dragoman.transcoding.v1.Transcoding/Chat"],
    [`POST ${submit}`, { headers: [["content-type", "application/grpc"]] }, "call", submit],
    [`POST ${submit}`, { headers: [["content-type", "application/grpc+json"]] }, "call", submit],
    [`POST ${submit}`, { headers: [["content-type", "application/grpc-web-text"]] }, "call", submit],
    [`POST ${submit}`, { headers: [["content-type", "application/grpc"]], body: Buffer.alloc(0) }, "refusal", "MISSING_MESSAGE"],
    [
      `POST ${submit}`,
      {
        headers: [
          ["content-type", "application/json"],
          ["connect-protocol-version", "1"],
        ],
      },
      "call",
      submit,
    ],
    ["GET ws://host/v1/forms/a", {}, "call", submit],
    ["GET ws://host/v1/nothing", {}, "refusal", "UNKNOWN_PATH"],
    ["GE(T /v1/forms/a", {}, "refusal", "BAD_REQUEST"],
    [`GET /v1/forms/${"a".repeat(9000)}`, {}, "refusal", "URI_TOO_LONG"],
  ];
  for (const [line, more, verdict, told] of verdicts)
    it(`${line.slice(0, 60)} ${more.headers?.[0]?.join(": ") ?? ""} ${more.body?.toString() ?? ""}: ${verdict}, ${told}`, async () => {
      const explanation = await explain(line, more);
      assert.equal(explanation.verdict, verdict, JSON.stringify(explanation));
      assert.equal(
        verdict === "call" ? explanation.rpc?.path : verdict === "answer" ? explanation.status : explanation.error?.reason,
        told,
      );
      // The text is made of anything.
      assert.match(explanationText(explanation), /\nresult /);
    });

  it("says what each part of the URL becomes", async () => {
    const { bindings, message } = await explain("GET /v1/forms/a%2Fb?kind=2&tags=x&tags=y&labels[k]=v+w&title=other&inner.value=x&none=1");
    const told = bindings.map(({ name, field, type, value, ignored, error }) => [name, field, type, value ?? ignored ?? error]);
    assert.deepEqual(told, [
      ["title", "title", "string", "a/b"],
      ["kind", "kind", "dragoman.transcoding.v1.Kind", "KIND_LARGE"],
      ["tags", "tags", "repeated string", ["x"]],
      ["tags", "tags", "repeated string", ["y"]],
      ["labels[k]", "labels", "map<string, string>", { k: "v w" }],
      ["title", "title", "string", "the path binds this field"],
      ["inner.value", "inner.value", "int32", 'query parameter "inner.value" must be a whole number from -2147483648 to 2147483647'],
      ["none", undefined, undefined, 'unknown query parameter "none"'],
    ]);
    assert.equal(message, undefined);
  });

  it("follows the switches of the configuration", async () => {
    const binding = { ignoreUnknownParameters: true, repeatedMessages: true, ignoredParameters: ["key"] };
    const { verdict, bindings, message } = await explain(
      "GET /v1/forms/a?none=1&key=k&items[1].key=y&items[0].key=x",
      {},
      await contextOf({ "inbound.binding": binding }),
    );
    assert.equal(verdict, "call");
    assert.deepEqual(
      bindings.slice(1).map(({ value, ignored }) => value ?? ignored !== undefined),
      [true, true, [{ key: "y", value: 0 }], [{ key: "x", value: 0 }]],
    );
    assert.deepEqual(message, { title: "a", items: [{ key: "x" }, { key: "y" }] });
  });

  it("names the policies of the method in their order, with what they are set to", async () => {
    const { policies: kinds } = await explain("GET /v1/forms/a");
    assert.deepEqual(
      kinds.map(({ kind }) => kind),
      policies.map(({ kind }) => kind).filter((kind) => kinds.some((each) => each.kind === kind)),
    );
    assert.deepEqual(kinds.find(({ kind }) => kind === "timeout")?.settings, { total: "1s" });
    const other = await explain("GET /v1/notes/ann");
    assert.deepEqual(other.policies.find(({ kind }) => kind === "timeout")?.settings, { total: "2s" });
    const refused = await explain("GET /nowhere");
    assert.equal(
      refused.policies.find(({ kind }) => kind === "timeout"),
      undefined,
    );
  });

  it("shows where a body breaks", async () => {
    const { error, body } = await explain("POST /v1/form", { body: Buffer.from('{"inner": {"value": "seven"}}') });
    assert.deepEqual([error?.field, error?.offset, body?.converts], ["inner.value", 21, false]);
    const sound = await explain("PUT /v1/form/a", { body: Buffer.from('{"key": "k"}') });
    assert.deepEqual(sound.body, { becomes: "the field inner", given: true, converts: true });
    assert.deepEqual(sound.message, { title: "a", inner: { key: "k" } });
  });

  it("names the protocol, and what makes it that one", async () => {
    const because = async (line: string, headers: readonly (readonly [string, string])[]): Promise<string> => {
      const { protocol } = await explain(line, { headers });
      return `${protocol!.kind}: ${protocol!.because}`;
    };
    assert.equal(await because("GET /v1/forms/a", [["authorization", "Bearer t"]]), "rest: no other protocol claims it");
    assert.equal(
      await because(`POST ${submit}`, [
        ["x-a", "1"],
        ["content-type", "application/grpc"],
      ]),
      "grpc: content-type: application/grpc",
    );
    assert.equal(await because(`POST ${submit}`, [["connect-protocol-version", "1"]]), "connect: the header connect-protocol-version");
    assert.equal(await because(`GET ${submit}?connect=v1`, []), "connect: its query");
    assert.equal(await because("GET /v1/forms/a", [["upgrade", "websocket"]]), "websocket: upgrade: websocket");
  });

  it("puts what was probably meant first, and only that", async () => {
    const { nearest } = await explain("GET /v1/form/a/inner");
    assert.deepEqual(
      nearest.map(({ template, reason }) => [template, reason]),
      [["/v1/forms/{title}/inner", 'segment 2 is "form", the template wants "forms"']],
    );
    const { hints, nearest: few } = await explain("GET /forms/a");
    assert.deepEqual([hints, few.length], [["/v1/forms/a is known: the prefix is missing"], 1]);
  });

  it("says which other templates fit too", async () => {
    const { nearest } = await explain(
      "GET /v1/pages/a/raw",
      {},
      await contextOf({
        "inbound.rules": [{ selector: "dragoman.transcoding.v1.Transcoding.List", get: "/v1/{author}/a/raw" }],
      }),
    );
    assert.deepEqual(
      nearest.map(({ template, reason }) => [template, reason]),
      [["/v1/{author}/a/raw", undefined]],
    );
  });

  it("shows no value of a header field, and no control characters on a terminal", async () => {
    const secret = "sesame-sesame";
    const explanation = await explain("GET /v1/forms/%1b", {
      headers: [
        ["authorization", `Bearer ${secret}`],
        ["cookie", secret],
        ["x-key", secret],
      ],
    });
    assert.deepEqual(explanation.metadata, ["authorization", "x-key", "cookie"]);
    const texts = [JSON.stringify(explanation), explanationText(explanation)];
    for (const text of texts) assert.ok(!text.includes(secret));
    assert.doesNotMatch(explanationText(explanation), /[^\x20-\x7e\n]/);
  });

  it("says which methods the proxy answers itself", async () => {
    const own = new OwnAnswers(systemClock);
    const { config } = context;
    const nobody = { handler: () => Promise.reject(new Error("nothing is called")), speaks: () => false };
    const pipelines = new Pipelines({
      policies,
      config,
      services,
      target: () => nobody.handler,
      own: ({ path }) => own.handlerOf(path, config, nobody),
    });
    const where = { ...context, catalogue: { ...context.catalogue, own: own.table }, pipelines };
    const explanation = await explain("POST /grpc.health.v1.Health/Check", { headers: [["content-type", "application/grpc"]] }, where);
    assert.deepEqual([explanation.verdict, explanation.rpc?.known, explanation.rpc?.own], ["call", true, true]);
    assert.match(explanationText(explanation), /calls \/grpc\.health\.v1\.Health\/Check, of the proxy itself/);
  });

  it("says that there is no schema", async () => {
    const { error, status } = await explain("GET /v1/forms/a", {}, { ...context, catalogue: { ...context.catalogue, table: undefined } });
    assert.deepEqual([error?.reason, status], ["NO_SCHEMA", 503]);
  });

  for (const url of ["v1/forms/a", "ftp://host/v1", ""])
    it(`does not take ${JSON.stringify(url)} for a URL`, () => assert.rejects(explain(`GET ${url}`), { name: "UnusableRequest" }));
});
