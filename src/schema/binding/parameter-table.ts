/**
 * Names of query parameters -> parameters of one message type, resolved when first used.
 *
 * Names come from callers, so only names that resolve are kept, and only so many: a recursive message has no end of them.
 */
import { CallError } from "../../core/call-error.ts";
import type { MessageDescriptor } from "../descriptor.ts";
import type { BindingOptions } from "./binding-options.ts";
import { kindOf, resolveFieldPath } from "./field-path.ts";
import { invalidParameter, Parameter, type Origin } from "./parameter.ts";

const keptNames = 512;
const longestName = 512;

export class ParameterTable {
  readonly message: MessageDescriptor;
  private readonly options: Pick<BindingOptions, "maxDepth" | "json">;
  private readonly origin: Origin;
  private readonly known = new Map<string, Parameter>();

  constructor(message: MessageDescriptor, options: Pick<BindingOptions, "maxDepth" | "json">, origin: Origin = "query parameter") {
    this.message = message;
    this.options = options;
    this.origin = origin;
  }

  /**
   * The parameter called `name`, decoded and without brackets.
   * @returns undefined when no field has the name, if `ignoreUnknown`
   * @throws CallError when there is none, or when the field can have no parameter
   */
  find(name: string, ignoreUnknown: boolean): Parameter | undefined {
    return this.known.get(name) ?? this.resolve(name, ignoreUnknown);
  }

  private resolve(name: string, ignoreUnknown: boolean): Parameter | undefined {
    if (name.length > longestName) return this.unknown(name, "", ignoreUnknown);
    const names = name.split(".");
    const { maxDepth, json } = this.options;
    if (names.length > maxDepth) throw invalidParameter(name, `${this.origin} ${quoted(name)} is nested deeper than ${maxDepth} fields`);
    const path = resolveFieldPath(this.message, names);
    if ("message" in path) {
      if (path.unknown) return this.unknown(name, path.hint, ignoreUnknown);
      throw invalidParameter(path.path, `${this.origin} ${quoted(name)}: ${path.message}`);
    }
    const parameter = Parameter.of(path, json);
    if (parameter === undefined) {
      const kind = kindOf(path.field);
      const advice = kind === "message" ? `: name one of its fields, as in ${name}.${exampleField(path.field.value)}` : " of messages";
      throw invalidParameter(path.text, `${this.origin} ${quoted(name)} is a ${kind}${advice}`);
    }
    if (this.known.size < keptNames) this.known.set(name, parameter);
    return parameter;
  }

  private unknown(name: string, hint: string, ignoreUnknown: boolean): undefined {
    if (!ignoreUnknown) throw unknownParameter(name.length > 64 ? name.slice(0, 64) + "..." : name, hint, this.origin);
  }
}

/** @param hint begins with a space, or is empty */
export function unknownParameter(name: string, hint: string, origin: Origin = "query parameter"): CallError {
  const message = `unknown ${origin} ${quoted(name)}${hint}`;
  return new CallError("UNKNOWN_FIELD", message, { source: "caller", violations: [{ field: name, description: message }] });
}

export function quoted(name: string): string {
  return JSON.stringify(name);
}

function exampleField(value: { readonly kind: string; readonly message?: MessageDescriptor }): string {
  return value.message?.fields[0]?.jsonName ?? "field";
}
