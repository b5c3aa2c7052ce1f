/**
 * The way back of query-binding.ts: fields of a message -> query parameters, for REST backends (google/api/http.proto).
 *
 * It walks the message's JSON, which holds exactly the fields that are set. The trap: some of what a message can say has no parameter (lists of
 * messages, Any, that an empty message is there), and whether that may be left out decides if the request still means the same.
 */
import type { FieldDescriptor, MessageDescriptor, ValueType } from "../descriptor.ts";
import { isOpaque } from "./field-path.ts";

/** Why a message cannot be sent as a rule would have it. */
export class Misfit {
  /** Of the request message, in proto names. */
  readonly field: string;
  /** Completes a sentence that begins with the field: "has no form in a query". */
  readonly why: string;

  constructor(field: string, why: string) {
    this.field = field;
    this.why = why;
  }
}

export type JsonScalar = string | number | boolean | null;
export type JsonMembers = Readonly<Record<string, unknown>>;

export interface QueryNaming {
  /** Names as in the .proto file instead of lowerCamelCase. */
  readonly protoNames: boolean;
  /** `items[0].sku=` for elements of repeated messages. */
  readonly repeatedMessages: boolean;
}

/** How a value stands in a URL: as text, as JSON, as parameters of its own, or not at all. */
type Form = "text" | "json" | "members" | "none";

function formOf(value: ValueType): Form {
  if (value.kind !== "message" || !isOpaque(value.message)) return value.kind === "message" ? "members" : "text";
  switch (value.message.name) {
    case "google.protobuf.Struct":
    case "google.protobuf.Value":
    case "google.protobuf.ListValue":
      return "json";
    case "google.protobuf.Empty":
      return "members";
    case "google.protobuf.Any":
      return "none";
    default:
      return "text";
  }
}

/** One value, of a scalar, an enum or a type whose JSON is a string, number or boolean. */
export function textOf(json: JsonScalar): string {
  // Of all that is printed as text only NullValue is null.
  return json === null ? "NULL_VALUE" : Object.is(json, -0) ? "-0" : String(json);
}

export class QueryExpansion {
  private readonly naming: QueryNaming;
  /** Fields that path and body carry, by path in proto names. */
  private readonly carried: ReadonlySet<string>;
  private entries: string[] = [];
  private misfit: Misfit | undefined;

  constructor(naming: QueryNaming, carried: ReadonlySet<string>) {
    this.naming = naming;
    this.carried = carried;
  }

  /** The query, without `?`; "" for none. */
  expand(message: MessageDescriptor, json: JsonMembers): string | Misfit {
    this.entries = [];
    this.misfit = undefined;
    this.members(message, json, "", "");
    return this.misfit ?? this.entries.join("&");
  }

  /** @returns whether anything of the message is said, here or by path and body. */
  private members(message: MessageDescriptor, json: JsonMembers, name: string, path: string): boolean {
    let said = false;
    let known = 0;
    for (const field of message.fields) {
      if (!Object.hasOwn(json, field.jsonName)) continue;
      known++;
      const fieldPath = path + field.name;
      said = this.carried.has(fieldPath) || this.field(field, json[field.jsonName], name, fieldPath) || said;
    }
    if (known < Object.keys(json).length) this.refuse(path.slice(0, -1), "has extensions, which have no form in a query");
    return said;
  }

  private field(field: FieldDescriptor, json: unknown, prefix: string, path: string): boolean {
    const name = prefix + (this.naming.protoNames ? field.name : field.jsonName);
    const form = formOf(field.value);
    if (field.cardinality === "map") return this.map(json as JsonMembers, form, name, path);
    if (field.cardinality === "repeated") return this.list(field, json as readonly unknown[], form, name, path);
    if (form !== "members" || field.value.kind !== "message") return this.value(json, form, name, path);
    const said = this.members(field.value.message, json as JsonMembers, `${name}.`, `${path}.`);
    // Which member of a oneof is set may be all there is to say.
    if (!said && field.oneof !== undefined) this.refuse(path, "is an empty message, which has no form in a query");
    return said;
  }

  private list(field: FieldDescriptor, json: readonly unknown[], form: Form, name: string, path: string): boolean {
    if (form === "members") {
      if (!this.naming.repeatedMessages || field.value.kind !== "message")
        return this.refuse(path, "is a list of messages, which has no form in a query");
      for (const [index, element] of json.entries()) {
        const said = this.members(field.value.message, element as JsonMembers, `${name}[${index}].`, `${path}[${index}].`);
        if (!said) return this.refuse(`${path}[${index}]`, "is an empty message, which has no form in a query");
      }
      return true;
    }
    for (const element of json) this.value(element, form, name, path);
    return true;
  }

  private map(json: JsonMembers, form: Form, name: string, path: string): boolean {
    if (form === "members") return this.refuse(path, "is a map of messages, which has no form in a query");
    for (const [key, value] of Object.entries(json)) this.value(value, form, `${name}[${key}]`, path);
    return true;
  }

  private value(json: unknown, form: Form, name: string, path: string): boolean {
    if (form === "none") return this.refuse(path, "is a google.protobuf.Any, which has no form in a query");
    this.entries.push(`${encodedName(name)}=${encodeURIComponent(form === "json" ? JSON.stringify(json) : textOf(json as JsonScalar))}`);
    return true;
  }

  private refuse(path: string, why: string): true {
    this.misfit ??= new Misfit(path, why);
    return true;
  }
}

/** Names are plain, but for the keys of maps; their brackets are easier to read as they are, and every server takes them so. */
function encodedName(name: string): string {
  if (/^[\w.]+$/.test(name)) return name;
  return encodeURIComponent(name).replace(/%5B/g, "[").replace(/%5D/g, "]");
}
