/** What an HTTP/1.1 exchange can do besides: give the connection away. A protocol that takes upgrades asks with {@link isUpgradable}. */
import type { ByteChannel } from "../byte-channel.ts";
import type { Exchange } from "../exchange.ts";

/** What serves a connection that has left HTTP; the listener tells it when it drains and when it closes. */
export interface Successor {
  /** Settles when the connection is gone, which it is after `graceMs`. */
  drain(graceMs: number): Promise<void>;
  destroy(): void;
}

export interface RawConnection {
  readonly channel: ByteChannel;
  /** What the client sent behind the request already. */
  readonly first: Uint8Array;
  /** Without a successor a listener that drains would wait for the connection for ever. */
  handOver(successor: Successor): void;
}

export interface Upgradable extends Exchange {
  /**
   * Answers 101 with `headers` (connection and upgrade are added) and gives the connection away: whoever takes it must call
   * `channel.listen` at once, which also starts reading again.
   * @returns undefined when the client did not ask, has gone, or has been answered.
   */
  switchProtocols(headers: readonly string[]): RawConnection | undefined;
}

export function isUpgradable(exchange: Exchange): exchange is Upgradable {
  return "switchProtocols" in exchange;
}
