/**
 * Compiles protos/demo (and what it needs) into src/demo/descriptors.ts: `node deploy/demo-descriptors.ts`.
 *
 * The set travels inside the bundle as text, so that `dragoman demo` needs no file and no compiler. A test compares it
 * with the protos.
 */
import { fromBinary, toBinary } from "@bufbuild/protobuf";
import { FileDescriptorSetSchema } from "@bufbuild/protobuf/wkt";
import { execFileSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { deflateRawSync } from "node:zlib";

const ROOT = fileURLToPath(new URL("..", import.meta.url));
const MODULES = { version: "v2", modules: [{ path: "protos", excludes: ["protos/demo"] }, { path: "protos/demo" }] };
const PATHS = ["demo/shop/v1", "google/rpc/error_details.proto", "google/rpc/status.proto", "grpc/reflection/v1", "grpc/health/v1"];

/** The descriptor set of the demo as `buf` compiles it; of where things stood in the files only the shop's comments are left. */
export function compileDemo(): Uint8Array {
  const paths = PATHS.flatMap((path) => ["--path", `protos/${path}`]);
  const args = ["build", "--config", JSON.stringify(MODULES), "--as-file-descriptor-set", ...paths, "-o", "-"];
  const set = fromBinary(FileDescriptorSetSchema, execFileSync(`${ROOT}node_modules/.bin/buf`, args, { cwd: ROOT, maxBuffer: 1 << 24 }));
  for (const file of set.file) {
    const { sourceCodeInfo: info } = file;
    if (info === undefined) continue;
    info.location = file.name.startsWith("shop/")
      ? info.location.filter((each) => each.leadingComments !== "" || each.trailingComments !== "")
      : [];
    for (const each of info.location) each.leadingDetachedComments = [];
    if (info.location.length === 0) delete file.sourceCodeInfo;
  }
  return toBinary(FileDescriptorSetSchema, set);
}

if (import.meta.main) {
  const text = deflateRawSync(compileDemo(), { level: 9 }).toString("base64");
  const lines = text.match(/.{1,120}/g)!.map((line) => `  "${line}",`);
  const head = "/** The shop's protos, compiled, deflated and in base64: written by deploy/demo-descriptors.ts, not by hand. */";
  writeFileSync(`${ROOT}src/demo/descriptors.ts`, `${head}\nexport const descriptors: readonly string[] = [\n${lines.join("\n")}\n];\n`);
}
