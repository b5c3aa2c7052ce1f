/**
 * The header fields of one request: the end-to-end ones as a flat list, and what the others say about connection and framing.
 *
 * The trap: a block is immutable and shared by all requests of its connection that bring the same bytes, so nothing of a request line may
 * get in here. A list that did not change keeps its identity; engines further on find its encoded form by it.
 */
import type { Buffer } from "node:buffer";
import { isKeepAlive, readConnection, withoutNamed } from "./connection-field.ts";
import { FieldKind, fieldNames } from "./field-names.ts";
import { readLatin1 } from "./latin1.ts";
import { refusal, type Refusal } from "./refusal.ts";
import { isAuthority } from "./request-target.ts";

/** Above this a value is made anew: comparing it byte by byte costs more than the string. */
const longestCompared = 96;

export class HeaderBlock {
  /** Every field as it came, names in lower case; the memo of the next request. */
  readonly raw: string[] = [];
  /** End-to-end fields. */
  list: readonly string[] = noFields;
  host: string | undefined = undefined;
  /** -1 when not declared. */
  contentLength = -1;
  chunked = false;
  close = false;
  acceptsTrailers = false;
  upgrade: string | undefined = undefined;
  /** undefined, or the expectation in lower case. */
  expect: string | undefined = undefined;
  refusal: Refusal | undefined = undefined;
}

const noFields: readonly string[] = Object.freeze([]);

/**
 * @param spans where the fields stand in `bytes`: name start, name length, value start, value length.
 * @param before the block before this one on the connection: strings that came again are taken from it.
 */
export function readHeaderBlock(bytes: Buffer, spans: Int32Array, count: number, before: HeaderBlock | undefined): HeaderBlock {
  const block = new HeaderBlock();
  const memo = before?.raw;
  const { raw } = block;
  let list: string[] = [];
  let connection: string | undefined;
  for (let field = 0; field < count; field++) {
    const span = field << 2;
    const { name, kind } = fieldNames.find(bytes, spans[span]!, spans[span + 1]!);
    const known = memo !== undefined && memo[field << 1] === name ? memo[(field << 1) + 1] : undefined;
    const value = valueAt(bytes, spans[span + 2]!, spans[span + 3]!, known);
    raw.push(name, value);
    if (kind === FieldKind.endToEnd) list.push(name, value);
    else if (kind === FieldKind.connection) connection = connection === undefined ? value : `${connection},${value}`;
    else if (kind !== FieldKind.hopByHop) takeFraming(block, kind, value);
  }
  if (connection !== undefined && !isKeepAlive(connection)) list = takeConnection(block, connection, list);
  else block.upgrade = undefined; // RFC 9110, section 7.8: without "connection: upgrade" it is not for us
  block.list = before !== undefined && sameStrings(before.list, list) ? before.list : list;
  return block;
}

/** @param known what stood there in the head before: taken when it is the same */
export function valueAt(bytes: Buffer, start: number, length: number, known?: string): string {
  let end = start + length;
  // llhttp leaves the optional white space behind a value in place.
  while (end > start && (bytes[end - 1] === 0x20 || bytes[end - 1] === 0x09)) end--;
  return known !== undefined && equals(known, bytes, start, end - start) ? known : readLatin1(bytes, start, end);
}

function equals(text: string, bytes: Buffer, start: number, length: number): boolean {
  if (text.length !== length || length > longestCompared) return false;
  for (let i = 0; i < length; i++) if (text.charCodeAt(i) !== bytes[start + i]) return false;
  return true;
}

function sameStrings(one: readonly string[], other: readonly string[]): boolean {
  if (one.length !== other.length) return false;
  for (let i = 0; i < one.length; i++) if (one[i] !== other[i]) return false;
  return true;
}

function takeFraming(block: HeaderBlock, kind: FieldKind, value: string): void {
  if (kind === FieldKind.host) {
    if (block.host !== undefined) block.refusal ??= refusal("BAD_REQUEST", "more than one Host");
    else if (!isAuthority(value)) block.refusal ??= refusal("BAD_REQUEST", "the Host is not well formed");
    block.host = value;
  } else if (kind === FieldKind.contentLength) {
    // llhttp refuses a second one, signs, other bases and overflow; above 2^53 arithmetic on it would no longer be exact.
    block.contentLength = Number(value);
    if (!Number.isSafeInteger(block.contentLength))
      block.refusal ??= refusal("MESSAGE_TOO_LARGE", "the request body is larger than the limit");
  } else if (kind === FieldKind.transferEncoding) {
    if (block.chunked || value.toLowerCase() !== "chunked")
      block.refusal ??= refusal("BAD_REQUEST", 'a Transfer-Encoding other than "chunked"');
    block.chunked = true;
  } else if (kind === FieldKind.te) block.acceptsTrailers ||= /(?:^|,)[ \t]*trailers[ \t]*(?:$|[,;])/i.test(value);
  else if (kind === FieldKind.upgrade) block.upgrade ??= value.toLowerCase();
  else if (kind === FieldKind.expect)
    block.expect = block.expect === undefined ? value.toLowerCase() : `${block.expect}, ${value.toLowerCase()}`;
}

/** @returns the list without the fields that `connection` names. */
function takeConnection(block: HeaderBlock, connection: string, list: string[]): string[] {
  const { close, upgrade, named } = readConnection(connection);
  block.close = close;
  // RFC 7540's upgrade to HTTP/2 is not offered (RFC 9113 dropped it): the request is served as if it had not asked.
  if (!upgrade || block.upgrade === "h2c") block.upgrade = undefined;
  return withoutNamed(list, named);
}
