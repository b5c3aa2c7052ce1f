/** Serves HTTP/2 on an accepted connection: the server role of the engine behind three methods. */
import type { Clock } from "../../core/clock.ts";
import type { ByteChannel } from "../byte-channel.ts";
import type { ExchangeHandler } from "../exchange.ts";
import type { WireLimits } from "../limits.ts";
import { ServerConnection } from "./server-connection.ts";

export interface ServeHttp2Options {
  readonly limits: WireLimits;
  readonly handler: ExchangeHandler;
  readonly clock: Clock;
  readonly scheme: "http" | "https";
  /** Tests only: overwrites each read after it was parsed. */
  readonly poisonReadBuffers?: boolean;
}

export interface ServedHttp2 {
  /** Takes no new streams, lets the others end; settles when the connection is closed, by force after `graceMs`. */
  drain(graceMs: number): Promise<void>;
  destroy(): void;
  readonly activeStreams: number;
}

/** @param first what has been read already: the preface, or its beginning. */
export function serveHttp2(channel: ByteChannel, first: Uint8Array, options: ServeHttp2Options): ServedHttp2 {
  const connection = new ServerConnection(channel, options);
  if (first.length > 0) connection.onBytes(first);
  return connection;
}
