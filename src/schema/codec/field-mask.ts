/**
 * google.protobuf.FieldMask ({repeated string paths = 1}) between the wire and its JSON text: "user.displayName,photo".
 *
 * Paths are snake_case on the wire and camelCase in JSON; one that would not come back the same is refused in both directions.
 */
import type { Buffer } from "node:buffer";
import { grow, reg, SLACK_BYTES } from "./registers.ts";
import { expected, refuse } from "./refusal.ts";
import { copyString } from "./json-text.ts";
import { readLength, readTag, skipField } from "./wire-read.ts";
import { closeLength } from "./wire-write.ts";
import { printString } from "./print-text.ts";

export function readFieldMask(m: Buffer, p: number, w: number): number {
  if (m[p] !== 34) expected(p, 'a string like "name,owner.displayName"');
  // The text goes behind the room its paths may need: each character becomes two bytes at most, or begins a path (tag and length).
  const text = w + 3 * (reg.end - p) + 16;
  const end = copyString(m, p + 1, text);
  const after = reg.at;
  let q = text;
  while (q < end) {
    m[w] = 10;
    const at = w + 1;
    w += 2;
    for (; q < end && m[q] !== 44; q++) {
      const c = m[q]!;
      if (c === 95) refuse(p, "expected the paths of a FieldMask in lowerCamelCase, without '_'");
      if (c >= 65 && c <= 90) {
        m[w++] = 95;
        m[w++] = c + 32;
      } else {
        m[w++] = c;
      }
    }
    q++;
    w = closeLength(m, at, 1, w);
  }
  if (end > text && m[end - 1] === 44) {
    m[w++] = 10;
    m[w++] = 0;
  }
  reg.at = after;
  return w;
}

export function printFieldMask(m: Buffer, p: number, e: number, w: number): number {
  const start = p;
  if (w + 6 * (e - p) + SLACK_BYTES > m.length) m = grow(w, 6 * (e - p) + SLACK_BYTES);
  m[w] = 34;
  let at = w + 1;
  let paths = 0;
  while (p < e) {
    const tag = readTag(m, p);
    p = reg.at;
    if (tag !== 10) {
      p = skipField(m, p, e, tag);
      continue;
    }
    const n = readLength(m, p, e);
    p = reg.at;
    if (paths++ > 0) m[at++] = 44;
    const first = at;
    // Printed as a string over the bytes in front, for its checks and escapes; then made camel in place, without the quotes.
    const close = printString(m, p, p + n, at - 1) - 1;
    m[first - 1] = paths === 1 ? 34 : 44;
    for (let q = first; q < close; q++) {
      let c = m[q]!;
      if (c >= 65 && c <= 90) refuse(start, "a FieldMask with a path that is not in lower_snake_case has no JSON form");
      if (c === 95) {
        c = m[++q]!;
        if (q >= close || c < 97 || c > 122) refuse(start, "a FieldMask with a path that is not in lower_snake_case has no JSON form");
        c -= 32;
      }
      m[at++] = c;
    }
    p += n;
  }
  if (p !== e) refuse(e, "malformed protobuf: a field runs past the end");
  m[at] = 34;
  return at + 1;
}
