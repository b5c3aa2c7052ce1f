/**
 * Differential fuzzing of the codec: compiled against interpreted (equal to the byte, errors included), and both against protobuf-es
 * (accepted by both or by neither, and the same message).
 *
 * The differences that are argued, with their reasons, are the table in docs/mechanisms/codec.md; `argued` here recognises them.
 */
import { Buffer } from "node:buffer";
import { readFileSync } from "node:fs";
import { isDeepStrictEqual } from "node:util";
import {
  createFileRegistry,
  fromBinary,
  fromJsonString,
  toBinary,
  toJsonString,
  type DescMessage,
  type Registry,
} from "@bufbuild/protobuf";
import { FileDescriptorSetSchema } from "@bufbuild/protobuf/wkt";
import { CodecError, type Codec, type JsonProfile } from "../../src/core/message-type.ts";
import { buildSchema } from "../../src/schema/build-schema.ts";
import { CompiledCodec } from "../../src/schema/codec/compiled-codec.ts";
import { InterpretedCodec } from "../../src/schema/codec/interpreted-codec.ts";
import type { MessageDescriptor } from "../../src/schema/descriptor.ts";
import { oddityOf } from "./wire-oddities.ts";
import { Dice, mutateText, mutateWire, randomJson } from "./json-texts.ts";

const set = readFileSync(new URL("../support/protos/codec/v1/codec.binpb", import.meta.url));
const schema = buildSchema(set);
const registry: Registry = createFileRegistry(fromBinary(FileDescriptorSetSchema, set));
const typeNames = ["codec.v1.Everything", "codec.v1.Everything", "codec.v1.Legacy"];

interface Pair {
  readonly compiled: Codec;
  readonly interpreted: Codec;
}

const pairs = new Map<string, Pair>();

function pairOf(type: MessageDescriptor, profile: JsonProfile): Pair {
  const key = `${type.name} ${JSON.stringify(profile)}`;
  let pair = pairs.get(key);
  if (pair === undefined) {
    pair = { compiled: new CompiledCodec(type, profile, schema), interpreted: new InterpretedCodec(type, profile, schema) };
    pairs.set(key, pair);
  }
  return pair;
}

type Outcome = { readonly bytes: Buffer } | { readonly refused: string };

function attempt(work: () => Uint8Array): Outcome {
  try {
    return { bytes: Buffer.from(work()) };
  } catch (error) {
    if (error instanceof CodecError) return { refused: `${error.path} @${error.offset}: ${error.message}` };
    throw error;
  }
}

function peer(work: () => Uint8Array): Outcome {
  try {
    return { bytes: Buffer.from(work()) };
  } catch (error) {
    return { refused: String((error as Error).message) };
  }
}

function sameOutcome(a: Outcome, b: Outcome): boolean {
  if ("bytes" in a && "bytes" in b) return a.bytes.equals(b.bytes);
  return "refused" in a && "refused" in b && a.refused === b.refused;
}

function show(outcome: Outcome): string {
  return "bytes" in outcome ? `took it: ${outcome.bytes.toString("latin1").slice(0, 300)}` : `refused: ${outcome.refused.slice(0, 300)}`;
}

/** What one case found: undefined, or the difference in words. */
export type Finding = string | undefined;

export function fuzzJson(type: MessageDescriptor, profile: JsonProfile, json: Buffer): Finding {
  const { compiled, interpreted } = pairOf(type, profile);
  const ours = attempt(() => compiled.jsonToWire(json));
  const walked = attempt(() => interpreted.jsonToWire(json));
  if (!sameOutcome(ours, walked)) return `compiled ${show(ours)}\ninterpreted ${show(walked)}`;
  // null for an extension sets it to its default in protobuf-es, and nowhere else.
  if (/(\]|\\u005[dD])"\s*:\s*null/.test(json.toString())) return undefined;
  // Names it does not know it would leave out, where we read them.
  if (profile.ignoreUnknown && (profile.stripEnumPrefix || profile.caseInsensitiveEnums)) return undefined;
  const es = registry.getMessage(type.name)!;
  const theirs = peer(() =>
    again(es, toBinary(es, fromJsonString(es, utf8(json), { registry, ignoreUnknownFields: profile.ignoreUnknown }))),
  );
  if ("refused" in ours)
    return "refused" in theirs || stricter(ours.refused, json.toString()) ? undefined : `ours ${show(ours)}\nprotobuf-es ${show(theirs)}`;
  if ("refused" in theirs)
    return looser(theirs.refused, json.toString(), profile) ? undefined : `ours ${show(ours)}\nprotobuf-es ${show(theirs)}`;
  if (rounded.test(json.toString()) || otherTypeUrl.test(json.toString())) return undefined;
  const back = peer(() => again(es, ours.bytes));
  return sameOutcome(back, theirs) || sameMessage(es, back, theirs)
    ? undefined
    : `ours, re-read by protobuf-es, ${show(back)}\nprotobuf-es ${show(theirs)}`;
}

export function fuzzWire(type: MessageDescriptor, profile: JsonProfile, wire: Buffer): Finding {
  const { compiled, interpreted } = pairOf(type, profile);
  const ours = attempt(() => compiled.wireToJson(wire));
  const walked = attempt(() => interpreted.wireToJson(wire));
  const es = registry.getMessage(type.name)!;
  if ("bytes" in ours !== "bytes" in walked) return `compiled ${show(ours)}\ninterpreted ${show(walked)}`;
  if (!sameOutcome(ours, walked)) return `compiled ${show(ours)}\ninterpreted ${show(walked)}`;
  // What protobuf-es reads has its full names.
  if (oddityOf(type, wire, schema) !== undefined || profile.stripEnumPrefix) return undefined;
  let theirWire: Outcome = { refused: "" };
  const theirs = peer(() => {
    const message = fromBinary(es, wire);
    const text = toJsonString(es, message, { registry });
    theirWire = peer(() => wireOf(es, text));
    return Buffer.from(text);
  });
  if ("refused" in ours)
    return "refused" in theirs || arguedOnWire.test(ours.refused) ? undefined : `ours ${show(ours)}\nprotobuf-es ${show(theirs)}`;
  if ("refused" in theirs) return `ours ${show(ours)}\nprotobuf-es ${show(theirs)}`;
  // protobuf-es prints -0 as 0; then both are read as 0.
  const back = peer(() => wireOf(es, ours.bytes.toString().replace(/([:[,])-0(?=[\]},])/g, "$10")));
  return sameOutcome(back, theirWire) || sameMessage(es, back, theirWire) ? undefined : `ours ${show(ours)}\nprotobuf-es ${show(theirs)}`;
}

/** Extensions keep the order of the input, so equal messages may differ in their bytes. */
function sameMessage(es: DescMessage, a: Outcome, b: Outcome): boolean {
  if ("refused" in a || "refused" in b) return false;
  const text = ({ bytes }: { bytes: Buffer }): unknown => JSON.parse(toJsonString(es, fromBinary(es, bytes), { registry }));
  return isDeepStrictEqual(text(a), text(b));
}

function wireOf(es: DescMessage, json: string): Uint8Array {
  return toBinary(es, fromJsonString(es, json, { registry }));
}

/** In the form of protobuf-es: without defaults that were written out, as a float does that rounds to zero. */
function again(es: DescMessage, wire: Uint8Array): Uint8Array {
  return toBinary(es, fromBinary(es, wire));
}

function utf8(json: Buffer): string {
  return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(json);
}

/**
 * We refuse and protobuf-es does not: base64 with a part of its padding or with spaces, lone surrogates, text behind the s of a Duration, an Any
 * of a special type whose content is not in "value", quoted numbers with spaces, leading zeros, without a whole part or in hexadecimal,
 * a number in a Value beyond the range of a double, the 29th of February of any year.
 */
function stricter(refused: string, json: string): boolean {
  if (/expected an integer|expected a number|leading zero|expected a digit/.test(refused) && quotedOddly.test(json)) return true;
  return /base64|lone surrogate|a day that exists|a string like "1\.5s"|needs its content as "value"|within the range of a double/.test(
    refused,
  );
}

/**
 * protobuf-es refuses and we do not: integers of 64 bits that are JSON numbers beyond 2^53, or spelled 1.0 or 1e2; null for a message that is a
 * second member of a oneof; a name twice in what is skipped because it is unknown.
 */
function looser(refused: string, json: string, profile: JsonProfile): boolean {
  // Names without their prefix, or in another case.
  if ((profile.stripEnumPrefix || profile.caseInsensitiveEnums) && /cannot decode enum/.test(refused)) return true;
  if (/expected bigint \(u?int64\): .* out of range/.test(refused)) return true;
  if (refused.includes("oneof set multiple times")) return json.includes("null");
  return refused.includes("duplicate object key") && profile.ignoreUnknown;
}

/** BigInt() and Number() take these. */
const quotedOddly = /"\s*[-+]?(0[xXoObB])?(?:[\dA-Fa-f.eE]|\\u00[\da-f]{2})*\s*"/;

/** protobuf-es prints null for a Value that holds nothing where it stands in a Struct, and refuses it elsewhere; an Any without a type is {}. */
const arguedOnWire = /a Value that holds nothing|an Any with content but without a type/;

/** protobuf-es makes every type URL begin like this. */
const otherTypeUrl = /"@type"\s*:\s*"(?!type\.googleapis\.com\/[\w.]+")/;

/** JSON numbers that protobuf-es rounds, because JSON.parse does. */
const rounded = /(?<!["\d.eE+-])-?\d{16,}(?![\d.eE"])/;

const profiles: readonly JsonProfile[] = Array.from({ length: 128 }, (_, bits) => ({
  emitDefaults: (bits & 1) !== 0,
  protoNames: (bits & 2) !== 0,
  enumNumbers: (bits & 4) !== 0,
  ignoreUnknown: (bits & 8) !== 0,
  int64Numbers: (bits & 16) !== 0,
  stripEnumPrefix: (bits & 32) !== 0,
  caseInsensitiveEnums: (bits & 64) !== 0,
}));

export function describeCase(number: number): string {
  const dice = new Dice(number * 2654435761);
  const type = schema.message(dice.pick(typeNames))!;
  const profile = dice.oneIn(2) ? profiles[0]! : dice.pick(profiles);
  const text = randomJson(type, dice);
  if (dice.oneIn(2))
    return `${type.name} ${JSON.stringify(profile)} JSON ${(dice.oneIn(2) ? Buffer.from(text) : mutateText(text, dice)).toString()}`;
  const es = registry.getMessage(type.name)!;
  const wire = wireOf(es, text);
  return `${type.name} ${JSON.stringify(profile)} wire ${(dice.oneIn(2) ? Buffer.from(wire) : mutateWire(wire, dice)).toString("hex")}`;
}

/** One numbered case: a random message, or a mutation of one, in one direction. */
export function fuzzCase(number: number): Finding {
  const dice = new Dice(number * 2654435761);
  const type = schema.message(dice.pick(typeNames))!;
  const profile = dice.oneIn(2) ? profiles[0]! : dice.pick(profiles);
  const text = randomJson(type, dice);
  if (dice.oneIn(2)) return fuzzJson(type, profile, dice.oneIn(2) ? Buffer.from(text) : mutateText(text, dice));
  const es = registry.getMessage(type.name)!;
  let wire: Uint8Array;
  try {
    wire = wireOf(es, text);
  } catch {
    return undefined;
  }
  return fuzzWire(type, profile, dice.oneIn(2) ? Buffer.from(wire) : mutateWire(wire, dice));
}
