/**
 * What a protocol is: an inbound side that turns an exchange into a Call and a Reply into an answer, and an outbound side that is a Handler.
 *
 * `decode`, `encode` and `reject` are the only places that know the protocol's own headers; nothing downstream ever sees one.
 */
import type { Call } from "../core/call.ts";
import type { CallError } from "../core/call-error.ts";
import type { Closable } from "../core/close-stack.ts";
import type { Handler } from "../core/handler.ts";
import type { Reply } from "../core/reply.ts";
import type { Status } from "../core/status.ts";
import type { MethodDescriptor } from "../schema/descriptor.ts";
import type { MethodTable } from "../schema/method-table.ts";
import type { Exchange, RequestHead } from "../wire/exchange.ts";

/** What inbound sides need to know of the service behind: immutable, replaced as a whole when the schema changes. */
export interface Catalogue {
  /** Undefined while no schema has been loaded. */
  readonly table: MethodTable | undefined;
  /** Methods that the proxy answers itself; asked for those that the table does not have. */
  readonly own?: MethodTable | undefined;
  /** Largest message a unary call may carry, in bytes. */
  readonly messageBytes: number;
  /** Errors of our own go out with code and message alone, without the details that name their reason. */
  readonly plainErrors?: boolean | undefined;
  /** A POST may name the method that is meant in X-HTTP-Method-Override. */
  readonly methodOverride?: boolean | undefined;
  /** The service speaks plain HTTP: what no schema describes is passed on to it as it is. */
  readonly plainHttp?: boolean | undefined;
  /** Largest body that is passed on so, in bytes. */
  readonly bodyBytes?: number | undefined;
  /** Defaults hold without it. */
  readonly websocket?: WebSocketSettings | undefined;
}

export interface WebSocketSettings {
  /** Origins whose pages may connect, besides those of the same host: "https://app.example", "https://*.example", "*". */
  readonly origins: readonly string[];
  /** Largest message a client may send, as it is after decompression. */
  readonly messageBytes: number;
  /** permessage-deflate for clients that offer it. */
  readonly compression: boolean;
  /** How long a client may be silent before it is asked whether it is there. */
  readonly pingMs: number;
  /** Longest time without a message in either direction. */
  readonly idleMs: number;
}

/** The method at "/pkg.Service/Method", the service's or the proxy's own. */
export function methodAt({ table, own }: Catalogue, path: string): MethodDescriptor | undefined {
  return table?.byPath(path) ?? own?.byPath(path);
}

export interface Inbound {
  /** Folder name, metric label, `Caller.protocol`. */
  readonly kind: string;
  /**
   * Looks at the head alone (plain HTTP: at what is known of its path too). The first inbound of the list that accepts gets the exchange.
   * @param contentType the head's, read once for all who ask; "" without one
   */
  accepts(head: RequestHead, contentType: string, catalogue?: Catalogue): boolean;
  /** At once where the whole request is there, else when it is. @throws CallError */
  decode(x: Exchange, catalogue: Catalogue): Call | Promise<Call>;
  /** Writes the answer and says how the call ended. Never throws: what fails here is the returned status. */
  encode(reply: Reply, call: Call, x: Exchange, catalogue: Catalogue): Status | Promise<Status>;
  /** Answers with an error, before anything else was written. */
  reject(error: CallError, x: Exchange, catalogue: Catalogue): void;
}

export interface Outbound extends Closable {
  readonly send: Handler;
}
