/** Our flat lists as the header objects of node:http2. Repeated names become arrays; what must not be indexed is marked for nghttp2. */
import { sensitiveHeaders, type OutgoingHttpHeaders } from "node:http2";
import { traitOf } from "../http2/hpack/field-traits.ts";

export function toNodeFields(...lists: readonly (readonly string[])[]): OutgoingHttpHeaders {
  const fields = Object.create(null) as Record<string, string | string[]>;
  const secret: string[] = [];
  for (const list of lists) {
    for (let i = 0; i < list.length; i += 2) {
      const name = list[i]!;
      const value = list[i + 1]!;
      const before = fields[name];
      if (before === undefined) {
        fields[name] = value;
        if (traitOf(name) === "secret") secret.push(name);
      } else if (typeof before === "string") fields[name] = [before, value];
      else before.push(value);
    }
  }
  const marked: OutgoingHttpHeaders = fields;
  if (secret.length > 0) marked[sensitiveHeaders as unknown as string] = secret;
  return marked;
}

/** What node:http2 gives as raw headers (names and values in turn), without the pseudo fields. */
export function withoutPseudo(raw: readonly string[]): readonly string[] {
  let from = 0;
  while (from < raw.length && raw[from]!.startsWith(":")) from += 2;
  return raw.slice(from);
}

export function joined(chunk: Uint8Array, prefix: Uint8Array | undefined): Buffer {
  return prefix === undefined ? Buffer.from(chunk) : Buffer.concat([prefix, chunk]);
}
