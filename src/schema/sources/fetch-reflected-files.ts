/**
 * One round of reflection: list the services, get each one's file, then whatever those files import, until nothing is missing.
 *
 * Servers differ: some send a file with all its imports, some alone; some leave out what they sent before on the same stream. So files are
 * kept by name over the whole round, and only what is still missing is asked for.
 */
import type { FileDescriptor } from "../files/file-descriptor.ts";
import { readFileDescriptor } from "../files/file-descriptor.ts";
import { SchemaError } from "../files/schema-error.ts";
import { wellKnownFile } from "../files/well-known-files.ts";
import type { ReflectionResponse } from "./reflection-messages.ts";
import type { ReflectionStream } from "./reflection-stream.ts";

const maxFiles = 4096;
const maxBytes = 32 << 20;
const maxServices = 4096;

export interface ReflectedFiles {
  readonly files: readonly FileDescriptor[];
  /** The services the server says it serves, reflection itself left out, sorted. */
  readonly services: readonly string[];
  /** Services that the server lists but has no file for. */
  readonly undescribed: readonly string[];
}

/** @throws SchemaError in words for the server's owner; CallError when the call itself fails. */
export async function fetchReflectedFiles(stream: ReflectionStream): Promise<ReflectedFiles> {
  const [list] = await stream.ask([{ ask: "listServices", name: "*" }]);
  if (list!.error !== undefined) throw new SchemaError(`does not list its services: ${quote(list!.error.message)}`);
  const services = [...new Set(list!.services)].filter((name) => !name.startsWith("grpc.reflection.")).sort();
  if (services.length > maxServices) throw new SchemaError(`lists more than ${maxServices} services`);
  if (services.length === 0) throw new SchemaError("lists no services except reflection itself");

  const found = new FoundFiles();
  for (const answer of await stream.ask(services.map((name) => ({ ask: "fileOfSymbol", name })))) found.add(answer);
  for (let missing = found.missing(); missing.length > 0; missing = found.missing()) {
    const imports = await stream.ask(missing.map(({ name }) => ({ ask: "fileByName", name })));
    imports.forEach((answer, i) => {
      const { name, importer } = missing[i]!;
      found.add(answer);
      if (!found.has(name)) found.giveUp(name, importer);
    });
  }
  const files = found.all();
  const defined = new Set(
    files.flatMap((file) => file.services.map(({ name }) => (file.package === "" ? name : `${file.package}.${name}`))),
  );
  const described = services.filter((name) => defined.has(name));
  if (described.length === 0) throw new SchemaError(`lists ${services.join(", ")}, but has no file that describes any of them`);
  return { files, services: described, undescribed: services.filter((name) => !defined.has(name)) };
}

class FoundFiles {
  private readonly files = new Map<string, FileDescriptor>();
  private bytes = 0;

  add(answer: ReflectionResponse): void {
    for (const bytes of answer.files) {
      const file = readFileDescriptor(bytes);
      if (this.files.has(file.name)) continue;
      this.files.set(file.name, file);
      this.bytes += bytes.length;
      if (this.files.size > maxFiles) throw new SchemaError(`serves more than ${maxFiles} files`);
      if (this.bytes > maxBytes) throw new SchemaError(`serves more than ${maxBytes >> 20} MiB of descriptors`);
    }
  }

  has(name: string): boolean {
    return this.files.has(name);
  }

  all(): FileDescriptor[] {
    return [...this.files.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
  }

  /** Imports that no file answers to yet, each with a file that imports it. */
  missing(): { name: string; importer: string }[] {
    const missing = new Map<string, string>();
    for (const file of this.files.values())
      for (const name of file.dependencies) if (!this.files.has(name) && !missing.has(name)) missing.set(name, file.name);
    return [...missing].map(([name, importer]) => ({ name, importer }));
  }

  /** google/protobuf files are known anyway; for another the schema cannot be had. */
  giveUp(name: string, importer: string): void {
    const known = wellKnownFile(name);
    if (known !== undefined) {
      this.files.set(name, known);
      return;
    }
    const base = name.slice(name.lastIndexOf("/") + 1);
    const other = [...this.files.keys()].find((candidate) => candidate.slice(candidate.lastIndexOf("/") + 1) === base);
    throw new SchemaError(
      `${importer} imports ${name}, which the server does not serve` +
        (other === undefined ? "" : ` (it has ${other}: the two were compiled with different import paths)`) +
        "; link it into the server under that name, or pass --proto or --descriptors",
    );
  }
}

/** Text of the server's, made fit for one line. */
function quote(text: string): string {
  return JSON.stringify(text.length > 200 ? `${text.slice(0, 200)}...` : text);
}
