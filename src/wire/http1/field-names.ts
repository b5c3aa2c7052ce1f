/**
 * Header field names found by their bytes, without making a string first, and what the connection layer does with each.
 *
 * The trap: the table learns names it sees, for all connections of the thread, so it must stay bounded; and it holds names only, since
 * a value of one connection must never be seen by another.
 */
import type { Buffer } from "node:buffer";
import { readLatin1 } from "./latin1.ts";

/** Fields that say something about the connection or the framing. Everything else is `endToEnd` and handed on. */
export const FieldKind = {
  endToEnd: 0,
  /** Belongs to the connection and says nothing we need: keep-alive, proxy-connection, trailer, http2-settings. */
  hopByHop: 1,
  host: 2,
  contentLength: 3,
  transferEncoding: 4,
  connection: 5,
  te: 6,
  upgrade: 7,
  expect: 8,
} as const;
export type FieldKind = (typeof FieldKind)[keyof typeof FieldKind];

interface FieldName {
  /** In lower case. */
  readonly name: string;
  readonly kind: FieldKind;
}

const kinds: Readonly<Record<string, FieldKind>> = {
  host: FieldKind.host,
  "content-length": FieldKind.contentLength,
  "transfer-encoding": FieldKind.transferEncoding,
  connection: FieldKind.connection,
  te: FieldKind.te,
  upgrade: FieldKind.upgrade,
  expect: FieldKind.expect,
  "keep-alive": FieldKind.hopByHop,
  "proxy-connection": FieldKind.hopByHop,
  trailer: FieldKind.hopByHop,
  "http2-settings": FieldKind.hopByHop,
};

const common =
  "accept accept-encoding accept-language authorization baggage cache-control content-encoding content-type cookie dnt forwarded " +
  "grpc-timeout if-match if-modified-since if-none-match origin pragma priority range referer sec-ch-ua sec-ch-ua-mobile " +
  "sec-ch-ua-platform sec-fetch-dest sec-fetch-mode sec-fetch-site sec-fetch-user traceparent tracestate upgrade-insecure-requests " +
  "user-agent via x-api-key x-b3-sampled x-b3-spanid x-b3-traceid x-correlation-id x-forwarded-for x-forwarded-host x-forwarded-port " +
  "x-forwarded-proto x-real-ip x-request-id x-requested-with";

const slots = 1024;
const learnedLimit = 256;
const longestLearned = 64;

class FieldNameTable {
  /** Open addressing over (length, first, last byte); a probe ends at the first empty slot. */
  private readonly entries: (FieldName | undefined)[] = new Array<FieldName | undefined>(slots).fill(undefined);
  private learned = 0;

  constructor() {
    for (const name of [...Object.keys(kinds), ...common.split(" ")]) this.add(name);
  }

  /** The name whose bytes stand at `start`; llhttp has checked that they are token characters. */
  find(bytes: Buffer, start: number, length: number): FieldName {
    const end = start + length;
    let at = slotOf(length, bytes[start]! | 0x20, bytes[end - 1]! | 0x20);
    for (let entry = this.entries[at]; entry !== undefined; entry = this.entries[(at = (at + 1) & (slots - 1))])
      if (entry.name.length === length && equalIgnoringCase(entry.name, bytes, start)) return entry;
    return this.learn(readLatin1(bytes, start, end).toLowerCase());
  }

  private learn(name: string): FieldName {
    if (this.learned >= learnedLimit || name.length > longestLearned) return { name, kind: FieldKind.endToEnd };
    this.learned++;
    return this.add(name);
  }

  private add(name: string): FieldName {
    let at = slotOf(name.length, name.charCodeAt(0) | 0x20, name.charCodeAt(name.length - 1) | 0x20);
    while (this.entries[at] !== undefined) at = (at + 1) & (slots - 1);
    return (this.entries[at] = { name, kind: kinds[name] ?? FieldKind.endToEnd });
  }
}

function slotOf(length: number, first: number, last: number): number {
  return (length * 67 + first * 31 + last * 7) & (slots - 1);
}

function equalIgnoringCase(lowerCase: string, bytes: Buffer, start: number): boolean {
  for (let i = 0; i < lowerCase.length; i++) {
    const byte = bytes[start + i]!;
    const folded = byte >= 0x41 && byte <= 0x5a ? byte | 0x20 : byte;
    if (folded !== lowerCase.charCodeAt(i)) return false;
  }
  return true;
}

export const fieldNames = new FieldNameTable();
