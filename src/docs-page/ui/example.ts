/** A request to begin with: a value of every field that one may set. Types may hold themselves and be wide, so it ends somewhere. */
import { resolve, type ApiDocument, type Schema } from "./model.ts";

const deepest = 4;
const mostValues = 300;

export function exampleOf(schema: Schema, document: ApiDocument): unknown {
  return new ExampleWriter(document).value(schema, 0, []);
}

class ExampleWriter {
  private readonly document: ApiDocument;
  private count = 0;

  constructor(document: ApiDocument) {
    this.document = document;
  }

  /** @param inside the types it is part of; undefined for what would hold itself */
  value(schema: Schema, depth: number, inside: readonly string[]): unknown {
    const { $ref } = schema;
    if ($ref !== undefined && inside.includes($ref)) return undefined;
    this.count++;
    const resolved = resolve(schema, this.document);
    if (resolved.examples?.[0] !== undefined) return resolved.examples[0];
    if (resolved.enum !== undefined) return resolved.enum[1] ?? resolved.enum[0];
    const types = $ref === undefined ? inside : [...inside, $ref];
    switch (typeof resolved.type === "string" ? resolved.type : resolved.type?.[0]) {
      case "object":
        return this.object(resolved, depth, types);
      case "array": {
        const item = depth >= deepest ? undefined : this.value(resolved.items ?? {}, depth + 1, types);
        return item === undefined ? [] : [item];
      }
      case "boolean":
        return false;
      case "integer":
      case "number":
        return 0;
      case "string":
        return textExample(resolved.format);
      default:
        return null;
    }
  }

  private object(schema: Schema, depth: number, inside: readonly string[]): object {
    const example: Record<string, unknown> = {};
    if (depth >= deepest) return example;
    if (typeof schema.additionalProperties === "object") {
      const value = this.value(schema.additionalProperties, depth + 1, inside);
      return value === undefined ? example : { key: value };
    }
    const oneofs = oneofsOf(schema.description ?? "");
    for (const [name, property] of Object.entries(schema.properties ?? {})) {
      if (this.count >= mostValues) break;
      // Of members that exclude one another the first.
      if (property.readOnly === true || property.deprecated === true || oneofs.has(name)) continue;
      const value = this.value(property, depth + 1, inside);
      if (value !== undefined) example[name] = value;
    }
    return example;
  }
}

/** The names that "Only one of `a`, `b` and `c` may be set." leaves out. */
function oneofsOf(description: string): Set<string> {
  const excluded = new Set<string>();
  for (const [sentence] of description.matchAll(/Only one of (`[^`]+`(, | and )?)+ may be set\./g))
    for (const [, name] of [...sentence.matchAll(/`([^`]+)`/g)].slice(1)) excluded.add(name!);
  return excluded;
}

function textExample(format: string | undefined): string {
  switch (format) {
    case "int64":
    case "uint64":
      return "0";
    case "date-time":
      return "2026-01-31T12:00:00Z";
    default:
      return "";
  }
}
