/**
 * What a codec refuses in a request's body, as the 400 its sender deserves: the field, the offset, the nearest name.
 *
 * The codec's own words are fit for the caller (see CodecError); its `cause` chain is not and stays in the log.
 */
import { CallError } from "../../core/call-error.ts";
import type { CodecError, MessageType } from "../../core/message-type.ts";
import type { MessageDescriptor } from "../descriptor.ts";
import { nearestName } from "../../core/nearest-name.ts";
import { findField } from "./field-path.ts";

const longestShown = 500;

/** @param root path of the field that the body is, "" when it is the whole message */
export function errorOfCodec(error: CodecError, type: MessageType, root = ""): CallError {
  const field = joined(root, error.path);
  const { unknownField } = error;
  if (unknownField === undefined) {
    const shown = shortened(field);
    const place = shown === "" ? "" : `${shown}: `;
    return refusal("INVALID_JSON", shown, `${place}${shortened(error.message)} (at byte ${error.offset})`, error);
  }
  const holder = isDescriptor(type) ? messageAt(type, joined(root, error.path), unknownField) : undefined;
  const nearest =
    holder === undefined
      ? undefined
      : nearestName(
          unknownField,
          holder.fields.map((each) => each.jsonName),
        );
  const hint = nearest === undefined ? "" : ` (did you mean ${nearest}?)`;
  const path = shortened(endsWithName(field, unknownField) ? field : joined(field, unknownField));
  return refusal("UNKNOWN_FIELD", path, `unknown field ${JSON.stringify(path)}${hint} (at byte ${error.offset})`, error);
}

function refusal(reason: "INVALID_JSON" | "UNKNOWN_FIELD", field: string, message: string, cause: CodecError): CallError {
  return new CallError(reason, message, { source: "caller", violations: [{ field, description: message }], cause });
}

/** Names and keys are the caller's, and may be as long as a body. */
function shortened(text: string): string {
  return text.length > longestShown ? `${text.slice(0, longestShown)}...` : text;
}

/** The message at `path`, less `unknownField` at its end: some readers name the field in the path and some do not. */
function messageAt(type: MessageDescriptor, path: string, unknownField: string): MessageDescriptor | undefined {
  let text = path;
  if (endsWithName(path, unknownField)) text = path.slice(0, Math.max(0, path.length - unknownField.length - 1));
  let current: MessageDescriptor | undefined = type;
  for (const name of text.replace(/\[[^\]]*\]/g, "").split(".")) {
    if (name === "") continue;
    const value: { readonly kind: string; readonly message?: MessageDescriptor } | undefined = current && findField(current, name)?.value;
    current = value?.message;
  }
  return current;
}

function endsWithName(path: string, name: string): boolean {
  return path === name || path.endsWith("." + name);
}

function joined(left: string, right: string): string {
  return left === "" ? right : right === "" ? left : right.startsWith("[") ? left + right : `${left}.${right}`;
}

function isDescriptor(type: MessageType): type is MessageDescriptor {
  return "fields" in type;
}
