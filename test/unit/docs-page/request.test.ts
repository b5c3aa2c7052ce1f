import assert from "node:assert/strict";
import type { Operation, Parameter } from "../../../src/docs-page/ui/model.ts";
import { curlLine, readHeaders, targetOf, type FormValues } from "../../../src/docs-page/ui/request.ts";

const string = { type: "string" };
const parameter = (where: "path" | "query", name: string, more: Partial<Parameter> = {}): Parameter => ({
  name,
  in: where,
  schema: string,
  ...more,
});

function operation(path: string, parameters: readonly Parameter[]): Operation {
  return { httpMethod: "GET", path, parameters, tags: [], operationId: "x", responses: {}, "x-grpc-method": "/a.S/M" };
}

function values(parameters: Readonly<Record<string, string>>): FormValues {
  return { parameters: new Map(Object.entries(parameters)), body: undefined, contentType: undefined, accept: undefined };
}

describe("requests of the docs page", () => {
  const id = parameter("path", "id", { required: true });
  const rest = parameter("path", "rest", { required: true, "x-multi-segment": true });
  const list = parameter("query", "tags", { schema: { type: "array", items: string } });
  const map = parameter("query", "labels", { schema: { type: "object", additionalProperties: string } });

  const cases: readonly (readonly [string, string, readonly Parameter[], Readonly<Record<string, string>>, object])[] = [
    ["a variable", "/v1/{id}:go", [id], { "path:id": "a/b c?" }, { target: "v1/a%2Fb%20c%3F:go" }],
    ["a variable of many segments", "/v1/{rest}/x", [rest], { "path:rest": "a/b c/d" }, { target: "v1/a/b%20c/d/x" }],
    ["none of many segments", "/v1/{rest}", [rest], {}, { target: "v1/" }],
    ["a variable without a value", "/v1/{id}", [id], { "path:id": "" }, { missing: "id" }],
    ["nothing for what is empty", "/v1", [list, map], { "query:tags": "" }, { target: "v1" }],
    ["a list, a line each", "/v1", [list], { "query:tags": " a b \n\nc&d" }, { target: "v1?tags=a+b&tags=c%26d" }],
    ["a map", "/v1", [map], { "query:labels": "k=v=w\nlone" }, { target: "v1?labels%5Bk%5D=v%3Dw&labels%5Blone%5D=" }],
  ];
  for (const [what, path, parameters, given, expected] of cases)
    it(`has ${what}`, () => assert.deepEqual(targetOf(operation(path, parameters), values(given)), expected));

  it("reads headers a line each, and says which is none", () => {
    assert.deepEqual(readHeaders("Authorization: Bearer a:b\n\n x-empty:"), {
      headers: [
        ["Authorization", "Bearer a:b"],
        ["x-empty", ""],
      ],
      wrong: undefined,
    });
    assert.equal(readHeaders("a: b\nno header").wrong, "no header");
    assert.equal(readHeaders("bad name: x").wrong, "bad name: x");
  });

  it("is a line for the shell, whatever quotes it holds", () => {
    assert.equal(curlLine("GET", "http://h/v1", [], undefined), "curl -s 'http://h/v1'");
    assert.equal(
      curlLine("POST", "http://h/v1", [["content-type", "application/json"]], `{"a":"it's"}`),
      `curl -s 'http://h/v1' -X POST -H 'content-type: application/json' --data-binary '{"a":"it'\\''s"}'`,
    );
  });
});
