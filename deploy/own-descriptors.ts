/**
 * Compiles the services that the proxy answers, or calls, itself into the sources that hold them: `node deploy/own-descriptors.ts`.
 *
 * The sets travel inside the bundle as text; tests compare them with the protos.
 */
import { execFileSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { deflateRawSync } from "node:zlib";

const ROOT = fileURLToPath(new URL("..", import.meta.url));
const MODULES = { version: "v2", modules: [{ path: "protos", excludes: ["protos/demo"] }] };
const OWN_PATHS = ["grpc/health/v1", "grpc/reflection/v1", "grpc/reflection/v1alpha"];
const AUTHORIZATION_PATHS = ["envoy/service/auth/v3"];
const ETCD_PATHS = ["etcd"];

/** The descriptor set of our own services as `buf` compiles it. */
export function compileOwn(): Buffer {
  return compile(OWN_PATHS);
}

/** That of the authorization servers that are asked. */
export function compileAuthorization(): Buffer {
  return compile(AUTHORIZATION_PATHS);
}

/** That of etcd, which keeps what the registry knows. */
export function compileEtcd(): Buffer {
  return compile(ETCD_PATHS);
}

function compile(folders: readonly string[]): Buffer {
  const paths = folders.flatMap((path) => ["--path", `protos/${path}`]);
  const args = ["build", "--config", JSON.stringify(MODULES), "--exclude-source-info", "--as-file-descriptor-set", ...paths, "-o", "-"];
  return execFileSync(`${ROOT}node_modules/.bin/buf`, args, { cwd: ROOT, maxBuffer: 1 << 24 });
}

function write(file: string, what: string, set: Buffer): void {
  const text = deflateRawSync(set, { level: 9 }).toString("base64");
  const lines = text.match(/.{1,120}/g)!.map((line) => `  "${line}",`);
  const head = `/** ${what}, compiled, deflated and in base64: written by deploy/own-descriptors.ts, not by hand. */`;
  writeFileSync(ROOT + file, `${head}\nexport const descriptors: readonly string[] = [\n${lines.join("\n")}\n];\n`);
}

if (import.meta.main) {
  write("src/own-services/descriptors.ts", "grpc.health.v1 and grpc.reflection", compileOwn());
  write("src/identity/authorization-descriptors.ts", "envoy.service.auth.v3", compileAuthorization());
  write("src/registry/stores/etcd/descriptors.ts", "etcdserverpb", compileEtcd());
}
