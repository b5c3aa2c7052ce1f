/**
 * The way back: field values -> path, for REST backends (google/api/http.proto, the rules about variable expansion).
 *
 * A value that the template would not give back when matched has no path: an empty segment, a wrong number of segments, and `.` or `..`,
 * which every server on the way would resolve and so lead the request elsewhere.
 */
import type { Segment, Template } from "./template.ts";

/** The path for one value per variable, in the template's order; undefined when a value does not fit or a wildcard stands outside variables. */
export function expandTemplate(template: Template, values: readonly string[]): string | undefined {
  const parts: string[] = [];
  const { segments, variables } = template;
  let next = 0;
  for (let index = 0; index < segments.length;) {
    const variable = variables[next];
    if (variable !== undefined && variable.start === index) {
      const value = values[next++];
      if (value === undefined || !expandVariable(segments.slice(variable.start, variable.end), variable.multiSegment, value, parts))
        return undefined;
      index = variable.end;
    } else {
      const segment = segments[index++]!;
      if (segment.kind !== "literal") return undefined;
      parts.push(encodeLiteral(segment.text, index === segments.length && template.verb === ""));
    }
  }
  // Trailing empty segments are dropped when matching.
  if (parts.at(-1) === "") return undefined;
  return "/" + parts.join("/") + (template.verb === "" ? "" : ":" + encodeLiteral(template.verb, true));
}

function expandVariable(segments: readonly Segment[], multiSegment: boolean, value: string, parts: string[]): boolean {
  const given = !multiSegment ? [value] : value === "" ? [] : value.split("/");
  const restAt = segments.findIndex((segment) => segment.kind === "rest");
  if (restAt < 0 ? given.length !== segments.length : given.length < segments.length - 1) return false;
  const shift = given.length - segments.length;
  for (let index = 0; index < given.length; index++) {
    const text = given[index]!;
    const inRest = restAt >= 0 && index >= restAt && index <= restAt + shift;
    const segment = inRest ? segments[restAt]! : segments[restAt < 0 || index < restAt ? index : index - shift]!;
    if (text === "." || text === "..") return false;
    if (segment.kind === "literal" ? segment.text !== text : segment.kind === "one" && text === "") return false;
    const encoded = encodeValue(text);
    if (encoded === undefined) return false;
    parts.push(encoded);
  }
  return true;
}

/** Everything but `[-_.~0-9a-zA-Z]`; undefined for text that is not Unicode (a lone surrogate). */
function encodeValue(text: string): string | undefined {
  if (!text.isWellFormed()) return undefined;
  return encodeURIComponent(text).replace(/[!'()*]/g, percentEncoded);
}

/** As little as a path allows; a colon in the last segment would read as the start of a verb. */
function encodeLiteral(text: string, colonIsVerb: boolean): string {
  const encoded = encodeURIComponent(text).replace(/%(?:24|26|2B|2C|3B|3D|40|3A)/g, decodeURIComponent);
  return colonIsVerb ? encoded.replaceAll(":", "%3A") : encoded;
}

function percentEncoded(char: string): string {
  return "%" + char.charCodeAt(0).toString(16).toUpperCase();
}
