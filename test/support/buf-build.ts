/** Descriptor sets as buf makes them: the judge of what we make of .proto files, and the quickest way to a schema in a test. */
import { execFileSync } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const bundled = fileURLToPath(new URL("../../protos/", import.meta.url));
const shared = fileURLToPath(new URL("protos/", import.meta.url));
const buf = fileURLToPath(new URL("../../node_modules/.bin/buf", import.meta.url));

/** Compiles files given as text together with the bundled google protos; imports and source info included. */
export function bufBuild(files: Readonly<Record<string, string>>): Uint8Array {
  return inWorkspace((folder) => {
    for (const [name, text] of Object.entries(files)) {
      mkdirSync(dirname(join(folder, name)), { recursive: true });
      writeFileSync(join(folder, name), text);
    }
    return Object.keys(files);
  });
}

/** Compiles files of test/support/protos: "rich/v1/rich.proto". */
export function bufBuildShared(...names: string[]): Uint8Array {
  return inWorkspace((folder) => {
    cpSync(shared, folder, { recursive: true });
    return names;
  });
}

function inWorkspace(fill: (folder: string) => readonly string[]): Uint8Array {
  const folder = mkdtempSync(join(tmpdir(), "dragoman-buf-"));
  try {
    // Otherwise a buf.yaml further up would be taken for ours.
    writeFileSync(join(folder, "buf.yaml"), "version: v2\n");
    cpSync(join(bundled, "google"), join(folder, "google"), { recursive: true });
    const paths = fill(folder).flatMap((name) => ["--path", name]);
    const args = ["build", ".", "--as-file-descriptor-set", "-o", "-#format=binpb", ...paths];
    return execFileSync(buf, args, { cwd: folder, maxBuffer: 64 << 20, stdio: ["ignore", "pipe", "pipe"] });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
