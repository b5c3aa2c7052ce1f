/**
 * The message types with a JSON form of their own (protobuf.dev/programming-guides/json), except Any, which needs the schema.
 */
import type { JsonProfile } from "../../core/message-type.ts";
import { readFieldMask, printFieldMask } from "./field-mask.ts";
import { wrapperScalars } from "./plan.ts";
import { isInteger64, wrapperPrinter, wrapperReader } from "./scalar.ts";
import { printListValue, printStruct, printValue, readListValue, readStruct, readValue } from "./struct.ts";
import { printDuration, printTimestamp, readDuration, readTimestamp } from "./time.ts";
import type { Link } from "./transcoder.ts";

export const ANY = "google.protobuf.Any";

const wellKnown = new Map<string, Link>([
  ["google.protobuf.Timestamp", { read: readTimestamp, print: printTimestamp }],
  ["google.protobuf.Duration", { read: readDuration, print: printDuration }],
  ["google.protobuf.FieldMask", { read: readFieldMask, print: printFieldMask }],
  ["google.protobuf.Struct", { read: readStruct, print: printStruct }],
  ["google.protobuf.Value", { read: readValue, print: printValue }],
  ["google.protobuf.ListValue", { read: readListValue, print: printListValue }],
]);
/** Where 64-bit integers are numbers. */
const asNumbers = new Map<string, Link>();
for (const [name, scalar] of wrapperScalars) {
  wellKnown.set(name, { read: wrapperReader(scalar), print: wrapperPrinter(scalar, false) });
  if (isInteger64(scalar)) asNumbers.set(name, { read: wrapperReader(scalar), print: wrapperPrinter(scalar, true) });
}

/** The type has a JSON form of its own. */
export function isWellKnown(name: string): boolean {
  return name.startsWith("google.protobuf.") && wellKnown.has(name);
}

/** How to transcode the well-known type of this name, or undefined for ordinary messages. */
export function wellKnownLink(name: string, { int64Numbers }: JsonProfile): Link | undefined {
  if (!name.startsWith("google.protobuf.")) return undefined;
  return (int64Numbers ? asNumbers.get(name) : undefined) ?? wellKnown.get(name);
}
