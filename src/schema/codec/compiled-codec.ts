/**
 * The codec of generated functions, one for each message type and direction, compiled when first called and linked to one another.
 *
 * What they give up on, the interpreted codec does from the start: from the copy of the input in memory, because the caller's bytes may have
 * been a view of that very memory.
 */
import { profileBits, type JsonProfile } from "../../core/message-type.ts";
import type { FieldDescriptor, MessageDescriptor } from "../descriptor.ts";
import type { FieldAwareCodec } from "./codec-factory.ts";
import { compileFieldPrinter, compilePrinter } from "./compile-printer.ts";
import { compileFieldReader, compileReader } from "./compile-reader.ts";
import { InterpretedCodec } from "./interpreted-codec.ts";
import { JsonInterpreter } from "./json-interpreter.ts";
import { skipSpace } from "./json-text.ts";
import { giveUp, isRefusal } from "./refusal.ts";
import { load, reg, result, WIRE_PER_JSON } from "./registers.ts";
import type { Link, Printer, Reader } from "./transcoder.ts";
import type { TypeResolver } from "./type-resolver.ts";
import { ANY, wellKnownLink } from "./well-known.ts";
import { WireInterpreter } from "./wire-interpreter.ts";

const JSON_PER_WIRE = 3;

/** All types of a schema under one profile. */
class Linker {
  readonly profile: JsonProfile;
  readonly linkOf = (type: MessageDescriptor): Link => this.#link(type);
  readonly #links = new WeakMap<MessageDescriptor, Link>();
  readonly #json: JsonInterpreter;
  readonly #wire: WireInterpreter;

  constructor(profile: JsonProfile, types: TypeResolver) {
    this.profile = profile;
    this.#json = new JsonInterpreter(profile, types);
    this.#wire = new WireInterpreter(profile, types, (type) => this.#link(type).print);
  }

  #link(type: MessageDescriptor): Link {
    let link = this.#links.get(type);
    if (link === undefined) this.#links.set(type, (link = wellKnownLink(type.name, this.profile) ?? this.#lazy(type)));
    return link;
  }

  #lazy(type: MessageDescriptor): Link {
    // Any needs the schema at run time and MessageSet nobody uses: both are interpreted in place.
    if (type.name === ANY || type.messageSet) return { read: this.#json.readerOf(type), print: this.#wire.printerOf(type) };
    const link: Link = {
      read: (m, p, w) => (link.read = compileReader(type, this.profile, this.linkOf))(m, p, w),
      print: (m, p, e, w) => (link.print = compilePrinter(type, this.profile, this.linkOf))(m, p, e, w),
    };
    return link;
  }
}

/** By the bits of the profile. Nothing of a schema outlives it. */
const linkers = new WeakMap<TypeResolver, (Linker | undefined)[]>();

function linkerOf(profile: JsonProfile, types: TypeResolver): Linker {
  let list = linkers.get(types);
  if (list === undefined) linkers.set(types, (list = []));
  return (list[profileBits(profile)] ??= new Linker(profile, types));
}

export class CompiledCodec implements FieldAwareCodec {
  readonly #type: MessageDescriptor;
  readonly #linker: Linker;
  readonly #link: Link;
  readonly #interpreted: InterpretedCodec;
  #fieldReaders: WeakMap<FieldDescriptor, Reader> | undefined;
  #fieldPrinters: WeakMap<FieldDescriptor, Printer> | undefined;

  constructor(type: MessageDescriptor, profile: JsonProfile, types: TypeResolver) {
    this.#type = type;
    this.#linker = linkerOf(profile, types);
    this.#link = this.#linker.linkOf(type);
    this.#interpreted = new InterpretedCodec(type, profile, types);
  }

  jsonToWire(json: Uint8Array): Uint8Array {
    const start = load(json, WIRE_PER_JSON);
    try {
      const m = reg.memory;
      const end = this.#link.read(m, skipSpace(m, 0), start);
      if (reg.at !== reg.end && skipSpace(m, reg.at) !== reg.end) giveUp(reg.at);
      return result(start, end);
    } catch (error) {
      return this.#interpreted.jsonToWire(again(error));
    }
  }

  wireToJson(wire: Uint8Array): Uint8Array {
    const start = load(wire, JSON_PER_WIRE);
    try {
      return result(start, this.#link.print(reg.memory, 0, reg.end, start));
    } catch (error) {
      return this.#interpreted.wireToJson(again(error));
    }
  }

  fieldJsonToWire(field: FieldDescriptor, json: Uint8Array): Uint8Array {
    this.#fieldReaders ??= new WeakMap();
    let read = this.#fieldReaders.get(field);
    if (read === undefined)
      this.#fieldReaders.set(field, (read = compileFieldReader(this.#type, field, this.#linker.profile, this.#linker.linkOf)));
    const start = load(json, WIRE_PER_JSON);
    try {
      const m = reg.memory;
      if (this.#type.messageSet) giveUp(0);
      const end = read(m, skipSpace(m, 0), start);
      if (reg.at !== reg.end && skipSpace(m, reg.at) !== reg.end) giveUp(reg.at);
      return result(start, end);
    } catch (error) {
      return this.#interpreted.fieldJsonToWire(field, again(error));
    }
  }

  fieldWireToJson(field: FieldDescriptor, wire: Uint8Array): Uint8Array {
    const { profile, linkOf } = this.#linker;
    this.#fieldPrinters ??= new WeakMap();
    let print = this.#fieldPrinters.get(field);
    if (print === undefined) this.#fieldPrinters.set(field, (print = compileFieldPrinter(field, profile, linkOf)));
    const start = load(wire, JSON_PER_WIRE);
    try {
      // A oneof's other members decide whether this one is set, and they are not looked at here.
      if (this.#type.messageSet || field.oneof !== undefined) giveUp(0);
      const end = print(reg.memory, 0, reg.end, start);
      if (end === start + 2) giveUp(0);
      const name = JSON.stringify(profile.protoNames ? field.name : field.jsonName);
      return result(start + Buffer.byteLength(name) + 2, end - 1);
    } catch (error) {
      return this.#interpreted.fieldWireToJson(field, again(error));
    }
  }
}

/** The input of the call that gave up. */
function again(error: unknown): Uint8Array {
  if (!isRefusal(error)) throw error;
  return reg.memory.subarray(0, reg.end);
}
