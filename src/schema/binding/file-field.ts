/**
 * A part of a form onto a field without going through text: files to `bytes` and `google.api.HttpBody`, JSON to messages.
 *
 * The trap: a text part for a `bytes` field is base64, as in a query; only what its sender calls a file is taken as it is.
 */
import { CodecError, type JsonProfile } from "../../core/message-type.ts";
import type { FieldDescriptor, ValueType } from "../descriptor.ts";
import { errorOfCodec } from "./codec-error.ts";
import type { FieldPath } from "./field-path.ts";
import { isFile, isJsonType, type FormPart } from "./form-part.ts";
import { encodeHttpBody, isHttpBody } from "./http-body.ts";
import { oneofsOf, tagBytes, wrapIn, wrappingOf } from "./parameter.ts";
import type { WireWriter } from "./wire-writer.ts";

export class FileField {
  readonly field: FieldDescriptor;
  /** Dotted, in proto names. */
  readonly path: string;
  readonly oneofs: readonly (readonly [string, number])[];
  /** Numbers of the ancestors and the field, outermost first. */
  readonly numbers: readonly number[];
  private readonly ancestors: readonly FieldDescriptor[];

  private readonly profile: JsonProfile;

  private constructor({ field, text, ancestors }: FieldPath, profile: JsonProfile) {
    this.profile = profile;
    this.field = field;
    this.path = text;
    this.ancestors = ancestors;
    this.oneofs = oneofsOf([...ancestors, field]);
    this.numbers = [...ancestors, field].map(({ number }) => number);
  }

  /** Undefined: the part is text for this field. */
  static of(path: FieldPath, part: FormPart, profile: JsonProfile): FileField | undefined {
    const { cardinality, value } = path.field;
    if (cardinality === "map") return undefined;
    const taken = isHttpBody(value) || (isFile(part) && (isBytes(value) || (value.kind === "message" && isJsonType(part.contentType))));
    return taken ? new FileField(path, profile) : undefined;
  }

  /** The field holds the bytes of a file, and not a message that it describes. */
  get holdsBytes(): boolean {
    return isHttpBody(this.field.value) || isBytes(this.field.value);
  }

  /** Writes one occurrence. @throws CallError when JSON does not fit */
  write(part: FormPart, out: WireWriter): void {
    const { value } = this.field;
    const start = out.at;
    const { tag, endTag } = wrappingOf(this.field);
    out.raw(tag);
    if (value.kind === "scalar") out.prefixed(part.data);
    else {
      const content = out.at;
      this.writeMessage(part, out);
      if (endTag === undefined) out.insertLength(content);
      else out.raw(endTag);
    }
    wrapIn(this.ancestors.map(wrappingOf).reverse(), start, out);
  }

  private writeMessage(part: FormPart, out: WireWriter): void {
    const { value } = this.field;
    if (value.kind !== "message") return;
    if (isHttpBody(value)) out.raw(encodeHttpBody({ contentType: part.contentType, data: part.data }));
    else if (isBytes(value)) {
      out.raw(tagBytes(1, 2));
      out.prefixed(part.data);
    } else {
      try {
        out.raw(value.message.codec(this.profile).jsonToWire(part.data));
      } catch (error) {
        throw error instanceof CodecError ? errorOfCodec(error, value.message, this.path) : error;
      }
    }
  }
}

function isBytes(value: ValueType): boolean {
  if (value.kind === "scalar") return value.scalar === "bytes";
  return value.kind === "message" && value.message.name === "google.protobuf.BytesValue";
}
