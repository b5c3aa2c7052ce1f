/** Checks the structure of an OpenAPI 3.1 document: what the JSON Schema of the specification cannot see and tools stumble over. */
import assert from "node:assert/strict";

type Json = Record<string, unknown>;

export interface Operation {
  readonly operationId: string;
  readonly summary?: string;
  readonly deprecated?: boolean;
  readonly tags: readonly string[];
  readonly parameters?: readonly { readonly name: string; readonly in: string; readonly required?: boolean; readonly schema: Json }[];
  readonly requestBody?: { readonly content: Record<string, { readonly schema: Json }> };
  readonly responses: Record<string, { readonly description?: string; readonly content?: Record<string, { readonly schema: Json }> }>;
}

export interface Document extends Json {
  readonly openapi: string;
  readonly info: Json;
  readonly tags: readonly { readonly name: string }[];
  readonly paths: Record<string, Json>;
  readonly components: { readonly schemas: Record<string, Json> };
}

/** @throws AssertionError for the first fault */
export function checkOpenApi(document: Document): void {
  const ids = new Set<string>();
  const shapes = new Map<string, string>();
  for (const [path, item] of Object.entries(document.paths)) {
    assert.match(path, /^\//);
    const shape = path.replace(/\{[^}]*\}/g, "{}");
    assert.ok(!shapes.has(shape), `${path} and ${shapes.get(shape)} differ in parameter names only`);
    shapes.set(shape, path);
    const extra = (item["x-additionalOperations"] ?? {}) as Json;
    for (const [method, operation] of [...Object.entries(item), ...Object.entries(extra)])
      if (method !== "x-additionalOperations") checkOperation(`${method} ${path}`, path, operation as Operation, document, ids);
  }
  for (const name of Object.keys(document.components.schemas)) assert.match(name, /^[a-zA-Z0-9._-]+$/);
  checkReferences(document, document);
}

function checkOperation(where: string, path: string, operation: Operation, document: Document, ids: Set<string>): void {
  assert.ok(!ids.has(operation.operationId), `${where}: operationId ${operation.operationId} is used twice`);
  ids.add(operation.operationId);
  assert.ok(Object.keys(operation.responses).length > 0, where);
  for (const tag of operation.tags)
    assert.ok(
      document.tags.some(({ name }) => name === tag),
      `${where}: tag ${tag}`,
    );
  const parameters = operation.parameters ?? [];
  const keys = parameters.map((parameter) => `${parameter.in}:${parameter.name}`);
  assert.equal(new Set(keys).size, keys.length, `${where}: ${keys.join()}`);
  const inPath = [...path.matchAll(/\{([^}]*)\}/g)].map(([, name]) => name).sort();
  const declared = parameters.filter((parameter) => parameter.in === "path");
  assert.deepEqual(declared.map(({ name }) => name).sort(), inPath, where);
  for (const { name, required } of declared) assert.equal(required, true, `${where}: ${name}`);
}

function checkReferences(value: unknown, document: Document): void {
  if (typeof value !== "object" || value === null) return;
  const reference = (value as Json)["$ref"];
  if (typeof reference === "string") {
    assert.ok(reference.startsWith("#/"), reference);
    const target = reference
      .slice(2)
      .split("/")
      .reduce<unknown>((at, key) => (at as Json | undefined)?.[key], document);
    assert.ok(target !== undefined, `${reference} leads nowhere`);
  }
  for (const each of Object.values(value)) checkReferences(each, document);
}
