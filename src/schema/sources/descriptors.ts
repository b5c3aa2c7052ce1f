/** Schema from a file that holds a google.protobuf.FileDescriptorSet (`buf build -o x.binpb`, `protoc --include_imports -o x.binpb`), watched. */
import { systemClock, type Clock } from "../../core/clock.ts";
import { buildSchema } from "../build-schema.ts";
import type { SchemaSource } from "../descriptor.ts";
import { SchemaError } from "../files/schema-error.ts";
import { readSourceFile } from "./read-source-file.ts";
import type { OnProblem } from "./schema-problem.ts";
import { watchFiles, type LoadedFiles } from "./watch-files.ts";

export interface DescriptorsSourceOptions {
  readonly path: string;
  /** How often to look for a change. Default 1 s. */
  readonly intervalMs?: number;
  readonly onProblem?: OnProblem;
  readonly clock?: Clock;
}

/** `watch` throws SchemaError when the file cannot be used at the start. */
export function createDescriptorsSource(options: DescriptorsSourceOptions): SchemaSource {
  const { path, intervalMs = 1_000, onProblem, clock = systemClock } = options;
  return {
    kind: "descriptors",
    watch: (signal) => watchFiles({ load: () => load(path), intervalMs, clock, onProblem }, signal),
  };
}

async function load(path: string): Promise<LoadedFiles> {
  const bytes = await readSourceFile(path, "descriptor set");
  try {
    return { schema: buildSchema(bytes), paths: [path] };
  } catch (error) {
    if (!(error instanceof SchemaError)) throw error;
    const hint = looksLikeText(bytes) ? " (it looks like text: pass .proto files with --proto)" : "";
    throw new SchemaError(`descriptor set ${path}: ${error.message}${hint}`);
  }
}

function looksLikeText(bytes: Uint8Array): boolean {
  return bytes.length > 0 && bytes.subarray(0, 512).every((byte) => byte === 9 || byte === 10 || byte === 13 || (byte >= 32 && byte < 127));
}
