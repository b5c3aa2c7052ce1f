/**
 * Reads a FileDescriptorSet: every file once, every import present, dependencies first.
 *
 * google.protobuf.* files that a set leaves out are filled in, because several compilers and reflection servers take them for granted.
 */
import type { FileDescriptor } from "./file-descriptor.ts";
import { readFileDescriptor } from "./file-descriptor.ts";
import { ProtoReader } from "./proto-reader.ts";
import { SchemaError } from "./schema-error.ts";
import { wellKnownFile } from "./well-known-files.ts";

/** Far above any real schema; a descriptor set is input like any other. */
const maxSetBytes = 64 << 20;
const maxFiles = 8192;

/** @throws SchemaError that names the file and says what is wrong with it. */
export function readFileSet(bytes: Uint8Array): FileDescriptor[] {
  if (bytes.length > maxSetBytes) throw new SchemaError(`the descriptor set is larger than ${maxSetBytes >> 20} MiB`);
  const files = new Map<string, FileDescriptor>();
  const reader = new ProtoReader(bytes);
  while (reader.next()) {
    if (reader.field !== 1) {
      reader.skip();
      continue;
    }
    addFile(files, readFileDescriptor(reader.view()));
    if (files.size > maxFiles) throw new SchemaError(`the descriptor set holds more than ${maxFiles} files`);
  }
  if (files.size === 0) throw new SchemaError("the descriptor set holds no files");
  return dependenciesFirst(files);
}

function addFile(files: Map<string, FileDescriptor>, file: FileDescriptor): void {
  if (file.name === "") throw new SchemaError("the descriptor set holds a file without a name");
  const known = files.get(file.name);
  if (known === undefined) files.set(file.name, file);
  else if (Buffer.compare(known.bytes, file.bytes) !== 0)
    throw new SchemaError(`${file.name} occurs twice in the descriptor set, with different contents`);
}

function dependenciesFirst(files: Map<string, FileDescriptor>): FileDescriptor[] {
  const ordered: FileDescriptor[] = [];
  const state = new Map<string, "open" | "done">();
  // A stack of our own: a chain of imports may be as long as there are files.
  const stack: { readonly file: FileDescriptor; next: number }[] = [];
  const enter = (file: FileDescriptor): void => {
    state.set(file.name, "open");
    stack.push({ file, next: 0 });
  };
  for (const root of [...files.values()].sort(byName)) {
    if (state.has(root.name)) continue;
    enter(root);
    while (stack.length > 0) {
      const top = stack[stack.length - 1]!;
      const name = top.file.dependencies[top.next++];
      if (name === undefined) {
        state.set(top.file.name, "done");
        ordered.push(top.file);
        stack.pop();
      } else if (!state.has(name)) enter(files.get(name) ?? wellKnownFile(name) ?? missing(name, top.file, files));
      else if (state.get(name) === "open") throw new SchemaError(`${top.file.name} imports ${name}, which imports it in turn`);
    }
  }
  return ordered;
}

function byName(a: FileDescriptor, b: FileDescriptor): number {
  return a.name < b.name ? -1 : a.name > b.name ? 1 : 0;
}

function missing(name: string, importer: FileDescriptor, files: ReadonlyMap<string, FileDescriptor>): never {
  const base = name.slice(name.lastIndexOf("/") + 1);
  for (const other of files.keys())
    if (other.endsWith(`/${name}`) || name.endsWith(`/${other}`) || other.slice(other.lastIndexOf("/") + 1) === base)
      throw new SchemaError(
        `${importer.name} imports ${name}, but the set has that file as ${other}: compile both with the same import path, so that the names agree`,
      );
  throw new SchemaError(`${importer.name} imports ${name}, which the set does not hold: make it with all imports included`);
}

/** The set as one FileDescriptorSet message. */
export function writeFileSet(files: readonly Uint8Array[]): Uint8Array {
  let size = 0;
  for (const file of files) size += 1 + varintBytes(file.length) + file.length;
  const out = Buffer.allocUnsafeSlow(size);
  let at = 0;
  for (const file of files) {
    out[at++] = 0x0a;
    let { length } = file;
    for (; length > 0x7f; length >>>= 7) out[at++] = (length & 0x7f) | 0x80;
    out[at++] = length;
    out.set(file, at);
    at += file.length;
  }
  return out;
}

function varintBytes(value: number): number {
  let bytes = 1;
  for (; value > 0x7f; value >>>= 7) bytes++;
  return bytes;
}
