/**
 * What zod found, in words one can act on: `path` and `reason` of the line `file:line:column path: reason`.
 *
 * The trap: a union reports every branch. The branch that got furthest is the one that was meant.
 */
import type * as z from "zod/mini";
import { didYouMean } from "../core/nearest-name.ts";

type Issue = z.core.$ZodIssue;
export type Path = readonly PropertyKey[];

export interface Fault {
  readonly path: Path;
  readonly reason: string;
  /** The fault is the key itself, not its value. */
  readonly atKey: boolean;
}

/** All faults of `value` against `schema`, in the order zod found them. */
export function explainIssues(issues: readonly Issue[], schema: z.core.$ZodType, value: unknown): Fault[] {
  return issues.flatMap((issue) => explain(issue, issue.path, schema, value));
}

function explain(issue: Issue, path: Path, schema: z.core.$ZodType, value: unknown): Fault[] {
  const fault = (reason: string): Fault[] => [{ path, reason, atKey: false }];
  switch (issue.code) {
    case "unrecognized_keys": {
      const known = keysOf(at(schema, path));
      return issue.keys.map((key) => ({ path: [...path, key], reason: `unknown key "${key}"${didYouMean(key, known)}`, atKey: true }));
    }
    case "invalid_union": {
      const branch = furthest(issue.errors);
      if (branch !== undefined) return branch.flatMap((inner) => explain(inner, [...path, ...inner.path], schema, value));
      return fault(`expected ${expectations(issue.errors)}`);
    }
    case "invalid_key":
      return [{ path, reason: issue.issues.map((inner) => inner.message).join("; "), atKey: true }];
    case "invalid_value": {
      const given = valueAt(value, path);
      const allowed = issue.values.map(String);
      const hint = typeof given === "string" ? didYouMean(given, allowed) : "";
      return fault(`unknown value ${JSON.stringify(given)}${hint}${hint === "" ? `: expected ${allowed.join(" or ")}` : ""}`);
    }
    case "invalid_type": {
      const given = valueAt(value, path);
      if (given === undefined || given === null) return fault("is missing");
      return fault(issue.message.startsWith("Invalid") ? `expected ${article(issue.expected)}, got ${describe(given)}` : issue.message);
    }
    default:
      return fault(issue.message);
  }
}

/** The branch with a fault deeper than the union itself: there the shape was right and a part of it wrong. */
function furthest(branches: readonly (readonly Issue[])[]): readonly Issue[] | undefined {
  const right = branches.filter(
    (issues) => issues.length > 0 && issues.every((issue) => issue.path.length > 0 || issue.code === "unrecognized_keys"),
  );
  right.sort((a, b) => a.length - b.length);
  if (right.length > 0) return right[0];
  // A string that one branch could have taken, had it been well written.
  return branches.find((issues) => issues.some((issue) => issue.code === "custom" || issue.code === "invalid_format"));
}

function expectations(branches: readonly (readonly Issue[])[]): string {
  const words = branches.map(([issue]) => {
    if (issue?.code === "invalid_value") return issue.values.map(String).join(" or ");
    return issue?.code === "invalid_type" ? article(issue.expected) : (issue?.message ?? "");
  });
  return [...new Set(words)].join(" or ");
}

const described: Readonly<Record<string, string>> = {
  object: "a mapping",
  array: "a list",
  string: "a text",
  number: "a number",
  int: "a whole number",
  boolean: "true or false",
  record: "a mapping",
};

function article(expected: string): string {
  return described[expected] ?? expected;
}

function describe(value: unknown): string {
  if (Array.isArray(value)) return "a list";
  return typeof value === "object" ? "a mapping" : JSON.stringify(value);
}

export function valueAt(value: unknown, path: Path): unknown {
  let at = value;
  for (const key of path) {
    if (typeof at !== "object" || at === null) return undefined;
    at = (at as Record<PropertyKey, unknown>)[key];
  }
  return at;
}

/** The schema at `path`, or all that could stand there. */
function at(schema: z.core.$ZodType, path: Path): readonly z.core.$ZodType[] {
  let here = branchesOf(schema);
  for (const key of path) here = here.flatMap((one) => memberOf(one, key)).flatMap(branchesOf);
  return here;
}

function branchesOf(schema: z.core.$ZodType): readonly z.core.$ZodType[] {
  const def = schema._zod.def as { type: string; innerType?: z.core.$ZodType; options?: readonly z.core.$ZodType[] };
  if (def.innerType !== undefined) return branchesOf(def.innerType);
  return def.type === "union" ? (def.options ?? []).flatMap(branchesOf) : [schema];
}

function memberOf(schema: z.core.$ZodType, key: PropertyKey): readonly z.core.$ZodType[] {
  const def = schema._zod.def as {
    type: string;
    shape?: Record<PropertyKey, z.core.$ZodType>;
    valueType?: z.core.$ZodType;
    element?: z.core.$ZodType;
  };
  const member = def.type === "object" ? def.shape?.[key] : (def.valueType ?? def.element);
  return member === undefined ? [] : [member];
}

function keysOf(schemas: readonly z.core.$ZodType[]): string[] {
  return schemas.flatMap((schema) => Object.keys((schema._zod.def as { shape?: object }).shape ?? {}));
}

/** `methods["shop.v1.Orders/*"].retry.on[0]` */
export function formatPath(path: Path): string {
  let text = "";
  for (const key of path) {
    if (typeof key === "number") text += `[${key}]`;
    else if (/^[A-Za-z_][\w-]*$/.test(String(key))) text += text === "" ? String(key) : `.${String(key)}`;
    else text += `[${JSON.stringify(String(key))}]`;
  }
  return text;
}
