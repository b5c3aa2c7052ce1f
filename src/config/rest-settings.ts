/** How REST is spoken: how requests are bound, the JSON it prints and reads, http rules for services whose .proto files cannot be changed. */
import * as z from "zod/mini";
import { described, duration, optional, setting, withUnits, type WithUnits } from "../policies/settings.ts";

/** The switches of a JSON profile, with what each does. */
const jsonSwitches = {
  emitDefaults: "Prints fields that hold their default.",
  protoNames: "Prints field names as in the .proto file instead of lowerCamelCase.",
  enumNumbers: "Prints enum values as numbers.",
  ignoreUnknown: "Skips unknown fields of request bodies instead of refusing them.",
  int64Numbers: "Prints 64-bit integers as numbers where every reader keeps their digits (up to 2^53-1); larger ones stay strings.",
  stripEnumPrefix:
    "Prints `PENDING` for `ORDER_STATUS_PENDING` of `OrderStatus`, and reads both; a name that would then be ambiguous or begin with a digit stays whole.",
  caseInsensitiveEnums: "Reads enum names in any case.",
} as const;

type JsonSwitch = keyof typeof jsonSwitches;

function switches<T>(make: (description: string) => T): Record<JsonSwitch, T> {
  return Object.fromEntries(Object.entries(jsonSwitches).map(([name, text]) => [name, make(text)])) as Record<JsonSwitch, T>;
}

export const json = z.strictObject(switches((text) => setting(z.boolean(), false, text)));

/** What decides which request becomes which message, beside the annotations. */
export const binding = z.strictObject({
  autoMapping: setting(z.boolean(), true, "Every method also answers `POST /package.Service/Method`, whatever its annotations."),
  ignoreUnknownParameters: setting(z.boolean(), false, "Skips query parameters that no field has, instead of refusing them."),
  ignoredParameters: setting(z.array(z.string()), [], "Query parameters that are no part of the message, such as `alt` or `key`."),
  queryOverBody: setting(z.boolean(), false, "Takes query parameters for fields that the body carries; the query wins."),
  refuseCollisions: setting(z.boolean(), false, "Refuses a request whose body, query and path give one field different values."),
  repeatedMessages: setting(z.boolean(), false, "Takes `items[0].sku=` for a field of an element of a repeated message."),
  keepEscapes: setting(
    z.enum(["reserved", "slash"]),
    "reserved",
    "Which escapes stay in variables of several segments: those of all reserved characters, or `%2F` only.",
  ),
});

export const streamForm = z.enum(["array", "lines", "events"]);

/** Over other settings: what is left out stays as it is. */
const someJson = z.strictObject(switches((text) => optional(z.boolean(), text)));

const profileName = z
  .string()
  .check(z.regex(/^[A-Za-z][\w-]{0,63}$/, "expected a name of letters, digits, _ and -, at most 64 characters"));

export const profiles = z.record(profileName, someJson);

const fieldPath = z
  .string({ error: "expected the name of a field" })
  .check(z.regex(/^\w+(\.\w+)*$/, "expected the name of a field, such as item.revision"));

const sse = z.strictObject({
  id: optional(fieldPath, "The field of each message that is the event's `id`; a running number unless set."),
  resume: optional(fieldPath, "The field of the request that `Last-Event-ID` is bound to, over what path and query say."),
  retry: optional(duration, "How long browsers are told to wait before they connect again (`retry:`)."),
  heartbeat: setting(duration, "15s", "Longest silence before a comment is sent."),
});

export type SseSettings = WithUnits<z.output<typeof sse>>;

/** What a line of `methods` may say about REST, beside policies. */
export const restOfMethod = {
  json: optional(someJson, "How REST prints and reads JSON for these methods, over `inbound.json`."),
  stream: optional(streamForm, "The form of these methods' streams, over `inbound.stream`."),
  sse: optional(sse, "Server-sent events of these methods."),
};

/** @param value what `methods.*.sse` accepted */
export function toSseSettings(value: Readonly<Record<string, unknown>>): SseSettings {
  return withUnits(sse, value as z.output<typeof sse>);
}

const template = z
  .string({ error: "expected a path template such as /v1/items/{id}" })
  .check(z.regex(/^\//, "expected a path template such as /v1/items/{id}"));

const pattern = {
  get: optional(template, "Path template for GET."),
  put: optional(template, "Path template for PUT."),
  post: optional(template, "Path template for POST."),
  delete: optional(template, "Path template for DELETE."),
  patch: optional(template, "Path template for PATCH."),
  custom: optional(
    z.strictObject({ kind: described(z.string(), "The HTTP method, or `*` for any."), path: described(template, "The path template.") }),
    "Another HTTP method.",
  ),
  body: optional(z.string(), "The field that the request body is, `*` for the whole message."),
  responseBody: optional(z.string(), "The field of the answer that the response body is."),
};

export const httpRule = z.strictObject({
  selector: described(z.string(), "The method: `package.Service.Method`."),
  ...pattern,
  additionalBindings: optional(z.array(z.strictObject(pattern)), "Further bindings of the same method."),
});
