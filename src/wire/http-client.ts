/**
 * The client role of the wire: requests to one host, over as many connections as it takes.
 *
 * `open` never fails at once: every failure, the refusal of a full queue included, arrives at the sink, exactly once, as `onError`.
 */
import type { Closable } from "../core/close-stack.ts";
import type { WireError } from "./wire-error.ts";

/**
 * The part of a request that repeats from call to call. Make one per method and keep it: the engine caches its encoded form by identity.
 */
export interface RequestTemplate {
  readonly method: string;
  readonly scheme: "http" | "https";
  readonly authority: string;
  readonly path: string;
  /** Fixed header fields as a flat list in lower case: content-type, te... */
  readonly headers: readonly string[];
}

/** Receives one response. Calls come in order: onHead, onData*, then onEnd or onError; onError may come at any time and is the last. */
export interface ResponseSink {
  /** `headers`: flat list without pseudo fields; may be shared between responses (cached block), so never written to. */
  onHead(status: number, headers: readonly string[]): void;
  /** The chunk belongs to the sink. It counts against flow control until `ClientStream.consumed` gives it back. */
  onData(chunk: Uint8Array): void;
  /** The response is complete. `trailers` as `headers`; undefined when there were none. */
  onEnd(trailers: readonly string[] | undefined): void;
  onError(error: WireError): void;
}

export interface ClientStream {
  /** Sends request body bytes, copied before this returns; `prefix` goes before them in the same frame. False: wait for `onDrain`. */
  write(chunk: Uint8Array, end: boolean, prefix?: Uint8Array): boolean;
  /** Ends the request body without more bytes. */
  end(): void;
  /** Called once after each `write` that returned false, when there is room again. */
  onDrain: (() => void) | undefined;
  /** Gives flow-control credit for `sizeBytes` of response data back to the peer. */
  consumed(sizeBytes: number): void;
  /** Resets the stream; the sink hears nothing more. */
  cancel(): void;
}

export type ClientState = "idle" | "connecting" | "ready" | "backing-off" | "closed";

export interface HttpClient extends Closable {
  /**
   * Starts a request. `headers` and `more` are flat lists in lower case that follow the template's; a list that comes again by identity is
   * found encoded. The request body follows by `write`/`end`, and must be ended.
   * @param deadlineMs monotonic; a request still waiting for a connection or a stream then fails with kind "timeout", unprocessed.
   */
  open(
    template: RequestTemplate,
    headers: readonly string[],
    more: readonly string[],
    sink: ResponseSink,
    deadlineMs: number,
  ): ClientStream;
  readonly state: ClientState;
  /** Active and waiting streams, for balancing, caps and metrics. */
  readonly activeStreams: number;
  readonly pendingStreams: number;
  /** Finishes what is under way, takes no more, closes within `graceMs`. */
  drain(graceMs: number): Promise<void>;
}
