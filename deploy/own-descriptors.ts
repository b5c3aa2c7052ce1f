/**
 * Compiles the services that the proxy answers itself into src/own-services/descriptors.ts: `node deploy/own-descriptors.ts`.
 *
 * The set travels inside the bundle as text; a test compares it with the protos.
 */
import { execFileSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { deflateRawSync } from "node:zlib";

const ROOT = fileURLToPath(new URL("..", import.meta.url));
const MODULES = { version: "v2", modules: [{ path: "protos", excludes: ["protos/demo"] }] };
const PATHS = ["grpc/health/v1", "grpc/reflection/v1", "grpc/reflection/v1alpha"];

/** The descriptor set of our own services as `buf` compiles it. */
export function compileOwn(): Buffer {
  const paths = PATHS.flatMap((path) => ["--path", `protos/${path}`]);
  const args = ["build", "--config", JSON.stringify(MODULES), "--exclude-source-info", "--as-file-descriptor-set", ...paths, "-o", "-"];
  return execFileSync(`${ROOT}node_modules/.bin/buf`, args, { cwd: ROOT, maxBuffer: 1 << 24 });
}

if (import.meta.main) {
  const text = deflateRawSync(compileOwn(), { level: 9 }).toString("base64");
  const lines = text.match(/.{1,120}/g)!.map((line) => `  "${line}",`);
  const head =
    "/** grpc.health.v1 and grpc.reflection, compiled, deflated and in base64: written by deploy/own-descriptors.ts, not by hand. */";
  writeFileSync(
    `${ROOT}src/own-services/descriptors.ts`,
    `${head}\nexport const descriptors: readonly string[] = [\n${lines.join("\n")}\n];\n`,
  );
}
