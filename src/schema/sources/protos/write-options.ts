/**
 * Options as protobufjs parsed them -> a serialized options message, custom options by the extension's own definition.
 *
 * The trap: protobufjs gives a repeated message field that occurs once as an object, several times as a list; both are taken for either.
 */
import type { FieldDescriptor, MessageDescriptor, ScalarType } from "../../descriptor.ts";
import { ProtoWriter } from "../../files/proto-writer.ts";
import { SchemaError } from "../../files/schema-error.ts";
import type { LinkedTypes } from "../../files/linked-types.ts";
import type { TypeNames } from "./type-names.ts";

/** One `option name = value`, in order: {"(pkg.ext)": {...}} or {"deprecated": true}. */
export type ParsedOption = Readonly<Record<string, unknown>>;

/** Where an option stands, for resolving its name and for messages about it. */
export interface OptionPlace {
  readonly file: string;
  /** Full name of the element: its scope for names. */
  readonly scope: string;
}

export class OptionWriter {
  private readonly types: LinkedTypes;
  private readonly names: TypeNames;

  constructor(types: LinkedTypes, names: TypeNames) {
    this.types = types;
    this.names = names;
  }

  /** @param message "google.protobuf.MethodOptions" @throws SchemaError for an option that is not defined, or a value that does not fit. */
  write(message: string, options: readonly ParsedOption[], place: OptionPlace): ProtoWriter {
    const writer = new ProtoWriter();
    const descriptor = this.types.message(message)!;
    for (const option of options)
      for (const [name, value] of Object.entries(option)) this.writeOption(writer, descriptor, name, value, place);
    return writer;
  }

  /** `name` is "deprecated", "(pkg.ext)" or, from a flat list, "(pkg.ext).field.field". */
  private writeOption(writer: ProtoWriter, message: MessageDescriptor, name: string, value: unknown, place: OptionPlace): void {
    const [first, rest] = splitName(name);
    const inner = rest === "" ? value : nest(rest.split("."), value);
    const field = this.fieldOf(message, first, place);
    if (field === undefined)
      throw new SchemaError(
        `${place.file}: option ${first} of ${place.scope === "" ? "the file" : place.scope} is not defined in any import`,
      );
    this.writeField(writer, field, inner, name, place);
  }

  private fieldOf(message: MessageDescriptor, name: string, place: OptionPlace): FieldDescriptor | undefined {
    if (!name.startsWith("(") && !name.startsWith("[")) return message.fields.find((field) => field.name === name);
    const full = this.names.extension(name.slice(1, -1), place.scope);
    return message.extensions.find((field) => field.name === `[${full}]`);
  }

  private writeField(writer: ProtoWriter, field: FieldDescriptor, value: unknown, path: string, place: OptionPlace): void {
    if (field.cardinality === "singular") this.writeValue(writer, field, value, path, place);
    else for (const each of Array.isArray(value) ? (value as unknown[]) : [value]) this.writeElement(writer, field, each, path, place);
  }

  private writeElement(writer: ProtoWriter, field: FieldDescriptor, value: unknown, path: string, place: OptionPlace): void {
    if (field.cardinality === "repeated") this.writeValue(writer, field, value, path, place);
    else this.writeMapEntry(writer, field, value, path, place);
  }

  /** In text an entry of a map is written {key: ... value: ...}. */
  private writeMapEntry(writer: ProtoWriter, field: FieldDescriptor, value: unknown, path: string, place: OptionPlace): void {
    const { key, value: mapped } = objectOf(value, path, place);
    const entry = new ProtoWriter();
    if (key !== undefined) writeScalar(entry, 1, field.key!.scalar, key, path, place);
    if (mapped !== undefined) this.writeValue(entry, { ...field, number: 2, value: field.value }, mapped, path, place);
    writer.message(field.number, entry);
  }

  private writeValue(writer: ProtoWriter, field: FieldDescriptor, value: unknown, path: string, place: OptionPlace): void {
    const { value: type, number } = field;
    if (type.kind === "scalar") writeScalar(writer, number, type.scalar, value, path, place);
    else if (type.kind === "enum") {
      const match = type.enum.values.find((each) => each.name === value || each.number === value);
      if (match === undefined && typeof value !== "number") throw unfit(value, `a value of ${type.enum.name}`, path, place);
      writer.int(number, match?.number ?? (value as number));
    } else {
      const content = this.writeMessage(type.message, objectOf(value, path, place), path, place);
      if (type.delimited) writer.group(number, content);
      else writer.message(number, content);
    }
  }

  private writeMessage(message: MessageDescriptor, object: ParsedOption, path: string, place: OptionPlace): ProtoWriter {
    const writer = new ProtoWriter();
    for (const [name, value] of Object.entries(object)) {
      if (message.name === "google.protobuf.Any" && name.includes("/")) {
        this.writeAny(writer, name.slice(1, -1), value, path, place);
        continue;
      }
      const field = this.fieldOf(message, name, place);
      if (field === undefined)
        throw new SchemaError(`${place.file}: option ${path} of ${place.scope}: ${message.name} has no field ${name}`);
      this.writeField(writer, field, value, `${path}.${name}`, place);
    }
    return writer;
  }

  private writeAny(writer: ProtoWriter, url: string, value: unknown, path: string, place: OptionPlace): void {
    const name = url.slice(url.lastIndexOf("/") + 1);
    const message = this.types.message(name);
    if (message === undefined)
      throw new SchemaError(`${place.file}: option ${path} of ${place.scope}: ${name} is not defined in any import`);
    writer.string(1, url).message(2, this.writeMessage(message, objectOf(value, path, place), path, place));
  }
}

/** "(a.b).c.d" -> "(a.b)" and "c.d"; "features.x" -> "features" and "x". */
function splitName(name: string): [first: string, rest: string] {
  const end = name.startsWith("(") ? name.indexOf(")") + 1 : name.indexOf(".");
  return end <= 0 || end === name.length ? [name, ""] : [name.slice(0, end), name.slice(end).replace(/^\./, "")];
}

function nest(path: readonly string[], value: unknown): unknown {
  return path.reduceRight((inner, name) => ({ [name]: inner }), value);
}

function objectOf(value: unknown, path: string, place: OptionPlace): ParsedOption {
  if (typeof value !== "object" || value === null || Array.isArray(value)) throw unfit(value, "a message", path, place);
  return value as ParsedOption;
}

function writeScalar(writer: ProtoWriter, field: number, scalar: ScalarType, value: unknown, path: string, place: OptionPlace): void {
  switch (scalar) {
    case "string":
      writer.string(field, literalText(value, "a string", path, place));
      return;
    case "bytes":
      writer.bytes(field, bytesOfLiteral(literalText(value, "bytes", path, place)));
      return;
    case "bool":
      if (typeof value !== "boolean") throw unfit(value, "true or false", path, place);
      writer.bool(field, value);
      return;
    case "double":
    case "float":
      if (typeof value !== "number") throw unfit(value, "a number", path, place);
      writer[scalar](field, value);
      return;
    default:
      if (typeof value !== "number" || !Number.isInteger(value)) throw unfit(value, "a whole number", path, place);
      writeInteger(writer, field, scalar, BigInt(value));
  }
}

/** An identifier or number where text is wanted is taken as it stands: protobufjs does not tell them from strings everywhere. */
function literalText(value: unknown, wanted: string, path: string, place: OptionPlace): string {
  if (typeof value === "string" || typeof value === "number" || typeof value === "boolean") return String(value);
  throw unfit(value, wanted, path, place);
}

function writeInteger(writer: ProtoWriter, field: number, scalar: ScalarType, value: bigint): void {
  switch (scalar) {
    case "sint32":
    case "sint64":
      writer.int(field, value < 0n ? -2n * value - 1n : 2n * value);
      return;
    case "fixed32":
    case "sfixed32":
      writer.fixed32(field, value);
      return;
    case "fixed64":
    case "sfixed64":
      writer.fixed64(field, value);
      return;
    default:
      writer.int(field, value);
  }
}

/** Escapes of a literal arrive as characters below 256; what is above was written as text. */
export function bytesOfLiteral(text: string): Uint8Array {
  for (let i = 0; i < text.length; i++) if (text.charCodeAt(i) > 0xff) return Buffer.from(text, "utf8");
  return Buffer.from(text, "latin1");
}

function unfit(value: unknown, wanted: string, path: string, place: OptionPlace): SchemaError {
  return new SchemaError(`${place.file}: option ${path} of ${place.scope} must be ${wanted}, not ${JSON.stringify(value)}`);
}
