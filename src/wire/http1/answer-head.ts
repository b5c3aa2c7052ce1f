/**
 * The head of a response as a client needs it: the end-to-end fields as a flat list, and what the others say about framing and connection.
 *
 * The trap: heads are immutable and shared by all responses that begin with the same bytes, so nothing of one exchange may get in here; whether
 * a body follows is also the request's to say (HEAD).
 */
import type { Buffer } from "node:buffer";
import type { WireErrorKind } from "../wire-error.ts";
import { isKeepAlive, readConnection, withoutNamed } from "./connection-field.ts";
import { FieldKind, fieldNames } from "./field-names.ts";
import { valueAt } from "./header-block.ts";

/** Why a response cannot be taken. */
export interface AnswerFault {
  readonly kind: WireErrorKind;
  readonly message: string;
}

export const brokenProtocol = (message: string): AnswerFault => ({ kind: "protocol", message });

export class AnswerHead {
  readonly status: number;
  /** End-to-end fields, and `content-length`. */
  list: readonly string[] = [];
  /** -1 when not declared. */
  contentLength = -1;
  chunked = false;
  /** The server keeps the connection. */
  persistent: boolean;
  /** How long it keeps it when nothing is sent, if it says so. */
  keepAliveMs = Infinity;
  /** In lower case; undefined without `connection: upgrade`. */
  upgrade: string | undefined = undefined;
  fault: AnswerFault | undefined = undefined;

  /** @param http11 HTTP/1.0 connections are not kept, whatever is said about them */
  constructor(status: number, http11: boolean) {
    this.status = status;
    this.persistent = http11;
  }
}

/** @param spans where the fields stand in `bytes`: name start, name length, value start, value length */
export function readAnswerHead(head: AnswerHead, bytes: Buffer, spans: Int32Array, count: number): AnswerHead {
  let list: string[] = [];
  let connection: string | undefined;
  let upgrade: string | undefined;
  for (let field = 0; field < count; field++) {
    const span = field << 2;
    const { name, kind } = fieldNames.find(bytes, spans[span]!, spans[span + 1]!);
    const value = valueAt(bytes, spans[span + 2]!, spans[span + 3]!);
    switch (kind) {
      case FieldKind.endToEnd:
      case FieldKind.host:
      case FieldKind.expect:
        list.push(name, value);
        break;
      case FieldKind.contentLength:
        // llhttp refuses a second one, signs, other bases, and one beside a Transfer-Encoding.
        head.contentLength = Number(value);
        if (!Number.isSafeInteger(head.contentLength)) head.fault ??= brokenProtocol("a Content-Length above 2^53");
        list.push(name, value);
        break;
      case FieldKind.transferEncoding:
        if (head.chunked || value.toLowerCase() !== "chunked") head.fault ??= brokenProtocol('a Transfer-Encoding other than "chunked"');
        head.chunked = true;
        break;
      case FieldKind.connection:
        connection = connection === undefined ? value : `${connection},${value}`;
        break;
      case FieldKind.upgrade:
        upgrade ??= value.toLowerCase();
        break;
      default:
        if (name === "keep-alive") head.keepAliveMs = keepAliveOf(value);
    }
  }
  if (connection !== undefined && !isKeepAlive(connection)) {
    const options = readConnection(connection);
    if (options.close) head.persistent = false;
    if (options.upgrade) head.upgrade = upgrade;
    list = withoutNamed(list, options.named);
  }
  head.list = list;
  return head;
}

/** Servers close a little before or after what they say (RFC 9112, section 9.3: a hint), and our request must be there before. */
const keepAliveMarginMs = 1000;

function keepAliveOf(value: string): number {
  const seconds = /(?:^|[,;\s])timeout\s*=\s*"?(\d{1,9})/i.exec(value)?.[1];
  return seconds === undefined ? Infinity : Number(seconds) * 1000 - keepAliveMarginMs;
}
