/**
 * What a REST backend sends back -> messages of the method's response type, as the http rule says: the whole message, one field of it, or a raw body.
 *
 * JSON is read leniently: fields the schema does not have are skipped, `null` is an empty message, a byte order mark is nothing.
 */
import { CallError } from "../../../core/call-error.ts";
import { CodecError, type JsonProfile } from "../../../core/message-type.ts";
import { Payload } from "../../../core/payload.ts";
import type { Binder } from "../../../schema/binding/binder.ts";
import { findField } from "../../../schema/binding/field-path.ts";
import { encodeHttpBody } from "../../../schema/binding/http-body.ts";
import { wrapIn, wrappingOf } from "../../../schema/binding/parameter.ts";
import { WireWriter } from "../../../schema/binding/wire-writer.ts";
import type { FieldAwareCodec } from "../../../schema/codec/codec-factory.ts";
import type { MessageDescriptor } from "../../../schema/descriptor.ts";

const empty = new Uint8Array(0);
const nullText = /^\s*null\s*$/;

export class AnswerReader {
  /** The answer's body is taken as it is. */
  readonly raw: boolean;
  private readonly rule: Binder;
  private readonly type: MessageDescriptor;
  private readonly codec: FieldAwareCodec;

  constructor(rule: Binder, json: JsonProfile) {
    this.rule = rule;
    this.raw = rule.rawResponse;
    this.type = rule.method.output;
    this.codec = this.type.codec({ ...json, ignoreUnknown: true }) as FieldAwareCodec;
  }

  /** @throws CallError UPSTREAM_MESSAGE */
  ofJson(body: Uint8Array): Payload {
    const json = withoutMark(body);
    if (json.length === 0 || (json.length < 16 && nullText.test(Buffer.from(json).toString("latin1")))) return this.ofNothing();
    const { responseField } = this.rule;
    try {
      const wire = responseField === undefined ? this.codec.jsonToWire(json) : this.codec.fieldJsonToWire(responseField, json);
      return Payload.ofWire(this.type, Uint8Array.from(wire));
    } catch (error) {
      if (!(error instanceof CodecError)) throw error;
      const place = error.path === "" ? "" : `${error.path}: `;
      const message = `the upstream's answer is not a ${this.type.name}: ${place}${error.message} (at byte ${error.offset})`;
      throw new CallError("UPSTREAM_MESSAGE", message, { source: "upstream", cause: error });
    }
  }

  ofRaw(contentType: string | undefined, data: Uint8Array): Payload {
    const body = encodeHttpBody({ contentType: contentType ?? "", data });
    const { responseField } = this.rule;
    if (responseField === undefined) return Payload.ofWire(this.type, body);
    const out = new WireWriter(body.length + 32);
    out.raw(body);
    wrapIn([wrappingOf(responseField)], 0, out);
    return Payload.ofWire(this.type, out.written());
  }

  ofNothing(): Payload {
    return Payload.ofWire(this.type, empty);
  }

  /** The response type has a field of this name, so that a member of it means that field. */
  hasMember(name: string): boolean {
    const { responseField } = this.rule;
    if (responseField === undefined) return findField(this.type, name) !== undefined;
    return responseField.value.kind !== "message" || findField(responseField.value.message, name) !== undefined;
  }
}

function withoutMark(bytes: Uint8Array): Uint8Array {
  return bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf ? bytes.subarray(3) : bytes;
}
