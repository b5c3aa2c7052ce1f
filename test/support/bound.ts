/** One request against one rule: what message comes out, as protobuf-es reads it, or the error. */
import { createFileRegistry, fromBinary, toJson, type DescMessage, type FileRegistry, type JsonValue } from "@bufbuild/protobuf";
import { FileDescriptorSetSchema } from "@bufbuild/protobuf/wkt";
import assert from "node:assert/strict";
import { CallError } from "../../src/core/call-error.ts";
import type { HttpBinding } from "../../src/core/method.ts";
import { defaultBinding, type BindingOptions } from "../../src/schema/binding/binding-options.ts";
import { createBinder, type Binder } from "../../src/schema/binding/binder.ts";
import { buildSchema } from "../../src/schema/build-schema.ts";
import type { MethodDescriptor, Schema } from "../../src/schema/descriptor.ts";
import { Router } from "../../src/schema/http-rule/router.ts";
import { bufBuildShared } from "./buf-build.ts";

export interface TestSchema {
  readonly schema: Schema;
  readonly registry: FileRegistry;
}

let shared: TestSchema | undefined;

/** The schema of test/support/protos/bind/v1/bind.proto. */
export function bindSchema(): TestSchema {
  return (shared ??= testSchema(bufBuildShared("bind/v1/bind.proto")));
}

export function testSchema(descriptorSet: Uint8Array): TestSchema {
  return { schema: buildSchema(descriptorSet), registry: createFileRegistry(fromBinary(FileDescriptorSetSchema, descriptorSet)) };
}

/** A method that takes `type` and answers with it. */
export function methodTaking({ schema }: TestSchema, type: string): MethodDescriptor {
  const message = schema.message(type);
  assert.ok(message, `no message ${type}`);
  const method = schema.services[0]!.methods[0]!;
  return { ...method, path: "/test.Service/Method", input: message, output: message, deprecated: false, comment: undefined };
}

export interface RuleCase {
  /** "GET /v1/{id}" */
  readonly rule: string;
  readonly body?: string;
  readonly responseBody?: string;
  readonly type?: string;
  readonly options?: Partial<BindingOptions>;
  readonly schema?: TestSchema;
}

export function binderFor({
  rule,
  body = "",
  responseBody = "",
  type = "bind.v1.Request",
  options,
  schema = bindSchema(),
}: RuleCase): Binder {
  const [httpMethod, template] = rule.split(" ") as [string, string];
  const binding: HttpBinding = { httpMethod, template, body, responseBody };
  return createBinder(methodTaking(schema, type), binding, { ...defaultBinding, ...options });
}

/** Wire bytes of the message that `target` (path and query) and `json` bind to. @throws CallError */
export function boundWire(rule: RuleCase, target: string, json?: string): Uint8Array {
  const binder = binderFor(rule);
  const router = new Router<undefined>();
  router.add("*", binder.template, undefined);
  const [path, ...query] = target.split("?") as [string, ...string[]];
  const match = router.match("GET", path);
  assert.ok(match, `${path} does not match ${binder.template.text}`);
  const wire = binder.bind({ captures: match.captures, query: query.join("?") }, json === undefined ? undefined : Buffer.from(json)).wire();
  return Uint8Array.from(wire);
}

/** The same as protobuf-es's JSON. */
export function bound(rule: RuleCase, target: string, json?: string): JsonValue {
  const { registry } = rule.schema ?? bindSchema();
  return jsonOf(registry, rule.type ?? "bind.v1.Request", boundWire(rule, target, json));
}

export function jsonOf(registry: FileRegistry, type: string, wire: Uint8Array): JsonValue {
  const message: DescMessage | undefined = registry.getMessage(type);
  assert.ok(message);
  return toJson(message, fromBinary(message, wire), { registry });
}

/** The CallError that binding fails with. */
export function bindError(rule: RuleCase, target: string, json?: string): CallError {
  try {
    const wire = boundWire(rule, target, json);
    assert.fail(`bound to ${Buffer.from(wire).toString("hex")}`);
  } catch (error) {
    if (error instanceof CallError) return error;
    throw error;
  }
}
