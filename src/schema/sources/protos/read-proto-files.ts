/**
 * Finds and parses .proto files with everything they import.
 *
 * A file is named by its path below the folder it was found in. Without import paths that folder is worked out from the package, since
 * `package shop.v1;` in protos/shop/v1/orders.proto says that imports start from protos.
 */
import { existsSync } from "node:fs";
import { dirname, isAbsolute, relative, resolve, sep } from "node:path";
import { fileURLToPath } from "node:url";
import { SchemaError } from "../../files/schema-error.ts";
import { wellKnownFile } from "../../files/well-known-files.ts";
import { readSourceFile } from "../read-source-file.ts";
import { loadProtobufjs, parseProto, type ParsedFile } from "./parsed-file.ts";
import { readProtoHead } from "./proto-head.ts";

const maxFiles = 4096;

export interface ProtoFiles {
  /** Every parsed file, imports included. */
  readonly parsed: readonly ParsedFile[];
  /** Names of google/protobuf files that are imported. */
  readonly wellKnown: readonly string[];
}

/** @param paths the .proto files asked for @throws SchemaError for a file that cannot be read or an import that is nowhere. */
export async function readProtoFiles(paths: readonly string[], importPaths: readonly string[]): Promise<ProtoFiles> {
  const protobufjs = await loadProtobufjs();
  const folders = importPaths.map((folder) => resolve(folder));
  for (const folder of folders) if (!existsSync(folder)) throw new SchemaError(`import path ${folder}: there is no such directory`);
  const parsed = new Map<string, ParsedFile>();
  const wellKnown = new Set<string>();

  const add = async (name: string, path: string, text?: string): Promise<void> => {
    if (parsed.has(name)) return;
    if (parsed.size >= maxFiles) throw new SchemaError(`more than ${maxFiles} .proto files are imported`);
    text ??= (await readSourceFile(path, "proto file")).toString("utf8");
    const file = parseProto(name, path, text, protobufjs);
    parsed.set(name, file);
    for (const { name: imported, line } of file.imports) {
      if (wellKnownFile(imported) !== undefined) wellKnown.add(imported);
      else if (!parsed.has(imported)) {
        const found = find(imported, folders);
        if (found === undefined) throw new SchemaError(nowhere(imported, `${name}:${line}`, folders));
        await add(imported, found);
      }
    }
  };

  const roots: { path: string; text: string }[] = [];
  for (const path of paths.map((each) => resolve(each))) {
    const text = (await readSourceFile(path, "proto file")).toString("utf8");
    roots.push({ path, text });
    if (!folders.some((folder) => isBelow(path, folder))) folders.push(sourceRoot(path, packageOf(text, protobufjs.tokenize)));
  }
  for (const { path, text } of roots) {
    const folder = folders.find((each) => isBelow(path, each))!;
    await add(relative(folder, path).split(sep).join("/"), path, text);
  }
  return { parsed: [...parsed.values()], wellKnown: [...wellKnown] };
}

function packageOf(text: string, tokenize: Parameters<typeof readProtoHead>[1]): string {
  try {
    return readProtoHead(text, tokenize).package;
  } catch {
    // Parsing it says what is wrong, with the line.
    return "";
  }
}

/** The folder that imports start from: above the folders that spell the package. */
function sourceRoot(path: string, packageName: string): string {
  const folder = dirname(path);
  const suffix = packageName === "" ? "" : sep + packageName.split(".").join(sep);
  return suffix !== "" && folder.endsWith(suffix) ? folder.slice(0, -suffix.length) || sep : folder;
}

function isBelow(path: string, folder: string): boolean {
  const below = relative(folder, path);
  return below !== "" && !below.startsWith("..") && !isAbsolute(below);
}

function find(name: string, folders: readonly string[]): string | undefined {
  if (isAbsolute(name) || name.split("/").includes("..")) return undefined;
  for (const folder of [...folders, bundledFolder()]) {
    const path = folder === undefined ? "" : resolve(folder, name);
    if (path !== "" && existsSync(path)) return path;
  }
  return undefined;
}

let bundled: string | undefined;

/** Our own protos folder, which is beside `src` in a checkout and beside `dist` in the package. */
function bundledFolder(): string | undefined {
  return (bundled ??= ["../protos/", "../../../../protos/"]
    .map((path) => fileURLToPath(new URL(path, import.meta.url)))
    .find((path) => existsSync(resolve(path, "google/api/http.proto"))));
}

function nowhere(name: string, where: string, folders: readonly string[]): string {
  const places = folders.length === 0 ? "" : `${folders.join(", ")} or `;
  return `${where} imports ${name}, which is not in ${places}the bundled google protos: add the folder it is in with --import-path`;
}
