/**
 * Makes the codec of a message type: compiled where code may be generated from strings, interpreted elsewhere.
 *
 * The compiled codec only knows right, usual input. Whatever else it meets, it gives up, and the interpreter runs over the same input from the
 * start: to read it after all, or to say what is wrong with it. DRAGOMAN_CODEC=interpreted leaves the compiled one out.
 */
import type { Codec, JsonProfile } from "../../core/message-type.ts";
import type { FieldDescriptor, MessageDescriptor } from "../descriptor.ts";
import { CompiledCodec } from "./compiled-codec.ts";
import { InterpretedCodec } from "./interpreted-codec.ts";
import type { TypeResolver } from "./type-resolver.ts";

export interface FieldAwareCodec extends Codec {
  /** JSON of one field's value (`body: "field"` of an http rule) -> the message that holds just that field. `null` is no value: an empty message. */
  fieldJsonToWire(field: FieldDescriptor, json: Uint8Array): Uint8Array;
  /** The message -> JSON of that one field's value (`response_body`). A field that is not set prints its default: `{}` for a message. */
  fieldWireToJson(field: FieldDescriptor, wire: Uint8Array): Uint8Array;
}

const compiles = process.env["DRAGOMAN_CODEC"] !== "interpreted" && mayGenerateCode();

/** Node's --disallow-code-generation-from-strings forbids it. */
function mayGenerateCode(): boolean {
  try {
    // eslint-disable-next-line @typescript-eslint/no-implied-eval -- constant text
    new Function("return 1");
    return true;
  } catch {
    return false;
  }
}

export function createCodec(type: MessageDescriptor, profile: JsonProfile, types: TypeResolver): FieldAwareCodec {
  return compiles ? new CompiledCodec(type, profile, types) : new InterpretedCodec(type, profile, types);
}
