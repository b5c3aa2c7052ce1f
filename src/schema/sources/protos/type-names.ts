/** Resolves names as they stand in .proto text, innermost scope first (https://protobuf.com/docs/language-spec#reference-resolution). */
import type protobuf from "protobufjs";
import type { FileDescriptor, MessageProto } from "../../files/file-descriptor.ts";
import type { ParsedFile } from "./parsed-file.ts";

export interface NamedType {
  readonly kind: "message" | "enum" | "group";
}

export class TypeNames {
  private readonly types = new Map<string, NamedType["kind"]>();
  private readonly extensions = new Set<string>();

  addParsed(file: ParsedFile): void {
    this.addNamespace(file.scope, file.package);
  }

  addDescriptor(file: FileDescriptor): void {
    for (const { name } of file.enums) this.types.set(join(file.package, name), "enum");
    for (const { name } of file.extensions) this.extensions.add(join(file.package, name));
    for (const message of file.messages) this.addMessage(message, file.package);
  }

  /** The full name of the type meant by `reference` in `scope`, and what it is. */
  type(reference: string, scope: string): { readonly name: string; readonly kind: NamedType["kind"] } | undefined {
    const name = find(reference, scope, (candidate) => this.types.has(candidate));
    return name === undefined ? undefined : { name, kind: this.types.get(name)! };
  }

  extension(reference: string, scope: string): string | undefined {
    return find(reference, scope, (candidate) => this.extensions.has(candidate));
  }

  private addNamespace(namespace: protobuf.NamespaceBase, scope: string): void {
    for (const object of namespace.nestedArray) {
      const name = join(scope, object.name);
      if ("values" in object) this.types.set(name, "enum");
      else if ("fieldsArray" in object) {
        this.types.set(name, "group" in object && object.group === true ? "group" : "message");
        this.addNamespace(object as protobuf.Type, name);
      } else if ("extend" in object) this.extensions.add(name);
    }
  }

  private addMessage(message: MessageProto, scope: string): void {
    const name = join(scope, message.name);
    this.types.set(name, "message");
    for (const each of message.enums) this.types.set(join(name, each.name), "enum");
    for (const nested of message.messages) this.addMessage(nested, name);
  }
}

function find(reference: string, scope: string, exists: (name: string) => boolean): string | undefined {
  if (reference.startsWith(".")) return exists(reference.slice(1)) ? reference.slice(1) : undefined;
  for (let at = scope; ; at = at.slice(0, Math.max(0, at.lastIndexOf(".")))) {
    const candidate = join(at, reference);
    if (exists(candidate)) return candidate;
    if (at === "") return undefined;
  }
}

export function join(scope: string, name: string): string {
  return scope === "" ? name : `${scope}.${name}`;
}
