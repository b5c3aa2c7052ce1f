/** How REST is spoken: the JSON it prints and reads, and http rules for services whose .proto files cannot be changed. */
import * as z from "zod/mini";
import { described, optional, setting } from "../policies/settings.ts";

export const json = z.strictObject({
  emitDefaults: setting(z.boolean(), false, "Prints fields that hold their default."),
  protoNames: setting(z.boolean(), false, "Prints field names as in the .proto file instead of lowerCamelCase."),
  enumNumbers: setting(z.boolean(), false, "Prints enum values as numbers."),
  ignoreUnknown: setting(z.boolean(), false, "Skips unknown fields of request bodies instead of refusing them."),
  int64Numbers: setting(
    z.boolean(),
    false,
    "Prints 64-bit integers as numbers where every reader keeps their digits (up to 2^53-1); larger ones stay strings.",
  ),
  stripEnumPrefix: setting(
    z.boolean(),
    false,
    "Prints `PENDING` for `ORDER_STATUS_PENDING` of `OrderStatus`, and reads both; a name that would then be ambiguous or begin with a digit stays whole.",
  ),
  caseInsensitiveEnums: setting(z.boolean(), false, "Reads enum names in any case."),
});

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
