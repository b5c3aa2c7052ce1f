/**
 * The head of a request as text, ready to be written: request line, host, fields. What frames the body comes behind it.
 *
 * The trap: everything is checked here. A path, name or value that came in by another protocol may hold what ends a line in this one (request
 * splitting), and a length that is said twice lets two servers disagree on where the request ends.
 */
import { IdentityCache } from "../../core/identity-cache.ts";
import type { RequestTemplate } from "../http-client.ts";
import { fieldsText } from "./response-head.ts";

export interface RequestHead {
  /** Up to what frames the body; without the line that ends the head. */
  readonly text: string;
  /** The body's declared length; -1 for none. */
  readonly contentLength: number;
}

interface Fields {
  readonly text: string;
  readonly host: string | undefined;
  /** -1 for none. */
  readonly contentLength: number;
  readonly takesTrailers: boolean;
}

/** What is said elsewhere, or by the connection: whoever asks for an upgrade asks for it by name. */
const apart = new Set(
  "connection content-length expect host http2-settings keep-alive proxy-connection trailer transfer-encoding upgrade".split(" "),
);
const methodForm = /^[!#$%&'*+.^_`|~0-9A-Za-z-]{1,64}$/;
const pathForm = /^(?:\/[\x21-\x7e\x80-\xff]*|\*)$/;
const noFields: Fields = { text: "", host: undefined, contentLength: -1, takesTrailers: false };

/** By identity: lists that are handed in do not change. */
const known = new IdentityCache<readonly string[], Fields>(16);

/** @returns undefined when it cannot be sent over HTTP/1.1 */
export function writeRequestHead(
  { method, path, authority, headers: fixed }: RequestTemplate,
  headers: readonly string[],
  more: readonly string[],
  upgrade: string | undefined,
): RequestHead | undefined {
  const first = knownFields(fixed);
  const second = knownFields(headers);
  const third = more.length === 0 ? noFields : readFields(more);
  if (first === undefined || second === undefined || third === undefined) return undefined;
  if (!methodForm.test(method) || !pathForm.test(path)) return undefined;
  const contentLength = Math.max(first.contentLength, second.contentLength, third.contentLength);
  if (!agrees(first, contentLength) || !agrees(second, contentLength) || !agrees(third, contentLength)) return undefined;
  const host = third.host ?? second.host ?? first.host ?? authority;
  let text = `${method} ${path} HTTP/1.1\r\nhost: ${host}\r\n${first.text}${second.text}${third.text}`;
  if (upgrade !== undefined) text += `connection: upgrade\r\nupgrade: ${upgrade}\r\n`;
  // RFC 9110, section 10.1.4.
  else if (third.takesTrailers || second.takesTrailers || first.takesTrailers) text += "connection: te\r\n";
  return { text, contentLength };
}

/** One length, however often it is said. */
function agrees({ contentLength }: Fields, said: number): boolean {
  return contentLength < 0 || contentLength === said;
}

function knownFields(list: readonly string[]): Fields | undefined {
  if (list.length === 0) return noFields;
  const found = known.get(list);
  if (found !== undefined) return found;
  const fields = readFields(list);
  return fields === undefined ? undefined : known.set(list, fields);
}

function readFields(list: readonly string[]): Fields | undefined {
  const text = fieldsText(list, apart);
  if (text === undefined) return undefined;
  let host: string | undefined;
  let contentLength = -1;
  let takesTrailers = false;
  for (let i = 0; i < list.length; i += 2) {
    const name = list[i]!;
    const value = list[i + 1]!;
    if (name === "host") host ??= value;
    else if (name === "te") takesTrailers = true;
    else if (name === "content-length") {
      if (!/^\d{1,15}$/.test(value) || (contentLength >= 0 && contentLength !== Number(value))) return undefined;
      contentLength = Number(value);
    }
  }
  return { text, host, contentLength, takesTrailers };
}
