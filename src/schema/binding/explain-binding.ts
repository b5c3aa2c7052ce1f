/**
 * What each variable and each query parameter of one request becomes by itself, or why it becomes nothing.
 *
 * For people at a terminal. Every part goes through the binding that serves requests, alone; what parts do to one another (a field given
 * twice, two members of a oneof) shows when all of them are bound, which is the caller's to do.
 */
import { CallError } from "../../core/call-error.ts";
import { canonicalJson } from "../../core/message-type.ts";
import type { FieldDescriptor, MessageDescriptor } from "../descriptor.ts";
import { decodeText, type Keep } from "../percent-decoding.ts";
import { resolveFieldPath, type FieldPath } from "./field-path.ts";
import type { Parameter } from "./parameter.ts";
import type { QueryBinding } from "./query-binding.ts";
import { WireWriter } from "./wire-writer.ts";

/** One variable of the path, or one parameter of the query. */
export interface PartExplanation {
  readonly source: "path" | "query";
  /** Decoded, as the template or the request has it. */
  readonly name: string;
  /** The value as sent, still percent-encoded. */
  readonly text: string;
  /** Dotted, in proto names; undefined when no field has the name. */
  readonly field: string | undefined;
  /** "int32", "repeated shop.v1.Size" */
  readonly type: string | undefined;
  /** What the field holds then, as JSON has it; undefined when the part is ignored or refused. */
  readonly value: unknown;
  /** Why the part has no effect, if it has none. */
  readonly ignored: string | undefined;
  readonly error: CallError | undefined;
}

export interface CaptureTarget {
  readonly parameter: Parameter;
  readonly keep: Keep;
}

const shown = Object.freeze({ ...canonicalJson, emitDefaults: true });
const withheld = "[redacted]";

export function explainCapture(input: MessageDescriptor, name: string, { parameter, keep }: CaptureTarget, text: string): PartExplanation {
  const path = resolveFieldPath(input, parameter.path.split(".")) as FieldPath;
  return explained("path", name, text, input, path, (out) => parameter.write(text, "path variable", keep, out));
}

/** @param pathBound fields of the path, whose parameters have no effect */
export function explainQuery(
  input: MessageDescriptor,
  query: string,
  binding: QueryBinding,
  pathBound: ReadonlySet<string>,
  maxParameters: number,
): PartExplanation[] {
  const entries = query.split("&").filter((entry) => entry !== "");
  return entries.slice(0, maxParameters).map((entry) => {
    const equals = entry.indexOf("=");
    const raw = equals < 0 ? entry : entry.slice(0, equals);
    const text = equals < 0 ? "" : entry.slice(equals + 1);
    const name = decodeText(raw, true) ?? raw;
    const bracket = name.indexOf("[");
    const found = resolveFieldPath(input, (bracket < 0 ? name : name.slice(0, bracket)).split("."));
    const path = "message" in found ? undefined : found;
    // Alone, an element is the first one of its list.
    const alone = path?.field.cardinality === "repeated" && bracket >= 0 ? `${encodeURIComponent(firstElements(name))}=${text}` : entry;
    const part = explained("query", name, text, input, path, (out) => binding.bind(alone, out, undefined));
    if (part.ignored === undefined || path === undefined || !pathBound.has(path.text)) return part;
    return { ...part, ignored: "the path binds this field" };
  });
}

function explained(
  source: PartExplanation["source"],
  name: string,
  text: string,
  input: MessageDescriptor,
  path: FieldPath | undefined,
  write: (out: WireWriter) => void,
): PartExplanation {
  const secret = path !== undefined && [...path.ancestors, path.field].some(({ redact }) => redact);
  const part = {
    source,
    name,
    text: secret ? withheld : text,
    field: path?.text,
    type: path && typeText(path.field),
    value: undefined,
    ignored: undefined,
    error: undefined,
  };
  const out = new WireWriter(64);
  try {
    write(out);
  } catch (error) {
    if (error instanceof CallError) return { ...part, error };
    throw error;
  }
  if (out.at === 0 || path === undefined)
    return { ...part, ignored: "it is on the list of parameters to ignore, or no field has the name" };
  return { ...part, value: secret ? withheld : valueAt(input, path, out.written()) };
}

/** The bytes hold nothing but this field. */
function valueAt(input: MessageDescriptor, { ancestors, field }: FieldPath, wire: Uint8Array): unknown {
  let value = JSON.parse(Buffer.from(input.codec(shown).wireToJson(wire)).toString()) as unknown;
  for (const { jsonName } of [...ancestors, field]) value = (value as Record<string, unknown> | undefined)?.[jsonName];
  return value;
}

function firstElements(name: string): string {
  return name.replace(/\[\d+\]/g, "[0]");
}

/** The type of a field as the .proto file writes it. */
function typeText({ cardinality, key, value }: FieldDescriptor): string {
  const own = value.kind === "scalar" ? value.scalar : value.kind === "enum" ? value.enum.name : value.message.name;
  return cardinality === "map" ? `map<${key!.scalar}, ${own}>` : cardinality === "repeated" ? `repeated ${own}` : own;
}

/** `json` as it may be shown: fields that are marked `debug_redact` are not in it. */
export function withoutSecrets(type: MessageDescriptor, json: unknown, depth = 0): unknown {
  if (typeof json !== "object" || json === null || depth > 100) return json;
  const members = Object.entries(json as Record<string, unknown>).map(([name, value]): [string, unknown] => {
    const field = type.fields.find((each) => each.jsonName === name || each.name === name);
    if (field?.redact === true) return [name, withheld];
    if (field?.value.kind !== "message") return [name, value];
    const { message } = field.value;
    const shownOf = (each: unknown): unknown => withoutSecrets(message, each, depth + 1);
    if (Array.isArray(value)) return [name, value.map(shownOf)];
    if (field.cardinality === "map")
      return [
        name,
        Object.fromEntries(Object.entries((value ?? {}) as Record<string, unknown>).map(([key, each]) => [key, shownOf(each)])),
      ];
    return [name, shownOf(value)];
  });
  return Array.isArray(json) ? json : Object.fromEntries(members);
}
