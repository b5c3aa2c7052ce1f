/**
 * Status lines and header fields of answers as bytes, ready to be copied into the output.
 *
 * Two traps. Only a frozen list is remembered by identity: another could be changed and used again. And every name and value is checked
 * here, so nothing that was copied from an upstream's metadata can end a header early (response splitting).
 */
import { Buffer } from "node:buffer";

export interface EncodedFields {
  readonly bytes: Uint8Array;
  readonly hasDate: boolean;
}

/** Reason phrases of RFC 9110 and its kin. Node has them too, in a module that costs every start 10 MB. */
const phrases: Readonly<Record<number, string>> = {
  101: "Switching Protocols",
  200: "OK",
  201: "Created",
  202: "Accepted",
  203: "Non-Authoritative Information",
  204: "No Content",
  205: "Reset Content",
  206: "Partial Content",
  300: "Multiple Choices",
  301: "Moved Permanently",
  302: "Found",
  303: "See Other",
  304: "Not Modified",
  307: "Temporary Redirect",
  308: "Permanent Redirect",
  400: "Bad Request",
  401: "Unauthorized",
  403: "Forbidden",
  404: "Not Found",
  405: "Method Not Allowed",
  406: "Not Acceptable",
  408: "Request Timeout",
  409: "Conflict",
  410: "Gone",
  411: "Length Required",
  412: "Precondition Failed",
  413: "Content Too Large",
  414: "URI Too Long",
  415: "Unsupported Media Type",
  416: "Range Not Satisfiable",
  417: "Expectation Failed",
  421: "Misdirected Request",
  422: "Unprocessable Content",
  425: "Too Early",
  426: "Upgrade Required",
  428: "Precondition Required",
  429: "Too Many Requests",
  431: "Request Header Fields Too Large",
  499: "Client Closed Request",
  500: "Internal Server Error",
  501: "Not Implemented",
  502: "Bad Gateway",
  503: "Service Unavailable",
  504: "Gateway Timeout",
  505: "HTTP Version Not Supported",
  511: "Network Authentication Required",
};

const statusLines: (Uint8Array | undefined)[] = [];

/** "HTTP/1.1 200 OK" with its line end. */
export function statusLine(status: number): Uint8Array {
  return (statusLines[status] ??= makeStatusLine(status));
}

function makeStatusLine(status: number): Uint8Array {
  if (!Number.isInteger(status) || status < 100 || status > 999) throw new RangeError(`not an HTTP status: ${status}`);
  return Buffer.from(`HTTP/1.1 ${status} ${phrases[status] ?? ""}\r\n`, "latin1");
}

/** What the connection layer says itself; said twice it would let the two ends disagree on where the answer ends. */
const ours = new Set(["connection", "content-length", "keep-alive", "proxy-connection", "transfer-encoding", "upgrade"]);
const token = /^[!#$%&'*+.^_`|~0-9a-zA-Z-]+$/;
/** Horizontal tab, visible ASCII and obs-text (RFC 9110, section 5.5); above 255 there is no byte. */
const forbiddenInValue = /[^\t\x20-\x7e\x80-\xff]/;

/** @returns undefined when a name or value cannot be sent. */
export function fieldsText(list: readonly string[], leaveOut: ReadonlySet<string> = ours): string | undefined {
  let text = "";
  for (let i = 0; i < list.length; i += 2) {
    const name = list[i]!;
    const value = list[i + 1]!;
    if (!isToken(name) || forbiddenInValue.test(value)) return undefined;
    if (!leaveOut.has(name)) text += `${name}: ${value}\r\n`;
  }
  return text;
}

/** Names seen and found good; bounded, since a backend chooses the names of its metadata. */
const goodNames = new Set<string>();

function isToken(name: string): boolean {
  if (goodNames.has(name)) return true;
  if (!token.test(name)) return false;
  if (goodNames.size < 256) goodNames.add(name);
  return true;
}

const rememberedLists = 8;
const lists: (readonly string[] | undefined)[] = new Array<undefined>(rememberedLists).fill(undefined);
const encoded: EncodedFields[] = new Array<EncodedFields>(rememberedLists);
let nextSlot = 0;

/** The lines of `list`, found by identity when the list is frozen. undefined: a field that cannot be sent. */
export function encodeFields(list: readonly string[]): EncodedFields | undefined {
  for (let i = 0; i < rememberedLists; i++) if (lists[i] === list) return encoded[i];
  const text = fieldsText(list);
  if (text === undefined) return undefined;
  const fields = { bytes: Buffer.from(text, "latin1"), hasDate: hasName(list, "date") };
  if (Object.isFrozen(list)) {
    lists[nextSlot] = list;
    encoded[nextSlot] = fields;
    nextSlot = (nextSlot + 1) % rememberedLists;
  }
  return fields;
}

function hasName(list: readonly string[], name: string): boolean {
  for (let i = 0; i < list.length; i += 2) if (list[i] === name) return true;
  return false;
}

let dateSecond = -1;
let dateLine: Uint8Array = new Uint8Array(0);

/** The date field (RFC 9110, section 6.6.1), made once a second. */
export function dateField(wallMs: number): Uint8Array {
  const second = Math.floor(wallMs / 1000);
  if (second !== dateSecond) {
    dateSecond = second;
    dateLine = Buffer.from(`date: ${new Date(wallMs).toUTCString()}\r\n`, "latin1");
  }
  return dateLine;
}
