/**
 * Text and flags -> a validated configuration, or every fault at once.
 *
 * Flags win over the file. The trap is in the messages: a fault in a value that came by a flag names the flag, one from the file its line.
 */
import { readFileSync } from "node:fs";
import { dirname, isAbsolute, join } from "node:path";
import { policies } from "../policies/index.ts";
import { ConfigError } from "./config-error.ts";
import { explainIssues, formatPath, valueAt, type Fault, type Path } from "./explain-issue.ts";
import { configSchema, toConfig, type Config } from "./schema.ts";
import type { ConfigText } from "./yaml-text.ts";

/** One value that was given outside the file. */
export interface Override {
  readonly path: readonly string[];
  readonly value: unknown;
  /** What to call it in messages: "--upstream". */
  readonly origin: string;
}

export interface ConfigSource {
  /** Path of a YAML file. */
  readonly file?: string | undefined;
  readonly overrides?: readonly Override[];
}

const longestFileBytes = 1024 * 1024;

/** @throws ConfigError with a line for every fault */
export async function loadConfig({ file, overrides = [] }: ConfigSource): Promise<Config> {
  const text = file === undefined ? undefined : await readText(file);
  const raw = text?.value ?? {};
  if (typeof raw !== "object" || Array.isArray(raw))
    throw new ConfigError([`${file}:1:1 expected a mapping, such as "inbound: {upstream: grpc://127.0.0.1:50051}"`]);
  const value = writeOut(structuredClone(raw) as Record<string, unknown>);
  if (file !== undefined) fromFolder(value, dirname(file));
  for (const { path, value: given } of overrides) put(value, path, given);
  await loadPolicies(value);

  // A missing `inbound` is really a missing upstream, and that is what the message should say.
  value["inbound"] ??= {};
  const result = configSchema.safeParse(value);
  if (!result.success) {
    const faults = explainIssues(result.error.issues, configSchema, value);
    throw new ConfigError([...new Set(faults.map((fault) => line(fault, file, text, raw, overrides)))].sort(inOrderOfText));
  }
  return toConfig(result.data);
}

async function readText(file: string): Promise<ConfigText> {
  let bytes: Buffer;
  try {
    bytes = readFileSync(file);
  } catch (error) {
    throw new ConfigError([`${file} cannot be read: ${whyUnreadable(error)}`]);
  }
  if (bytes.length > longestFileBytes) throw new ConfigError([`${file} is larger than 1 MiB; is it the configuration?`]);
  const { readYaml } = await import("./yaml-text.ts");
  return readYaml(bytes.toString("utf8"), file);
}

/** What a file system error means, in words. */
export function whyUnreadable(error: unknown): string {
  const { code, message } = error as NodeJS.ErrnoException;
  const words: Readonly<Record<string, string>> = {
    ENOENT: "there is no such file",
    EACCES: "this user may not read it",
    EISDIR: "it is a folder",
    ENOTDIR: "a part of its path is not a folder",
  };
  return words[code ?? ""] ?? message;
}

/** The settings of policies, wherever they stand: for all methods, and for some. */
function policySettings(value: Record<string, unknown>): Record<string, unknown>[] {
  const outbound = membersOf(value["outbound"]);
  const services = Object.values(membersOf(outbound["services"])).map(membersOf);
  return [value, outbound, ...services]
    .flatMap(({ policies: all, methods }) => [all, ...Object.values(membersOf(methods))])
    .filter(isRecord);
}

async function loadPolicies(value: Record<string, unknown>): Promise<void> {
  const settings = policySettings(value);
  await Promise.all(policies.filter(({ kind }) => settings.some((one) => isRecord(one[kind]))).map((policy) => policy.load()));
}

/** `true` and shorthands of policies become what they stand for: `timeout: 2s` -> `timeout: {total: 2s}`. */
function writeOut(value: Record<string, unknown>): Record<string, unknown> {
  for (const one of policySettings(value)) {
    for (const { kind, shorthand } of policies) {
      const given = one[kind];
      if (given === true || given === null) one[kind] = {};
      else if (shorthand !== undefined && (typeof given === "string" || typeof given === "number")) one[kind] = { [shorthand]: given };
    }
  }
  return value;
}

/** Paths in a file are relative to the file, wherever the program was started. */
function fromFolder(value: Record<string, unknown>, folder: string): void {
  const resolve = (path: unknown): unknown => (typeof path === "string" && path !== "" && !isAbsolute(path) ? join(folder, path) : path);
  for (const one of policySettings(value))
    for (const { kind, files } of policies)
      for (const path of files) {
        const part = valueAt(one, [kind, ...path.slice(0, -1)]);
        const name = path.at(-1)!;
        if (isRecord(part) && name in part && !String(part[name]).includes("://")) part[name] = resolve(part[name]);
      }
  const { tls, upstreamTls, schema } = membersOf(value["inbound"]);
  const services = Object.values(membersOf(membersOf(value["outbound"])["services"])).map((service) => membersOf(service)["tls"]);
  for (const part of [tls, upstreamTls, schema, ...services]) {
    if (!isRecord(part)) continue;
    for (const name of ["cert", "key", "clientCa", "ca", "descriptors"]) if (name in part) part[name] = resolve(part[name]);
    for (const name of ["protos", "importPaths"]) {
      const list = part[name];
      if (Array.isArray(list)) part[name] = list.map(resolve);
    }
  }
}

/** What stands in a mapping; nothing where there is none. */
function membersOf(value: unknown): Readonly<Record<string, unknown>> {
  return isRecord(value) ? value : {};
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function put(root: Record<string, unknown>, path: readonly string[], value: unknown): void {
  let at = root;
  for (const key of path.slice(0, -1)) {
    const next = at[key];
    at = isRecord(next) ? next : (at[key] = {});
  }
  at[path.at(-1)!] = value;
}

function line(fault: Fault, file: string | undefined, text: ConfigText | undefined, raw: unknown, overrides: readonly Override[]): string {
  const { path, reason, atKey } = fault;
  const flag = overrides.find((override) => startsWith(path, override.path));
  if (flag !== undefined) return `${flag.origin}: ${reason}`;
  if (reason === "is missing" && formatPath(path) === "inbound.upstream")
    return `${file === undefined ? "" : `${file}:${text!.position(path, false)} `}no upstream: pass --upstream grpc://HOST:PORT, or set inbound.upstream in the configuration`;
  // A shorthand was written out; the message shows what was written.
  const written = text === undefined || atKey || reason === "is missing" ? path : present(raw, path);
  return text === undefined ? `${formatPath(path)}: ${reason}` : `${file}:${text.position(path, atKey)} ${formatPath(written)}: ${reason}`;
}

function inOrderOfText(a: string, b: string): number {
  return a.localeCompare(b, "en", { numeric: true });
}

function startsWith(path: Path, start: readonly string[]): boolean {
  return start.every((key, at) => path[at] === key);
}

function present(raw: unknown, path: Path): Path {
  let length = path.length;
  while (length > 0 && valueAt(raw, path.slice(0, length)) === undefined) length--;
  return path.slice(0, length);
}
