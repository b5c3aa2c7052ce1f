/** A type as a tree of fields. Types may hold themselves, so a level is made when it is opened. */
import { h, prose } from "./dom.ts";
import { resolve, typeNameOf, typeWord, type ApiDocument, type Schema } from "./model.ts";

/** The fields of an object, or what else there is to say of a type. */
export function schemaView(schema: Schema, document: ApiDocument): HTMLElement {
  const resolved = resolve(schema, document);
  const fields = Object.entries(resolved.properties ?? {});
  const box = h("div", { class: "schema" });
  // A reference's own words stand with whoever refers; these are the type's.
  if (resolved.description !== undefined && (schema.$ref !== undefined || fields.length > 0)) box.append(prose(resolved.description));
  if (fields.length > 0) {
    const required = new Set(resolved.required);
    box.append(h("ul", { class: "fields" }, ...fields.map(([name, field]) => fieldView(name, field, required.has(name), document))));
  } else if (resolved.enum !== undefined) box.append(enumView(resolved));
  else if (resolved.type === "object" && resolved.description === undefined) box.append(h("p", { class: "quiet" }, "No fields."));
  return box;
}

function fieldView(name: string, schema: Schema, required: boolean, document: ApiDocument): HTMLElement {
  const inner = innerOf(schema, document);
  const head = [
    h("span", { class: "name" }, name),
    h("span", { class: "type" }, typeWord(schema)),
    required && h("span", { class: "flag must" }, "required"),
    schema.readOnly === true && h("span", { class: "flag" }, "read-only"),
    schema.writeOnly === true && h("span", { class: "flag" }, "write-only"),
    schema.deprecated === true && h("span", { class: "flag" }, "deprecated"),
  ];
  const words = schema.description === undefined ? undefined : prose(schema.description);
  if (inner === undefined) return h("li", {}, h("div", { class: "field" }, ...head), words);
  const details = h("details", {}, h("summary", { class: "field" }, ...head));
  details.addEventListener("toggle", () => details.append(schemaView(inner, document)), { once: true });
  return h("li", {}, details, words);
}

/** The type to show below a field: its own, its element's or its value's, where there is more to say than a word. */
function innerOf(schema: Schema, document: ApiDocument): Schema | undefined {
  if (schema.$ref !== undefined) {
    const { properties, enum: values } = resolve(schema, document);
    return properties === undefined && values === undefined ? undefined : { $ref: schema.$ref };
  }
  const below = schema.items ?? (typeof schema.additionalProperties === "object" ? schema.additionalProperties : undefined);
  if (below !== undefined) return innerOf(below, document);
  return schema.properties === undefined ? undefined : schema;
}

function enumView({ enum: values = [] }: Schema): HTMLElement {
  return h("p", { class: "values" }, ...values.flatMap((value) => [h("code", {}, String(value)), " "]));
}

/** "Order", "Order[]": what a body is, with the full name for those who look for it. */
export function typeTitle(schema: Schema): HTMLElement {
  const reference = schema.$ref ?? schema.items?.$ref;
  return h("span", { class: "type", title: reference === undefined ? undefined : typeNameOf(reference) }, typeWord(schema));
}
