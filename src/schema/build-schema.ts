/**
 * Makes a Schema out of a serialized google.protobuf.FileDescriptorSet, whichever source it came from.
 *
 * Everything is checked here and now (closure, names, references), so that what is linked lazily later cannot fail; the traps of a set, all
 * seen in the field, are named in docs/mechanisms/schema.md.
 */
import { createHash } from "node:crypto";
import { createCodec } from "./codec/codec-factory.ts";
import type { Schema } from "./descriptor.ts";
import { checkReferences } from "./files/check-references.ts";
import type { FileDescriptor } from "./files/file-descriptor.ts";
import { readFileSet, writeFileSet } from "./files/file-set.ts";
import { LinkedService } from "./files/linked-service.ts";
import { LinkedTypes } from "./files/linked-types.ts";
import { SymbolTable } from "./files/symbol-table.ts";

export interface BuildSchemaOptions {
  /** Only these services are part of the schema: a server may have files of services it does not serve. Default: all. */
  readonly services?: readonly string[];
}

/** @throws SchemaError: one line that names the file and says what is wrong with it. */
export function buildSchema(descriptorSet: Uint8Array, options: BuildSchemaOptions = {}): Schema {
  const files = readFileSet(descriptorSet);
  const table = new SymbolTable(files);
  checkReferences(table);
  const types = new LinkedTypes(table, createCodec);
  const served = options.services === undefined ? undefined : new Set(options.services);
  const services = table.services.filter(({ name }) => served === undefined || served.has(name));
  return {
    hash: hashOf(files, options.services),
    services: services.map((service) => new LinkedService(service, types)),
    message: (name) => types.message(name),
    enum: (name) => types.enum(name),
    descriptorSet: writeFileSet(files.map((file) => file.bytes)),
  };
}

/** Independent of the order in which files and services came. */
function hashOf(files: readonly FileDescriptor[], services: readonly string[] | undefined): string {
  const hash = createHash("sha256");
  const byName = [...files].sort((a, b) => (a.name < b.name ? -1 : 1));
  hash.update(writeFileSet(byName.map((file) => file.bytes)));
  if (services !== undefined) hash.update(`services: ${[...services].sort().join()}`);
  return hash.digest("hex");
}
