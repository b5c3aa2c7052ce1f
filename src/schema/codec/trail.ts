/**
 * Where the interpreter is: the path of the field it works on, for the error if there is one.
 *
 * Nobody pops on the way out of a refusal: what stands here when it arrives at the top is where it happened.
 */
import { CodecError } from "../../core/message-type.ts";
import type { FieldDescriptor, MessageDescriptor } from "../descriptor.ts";
import { fault } from "./refusal.ts";
import { reg } from "./registers.ts";

const MAX_SHOWN = 24;

export const trail = {
  /** Field names, list indices (numbers) and map keys (`["key"]`). */
  path: [] as (string | number)[],
  type: undefined as MessageDescriptor | undefined,
  field: undefined as FieldDescriptor | undefined,
  /** Offset where the value in hand begins: a fault in an unescaped copy of it is reported here. */
  valueAt: 0,
};

export function resetTrail(type: MessageDescriptor): void {
  trail.path.length = 0;
  trail.type = type;
  trail.field = undefined;
  trail.valueAt = 0;
}

/** What the fault and the trail say, as the error to throw. `shift`: bytes put in front of the caller's input. */
export function codecError(shift = 0): CodecError {
  const at = fault.at > reg.end ? trail.valueAt : fault.at;
  const message = fault.expected === "" ? fault.problem : `expected ${fault.expected}${subject()}, got ${found(at)}`;
  return new CodecError(message, pathText(), Math.max(0, at - shift), fault.unknownField);
}

function subject(): string {
  const { type, field } = trail;
  if (type === undefined) return "";
  if (field === undefined) return ` for ${type.name}`;
  return field.name.startsWith("[") ? ` for ${field.name}` : ` for ${type.name}.${field.name}`;
}

function pathText(): string {
  let text = "";
  for (const part of trail.path) {
    if (typeof part === "number") text += `[${part}]`;
    else if (part.startsWith("[")) text += part;
    else text += text === "" ? part : `.${part}`;
  }
  return text;
}

/** The JSON token at an offset, in words. */
function found(at: number): string {
  const m = reg.memory;
  if (at >= reg.end) return "the end of the input";
  const c = m[at]!;
  if (c === 123) return "an object";
  if (c === 91) return "an array";
  let end = at;
  if (c === 34) {
    end++;
    while (end < reg.end && m[end] !== 34 && m[end] !== 92) end++;
    end++;
  } else {
    while (end < reg.end && /[-+.\w]/.test(String.fromCharCode(m[end]!))) end++;
    if (end === at) end++;
  }
  const text = m.toString("utf8", at, Math.min(end, at + MAX_SHOWN));
  return end > at + MAX_SHOWN ? `${text}...` : text;
}
