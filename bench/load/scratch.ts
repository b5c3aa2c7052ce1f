/**
 * What contestants share when they are built: a cache folder, one-shot commands, and a key made of file contents.
 */
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { spawn } from "node:child_process";
import { fileURLToPath } from "node:url";

export const PROJECT = fileURLToPath(new URL("../..", import.meta.url));
export const PEERS = join(PROJECT, "bench", "peers");

/** Where contestants are built and kept between runs. */
export function cacheFolder(): string {
  const folder = process.env["DRAGOMAN_BENCH_CACHE"] ?? join(homedir(), ".cache", "dragoman-bench");
  mkdirSync(folder, { recursive: true });
  return folder;
}

export function contentKey(...files: readonly string[]): string {
  const hash = createHash("sha256");
  for (const file of files) hash.update(readFileSync(file));
  return hash.digest("hex").slice(0, 12);
}

export interface ToolOptions {
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly limitMs?: number;
}

/** Runs a build step to its end; rejects with the last lines it printed. */
export function tool(file: string, args: readonly string[], { cwd, env, limitMs = 600_000 }: ToolOptions = {}): Promise<string> {
  return new Promise((resolve, reject) => {
    const options = { stdio: ["ignore", "pipe", "pipe"] as ["ignore", "pipe", "pipe"], env: { ...process.env, ...env } };
    const child = spawn(file, args, cwd === undefined ? options : { ...options, cwd });
    let output = "";
    child.stdout.on("data", (chunk: Buffer) => (output += chunk.toString()));
    child.stderr.on("data", (chunk: Buffer) => (output += chunk.toString()));
    // Node's own `timeout` would go on for a program that is not there.
    const timer = setTimeout(() => child.kill("SIGKILL"), limitMs);
    child.once("error", (error) => {
      clearTimeout(timer);
      reject(error);
    });
    child.once("close", (code) => {
      clearTimeout(timer);
      if (code === 0) resolve(output);
      else reject(new Error(`${file} ended with ${code}: ${output.trim().split("\n").slice(-3).join(" / ")}`));
    });
  });
}

/** A folder of the cache that exists whole or not at all: `build` fills a neighbour, which is then renamed. */
export async function cached(folder: string, build: (folder: string) => Promise<void>): Promise<string> {
  if (existsSync(folder)) return folder;
  const draft = `${folder}.${process.pid}`;
  rmSync(draft, { recursive: true, force: true });
  mkdirSync(draft, { recursive: true });
  try {
    await build(draft);
    renameSync(draft, folder);
  } finally {
    rmSync(draft, { recursive: true, force: true });
  }
  return folder;
}

/** One line of why something could not be had. */
export function because(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error);
  return (
    text
      .split("\n")
      .find((line) => line.trim() !== "")
      ?.slice(0, 300) ?? "unknown"
  );
}
