/**
 * Every name the files define, with what it stands for; names are checked here, references in check-references.ts.
 *
 * The codec makes program text out of names, so nothing but a protobuf identifier may pass.
 */
import { Comments } from "./comments.ts";
import { fileFeatures, inherit, type ResolvedFeatures } from "./features.ts";
import type { EnumProto, FieldProto, FileDescriptor, MessageProto, ServiceProto } from "./file-descriptor.ts";
import { readMessageOptions } from "./options.ts";
import { SchemaError } from "./schema-error.ts";

interface SymbolBase {
  /** Full name, without a leading dot. */
  readonly name: string;
  readonly file: FileScope;
  /** Path in SourceCodeInfo, joined by commas. */
  readonly path: string;
}

export interface FileScope {
  readonly name: string;
  readonly comments: Comments;
}

export interface MessageSymbol extends SymbolBase {
  readonly kind: "message";
  readonly proto: MessageProto;
  readonly features: ResolvedFeatures;
  readonly messageSet: boolean;
  readonly mapEntry: boolean;
}

export interface EnumSymbol extends SymbolBase {
  readonly kind: "enum";
  readonly proto: EnumProto;
  readonly features: ResolvedFeatures;
}

export interface ServiceSymbol extends SymbolBase {
  readonly kind: "service";
  readonly proto: ServiceProto;
}

export interface ExtensionSymbol extends SymbolBase {
  readonly kind: "extension";
  readonly proto: FieldProto;
  readonly features: ResolvedFeatures;
}

type NamedSymbol = MessageSymbol | EnumSymbol | ServiceSymbol | ExtensionSymbol;

const identifier = /^[A-Za-z_][A-Za-z0-9_]*$/;
const packageName = /^[A-Za-z_][A-Za-z0-9_]*(\.[A-Za-z_][A-Za-z0-9_]*)*$/;

export class SymbolTable {
  private readonly symbols = new Map<string, NamedSymbol>();
  /** By the full name of the message they extend. */
  private readonly extensionsOf = new Map<string, ExtensionSymbol[]>();
  readonly messages: MessageSymbol[] = [];
  readonly services: ServiceSymbol[] = [];
  readonly extensions: ExtensionSymbol[] = [];

  /** @throws SchemaError for a name that is none, or that two files define. */
  constructor(files: readonly FileDescriptor[]) {
    for (const file of files) this.addFile(file);
  }

  /** What a `type_name` refers to, leading dot or not. */
  type(reference: string): MessageSymbol | EnumSymbol | undefined {
    const symbol = this.symbols.get(withoutDot(reference));
    return symbol?.kind === "message" || symbol?.kind === "enum" ? symbol : undefined;
  }

  message(reference: string): MessageSymbol | undefined {
    const symbol = this.type(reference);
    return symbol?.kind === "message" ? symbol : undefined;
  }

  extensionsFor(message: string): readonly ExtensionSymbol[] {
    return this.extensionsOf.get(message) ?? [];
  }

  private addFile(proto: FileDescriptor): void {
    if (proto.package !== "" && !packageName.test(proto.package))
      throw new SchemaError(`${proto.name}: ${JSON.stringify(proto.package)} is not a package name`);
    const file: FileScope = { name: proto.name, comments: new Comments(proto) };
    const features = fileFeatures(proto);
    proto.messages.forEach((message, i) => this.addMessage(message, proto.package, file, `4,${i}`, features));
    proto.enums.forEach((each, i) => this.addEnum(each, proto.package, file, `5,${i}`, features));
    proto.services.forEach((service, i) => {
      const symbol: ServiceSymbol = {
        kind: "service",
        name: fullName(proto.package, service.name, file),
        file,
        path: `6,${i}`,
        proto: service,
      };
      this.services.push(this.define(symbol));
    });
    proto.extensions.forEach((field, i) => this.addExtension(field, proto.package, file, `7,${i}`, features));
  }

  private addMessage(proto: MessageProto, scope: string, file: FileScope, path: string, parent: ResolvedFeatures): void {
    const name = fullName(scope, proto.name, file);
    const features = inherit(parent, proto.options.features);
    const { messageSet, mapEntry } = readMessageOptions(proto.options.bytes);
    this.messages.push(this.define({ kind: "message", name, file, path, proto, features, messageSet, mapEntry }));
    proto.messages.forEach((nested, i) => this.addMessage(nested, name, file, `${path},3,${i}`, features));
    proto.enums.forEach((nested, i) => this.addEnum(nested, name, file, `${path},4,${i}`, features));
    proto.extensions.forEach((field, i) => this.addExtension(field, name, file, `${path},6,${i}`, features));
  }

  private addEnum(proto: EnumProto, scope: string, file: FileScope, path: string, parent: ResolvedFeatures): void {
    const name = fullName(scope, proto.name, file);
    if (proto.values.length === 0) throw new SchemaError(`${file.name}: enum ${name} has no values`);
    for (const value of proto.values)
      if (!identifier.test(value.name)) throw new SchemaError(`${file.name}: ${JSON.stringify(value.name)} in enum ${name} is not a name`);
    this.define({ kind: "enum", name, file, path, proto, features: inherit(parent, proto.options.features) });
  }

  private addExtension(proto: FieldProto, scope: string, file: FileScope, path: string, features: ResolvedFeatures): void {
    const symbol: ExtensionSymbol = { kind: "extension", name: fullName(scope, proto.name, file), file, path, proto, features };
    this.extensions.push(this.define(symbol));
    const extendee = withoutDot(proto.extendee);
    const others = this.extensionsOf.get(extendee);
    if (others === undefined) this.extensionsOf.set(extendee, [symbol]);
    else others.push(symbol);
  }

  private define<T extends NamedSymbol>(symbol: T): T {
    const before = this.symbols.get(symbol.name);
    if (before !== undefined)
      throw new SchemaError(
        before.file === symbol.file
          ? `${symbol.file.name} defines ${symbol.name} twice`
          : `${before.file.name} and ${symbol.file.name} both define ${symbol.name}: one of them is a copy, or was compiled under another path`,
      );
    this.symbols.set(symbol.name, symbol);
    return symbol;
  }
}

function withoutDot(name: string): string {
  return name.startsWith(".") ? name.slice(1) : name;
}

function fullName(scope: string, name: string, file: FileScope): string {
  if (!identifier.test(name)) throw new SchemaError(`${file.name}: ${JSON.stringify(name)} is not a name`);
  return scope === "" ? name : `${scope}.${name}`;
}

export function isIdentifier(name: string): boolean {
  return identifier.test(name);
}
