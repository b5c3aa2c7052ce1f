/** A schema for tables of requests: one service, a method for each rule, over the messages of protos/suite/v1/suite.proto. */
import { createFileRegistry, fromBinary, fromJson, toBinary, toJson, type FileRegistry, type JsonValue } from "@bufbuild/protobuf";
import { FileDescriptorSetSchema } from "@bufbuild/protobuf/wkt";
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { buildSchema } from "../../../src/schema/build-schema.ts";
import type { Schema } from "../../../src/schema/descriptor.ts";
import { bufBuild } from "../buf-build.ts";

/** One HTTP rule as google.api.http writes it; `custom` is "KIND /path". */
export interface Pattern {
  readonly get?: string;
  readonly put?: string;
  readonly post?: string;
  readonly delete?: string;
  readonly patch?: string;
  readonly custom?: string;
  readonly body?: string;
  readonly responseBody?: string;
}

export interface Rule extends Pattern {
  readonly more?: readonly Pattern[];
  /** A message of suite.v1, or a full name; Everything unless set. */
  readonly input?: string;
  /** The input unless set. */
  readonly output?: string;
  readonly streams?: "in" | "out" | "both";
}

export type Rules = Readonly<Record<string, Rule>>;

const own = "suite/v1/suite.proto";
/** What proto2 adds: codec.v1.Legacy. */
const legacy = "codec/v1/legacy.proto";
const imports = ["google/api/annotations.proto", "google/api/httpbody.proto", own, legacy];

function textOf(file: string): string {
  return readFileSync(join(import.meta.dirname, "../protos", file), "utf8");
}

export class SuiteSchema {
  readonly descriptorSet: Uint8Array;
  readonly schema: Schema;
  private readonly registry: FileRegistry;

  constructor(descriptorSet: Uint8Array) {
    this.descriptorSet = descriptorSet;
    this.schema = buildSchema(descriptorSet);
    this.registry = createFileRegistry(fromBinary(FileDescriptorSetSchema, descriptorSet));
  }

  /** JSON of protobuf-es, so that no codec of ours says what arrived. */
  jsonOf(type: string, wire: Uint8Array): JsonValue {
    const message = this.message(type);
    return toJson(message, fromBinary(message, wire), { registry: this.registry });
  }

  wireOf(type: string, json: JsonValue): Uint8Array {
    const message = this.message(type);
    return toBinary(message, fromJson(message, json, { registry: this.registry }));
  }

  private message(type: string) {
    const message = this.registry.getMessage(type);
    assert.ok(message, `no message ${type}`);
    return message;
  }
}

/** @param more proto text beside the service: messages of the test's own, in the package suite.test */
export function suiteSchema(rules: Rules, more = ""): SuiteSchema {
  const methods = Object.entries(rules).map(([name, rule]) => methodText(name, rule));
  const service = `service Suite {\n${methods.join("\n")}\n}\n`;
  const head = ['syntax = "proto3";', "package suite.test;", ...imports.map((file) => `import "${file}";`)].join("\n");
  return schemaOf({ [own]: textOf(own), [legacy]: textOf(legacy), "suite/test.proto": `${head}\n${more}\n${service}` });
}

/** Suites that differ in settings alone have one schema: compiling is what takes the time. */
const built = new Map<string, SuiteSchema>();

export function schemaOf(files: Readonly<Record<string, string>>): SuiteSchema {
  const key = JSON.stringify(files);
  let schema = built.get(key);
  if (schema === undefined) built.set(key, (schema = new SuiteSchema(bufBuild(files))));
  return schema;
}

function methodText(name: string, { more = [], input = "Everything", output = input, streams, ...pattern }: Rule): string {
  const stream = (way: "in" | "out") => (streams === way || streams === "both" ? "stream " : "");
  const typeName = (type: string) => (type.includes(".") ? type : `suite.v1.${type}`);
  const rule = Object.keys(pattern).length === 0 ? "" : `option (google.api.http) = { ${patternText(pattern, more)} };`;
  return `  rpc ${name}(${stream("in")}${typeName(input)}) returns (${stream("out")}${typeName(output)}) { ${rule} }`;
}

function patternText({ custom, responseBody, ...fields }: Pattern, more: readonly Pattern[] = []): string {
  const parts = Object.entries(fields).map(([name, value]) => `${name}: ${JSON.stringify(value)}`);
  if (responseBody !== undefined) parts.push(`response_body: ${JSON.stringify(responseBody)}`);
  if (custom !== undefined) {
    const [kind, path] = custom.split(" ");
    parts.push(`custom { kind: ${JSON.stringify(kind)} path: ${JSON.stringify(path)} }`);
  }
  return [...parts, ...more.map((pattern) => `additional_bindings { ${patternText(pattern)} }`)].join(" ");
}
