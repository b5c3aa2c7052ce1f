/**
 * A parsed .proto file -> its serialized FileDescriptorProto, as protoc would write it (google/protobuf/descriptor.proto).
 *
 * Done twice for each file: first without options, which gives the types that options are made of, then with them.
 */
import type protobuf from "protobufjs";
import { lowerCamelCase } from "../../files/linked-field.ts";
import { fieldType, scalarNumber } from "../../files/field-types.ts";
import { ProtoWriter } from "../../files/proto-writer.ts";
import { SourceInfoWriter } from "./source-info-writer.ts";
import type { ParsedFile } from "./parsed-file.ts";
import { join, type TypeNames } from "./type-names.ts";
import { bytesOfLiteral, type OptionWriter, type ParsedOption } from "./write-options.ts";

type Field = protobuf.Field & { keyType?: string };

const editionNumbers: Readonly<Record<string, number>> = { "2023": 1000, "2024": 1001, "2026": 1002 };
/** Of the field that only some syntax or another element stands for; not options. */
const notOptions = new Set(["default", "json_name", "proto3_optional", "map_entry"]);

const maxFieldNumber = 0x1fffffff;
/** What `max` means in a message set. */
const maxMessageSetNumber = 0x7ffffffe;

/** @param options undefined in the first pass. @throws SchemaError for an option that is not defined. */
export function describeFile(file: ParsedFile, names: TypeNames, options: OptionWriter | undefined): Uint8Array {
  return new FileDescriber(file, names, options).describe();
}

class FileDescriber {
  private readonly file: ParsedFile;
  private readonly names: TypeNames;
  private readonly options: OptionWriter | undefined;
  private readonly comments = new SourceInfoWriter();

  constructor(file: ParsedFile, names: TypeNames, options: OptionWriter | undefined) {
    this.file = file;
    this.names = names;
    this.options = options;
  }

  describe(): Uint8Array {
    const { file } = this;
    const writer = new ProtoWriter().string(1, file.name);
    if (file.package !== "") writer.string(2, file.package);
    file.imports.forEach(({ name }) => writer.string(3, name));
    file.imports.forEach(({ kind }, i) => kind === "public" && writer.int(10, i));
    file.imports.forEach(({ kind }, i) => kind === "weak" && writer.int(11, i));
    this.writeScope(writer, file.scope, file.package, "", { messages: 4, enums: 5, extensions: 7 });
    file.scope.nestedArray.filter(isService).forEach((service, i) => writer.message(6, this.service(service, `6,${i}`)));
    const fileOptions = [...optionsOf(file.root), ...(file.scope === file.root ? [] : optionsOf(file.scope))];
    this.writeOptions(writer, 8, "google.protobuf.FileOptions", fileOptions, file.package);
    if (this.comments.size > 0) writer.message(9, this.comments.finish());
    const edition = editionNumbers[file.syntax];
    if (edition !== undefined) writer.string(12, "editions").int(14, edition);
    else if (file.syntax !== "proto2") writer.string(12, file.syntax);
    return Buffer.from(writer.finish());
  }

  /** What files and messages both hold, under different numbers. */
  private writeScope(
    writer: ProtoWriter,
    scope: protobuf.NamespaceBase,
    name: string,
    path: string,
    numbers: { readonly messages: number; readonly enums: number; readonly extensions: number },
    extraMessages: readonly ProtoWriter[] = [],
  ): void {
    const at = (number: number, index: number): string => (path === "" ? `${number},${index}` : `${path},${number},${index}`);
    const nested = scope.nestedArray;
    let index = 0;
    for (const type of nested.filter(isType)) writer.message(numbers.messages, this.message(type, name, at(numbers.messages, index++)));
    for (const extra of extraMessages) writer.message(numbers.messages, extra);
    nested.filter(isEnum).forEach((each, i) => writer.message(numbers.enums, this.enum(each, name, at(numbers.enums, i))));
    nested.filter(isExtension).forEach((field, i) => {
      this.comments.add(at(numbers.extensions, i), field.comment);
      writer.message(numbers.extensions, this.field(field, name, undefined));
    });
  }

  private message(type: protobuf.Type, scope: string, path: string): ProtoWriter {
    const name = join(scope, type.name);
    this.comments.add(path, type.comment);
    const writer = new ProtoWriter().string(1, type.name);
    const oneofs = realOneofsFirst(type);
    const mapEntries: ProtoWriter[] = [];
    // protobufjs adds the extensions of a message to its fields, under names that begin with a dot.
    (type.fieldsArray as Field[])
      .filter((field) => !field.name.startsWith("."))
      .forEach((field, i) => {
        this.comments.add(`${path},2,${i}`, field.comment);
        const oneof = oneofs.findIndex((each) => each.oneof.includes(field.name));
        writer.message(2, this.field(field, name, oneof < 0 ? undefined : oneof));
        if (field.keyType !== undefined) mapEntries.push(this.mapEntry(field, name));
      });
    this.writeScope(writer, type, name, path, { messages: 3, enums: 4, extensions: 6 }, mapEntries);
    const maxNumber = optionsOf(type).some((option) => option["message_set_wire_format"] === true) ? maxMessageSetNumber : maxFieldNumber;
    for (const [start, end] of type.extensions ?? [])
      writer.message(5, new ProtoWriter().int(1, start!).int(2, end === maxFieldNumber ? maxNumber + 1 : end! + 1));
    this.writeOptions(writer, 7, "google.protobuf.MessageOptions", optionsOf(type), name);
    oneofs.forEach((oneof, i) => {
      this.comments.add(`${path},8,${i}`, oneof.comment);
      const each = new ProtoWriter().string(1, oneof.name);
      this.writeOptions(each, 2, "google.protobuf.OneofOptions", optionsOf(oneof), join(name, oneof.name));
      writer.message(8, each);
    });
    for (const reserved of type.reserved ?? [])
      if (typeof reserved === "string") writer.string(10, reserved);
      else writer.message(9, new ProtoWriter().int(1, reserved[0]!).int(2, reserved[1]! + 1));
    return writer;
  }

  private field(field: Field, scope: string, oneof: number | undefined): ProtoWriter {
    const writer = new ProtoWriter().string(1, field.name);
    if (field.extend !== undefined) writer.string(2, this.reference(field.extend, scope));
    writer.int(3, field.id).int(4, labelOf(field));
    if (field.keyType === undefined) this.writeType(writer, field.type, scope);
    else writer.int(5, fieldType.message).string(6, `.${join(scope, mapEntryName(field.name))}`);
    const preset = field.options?.["default"] as unknown;
    if (preset !== undefined) writer.string(7, defaultText(preset, field.type));
    this.writeOptions(writer, 8, "google.protobuf.FieldOptions", optionsOf(field), join(scope, field.name));
    if (oneof !== undefined) writer.int(9, oneof);
    writer.string(10, (field.options?.["json_name"] as string | undefined) ?? lowerCamelCase(field.name));
    if (field.options?.["proto3_optional"] === true) writer.bool(17, true);
    return writer;
  }

  private writeType(writer: ProtoWriter, type: string, scope: string): void {
    const scalar = scalarNumber(type);
    if (scalar !== undefined) {
      writer.int(5, scalar);
      return;
    }
    const found = this.names.type(type, scope);
    // A name that leads nowhere is written as it stands: the schema builder says so, for every source in the same words.
    if (found !== undefined) writer.int(5, found.kind === "group" ? fieldType.group : fieldType[found.kind]);
    writer.string(6, found === undefined ? type : `.${found.name}`);
  }

  private mapEntry(field: Field, scope: string): ProtoWriter {
    const name = mapEntryName(field.name);
    // As protoc does, so that features set on the map hold for its keys and values.
    const features = optionsOf(field).filter((option) => "features" in option);
    const key = new ProtoWriter().string(1, "key").int(3, 1).int(4, 1);
    this.writeType(key, field.keyType!, scope);
    this.writeOptions(key, 8, "google.protobuf.FieldOptions", features, join(scope, name));
    const value = new ProtoWriter().string(1, "value").int(3, 2).int(4, 1);
    this.writeType(value, field.type, scope);
    this.writeOptions(value, 8, "google.protobuf.FieldOptions", features, join(scope, name));
    return new ProtoWriter()
      .string(1, name)
      .message(2, key.string(10, "key"))
      .message(2, value.string(10, "value"))
      .message(7, new ProtoWriter().bool(7, true));
  }

  private enum(type: protobuf.Enum, scope: string, path: string): ProtoWriter {
    const name = join(scope, type.name);
    this.comments.add(path, type.comment);
    const writer = new ProtoWriter().string(1, type.name);
    Object.entries(type.values).forEach(([value, number], i) => {
      this.comments.add(`${path},2,${i}`, (type.comments as Record<string, string | null> | undefined)?.[value]);
      const each = new ProtoWriter().string(1, value).int(2, number);
      const options = (type as { valuesOptions?: Record<string, ParsedOption> }).valuesOptions?.[value];
      this.writeOptions(each, 3, "google.protobuf.EnumValueOptions", options === undefined ? [] : [options], join(scope, value));
      writer.message(2, each);
    });
    this.writeOptions(writer, 3, "google.protobuf.EnumOptions", optionsOf(type), name);
    for (const reserved of type.reserved ?? [])
      if (typeof reserved === "string") writer.string(5, reserved);
      else writer.message(4, new ProtoWriter().int(1, reserved[0]!).int(2, reserved[1]!));
    return writer;
  }

  private service(service: protobuf.Service, path: string): ProtoWriter {
    const name = join(this.file.package, service.name);
    this.comments.add(path, service.comment);
    const writer = new ProtoWriter().string(1, service.name);
    service.methodsArray.forEach((method, i) => {
      this.comments.add(`${path},2,${i}`, method.comment);
      const each = new ProtoWriter()
        .string(1, method.name)
        .string(2, this.reference(method.requestType, name))
        .string(3, this.reference(method.responseType, name));
      this.writeOptions(each, 4, "google.protobuf.MethodOptions", optionsOf(method), join(name, method.name));
      if (method.requestStream === true) each.bool(5, true);
      if (method.responseStream === true) each.bool(6, true);
      writer.message(2, each);
    });
    this.writeOptions(writer, 3, "google.protobuf.ServiceOptions", optionsOf(service), name);
    return writer;
  }

  private reference(type: string, scope: string): string {
    const found = this.names.type(type, scope);
    return found === undefined ? type : `.${found.name}`;
  }

  private writeOptions(writer: ProtoWriter, field: number, message: string, options: readonly ParsedOption[], scope: string): void {
    if (this.options === undefined || options.length === 0) return;
    writer.message(field, this.options.write(message, options, { file: this.file.name, scope }));
  }
}

function optionsOf(object: protobuf.ReflectionObject): readonly ParsedOption[] {
  const parsed = (object.parsedOptions ?? []) as readonly ParsedOption[];
  return parsed.filter((option) => !Object.keys(option).every((name) => notOptions.has(name)));
}

function labelOf(field: Field): number {
  // Not field.repeated and field.required, which are about features and known only after resolving.
  const { rule } = field as { rule?: string };
  if (field.keyType !== undefined || rule === "repeated") return 3;
  return rule === "required" ? 2 : 1;
}

/** protoc puts the oneofs that stand for `optional` last. */
function realOneofsFirst(type: protobuf.Type): protobuf.OneOf[] {
  const isSynthetic = (oneof: protobuf.OneOf): boolean =>
    oneof.fieldsArray.length === 1 && oneof.fieldsArray[0]!.options?.["proto3_optional"] === true;
  return [...type.oneofsArray.filter((each) => !isSynthetic(each)), ...type.oneofsArray.filter(isSynthetic)];
}

/** protoc's MapEntryName: "parts_by_id" -> "PartsByIdEntry". */
function mapEntryName(field: string): string {
  const camel = lowerCamelCase(field);
  return `${camel.charAt(0).toUpperCase()}${camel.slice(1)}Entry`;
}

function defaultText(value: unknown, type: string): string {
  if (type === "bytes") return escapeBytes(bytesOfLiteral(String(value)));
  if (value === Infinity) return "inf";
  if (value === -Infinity) return "-inf";
  return Number.isNaN(value) ? "nan" : String(value);
}

const escapes: Readonly<Record<number, string>> = { 9: "\\t", 10: "\\n", 13: "\\r", 34: '\\"', 39: "\\'", 92: "\\\\" };

function escapeBytes(bytes: Uint8Array): string {
  let text = "";
  for (const byte of bytes)
    text += escapes[byte] ?? (byte >= 32 && byte < 127 ? String.fromCharCode(byte) : `\\${byte.toString(8).padStart(3, "0")}`);
  return text;
}

function isType(object: protobuf.ReflectionObject): object is protobuf.Type {
  return "fieldsArray" in object && "oneofsArray" in object;
}

function isEnum(object: protobuf.ReflectionObject): object is protobuf.Enum {
  return "values" in object && "valuesById" in object;
}

function isService(object: protobuf.ReflectionObject): object is protobuf.Service {
  return "methodsArray" in object;
}

function isExtension(object: protobuf.ReflectionObject): object is Field {
  return "extend" in object && "id" in object;
}
