/**
 * google.api.http templates as OpenAPI path templates.
 *
 * `{name=things/*}` becomes `things/{name}`: OpenAPI knows only whole segments as parameters, and a template written out tells more than
 * `{name}`. OpenAPI forbids two paths that differ in parameter names alone, so names are given per shape, by whoever comes first.
 */
import type { Template } from "../http-rule/template.ts";

export interface PathParameter {
  /** As it stands in the path. */
  readonly name: string;
  /** The field it is (part of), in dotted proto names; undefined for a wildcard outside any variable. */
  readonly field: string | undefined;
  /** It may hold several segments. */
  readonly many: boolean;
  /** The field's value is made of more than this parameter: how, as the template says it. */
  readonly pattern: string | undefined;
}

export interface OpenApiPath {
  readonly path: string;
  readonly parameters: readonly PathParameter[];
}

export class PathNames {
  private readonly namesByShape = new Map<string, readonly string[]>();

  /**
   * The path of a template; the same shape always gives the same path.
   * @param nameOf the JSON name of a field path in proto names
   */
  pathOf(template: Template, nameOf: (fieldPath: string) => string): OpenApiPath {
    const drafts: PathParameter[] = [];
    const taken = new Set<string>();
    const shape = template.segments.map((segment, i) => {
      if (segment.kind === "literal") return encodeURIComponent(segment.text);
      const parameter = draft(template, i, taken, nameOf);
      taken.add(parameter.name);
      drafts.push(parameter);
      return undefined;
    });
    const verb = template.verb === "" ? "" : `:${encodeURIComponent(template.verb)}`;
    const key = `/${shape.map((text) => text ?? "{}").join("/")}${verb}`;
    let names = this.namesByShape.get(key);
    if (names === undefined) this.namesByShape.set(key, (names = drafts.map(({ name }) => name)));
    let next = 0;
    const segments = shape.map((text) => text ?? `{${names[next++]}}`);
    return { path: `/${segments.join("/")}${verb}`, parameters: drafts.map((parameter, i) => ({ ...parameter, name: names[i]! })) };
  }
}

function draft(template: Template, index: number, taken: ReadonlySet<string>, nameOf: (fieldPath: string) => string): PathParameter {
  const many = template.segments[index]!.kind === "rest";
  const variable = template.variables.find(({ start, end }) => start <= index && index < end);
  if (variable === undefined) return { name: unused("segment", taken), field: undefined, many, pattern: undefined };
  const field = variable.fieldPath.join(".");
  const segments = template.segments.slice(variable.start, variable.end);
  const wildcards = segments.filter(({ kind }) => kind !== "literal").length;
  const pattern = segments.length === 1 ? undefined : segments.map(segmentText).join("/");
  const before = template.segments[index - 1];
  const named = wildcards === 1 || before?.kind !== "literal" || index === variable.start ? nameOf(field) : singular(before.text);
  return { name: unused(named, taken), field, many, pattern };
}

function segmentText(segment: Template["segments"][number]): string {
  return segment.kind === "literal" ? segment.text : segment.kind === "one" ? "*" : "**";
}

/** "shops" -> "shop": the field's English is not ours to judge, so only what is plain. */
function singular(word: string): string {
  const plain = word.replace(/[^A-Za-z0-9_.-]/g, "_");
  if (plain.endsWith("ies") && plain.length > 4) return `${plain.slice(0, -3)}y`;
  if (plain.endsWith("elves")) return `${plain.slice(0, -3)}f`;
  if (/(ss|x|ch|sh)es$/.test(plain)) return plain.slice(0, -2);
  return plain.endsWith("s") && !plain.endsWith("ss") && plain.length > 2 ? plain.slice(0, -1) : plain;
}

function unused(name: string, taken: ReadonlySet<string>): string {
  if (!taken.has(name)) return name;
  for (let n = 2; ; n++) if (!taken.has(`${name}_${n}`)) return `${name}_${n}`;
}
