/** HTTP/1.1 on an accepted channel (RFC 9112): the entry to this folder. docs/mechanisms/http1.md says how it works. */
import type { ByteChannel } from "../byte-channel.ts";
import { Http1Connection, type Http1Options } from "./http1-connection.ts";

export interface Http1Server {
  /** Lets what is under way end, with `connection: close`, and closes; by force after `graceMs`. Settles when the connection is gone. */
  drain(graceMs: number): Promise<void>;
  destroy(): void;
  readonly activeExchanges: number;
}

/**
 * Serves `channel` until it closes.
 * @param first what has been read from it already
 */
export function serveHttp1(channel: ByteChannel, first: Uint8Array, options: Http1Options): Http1Server {
  const connection = new Http1Connection(channel, options);
  channel.listen(connection);
  if (first.length > 0) connection.onBytes(first);
  return connection;
}
