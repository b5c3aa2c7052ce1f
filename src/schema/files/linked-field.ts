/** A field as the codec and the documentation see it: features resolved, references followed. */
import type { FieldDescriptor, ScalarType, ValueType } from "../descriptor.ts";
import { fieldPresence, inherit, messageEncoding, repeatedFieldEncoding, utf8Validation, type ResolvedFeatures } from "./features.ts";
import { fieldType, scalarOf } from "./field-types.ts";
import type { FieldProto, MessageProto } from "./file-descriptor.ts";
import type { LinkedTypes } from "./linked-types.ts";
import { readFieldOptions } from "./options.ts";
import type { FileScope, MessageSymbol } from "./symbol-table.ts";

/** Where a field stands: its message, or for an extension the scope it was written in. */
interface FieldPlace {
  readonly file: FileScope;
  readonly path: string;
  readonly features: ResolvedFeatures;
  /** Set for an extension: its full name in brackets. */
  readonly extensionName?: string;
  readonly message?: MessageProto;
}

export class LinkedField implements FieldDescriptor {
  readonly name: string;
  readonly jsonName: string;
  readonly number: number;
  readonly cardinality: FieldDescriptor["cardinality"];
  readonly value: ValueType;
  readonly key: { readonly scalar: ScalarType; readonly validateUtf8: boolean } | undefined;
  readonly packed: boolean;
  readonly explicitPresence: boolean;
  readonly required: boolean;
  readonly oneof: string | undefined;
  readonly behaviors: readonly string[];
  readonly deprecated: boolean;
  readonly redact: boolean;
  readonly #file: FileScope;
  readonly #path: string;

  constructor(proto: FieldProto, place: FieldPlace, types: LinkedTypes) {
    const options = readFieldOptions(proto.options.bytes);
    const oneof = proto.oneofIndex === undefined ? undefined : place.message?.oneofs[proto.oneofIndex];
    const features = fieldFeatures(proto, options.packed, inherit(place.features, oneof?.options.features));
    const entry = mapEntry(proto, types);
    const repeated = proto.label === 3;
    this.name = place.extensionName ?? proto.name;
    this.jsonName = place.extensionName ?? (proto.jsonName || lowerCamelCase(proto.name));
    this.number = proto.number;
    this.cardinality = entry !== undefined ? "map" : repeated ? "repeated" : "singular";
    this.value = entry === undefined ? valueType(proto, features, types) : mapValue(entry, types);
    this.key = entry === undefined ? undefined : mapKey(entry);
    this.packed =
      this.cardinality === "repeated" && isPackable(this.value) && features.repeatedFieldEncoding === repeatedFieldEncoding.packed;
    this.oneof = proto.proto3Optional ? undefined : oneof?.name;
    this.required = features.fieldPresence === fieldPresence.legacyRequired && !repeated;
    this.explicitPresence =
      !repeated &&
      (features.fieldPresence !== fieldPresence.implicit ||
        oneof !== undefined ||
        this.value.kind === "message" ||
        place.extensionName !== undefined);
    this.behaviors = options.behaviors;
    this.deprecated = proto.options.deprecated;
    this.redact = options.redact;
    this.#file = place.file;
    this.#path = place.path;
  }

  get comment(): string | undefined {
    return this.#file.comments.at(this.#path);
  }
}

/** The features that syntax stands for (required, proto3 optional, group, packed), then those the options set. */
function fieldFeatures(proto: FieldProto, packed: boolean | undefined, parent: ResolvedFeatures): ResolvedFeatures {
  const features = { ...parent, ...proto.options.features };
  if (proto.label === 2) features.fieldPresence = fieldPresence.legacyRequired;
  else if (proto.proto3Optional) features.fieldPresence = fieldPresence.explicit;
  if (proto.type === fieldType.group) features.messageEncoding = messageEncoding.delimited;
  if (packed !== undefined) features.repeatedFieldEncoding = packed ? repeatedFieldEncoding.packed : repeatedFieldEncoding.expanded;
  return features;
}

function valueType(proto: FieldProto, features: ResolvedFeatures, types: LinkedTypes): ValueType {
  const scalar = scalarOf(proto.type);
  if (scalar !== undefined)
    return { kind: "scalar", scalar, validateUtf8: scalar === "string" && features.utf8Validation === utf8Validation.verify };
  const target = types.table.type(proto.typeName)!;
  if (target.kind === "enum") return { kind: "enum", enum: types.enumOf(target) };
  return { kind: "message", message: types.messageOf(target), delimited: features.messageEncoding === messageEncoding.delimited };
}

function mapEntry(proto: FieldProto, types: LinkedTypes): MessageSymbol | undefined {
  if (proto.label !== 3 || scalarOf(proto.type) !== undefined) return undefined;
  const target = types.table.message(proto.typeName);
  return target?.mapEntry === true ? target : undefined;
}

function mapKey(entry: MessageSymbol): NonNullable<FieldDescriptor["key"]> {
  const proto = entry.proto.fields.find((field) => field.number === 1)!;
  const features = fieldFeatures(proto, undefined, entry.features);
  const scalar = scalarOf(proto.type)!;
  return { scalar, validateUtf8: scalar === "string" && features.utf8Validation === utf8Validation.verify };
}

/** Map entries and their values are always length-prefixed. */
function mapValue(entry: MessageSymbol, types: LinkedTypes): ValueType {
  const proto = entry.proto.fields.find((field) => field.number === 2)!;
  const features = fieldFeatures(proto, undefined, entry.features);
  return valueType(proto, { ...features, messageEncoding: messageEncoding.lengthPrefixed }, types);
}

function isPackable(value: ValueType): boolean {
  return value.kind === "enum" || (value.kind === "scalar" && value.scalar !== "string" && value.scalar !== "bytes");
}

/** The default `json_name` (protoc's ToJsonName): underscores go, the letter after one is upper case. */
export function lowerCamelCase(name: string): string {
  if (!name.includes("_")) return name;
  let text = "";
  let upper = false;
  for (const letter of name) {
    if (letter === "_") upper = true;
    else {
      text += upper ? letter.toUpperCase() : letter;
      upper = false;
    }
  }
  return text;
}
