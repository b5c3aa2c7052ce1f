/**
 * The codec that walks descriptors. It is whole: the compiled one is only faster.
 */
import type { JsonProfile } from "../../core/message-type.ts";
import type { FieldDescriptor, MessageDescriptor } from "../descriptor.ts";
import type { FieldAwareCodec } from "./codec-factory.ts";
import { JsonInterpreter } from "./json-interpreter.ts";
import { skipNull, skipSpace } from "./json-text.ts";
import { takesNull } from "./plan.ts";
import { isRefusal, refuse } from "./refusal.ts";
import { load, reg, result, WIRE_PER_JSON } from "./registers.ts";
import { codecError, resetTrail, trail } from "./trail.ts";
import type { TypeResolver } from "./type-resolver.ts";
import { WireInterpreter } from "./wire-interpreter.ts";

/** JSON is about three times the wire. */
const JSON_PER_WIRE = 3;

export class InterpretedCodec implements FieldAwareCodec {
  readonly #type: MessageDescriptor;
  readonly #json: JsonInterpreter;
  readonly #wire: WireInterpreter;

  constructor(type: MessageDescriptor, profile: JsonProfile, types: TypeResolver) {
    this.#type = type;
    this.#json = new JsonInterpreter(profile, types);
    this.#wire = new WireInterpreter(profile, types);
  }

  jsonToWire(json: Uint8Array): Uint8Array {
    return this.#run(json, WIRE_PER_JSON, (start) => {
      const m = reg.memory;
      const end = this.#json.readerOf(this.#type)(m, skipSpace(m, 0), start);
      expectEnd();
      return end;
    });
  }

  wireToJson(wire: Uint8Array): Uint8Array {
    return this.#run(wire, JSON_PER_WIRE, (start) => this.#wire.printerOf(this.#type)(reg.memory, 0, reg.end, start));
  }

  fieldJsonToWire(field: FieldDescriptor, json: Uint8Array): Uint8Array {
    return this.#run(json, WIRE_PER_JSON, (start) => {
      const m = reg.memory;
      const p = skipSpace(m, 0);
      trail.path.push(field.jsonName);
      if (m[p] === 110 && !(field.cardinality === "singular" && takesNull(field.value))) {
        reg.at = skipNull(m, p);
        expectEnd();
        return start;
      }
      const end = this.#json.readField(this.#type, field, m, p, start);
      expectEnd();
      return end;
    });
  }

  fieldWireToJson(field: FieldDescriptor, wire: Uint8Array): Uint8Array {
    return this.#run(wire, JSON_PER_WIRE, (start) => this.#wire.printFieldValue(this.#type, field, start));
  }

  #run(input: Uint8Array, perByte: number, work: (start: number) => number): Uint8Array {
    resetTrail(this.#type);
    try {
      const start = load(input, perByte);
      reg.exact = true;
      return result(start, work(start));
    } catch (error) {
      throw isRefusal(error) ? codecError() : error;
    } finally {
      reg.exact = false;
    }
  }
}

function expectEnd(): void {
  const p = skipSpace(reg.memory, reg.at);
  if (p < reg.end) refuse(p, "malformed JSON: something follows the value");
}
