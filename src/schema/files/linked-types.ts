/**
 * Messages and enums of a checked symbol table, made into descriptors when first asked for.
 *
 * A schema of a thousand messages is loaded for the twenty that calls use, so everything below a message's name is lazy: fields, comments, codecs.
 */
import { canonicalJson, profileBits, type Codec, type JsonProfile } from "../../core/message-type.ts";
import type { EnumDescriptor, EnumValueDescriptor, FieldDescriptor, MessageDescriptor } from "../descriptor.ts";
import { enumType } from "./features.ts";
import { LinkedField } from "./linked-field.ts";
import type { EnumSymbol, FileScope, MessageSymbol, SymbolTable } from "./symbol-table.ts";

export type CreateCodec = (
  type: MessageDescriptor,
  profile: JsonProfile,
  types: { message(name: string): MessageDescriptor | undefined },
) => Codec;

export class LinkedTypes {
  readonly table: SymbolTable;
  readonly createCodec: CreateCodec;
  private readonly messages = new Map<MessageSymbol, LinkedMessage>();
  private readonly enums = new Map<EnumSymbol, LinkedEnum>();

  constructor(table: SymbolTable, createCodec: CreateCodec) {
    this.table = table;
    this.createCodec = createCodec;
  }

  message(name: string): MessageDescriptor | undefined {
    const symbol = this.table.message(name);
    return symbol === undefined || symbol.mapEntry ? undefined : this.messageOf(symbol);
  }

  enum(name: string): EnumDescriptor | undefined {
    const symbol = this.table.type(name);
    return symbol?.kind === "enum" ? this.enumOf(symbol) : undefined;
  }

  messageOf(symbol: MessageSymbol): LinkedMessage {
    let message = this.messages.get(symbol);
    if (message === undefined) this.messages.set(symbol, (message = new LinkedMessage(symbol, this)));
    return message;
  }

  enumOf(symbol: EnumSymbol): LinkedEnum {
    let descriptor = this.enums.get(symbol);
    if (descriptor === undefined) this.enums.set(symbol, (descriptor = new LinkedEnum(symbol)));
    return descriptor;
  }
}

class LinkedMessage implements MessageDescriptor {
  readonly name: string;
  readonly messageSet: boolean;
  readonly #symbol: MessageSymbol;
  readonly #types: LinkedTypes;
  #fields: readonly FieldDescriptor[] | undefined;
  #extensions: readonly FieldDescriptor[] | undefined;
  #canonical: Codec | undefined;
  /** By the bits of the profile. */
  #codecs: (Codec | undefined)[] | undefined;

  constructor(symbol: MessageSymbol, types: LinkedTypes) {
    this.name = symbol.name;
    this.messageSet = symbol.messageSet;
    this.#symbol = symbol;
    this.#types = types;
  }

  get fields(): readonly FieldDescriptor[] {
    if (this.#fields === undefined) {
      const { proto, file, path, features } = this.#symbol;
      this.#fields = proto.fields.map(
        (field, i) => new LinkedField(field, { file, path: `${path},2,${i}`, features, message: proto }, this.#types),
      );
    }
    return this.#fields;
  }

  get extensions(): readonly FieldDescriptor[] {
    return (this.#extensions ??= this.#types.table
      .extensionsFor(this.name)
      .map(
        ({ proto, file, path, features, name }) =>
          new LinkedField(proto, { file, path, features, extensionName: `[${name}]` }, this.#types),
      ));
  }

  get comment(): string | undefined {
    return commentOf(this.#symbol);
  }

  codec(profile: JsonProfile = canonicalJson): Codec {
    if (profile === canonicalJson && this.#canonical !== undefined) return this.#canonical;
    const bits = profileBits(profile);
    this.#codecs ??= [];
    const codec = (this.#codecs[bits] ??= this.#types.createCodec(this, profile, this.#types));
    if (bits === 0) this.#canonical = codec;
    return codec;
  }
}

class LinkedEnum implements EnumDescriptor {
  readonly name: string;
  readonly closed: boolean;
  readonly values: readonly EnumValueDescriptor[];
  readonly #symbol: EnumSymbol;

  constructor(symbol: EnumSymbol) {
    this.name = symbol.name;
    this.closed = symbol.features.enumType === enumType.closed;
    this.values = symbol.proto.values.map(({ name, number }, i) => new LinkedEnumValue(name, number, symbol.file, `${symbol.path},2,${i}`));
    this.#symbol = symbol;
  }

  get comment(): string | undefined {
    return commentOf(this.#symbol);
  }
}

class LinkedEnumValue implements EnumValueDescriptor {
  readonly name: string;
  readonly number: number;
  readonly #file: FileScope;
  readonly #path: string;

  constructor(name: string, number: number, file: FileScope, path: string) {
    this.name = name;
    this.number = number;
    this.#file = file;
    this.#path = path;
  }

  get comment(): string | undefined {
    return this.#file.comments.at(this.#path);
  }
}

function commentOf(symbol: MessageSymbol | EnumSymbol): string | undefined {
  return symbol.file.comments.at(symbol.path);
}
