/** Schema from .proto files, parsed in the process and watched: no protoc, no build step, google/api and google/protobuf at hand. */
import { systemClock, type Clock } from "../../core/clock.ts";
import { buildSchema } from "../build-schema.ts";
import type { SchemaSource } from "../descriptor.ts";
import { readFileSet, writeFileSet } from "../files/file-set.ts";
import { LinkedTypes } from "../files/linked-types.ts";
import { SymbolTable } from "../files/symbol-table.ts";
import { wellKnownFile } from "../files/well-known-files.ts";
import { describeFile } from "./protos/describe-file.ts";
import { readProtoFiles } from "./protos/read-proto-files.ts";
import { TypeNames } from "./protos/type-names.ts";
import { OptionWriter } from "./protos/write-options.ts";
import type { OnProblem } from "./schema-problem.ts";
import { watchFiles, type LoadedFiles } from "./watch-files.ts";

export interface ProtosSourceOptions {
  /** The .proto files; what they import is found. */
  readonly paths: readonly string[];
  /** Folders that imports start from. Default: worked out from each file's package. */
  readonly importPaths?: readonly string[];
  /** How often to look for a change. Default 1 s. */
  readonly intervalMs?: number;
  readonly onProblem?: OnProblem;
  readonly clock?: Clock;
}

/** `watch` throws SchemaError when the files cannot be used at the start. */
export function createProtosSource(options: ProtosSourceOptions): SchemaSource {
  const { paths, importPaths = [], intervalMs = 1_000, onProblem, clock = systemClock } = options;
  return {
    kind: "protos",
    watch: (signal) => watchFiles({ load: () => load(paths, importPaths), intervalMs, clock, onProblem }, signal),
  };
}

const descriptorFile = "google/protobuf/descriptor.proto";

async function load(paths: readonly string[], importPaths: readonly string[]): Promise<LoadedFiles> {
  const { parsed, wellKnown } = await readProtoFiles(paths, importPaths);
  const known = wellKnown.map((name) => wellKnownFile(name)!);
  const options = wellKnownFile(descriptorFile)!;
  const names = new TypeNames();
  for (const file of [...known, options]) names.addDescriptor(file);
  for (const file of parsed) names.addParsed(file);
  const bare = parsed.map((file) => describeFile(file, names, undefined));
  const types = typesOf([...bare, ...known.map(({ bytes }) => bytes), options.bytes]);
  const writer = new OptionWriter(types, names);
  const described = parsed.map((file) => describeFile(file, names, writer));
  const schema = buildSchema(writeFileSet([...described, ...known.map(({ bytes }) => bytes)]));
  return { schema, paths: parsed.map(({ path }) => path) };
}

/** What options are made of; nobody converts messages by these. */
function typesOf(files: readonly Uint8Array[]): LinkedTypes {
  return new LinkedTypes(new SymbolTable(readFileSet(writeFileSet(files))), () => {
    throw new Error("no codec while options are read");
  });
}
