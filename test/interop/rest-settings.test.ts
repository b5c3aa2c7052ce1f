/** REST as a listener sets it: how JSON is printed and read, and http rules given beside the schema. */
import assert from "node:assert/strict";
import { canonicalJson, type JsonProfile } from "../../src/core/message-type.ts";
import type { HttpRule } from "../../src/schema/http-rule/configured-rules.ts";
import { createMethodTable } from "../../src/schema/method-table.ts";
import { errorOf, TranscodingHop } from "../support/transcoding-hop.ts";
import { transcodingSchema } from "../support/transcoding-server.ts";

const json = { "content-type": "application/json" };

describe("REST settings", () => {
  describe("how JSON is printed", () => {
    const body = '{"kind":"KIND_LARGE","snakeName":"s"}';
    const defaults = { title: "", count: 0, agreed: false, tags: [], labels: {}, blob: "", items: [], blobs: [] };
    const cases: [set: Partial<JsonProfile>, answer: object][] = [
      [{}, { kind: "KIND_LARGE", snakeName: "s" }],
      [{ protoNames: true }, { kind: "KIND_LARGE", snake_name: "s" }],
      [{ enumNumbers: true }, { kind: 2, snakeName: "s" }],
      [{ emitDefaults: true }, { ...defaults, kind: "KIND_LARGE", snakeName: "s" }],
      [
        { emitDefaults: true, protoNames: true, enumNumbers: true },
        { ...defaults, kind: 2, snake_name: "s" },
      ],
    ];
    for (const [set, answer] of cases)
      describe(JSON.stringify(set), () => {
        const rest = TranscodingHop.inSuite({ table: { binding: { json: { ...canonicalJson, ...set } } } });
        it("one message", async () => {
          assert.deepEqual(await (await rest.send("POST", "/v1/form", json, body)).json(), answer);
        });
        it("a stream, a field, a form", async () => {
          const stream = (await (await rest.send("GET", "/v1/notes/ann?count=1")).json()) as object[];
          assert.equal("failCode" in stream[0]! || "fail_code" in stream[0]!, set.emitDefaults === true);
          const inners = (await (await rest.send("POST", "/v1/inners/ann", json, "[{}]")).json()) as object[];
          assert.equal("failCode" in inners[0]! || "fail_code" in inners[0]!, set.emitDefaults === true);
          const form = await rest.send("POST", "/v1/form", { "content-type": "application/x-www-form-urlencoded" }, "kind=2&snake_name=s");
          assert.deepEqual(await form.json(), answer);
        });
      });

    describe("named profiles", () => {
      const profiles = {
        web: { int64Numbers: true, stripEnumPrefix: true, caseInsensitiveEnums: true },
        raw: { protoNames: true, enumNumbers: true },
        plain: { emitDefaults: false },
      };
      const rest = TranscodingHop.inSuite({ table: { binding: { json: { ...canonicalJson, emitDefaults: true }, profiles } } });
      const asked: readonly (readonly [how: Record<string, string>, kind: unknown, number: unknown])[] = [
        [{}, "KIND_LARGE", "1"],
        [{ "dragoman-profile": "web" }, "LARGE", 1],
        [{ "dragoman-profile": "raw" }, 2, "1"],
        [{ accept: "application/json; profile=web" }, "LARGE", 1],
        [{ accept: 'text/html, application/json;profile="raw";q=0.9' }, 2, "1"],
        [{ accept: "application/json;profile=https://example.com/p" }, "KIND_LARGE", "1"], // a profile of somebody else's
        [{ accept: "application/json;profile=raw", "dragoman-profile": "web" }, "LARGE", 1],
      ];
      for (const [how, kind, number] of asked)
        it(`${JSON.stringify(how)}: ${String(kind)}`, async () => {
          const form = await rest.send("POST", "/v1/form", { ...json, ...how }, '{"kind":2}');
          assert.equal(form.headers.get("vary"), "accept, dragoman-profile");
          assert.equal(((await form.json()) as { kind: unknown }).kind, kind);
          const stream = await rest.send("GET", "/v1/notes/ann?count=2", how);
          assert.match(stream.headers.get("vary")!, /^accept, dragoman-profile/);
          assert.equal(((await stream.json()) as { number: unknown }[])[1]!.number, number);
        });

      it("read what they print, in bodies, streams, forms and queries", async () => {
        const web = { "dragoman-profile": "web" };
        const answers = [
          await rest.send("POST", "/v1/form", { ...json, ...web }, '{"kind":"small"}'),
          await rest.send("POST", "/v1/form", { ...web, "content-type": "application/x-www-form-urlencoded" }, "kind=Small"),
          await rest.send("GET", "/v1/forms/a?kind=kind_small", web),
        ];
        for (const answer of answers) assert.equal(((await answer.json()) as { kind: unknown }).kind, "SMALL");
        const refused = await rest.send("POST", "/v1/form", json, '{"kind":"SMALL"}');
        assert.equal(refused.status, 400);
        const stream = await rest.send("POST", "/v1/notes/ann:collect", { ...json, ...web }, '[{"number":5}]');
        assert.equal(((await stream.json()) as { notes: { number: unknown }[] }).notes[0]!.number, 5);
      });

      it("set only what they name", async () => {
        const plain = await rest.send("POST", "/v1/form", { ...json, "dragoman-profile": "plain" }, '{"title":"a"}');
        assert.deepEqual(await plain.json(), { title: "a" });
        const raw = (await (await rest.send("POST", "/v1/form", { ...json, "dragoman-profile": "raw" }, "{}")).json()) as object;
        assert.ok("snake_name" in raw);
      });

      it("that do not exist are refused by name, and never reach the backend", async () => {
        const refused = await rest.send("POST", "/v1/form", { ...json, "dragoman-profile": "wbe" }, "{}");
        assert.equal(refused.status, 400);
        assert.equal((await errorOf(refused)).message, 'header dragoman-profile: no JSON profile "wbe" (did you mean web?)');
        await (await rest.send("POST", "/v1/form", { ...json, "dragoman-profile": "web" }, "{}")).text();
        assert.deepEqual(rest.backend.lastMetadata()!.get("dragoman-profile"), []);
      });

      it("hold for large, compressed answers", async () => {
        const large = await rest.send(
          "POST",
          "/v1/end",
          { ...json, "dragoman-profile": "raw", "accept-encoding": "gzip" },
          '{"size":5000}',
        );
        assert.equal(large.headers.get("vary"), "accept-encoding, accept, dragoman-profile");
        assert.ok("snake_name" in ((await large.json()) as object));
      });
    });

    describe("the usual form of a stream", () => {
      const rest = TranscodingHop.inSuite({ table: { binding: { streamForm: "lines" } } });
      const forms: readonly (readonly [accept: string | undefined, type: string])[] = [
        [undefined, "application/x-ndjson"],
        ["*/*", "application/x-ndjson"],
        ["image/png", "application/x-ndjson"],
        ["application/*;q=0.5, text/html", "application/x-ndjson"],
        ["application/json", "application/json"],
        ["text/event-stream", "text/event-stream"],
        ["text/*", "text/event-stream"],
        ["*/*;q=0.1, application/json;q=0.2", "application/json"],
      ];
      for (const [accept, type] of forms)
        it(`${accept ?? "without accept"}: ${type}`, async () => {
          const response = await rest.send("GET", "/v1/notes/ann?count=1", accept === undefined ? {} : { accept });
          assert.equal(response.headers.get("content-type"), type);
          await response.text();
        });
    });

    describe("unknown fields", () => {
      const rest = TranscodingHop.inSuite({ table: { binding: { json: { ...canonicalJson, ignoreUnknown: true } } } });
      it("are skipped in JSON, forms and streams where that is set", async () => {
        assert.deepEqual(await (await rest.send("POST", "/v1/form", json, '{"title":"a","other":[1]}')).json(), { title: "a" });
        const form = await rest.send("POST", "/v1/form", { "content-type": "application/x-www-form-urlencoded" }, "title=a&other=1");
        assert.deepEqual(await form.json(), { title: "a" });
        const stream = await rest.send("POST", "/v1/notes/ann:collect", json, '[{"other":1}]');
        assert.deepEqual(await stream.json(), { notes: [{ author: "ann" }] });
      });
    });

    describe("for one method", () => {
      const bindingOf = ({ name }: { name: string }) => (name === "Submit" ? { json: { ...canonicalJson, enumNumbers: true } } : undefined);
      const rest = TranscodingHop.inSuite({ table: { bindingOf } });
      it("the others stay canonical", async () => {
        assert.deepEqual(await (await rest.send("POST", "/v1/form", json, '{"kind":"KIND_SMALL"}')).json(), { kind: 1 });
        const stream = (await (await rest.send("GET", "/v1/notes/ann?count=2")).json()) as object[];
        assert.deepEqual(stream, [{ author: "ann" }, { author: "ann", number: "1" }]);
      });
    });
  });

  describe("http rules beside the schema", () => {
    const service = "dragoman.transcoding.v1.Transcoding";
    const rules: HttpRule[] = [
      {
        selector: `${service}.Submit`,
        post: "/configured/{title}",
        body: "inner",
        responseBody: "inner",
        additionalBindings: [{ get: "/configured/{title}" }, { custom: { kind: "REPORT", path: "/configured/{title}" } }],
      },
      { selector: `${service}.List`, get: "/lost/{author}" },
      { selector: `${service}.List`, get: "/lists/{author}" },
    ];
    const rest = TranscodingHop.inSuite({ table: { rules } });

    const cases: [method: string, path: string, body: string | undefined, status: number, answer: unknown][] = [
      ["POST", "/configured/t", '{"key":"k"}', 200, { key: "k" }],
      ["GET", "/configured/t?count=3", undefined, 200, { title: "t", count: 3 }],
      ["REPORT", "/configured/t", undefined, 200, { title: "t" }],
      ["GET", "/lists/ann?count=1", undefined, 200, [{ author: "ann" }]],
      ["GET", "/lost/ann", undefined, 404, undefined],
      ["POST", "/v1/form", "{}", 404, undefined],
      ["GET", "/v1/end/0?message=others-stay", undefined, 200, { title: "others-stay" }],
      ["POST", `/${service}/Submit`, '{"title":"auto"}', 200, { title: "auto" }],
    ];
    for (const [method, path, body, status, answer] of cases)
      it(`${method} ${path}: ${status}`, async () => {
        const response = await rest.send(method, path, json, body);
        assert.equal(response.status, status);
        if (answer !== undefined) assert.deepEqual(await response.json(), answer);
        else await errorOf(response);
      });

    it("are seen by whoever reads the schema", () => {
      const { schema } = createMethodTable(transcodingSchema(), { autoMapping: true, rules });
      const submit = schema.services[0]!.methods.find(({ name }) => name === "Submit")!;
      assert.deepEqual(
        submit.http.map(({ httpMethod, template }) => `${httpMethod} ${template}`),
        ["POST /configured/{title}", "GET /configured/{title}", "REPORT /configured/{title}"],
      );
    });

    const faulty: [rule: HttpRule, kind: string, message: RegExp][] = [
      [
        { selector: `${service}.Submti`, get: "/a" },
        "rule",
        /no such method \(did you mean dragoman\.transcoding\.v1\.Transcoding\.Submit\?\)/,
      ],
      [{ selector: `${service}.Submit` }, "rule", /it needs exactly one of get/],
      [{ selector: `${service}.Submit`, get: "/a", post: "/b" }, "rule", /it needs exactly one of get/],
      [{ selector: `${service}.Submit`, get: "/a", additionalBindings: [{ body: "*" }] }, "rule", /additional binding 1 needs exactly one/],
      [{ selector: `${service}.Submit`, get: "/a/{nothing}" }, "binding", /nothing/],
      [{ selector: `${service}.Submit`, get: "/a/{" }, "template", /./],
    ];
    for (const [rule, kind, message] of faulty)
      it(`refuses ${JSON.stringify(rule)}`, () => {
        const { problems } = createMethodTable(transcodingSchema(), { autoMapping: false, rules: [rule] });
        assert.equal(problems.length, 1);
        assert.equal(problems[0]!.kind, kind);
        assert.match(problems[0]!.message, message);
      });
  });
});
