/**
 * Asking a server to switch protocols (RFC 9110, section 7.8): what an HTTP/1.1 client can do besides requests.
 *
 * The trap: a connection that was given away is nobody's but the sink's. The client neither counts nor drains nor closes it any more.
 */
import type { ByteChannel } from "./byte-channel.ts";
import type { ClientStream, HttpClient, RequestTemplate, ResponseSink } from "./http-client.ts";

/** A connection that has left HTTP. It is paused. */
export interface SwitchedConnection {
  readonly channel: ByteChannel;
  /** What the server sent behind its answer already; empty when nothing. */
  readonly first: Uint8Array;
}

/** Hears either of the switch, as its only and last call, or of an ordinary response, which is the server's refusal. */
export interface UpgradeSink extends ResponseSink {
  /**
   * The server has answered 101 with the protocol that was asked for. `channel.listen` must be called before this returns: it starts reading
   * again, and what becomes of the connection from here on is told to that listener.
   * @param headers end-to-end fields of the 101, without `connection` and `upgrade`
   */
  onSwitch(headers: readonly string[], connection: SwitchedConnection): void;
}

export interface UpgradingClient extends HttpClient {
  /**
   * Sends a request without a body that asks for `protocol`; `connection` and `upgrade` are added. Otherwise as `open`: lists in lower case,
   * failures to `sink.onError`. It is never sent twice.
   * @returns the stream: for `consumed` and `cancel`; there is nothing to write
   */
  upgrade(
    template: RequestTemplate,
    headers: readonly string[],
    more: readonly string[],
    protocol: string,
    sink: UpgradeSink,
    deadlineMs: number,
  ): ClientStream;
}
