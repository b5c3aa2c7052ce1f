/**
 * One field as the target of a path variable or query parameter: its text becomes one occurrence of the field on the wire.
 *
 * Every occurrence is written on its own, wrapped in its ancestors: `a.b=1&a.c=2` becomes two fields `a`. So parameters are appended to a
 * body without reading it; who takes the result merges the messages (merge-messages.ts).
 */
import { CallError } from "../../core/call-error.ts";
import { CodecError } from "../../core/message-type.ts";
import type { EnumDescriptor, FieldDescriptor, MessageDescriptor, ScalarType, ValueType } from "../descriptor.ts";
import type { EnumProfile } from "../codec/enum-names.ts";
import { writeUint32 } from "../codec/wire-write.ts";
import { decodeInto, DecodeFault, isPlain, Keep } from "../percent-decoding.ts";
import type { FieldPath } from "./field-path.ts";
import { enumExpectation, expectationOf, writeEnum, writeScalar } from "./scalar-text.ts";
import type { WireWriter } from "./wire-writer.ts";

/** How a value is written as text. */
type Form =
  | { readonly kind: "string" }
  | { readonly kind: "scalar"; readonly scalar: ScalarType }
  | { readonly kind: "enum"; readonly enum: EnumDescriptor; readonly profile: EnumProfile }
  | { readonly kind: "wrapper"; readonly tag: Uint8Array; readonly inner: Form }
  | { readonly kind: "field-mask" }
  /** Timestamp and Duration: the text is a JSON string; Value, Struct and ListValue: it is JSON. */
  | { readonly kind: "json"; readonly message: MessageDescriptor; readonly quoted: boolean; readonly expectation: string };

/** Where a text stands: it says how it decodes, and how errors call it. */
export type Origin = "query parameter" | "form field" | "path variable" | "Last-Event-ID for";

/** How a field stands around its value on the wire. */
export interface Wrapping {
  readonly tag: Uint8Array;
  /** Set for group encoding. */
  readonly endTag: Uint8Array | undefined;
}

export class Parameter {
  /** Dotted, in proto names. */
  readonly path: string;
  readonly field: FieldDescriptor;
  /** Members of oneofs on the way, the field itself included: [oneof, member]. */
  readonly oneofs: readonly (readonly [string, number])[];
  /** Numbers of the ancestors and the field, outermost first. */
  readonly numbers: readonly number[];
  private readonly form: Form;
  private readonly own: Wrapping;
  private readonly entry: { readonly keyTag: Uint8Array; readonly valueTag: Uint8Array; readonly keyScalar: ScalarType } | undefined;
  /** Innermost first. */
  private readonly ancestors: readonly Wrapping[];

  private constructor({ ancestors, field, text }: FieldPath, form: Form) {
    this.path = text;
    this.field = field;
    this.form = form;
    this.own = wrappingOf(field);
    this.ancestors = ancestors.map(wrappingOf).reverse();
    this.oneofs = oneofsOf([...ancestors, field]);
    this.numbers = [...ancestors, field].map(({ number }) => number);
    if (field.key !== undefined)
      this.entry = {
        keyTag: tagBytes(1, wireTypeOfScalar(field.key.scalar)),
        valueTag: tagBytes(2, wireTypeOf(field.value)),
        keyScalar: field.key.scalar,
      };
  }

  /** The parameter for a field, or undefined when its values have no text: messages without a JSON string form. */
  static of(path: FieldPath, profile: EnumProfile): Parameter | undefined {
    const form = formOf(path.field.value, profile);
    return form === undefined ? undefined : new Parameter(path, form);
  }

  /** A singular string of the message itself: its tag; the binder has a shorter way for it. */
  get plainStringTag(): Uint8Array | undefined {
    const plain = this.form.kind === "string" && this.ancestors.length === 0 && this.field.cardinality === "singular";
    return plain ? this.own.tag : undefined;
  }

  /** The value is a message, of which an earlier occurrence would be merged in instead of being replaced. */
  get merges(): boolean {
    return this.field.cardinality === "singular" && this.field.value.kind === "message";
  }

  /** The text of the value is JSON and not its string form: for the query, but not for a path. */
  get isJson(): boolean {
    return this.form.kind === "json" && !this.form.quoted;
  }

  /** Writes one occurrence with the value of `raw`, which is percent-encoded. @throws CallError */
  write(raw: string, origin: Origin, keep: Keep, out: WireWriter): void {
    const start = out.at;
    out.raw(this.own.tag);
    const content = out.at;
    this.writeValue(this.form, raw, origin, keep, out);
    this.close(this.own, this.form, content, out);
    wrapIn(this.ancestors, start, out);
  }

  /** Writes one entry of a map. `key` is decoded already. @throws CallError */
  writeEntry(key: string, raw: string, origin: Origin, out: WireWriter): void {
    const { keyTag, valueTag, keyScalar } = this.entry!;
    const start = out.at;
    out.raw(this.own.tag);
    const content = out.at;
    out.raw(keyTag);
    if (!writeScalar(keyScalar, key, out)) this.refuse(origin, `must have a key that is ${expectationOf(keyScalar)}`);
    out.raw(valueTag);
    const value = out.at;
    this.writeValue(this.form, raw, origin, Keep.NOTHING, out);
    if (isMessage(this.form)) out.insertLength(value);
    out.insertLength(content);
    wrapIn(this.ancestors, start, out);
  }

  /** @throws CallError INVALID_PARAMETER: the parameter `must` ... */
  refuse(origin: Origin, must: string): never {
    throw invalidParameter(this.path, `${origin} ${JSON.stringify(this.path)} ${must}`);
  }

  private writeValue(form: Form, raw: string, origin: Origin, keep: Keep, out: WireWriter): void {
    if (form.kind === "string") {
      const fault = out.decoded(raw, origin !== "path variable", keep);
      if (fault !== 0) this.refuse(origin, faultText(fault));
      return;
    }
    const text = this.textOf(raw, origin, keep, out);
    switch (form.kind) {
      case "scalar":
        if (!writeScalar(form.scalar, text, out)) this.refuse(origin, `must be ${expectationOf(form.scalar)}`);
        return;
      case "enum":
        if (!writeEnum(form.enum, form.profile, text, out))
          this.refuse(origin, `must be ${enumExpectation(form.enum, form.profile, text)}`);
        return;
      case "wrapper":
        out.raw(form.tag);
        this.writeValue(form.inner, raw, origin, keep, out);
        return;
      case "field-mask":
        if (!writeFieldMask(text, out)) this.refuse(origin, "must be names of fields, separated by commas");
        return;
      case "json":
        this.writeJson(form, text, origin, out);
    }
  }

  private writeJson(form: Form & { kind: "json" }, text: string, origin: Origin, out: WireWriter): void {
    let wire: Uint8Array;
    try {
      wire = form.message.codec().jsonToWire(Buffer.from(form.quoted ? JSON.stringify(text) : text));
    } catch (error) {
      if (!(error instanceof CodecError)) throw error;
      throw invalidParameter(this.path, `${origin} ${JSON.stringify(this.path)} must be ${form.expectation}`, error);
    }
    out.raw(wire);
  }

  private textOf(raw: string, origin: Origin, keep: Keep, out: WireWriter): string {
    const plusIsSpace = origin !== "path variable";
    if (isPlain(raw, plusIsSpace)) return raw;
    out.reserve(raw.length);
    const end = decodeInto(raw, plusIsSpace, keep, out.bytes, out.at);
    if (end < 0) this.refuse(origin, faultText(end));
    return out.bytes.toString("utf8", out.at, end);
  }

  private close(wrapping: Wrapping, form: Form, content: number, out: WireWriter): void {
    if (wrapping.endTag !== undefined) out.raw(wrapping.endTag);
    else if (isMessage(form)) out.insertLength(content);
  }
}

/** Makes what was written since `start` the content of `wrappings`, innermost first. */
export function wrapIn(wrappings: readonly Wrapping[], start: number, out: WireWriter): void {
  for (let index = 0; index < wrappings.length; index++) {
    const { tag, endTag } = wrappings[index]!;
    if (endTag === undefined) out.insertLength(start);
    else out.raw(endTag);
    out.insert(start, tag);
  }
}

export function invalidParameter(field: string, message: string, cause?: unknown): CallError {
  return new CallError("INVALID_PARAMETER", message, { source: "caller", violations: [{ field, description: message }], cause });
}

function faultText(fault: number): string {
  return fault === DecodeFault.MALFORMED ? "holds a malformed percent escape" : "is not UTF-8";
}

function formOf(value: ValueType, profile: EnumProfile): Form | undefined {
  if (value.kind === "enum") return { kind: "enum", enum: value.enum, profile };
  if (value.kind === "scalar") return value.scalar === "string" ? { kind: "string" } : { kind: "scalar", scalar: value.scalar };
  const { message } = value;
  if (!message.name.startsWith("google.protobuf.")) return undefined;
  const json = (quoted: boolean, expectation: string): Form => ({ kind: "json", message, quoted, expectation });
  switch (message.name.slice("google.protobuf.".length)) {
    case "Timestamp":
      return json(true, "a time as in RFC 3339, such as 2026-01-31T12:00:00Z");
    case "Duration":
      return json(true, 'seconds followed by "s", such as 1.5s');
    case "FieldMask":
      return { kind: "field-mask" };
    case "Value":
      return json(false, "JSON");
    case "Struct":
      return json(false, "a JSON object");
    case "ListValue":
      return json(false, "a JSON array");
    case "DoubleValue":
    case "FloatValue":
    case "Int64Value":
    case "UInt64Value":
    case "Int32Value":
    case "UInt32Value":
    case "BoolValue":
    case "StringValue":
    case "BytesValue": {
      const wrapped = message.fields[0]!.value;
      return { kind: "wrapper", tag: tagBytes(1, wireTypeOf(wrapped)), inner: formOf(wrapped, profile)! };
    }
    default:
      return undefined;
  }
}

function isMessage(form: Form): boolean {
  return form.kind === "wrapper" || form.kind === "field-mask" || form.kind === "json";
}

/** JSON spells the names in lowerCamelCase; people and other gateways also send them as they are in the .proto file. */
function writeFieldMask(text: string, out: WireWriter): boolean {
  if (text === "") return true;
  for (const path of text.split(",")) {
    if (!/^[A-Za-z_][\w.]*$/.test(path)) return false;
    out.raw(fieldMaskPathTag);
    out.prefixed(Buffer.from(path.replace(/[A-Z]/g, (letter) => "_" + letter.toLowerCase())));
  }
  return true;
}

export const fieldMaskPathTag: Uint8Array = tagBytes(1, 2);

export function oneofsOf(fields: readonly FieldDescriptor[]): (readonly [string, number])[] {
  const oneofs: (readonly [string, number])[] = [];
  let prefix = "";
  for (const field of fields) {
    if (field.oneof !== undefined) oneofs.push([prefix + field.oneof, field.number]);
    prefix += field.name + ".";
  }
  return oneofs;
}

export function wrappingOf(field: FieldDescriptor): Wrapping {
  const delimited = field.cardinality !== "map" && field.value.kind === "message" && field.value.delimited;
  if (!delimited) return { tag: tagBytes(field.number, field.cardinality === "map" ? 2 : wireTypeOf(field.value)), endTag: undefined };
  return { tag: tagBytes(field.number, 3), endTag: tagBytes(field.number, 4) };
}

export function tagBytes(number: number, wireType: number): Uint8Array {
  const bytes = new Uint8Array(5);
  return bytes.slice(0, writeUint32(bytes, ((number << 3) | wireType) >>> 0, 0));
}

function wireTypeOf(value: ValueType): number {
  return value.kind === "enum" ? 0 : value.kind === "message" ? 2 : wireTypeOfScalar(value.scalar);
}

function wireTypeOfScalar(scalar: ScalarType): number {
  switch (scalar) {
    case "double":
    case "fixed64":
    case "sfixed64":
      return 1;
    case "string":
    case "bytes":
      return 2;
    case "float":
    case "fixed32":
    case "sfixed32":
      return 5;
    case "int64":
    case "uint64":
    case "int32":
    case "uint32":
    case "sint32":
    case "sint64":
    case "bool":
      return 0;
  }
}
