/**
 * What method and field options say to us: `google.api.http`, `google.api.field_behavior`, idempotency, redaction.
 *
 * They are read from the options' bytes by number, so they are found even where the set has no google/api/annotations.proto.
 */
import type { HttpBinding, Method } from "../../core/method.ts";
import { ProtoReader } from "./proto-reader.ts";

/** Field number of `google.api.http` in MethodOptions. */
const httpExtension = 72295728;
/** Field number of `google.api.field_behavior` in FieldOptions. */
const fieldBehaviorExtension = 1052;

/** `google.api.FieldBehavior` by number. */
const behaviorNames = [
  "FIELD_BEHAVIOR_UNSPECIFIED",
  "OPTIONAL",
  "REQUIRED",
  "OUTPUT_ONLY",
  "INPUT_ONLY",
  "IMMUTABLE",
  "UNORDERED_LIST",
  "NON_EMPTY_DEFAULT",
  "IDENTIFIER",
] as const;

const noBindings: readonly HttpBinding[] = Object.freeze([]);
const noProblems: readonly string[] = Object.freeze([]);
const noBehaviors: readonly string[] = Object.freeze([]);
const idempotencies = ["unknown", "no-side-effects", "idempotent"] as const;

export interface MethodOptions {
  readonly idempotency: Method["idempotency"];
  readonly http: readonly HttpBinding[];
  /** What of the http rule cannot be used. */
  readonly httpProblems: readonly string[];
}

export function readMethodOptions(bytes: Uint8Array): MethodOptions {
  let idempotency: Method["idempotency"] = "unknown";
  let rule: Uint8Array | undefined;
  const reader = new ProtoReader(bytes);
  while (reader.next()) {
    if (reader.field === 34) idempotency = idempotencies[reader.int32()] ?? "unknown";
    else if (reader.field === httpExtension) rule = rule === undefined ? reader.view() : Buffer.concat([rule, reader.view()]);
    else reader.skip();
  }
  return rule === undefined ? { idempotency, http: noBindings, httpProblems: noProblems } : { idempotency, ...readHttpRule(rule) };
}

/** `google.api.HttpRule`: the rule's own binding first, then the additional ones in order, which must not nest further (http.proto says so). */
function readHttpRule(bytes: Uint8Array): Pick<MethodOptions, "http" | "httpProblems"> {
  const http: HttpBinding[] = [];
  const httpProblems: string[] = [];
  const additional: Uint8Array[] = [];
  const own = readBinding(bytes, additional);
  if (own !== undefined) http.push(own);
  else httpProblems.push("the http rule has no pattern: it needs one of get, put, post, delete, patch and custom");
  for (const [index, each] of additional.entries()) {
    const nested: Uint8Array[] = [];
    const binding = readBinding(each, nested);
    const which = `additional binding ${index + 1}`;
    if (binding !== undefined) http.push(binding);
    else httpProblems.push(`${which} has no pattern: it needs one of get, put, post, delete, patch and custom`);
    if (nested.length > 0)
      httpProblems.push(`${which} has additional bindings of its own, which are left out: list them beside it (google/api/http.proto)`);
  }
  return { http, httpProblems };
}

const verbs: Readonly<Record<number, string>> = { 2: "GET", 3: "PUT", 4: "POST", 5: "DELETE", 6: "PATCH" };

function readBinding(bytes: Uint8Array, additional: Uint8Array[]): HttpBinding | undefined {
  let httpMethod = "";
  let template = "";
  let body = "";
  let responseBody = "";
  const reader = new ProtoReader(bytes);
  while (reader.next()) {
    const verb = verbs[reader.field];
    if (verb !== undefined) {
      httpMethod = verb;
      template = reader.string();
    } else if (reader.field === 7) body = reader.string();
    else if (reader.field === 8) [httpMethod, template] = readCustomPattern(reader.message());
    else if (reader.field === 11) additional.push(reader.view());
    else if (reader.field === 12) responseBody = reader.string();
    else reader.skip();
  }
  return httpMethod === "" ? undefined : { httpMethod, template, body, responseBody };
}

function readCustomPattern(reader: ProtoReader): [kind: string, path: string] {
  let kind = "";
  let path = "";
  while (reader.next()) {
    if (reader.field === 1) kind = reader.string();
    else if (reader.field === 2) path = reader.string();
    else reader.skip();
  }
  return [kind, path];
}

export interface FieldOptions {
  readonly packed: boolean | undefined;
  readonly redact: boolean;
  readonly behaviors: readonly string[];
}

const plainField: FieldOptions = { packed: undefined, redact: false, behaviors: noBehaviors };

export function readFieldOptions(bytes: Uint8Array): FieldOptions {
  if (bytes.length === 0) return plainField;
  let packed: boolean | undefined;
  let redact = false;
  const behaviors: number[] = [];
  const reader = new ProtoReader(bytes);
  while (reader.next()) {
    if (reader.field === 2) packed = reader.bool();
    else if (reader.field === 16) redact = reader.bool();
    else if (reader.field === fieldBehaviorExtension) reader.int32s(behaviors);
    else reader.skip();
  }
  return {
    packed,
    redact,
    behaviors: behaviors.length === 0 ? noBehaviors : behaviors.map((number) => behaviorNames[number] ?? String(number)),
  };
}

/** `MessageOptions.message_set_wire_format` and `map_entry`. */
export function readMessageOptions(bytes: Uint8Array): { messageSet: boolean; mapEntry: boolean } {
  let messageSet = false;
  let mapEntry = false;
  const reader = new ProtoReader(bytes);
  while (reader.next()) {
    if (reader.field === 1) messageSet = reader.bool();
    else if (reader.field === 7) mapEntry = reader.bool();
    else reader.skip();
  }
  return { messageSet, mapEntry };
}
