/**
 * Loading a schema: our reading of a descriptor set beside protobuf-es', which is the reason we read by hand.
 *
 * Warm numbers; at start-up both are cold, and the library's own evaluation (7 ms bundled) comes on top of its row.
 */
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { createFileRegistry, fromBinary } from "@bufbuild/protobuf";
import { FileDescriptorSetSchema } from "@bufbuild/protobuf/wkt";
import type { Bench } from "tinybench";
import { buildSchema } from "../../src/schema/build-schema.ts";

export default function (bench: Bench): void {
  const set = readFileSync(fileURLToPath(new URL("../protos/bench.binpb", import.meta.url)));
  bench.add("schema: buildSchema", () => buildSchema(set));
  bench.add("schema: protobuf-es registry", () => createFileRegistry(fromBinary(FileDescriptorSetSchema, set)));
}
